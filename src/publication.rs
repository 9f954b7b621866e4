//! What a run publishes: a commit status, a check run and a comment through GitHub's API; outputs, annotations and the
//! job summary of a step of GitHub Actions. A refusal never changes an exit code.

pub(crate) mod channels;
pub(crate) mod report_annotations;
pub mod step_files;
pub mod step_outputs;
pub(crate) mod target;
mod tested_commit;

use std::path::Path;

use crate::{
    ci::{
        Ci,
        github::{Channel, GitHubPatience},
    },
    config::environment::Environment,
    exit_code::Conclusion,
    model::record::Checkout,
    report::PlanReport,
};

/// Which channels are set, and under which names.
#[derive(Clone, Debug)]
pub(crate) struct PublicationSettings {
    pub(crate) channels: Vec<Channel>,
    /// Identifies the commit status, and the comment.
    pub(crate) status_context: String,
    pub(crate) check_name: String,
    /// Publish on this commit, whatever was tested.
    pub(crate) report_commit: Option<String>,
}

/// What is published, and how long GitHub may take.
#[derive(Debug)]
pub(crate) struct Publication<'a> {
    pub(crate) settings: &'a PublicationSettings,
    pub(crate) progress: PlanProgress<'a>,
    /// Whether another job may have set the status to pending, which must not stay.
    pub(crate) began_elsewhere: bool,
    /// How the command ends, which may differ from the report: its files may not be written.
    pub(crate) conclusion: Conclusion,
    pub(crate) patience: GitHubPatience,
    /// The address of the plan's page for people, if it has one.
    pub(crate) plan_page: Option<String>,
}

/// How far a plan is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PlanProgress<'a> {
    /// Running, with a headline. Replaces what an earlier run left on the commit.
    Started(&'a str),
    Report(&'a PlanReport),
    /// Ended before there was a report.
    NoReport,
}

impl<'a> From<Option<&'a PlanReport>> for PlanProgress<'a> {
    fn from(report: Option<&'a PlanReport>) -> Self {
        report.map_or(Self::NoReport, Self::Report)
    }
}

/// Where the command runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublishContext<'a> {
    pub(crate) ci: &'a Ci,
    pub(crate) environment: &'a Environment,
    /// Whether testplan runs as the action.
    pub(crate) is_action: bool,
    /// The checkout that tests run in.
    pub(crate) checkout: Option<&'a Checkout>,
    /// The folder that annotations are relative to.
    pub(crate) workspace: Option<&'a Path>,
}

/// What `publish` reports while it works.
#[derive(Debug)]
pub(crate) enum PublishEvent {
    /// A channel was set.
    Set(String),
    /// Channels were not set.
    NotSet {
        /// Heading of the annotation.
        heading: &'static str,
        line: String,
        /// Whether the report has the line among its warnings.
        in_report: bool,
    },
    /// A pending status of an earlier job stays.
    PendingStays(String),
}
