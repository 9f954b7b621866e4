//! Warnings about what was not set: each cause once, with one thing to do.

use super::{
    address::Address,
    channel::Channel,
    publish_error::{NetworkFailure, PublishError},
};
use crate::ci::ReadOnly;

/// One line for each cause.
pub fn notices(
    address: &Address,
    failed: &[(Channel, PublishError)],
    read_only: Option<ReadOnly>,
) -> Vec<String> {
    let mut causes: Vec<(&PublishError, Vec<Channel>)> = Vec::new();
    for (channel, why) in failed {
        match causes.iter_mut().find(|(other, _)| is_same(other, why)) {
            Some((_, channels)) if channels.contains(channel) => {}
            Some((_, channels)) => channels.push(*channel),
            None => causes.push((why, vec![*channel])),
        }
    }
    let line = |(why, channels): &(&PublishError, Vec<Channel>)| {
        let cure = cure(why, channels, read_only);
        format!(
            "{} not set: {why} for {address}: {cure}",
            joined(channels, Channel::to_string)
        )
    };
    causes.iter().map(line).collect()
}

/// Whether both have the same cause; details of the network do not count.
fn is_same(one: &PublishError, other: &PublishError) -> bool {
    match (one, other) {
        (
            PublishError::Unreachable { failure: one, .. },
            PublishError::Unreachable { failure: other, .. },
        ) => one == other,
        (
            PublishError::Refused {
                code,
                message,
                is_limit,
                ..
            },
            PublishError::Refused {
                code: other_code,
                message: other_message,
                is_limit: other_limit,
                ..
            },
        ) => {
            (*is_limit && *other_limit)
                || (code == other_code
                    && is_limit == other_limit
                    && (*code >= 500 || message == other_message))
        }
        _ => one == other,
    }
}

fn joined(channels: &[Channel], text: impl Fn(&Channel) -> String) -> String {
    let texts: Vec<String> = channels.iter().map(text).collect();
    match texts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => texts.concat(),
    }
}

/// The likely reason and one thing to do.
pub fn cure(why: &PublishError, channels: &[Channel], read_only: Option<ReadOnly>) -> String {
    let fixed = match why {
        PublishError::BadToken => "set GITHUB_TOKEN to the token alone, as ${{ github.token }}",
        PublishError::BadCommit => "pass --report-commit with the whole hash",
        PublishError::Unreachable { failure, .. } => match failure {
            NetworkFailure::Setup => "check the certificates of this machine and its HTTPS_PROXY",
            NetworkFailure::Connection => {
                "check GITHUB_API_URL, the network, HTTPS_PROXY and NO_PROXY"
            }
            NetworkFailure::ConnectTimeout => {
                "a firewall may drop it; set HTTPS_PROXY if a proxy is needed"
            }
            NetworkFailure::Certificate => {
                "add its authority to the certificates that this machine trusts, or name its file in SSL_CERT_FILE"
            }
            NetworkFailure::NotTls => "set GITHUB_API_URL to the API's https:// base",
            NetworkFailure::Lost => "GitHub or the network failed; run the job again later",
        },
        PublishError::Timeout => "GitHub failed; run the job again later",
        PublishError::Unexpected { .. } => {
            "GITHUB_API_URL is not the base of GitHub's API, or something in between answers; set it as \
             ${{ github.api_url }}"
        }
        PublishError::TooManyComments { .. } => {
            "delete some of them, or read the job's summary instead"
        }
        PublishError::Refused {
            code,
            message,
            wait,
            is_limit,
        } => {
            return if *is_limit {
                let wait = wait.map(|wait| wait.as_secs().div_ceil(60));
                let when = wait.map_or("later".to_owned(), |wait| format!("in {wait} min"));
                format!("the token has reached GitHub's rate limit; run the job again {when}")
            } else {
                refused(*code, message, channels, read_only)
            };
        }
    };
    fixed.to_owned()
}

fn refused(code: u16, message: &str, channels: &[Channel], read_only: Option<ReadOnly>) -> String {
    let permissions = joined(channels, |channel| format!("`{}`", channel.permission()));
    let fixed = match code {
        401 => {
            "the token is expired, revoked or of another GitHub; set GITHUB_TOKEN to ${{ github.token }}"
        }
        403 if message.contains("locked") || message.contains("archived") => {
            "unlock the conversation or the repository"
        }
        403 => {
            return match read_only {
                Some(ReadOnly::Fork) => format!(
                    "{}; report from a workflow that `on: workflow_run` starts after this one, with the records \
                     as an artifact",
                    ReadOnly::Fork
                ),
                Some(ReadOnly::Dependabot) => format!(
                    "{}; grant the job {permissions} below `permissions:`",
                    ReadOnly::Dependabot
                ),
                None => format!(
                    "the token lacks a permission; grant the job {permissions} below `permissions:`"
                ),
            };
        }
        404 => {
            return format!(
                "the repository is wrong or the token has no access; check GITHUB_REPOSITORY, GITHUB_API_URL and \
                 {permissions} below `permissions:`"
            );
        }
        410 => "it is disabled or deleted; enable it in the settings of the repository",
        422 if channels == [Channel::Comment] => {
            "GitHub takes no such comment; read the job's summary instead"
        }
        422 => {
            "the commit is not in this repository, or a name or context is invalid; check GITHUB_REPOSITORY, \
             --report-commit and the name or context"
        }
        300..=399 => {
            "the repository was renamed, or GITHUB_API_URL is not the base of an API; set both as they are now"
        }
        500.. => "GitHub failed; run the job again later",
        _ => "check GITHUB_API_URL and GITHUB_REPOSITORY",
    };
    fixed.to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn refused_with(code: u16, message: &str, is_limit: bool) -> PublishError {
        PublishError::Refused {
            code,
            message: message.to_owned(),
            wait: is_limit.then_some(Duration::from_secs(601)),
            is_limit,
        }
    }

    fn lines(failed: &[(Channel, PublishError)], read_only: Option<ReadOnly>) -> Vec<String> {
        let address = Address::new("https://api.github.com", "o/r").unwrap();
        notices(&address, failed, read_only)
    }

    #[test]
    fn each_cause_is_one_line() {
        let lacking = || refused_with(403, "Resource not accessible by integration", false);
        let all = [
            (Channel::Status, lacking()),
            (Channel::CheckRun, lacking()),
            (Channel::Comment, lacking()),
            (Channel::Comment, lacking()),
        ];
        assert_eq!(
            lines(&all, None),
            [
                "commit status, check run and comment not set: GitHub refused it (403: Resource not accessible by \
                 integration) for o/r: the token lacks a permission; grant the job `statuses: write`, \
                 `checks: write` and `pull-requests: write` below `permissions:`"
            ]
        );
        let [fork] = &lines(&all, Some(ReadOnly::Fork))[..] else {
            panic!("one line");
        };
        assert!(
            fork.contains("fork") && fork.contains("workflow_run"),
            "{fork}"
        );
        assert!(!fork.contains("grant"), "{fork}");
        let [bot] = &lines(&all[1..2], Some(ReadOnly::Dependabot))[..] else {
            panic!("one line");
        };
        assert!(
            bot.contains("Dependabot") && bot.contains("`checks: write`"),
            "{bot}"
        );
    }

    #[test]
    fn different_causes_are_different_lines() {
        let lost = |cause: &str, failure| PublishError::Unreachable {
            cause: cause.to_owned(),
            failure,
        };
        let table = [
            (
                lost("a", NetworkFailure::Lost),
                lost("b", NetworkFailure::Lost),
                1,
            ),
            (
                lost("a", NetworkFailure::Lost),
                lost("a", NetworkFailure::Certificate),
                2,
            ),
            (PublishError::Timeout, PublishError::Timeout, 1),
            (PublishError::Timeout, lost("a", NetworkFailure::Lost), 2),
            (
                refused_with(502, "x", false),
                refused_with(502, "y", false),
                1,
            ),
            (
                refused_with(502, "", false),
                refused_with(500, "", false),
                2,
            ),
            (
                refused_with(422, "x", false),
                refused_with(422, "y", false),
                2,
            ),
            (
                refused_with(429, "x", true),
                refused_with(403, "y", true),
                1,
            ),
            (
                refused_with(403, "x", true),
                refused_with(403, "x", false),
                2,
            ),
        ];
        for (one, other, expected) in table {
            let found = lines(&[(Channel::Status, one), (Channel::Comment, other)], None);
            assert_eq!(found.len(), expected, "{found:?}");
        }
        assert!(lines(&[], None).is_empty());
    }

    #[test]
    fn rate_limit_names_the_time_to_wait() {
        let [line] = &lines(
            &[(Channel::Status, refused_with(429, "slow down", true))],
            None,
        )[..] else {
            panic!("one line");
        };
        assert!(line.ends_with("run the job again in 11 min"), "{line}");
    }
}
