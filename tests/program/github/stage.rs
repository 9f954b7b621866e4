//! One of each call, ready to be made.

use std::time::Duration;

use secrecy::SecretString;
use testplan::ci::github::{
    Address, Channel, CheckAnnotation, CheckAnnotationLevel, CheckConclusion, CheckRun, CheckState,
    CommitStatus, GitHub, GitHubPatience, PublishError, StatusState,
};

use crate::support::{Answer, HttpRequest};

pub(crate) const SHA: &str = "11c02e5a9f0b11c02e5a9f0b11c02e5a9f0b1234";
/// Looks like no other text.
pub(crate) const TOKEN: &str = "ghs_CanaryCanaryCanary0123456789";
pub(crate) const PULL: u64 = 1347;

/// Long enough for three tries with their pauses.
pub(crate) const BRIEF: GitHubPatience = GitHubPatience {
    request: Duration::from_millis(1500),
    total: Duration::from_secs(5),
};

/// A way to the API at this base.
pub(crate) fn github(api: &str, patience: GitHubPatience) -> GitHub {
    testplan::client::install_tls_provider();
    let address = Address::new(api, "octo-org/app").unwrap();
    GitHub::new(&address, &SecretString::from(TOKEN), patience).unwrap()
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Status,
    CheckRun,
    Comment,
    PullRequestOf,
}

impl Call {
    pub(crate) const ALL: [Self; 4] = [
        Self::Status,
        Self::CheckRun,
        Self::Comment,
        Self::PullRequestOf,
    ];

    pub(crate) fn ask(self) -> Channel {
        match self {
            Self::Status => Channel::Status,
            Self::CheckRun => Channel::CheckRun,
            Self::Comment | Self::PullRequestOf => Channel::Comment,
        }
    }

    pub(crate) async fn make(self, github: &GitHub) -> Result<(), PublishError> {
        match self {
            Self::Status => github.set_status(SHA, &status()).await,
            Self::CheckRun => github.put_check_run(SHA, &check_run(0)).await,
            Self::Comment => github.put_comment(PULL, "gui", "1 failed").await,
            Self::PullRequestOf => github.pull_request_of(SHA).await.map(drop),
        }
    }
}

/// Refuses and repeats every header of the request in its words.
pub(crate) fn echo(request: &HttpRequest) -> Answer {
    let headers: Vec<&str> = request.head.lines().skip(1).collect();
    Answer::json(403, serde_json::json!({ "message": headers.join(" ") }))
}

pub(crate) fn status() -> CommitStatus {
    CommitStatus {
        state: StatusState::Pending,
        context: "gui".to_owned(),
        description: "running".to_owned(),
        target_url: None,
    }
}

/// A check run with so many annotations.
pub(crate) fn check_run(annotations: u32) -> CheckRun {
    let annotation = |line| CheckAnnotation {
        path: "suite_a/tst_b/test.py".to_owned(),
        start_line: line,
        end_line: line,
        level: CheckAnnotationLevel::Failure,
        title: Some("failed".to_owned()),
        message: format!("number {line}"),
        raw_details: None,
    };
    CheckRun {
        name: "gui / nightly & more".to_owned(),
        external_id: "105/77.1".to_owned(),
        state: CheckState::Completed(CheckConclusion::Failure),
        title: "1 failed".to_owned(),
        summary: "| a |".to_owned(),
        text: None,
        annotations: (1..=annotations).map(annotation).collect(),
    }
}
