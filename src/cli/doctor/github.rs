//! What GitHub would be told, and whether it would let us. Only reads; whatever it refuses is a warning, as in a run.

use std::time::Duration;

use super::finding::{Finding, Group};
use crate::{
    ci::{
        Ci, ReadOnly,
        github::{self, Address, Channel, Owner, Patience, PublishError, Repository},
    },
    cli::{
        args::{CommentArgs, GitHubArgs},
        context::checked_out,
    },
    client,
    config::environment::Environment,
    publication,
    text::short_commit,
};

const GROUP: Group = Group::GitHub;
/// How long GitHub is waited for.
const PATIENCE: Patience = Patience {
    request: Duration::from_secs(5),
    total: Duration::from_secs(9),
};

/// What was seen of GitHub.
#[derive(Debug)]
pub struct Seen {
    /// What would be told.
    pub channels: Vec<Channel>,
    /// Whether there is a token.
    pub has_token: bool,
    /// The repository, or what is missing to speak to it.
    pub target: Result<Target, String>,
}

/// A repository that was spoken to.
#[derive(Debug)]
pub struct Target {
    /// Where it is.
    pub address: Address,
    /// The commit that would be told of.
    pub commit: String,
    /// Whose token it is.
    pub owner: Owner,
    /// Why the token most likely may only read.
    pub read_only: Option<ReadOnly>,
    /// The repository as the token sees it.
    pub repository: Result<Repository, PublishError>,
    /// Whether each can be read.
    pub readable: Vec<(Channel, Result<(), PublishError>)>,
}

/// Looks at what would be told: by flags, and in GitHub Actions a commit status unless flags say otherwise.
pub async fn look(args: &GitHubArgs, comment: CommentArgs, environment: &Environment) -> Seen {
    let check_run = args.check_run.unwrap_or_default();
    let by_default = environment.is_github_actions() && !check_run;
    let channels = [
        (Channel::Status, args.commit_status.unwrap_or(by_default)),
        (Channel::CheckRun, check_run),
        (Channel::Comment, comment.pr_comment.unwrap_or_default()),
    ];
    let channels: Vec<Channel> = channels
        .into_iter()
        .filter_map(|(channel, is_asked)| is_asked.then_some(channel))
        .collect();
    let has_token = environment.get("GITHUB_TOKEN").is_some();
    let target = if channels.is_empty() {
        Err("nothing would be told".to_owned())
    } else {
        speak(args, &channels, environment).await
    };
    Seen {
        channels,
        has_token,
        target,
    }
}

async fn speak(
    args: &GitHubArgs,
    channels: &[Channel],
    environment: &Environment,
) -> Result<Target, String> {
    let ci = checked_out(environment, &[]).0;
    let target =
        publication::target::Target::find(args.report_commit.as_ref(), environment, &ci, false)?;
    client::install_tls_provider();
    let github = target.connect(PATIENCE).map_err(|why| why.to_string())?;
    let (address, commit) = (target.address, target.commit);
    let Ci {
        pull_request,
        read_only,
        ..
    } = ci;
    let reads = channels.iter().map(async |channel| {
        let read = github.may_read(*channel, Some(&commit), pull_request).await;
        (*channel, read)
    });
    let (repository, readable) =
        futures_util::future::join(github.repository(), futures_util::future::join_all(reads))
            .await;
    Ok(Target {
        owner: github.owner(),
        address,
        read_only,
        repository,
        readable,
        commit,
    })
}

/// Whether GitHub could be told.
pub fn judge(seen: &Seen) -> Vec<Finding> {
    if seen.channels.is_empty() {
        let text = if seen.has_token {
            "a token is there, and nothing would be told: --commit-status, --check-run or --pr-comment do"
        } else {
            "nothing would be told: --commit-status, --check-run or --pr-comment do"
        };
        return vec![Finding::not_checked(GROUP, "repository", text)];
    }
    let target = match &seen.target {
        Ok(target) => target,
        Err(why) => {
            // Says what to do at its end.
            let (what, cure) = why
                .rsplit_once("; ")
                .unwrap_or((why, "set GITHUB_TOKEN and GITHUB_REPOSITORY"));
            return vec![Finding::warning(GROUP, "repository", what, cure)];
        }
    };
    let mut findings = vec![repository(target, &seen.channels)];
    if target.repository.is_ok() {
        let each = target.readable.iter();
        findings.extend(each.map(|(channel, read)| permission(target, *channel, read)));
    }
    findings
}

fn repository(target: &Target, channels: &[Channel]) -> Finding {
    const ID: &str = "repository";
    let address = &target.address;
    match &target.repository {
        Err(why) => Finding::warning(
            GROUP,
            ID,
            format!("{address}: {why}"),
            github::cure(why, channels, target.read_only),
        ),
        Ok(repository) if repository.is_archived => Finding::warning(
            GROUP,
            ID,
            format!("{address} is archived: nothing can be set there"),
            "unarchive it, or leave the flags out",
        ),
        Ok(_) => {
            let commit = short_commit(&target.commit);
            Finding::ok(GROUP, ID, format!("{address} at commit {commit}"))
        }
    }
}

fn permission(target: &Target, channel: Channel, read: &Result<(), PublishError>) -> Finding {
    let id = match channel {
        Channel::Status => "status",
        Channel::CheckRun => "check-run",
        Channel::Comment => "comment",
    };
    if let Err(why) = read {
        return Finding::warning(
            GROUP,
            id,
            format!("a {channel} cannot even be read: {why}"),
            github::cure(why, &[channel], target.read_only),
        );
    }
    let needs = channel.permission();
    if let Some(read_only) = target.read_only {
        let refusal = PublishError::Refused {
            code: 403,
            message: String::new(),
            wait: None,
            is_limit: false,
        };
        return Finding::warning(
            GROUP,
            id,
            format!("a {channel} will most likely be refused: {read_only}"),
            github::cure(&refusal, &[channel], target.read_only),
        );
    }
    let is_person = matches!(target.owner, Owner::Classic | Owner::FineGrained);
    if channel == Channel::CheckRun && is_person {
        return Finding::warning(
            GROUP,
            id,
            "a check run is for apps alone, and GITHUB_TOKEN is a person's token",
            "use the job's own token, ${{ github.token }}, or --commit-status in its place",
        );
    }
    let seen = target.repository.as_ref().ok();
    let scopes = seen.and_then(|seen| seen.scopes.as_ref());
    if let Some(scopes) = scopes.filter(|scopes| !is_granted(channel, scopes)) {
        return Finding::warning(
            GROUP,
            id,
            format!(
                "the token has no scope for a {channel}: it has {}",
                named(scopes)
            ),
            "give it the scope repo, or use the job's own token, ${{ github.token }}",
        );
    }
    if is_person && channel == Channel::Status && seen.and_then(|seen| seen.may_push) == Some(false)
    {
        return Finding::warning(
            GROUP,
            id,
            "who the token is of may not push, and a commit status takes that",
            "use the token of somebody who may, or the job's own, ${{ github.token }}",
        );
    }
    Finding::ok(
        GROUP,
        id,
        format!("a {channel} can be read; whether it can be set (`{needs}`) shows only then"),
    )
}

fn is_granted(channel: Channel, scopes: &[String]) -> bool {
    let enough: &[&str] = match channel {
        Channel::Status => &["repo", "repo:status", "public_repo"],
        Channel::CheckRun | Channel::Comment => &["repo", "public_repo"],
    };
    scopes.iter().any(|scope| enough.contains(&scope.as_str()))
}

fn named(scopes: &[String]) -> String {
    if scopes.is_empty() {
        "none".to_owned()
    } else {
        scopes.join(", ")
    }
}
