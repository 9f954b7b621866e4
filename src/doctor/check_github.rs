//! Checks whether GitHub would accept what is published. A refusal is a warning, as in a run.

use super::{
    finding::{Finding, not_checked, ok, warning},
    observe::{
        Observations,
        github_access::{GitHubAccess, RepositoryAccess},
    },
};
use crate::{
    ci::github::{self, Channel, GitHubRepository, Owner, PublishError},
    text::short_commit,
};

pub(super) fn repository(observations: &Observations<'_>) -> Option<Finding> {
    let access = &observations.github;
    if access.channels.is_empty() {
        return Some(nothing_published(access));
    }
    let target = match &access.target {
        Ok(target) => target,
        Err(why) => {
            // What to do stands at the end.
            let (what, cure) = why
                .rsplit_once("; ")
                .unwrap_or((why, "set GITHUB_TOKEN and GITHUB_REPOSITORY"));
            return Some(warning(what, cure));
        }
    };
    let address = &target.address;
    Some(match &target.repository {
        Err(why) => warning(
            format!("{address}: {why}"),
            github::cure(why, &access.channels, target.read_only),
        ),
        Ok(repository) if repository.is_archived => warning(
            format!("{address} is archived: nothing can be set there"),
            "unarchive it, or omit the flags",
        ),
        Ok(_) => ok(format!(
            "{address} at commit {}",
            short_commit(&target.commit)
        )),
    })
}

fn nothing_published(access: &GitHubAccess) -> Finding {
    let flags = "nothing would be published without --commit-status, --check-run or --pr-comment";
    not_checked(if access.has_token {
        format!("a token is there, but {flags}")
    } else {
        flags.to_owned()
    })
}

pub(super) fn status(observations: &Observations<'_>) -> Option<Finding> {
    channel_permission(observations, Channel::Status)
}

pub(super) fn check_run(observations: &Observations<'_>) -> Option<Finding> {
    channel_permission(observations, Channel::CheckRun)
}

pub(super) fn comment(observations: &Observations<'_>) -> Option<Finding> {
    channel_permission(observations, Channel::Comment)
}

/// Checks a channel of a repository that can be reached.
fn channel_permission(observations: &Observations<'_>, channel: Channel) -> Option<Finding> {
    let target = observations.github.target.as_ref().ok()?;
    let repository = target.repository.as_ref().ok()?;
    let (_, read) = target.readable.iter().find(|(it, _)| *it == channel)?;
    Some(permission(target, repository, channel, read))
}

fn permission(
    target: &RepositoryAccess,
    repository: &GitHubRepository,
    channel: Channel,
    read: &Result<(), PublishError>,
) -> Finding {
    if let Err(why) = read {
        return warning(
            format!("a {channel} cannot even be read: {why}"),
            github::cure(why, &[channel], target.read_only),
        );
    }
    if let Some(read_only) = target.read_only {
        let refusal = PublishError::Refused {
            code: 403,
            message: String::new(),
            wait: None,
            is_limit: false,
        };
        return warning(
            format!("a {channel} will probably be refused: {read_only}"),
            github::cure(&refusal, &[channel], target.read_only),
        );
    }
    let is_person = matches!(target.owner, Owner::Classic | Owner::FineGrained);
    if channel == Channel::CheckRun && is_person {
        return warning(
            "only apps can make a check run, and GITHUB_TOKEN is a person's token",
            "use the job's own token, ${{ github.token }}, or --commit-status instead",
        );
    }
    if let Some(scopes) = repository
        .scopes
        .as_ref()
        .filter(|scopes| !is_granted(channel, scopes))
    {
        let has = if scopes.is_empty() {
            "none".to_owned()
        } else {
            scopes.join(", ")
        };
        return warning(
            format!("the token has no scope for a {channel}: it has {has}"),
            "give it the scope repo, or use the job's own token, ${{ github.token }}",
        );
    }
    if is_person && channel == Channel::Status && repository.may_push == Some(false) {
        return warning(
            "the owner of the token may not push, which a commit status requires",
            "use the token of a person who may push, or the job's own, ${{ github.token }}",
        );
    }
    let needs = channel.permission();
    let text =
        format!("a {channel} can be read; only a write shows whether it can be set (`{needs}`)");
    ok(text)
}

fn is_granted(channel: Channel, scopes: &[String]) -> bool {
    let enough: &[&str] = match channel {
        Channel::Status => &["repo", "repo:status", "public_repo"],
        Channel::CheckRun | Channel::Comment => &["repo", "public_repo"],
    };
    scopes.iter().any(|scope| enough.contains(&scope.as_str()))
}
