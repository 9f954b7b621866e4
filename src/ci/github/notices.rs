//! What people read of what was not set: each cause once, with one thing to do.

use std::fmt;

use super::{Address, PublishError, Trouble};
use crate::ci::ReadOnly;

/// What GitHub was to be told with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A commit status.
    Status,
    /// A check run.
    CheckRun,
    /// A comment on the pull request.
    Comment,
}

impl Channel {
    /// What a job has to be granted for it, below `permissions:`.
    pub fn permission(self) -> &'static str {
        match self {
            Self::Status => "statuses: write",
            Self::CheckRun => "checks: write",
            Self::Comment => "pull-requests: write",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "commit status",
            Self::CheckRun => "check run",
            Self::Comment => "comment",
        })
    }
}

/// The fewest lines that tell of all that was not set: one for each cause, with the first one's words.
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

/// Whether both have one cause. What the network says differs in details that nobody needs.
fn is_same(one: &PublishError, other: &PublishError) -> bool {
    match (one, other) {
        (
            PublishError::Unreachable { trouble: one, .. },
            PublishError::Unreachable { trouble: other, .. },
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

/// Why likely, and one thing to do.
pub fn cure(why: &PublishError, channels: &[Channel], read_only: Option<ReadOnly>) -> String {
    let fixed = match why {
        PublishError::BadToken => "set GITHUB_TOKEN to the token alone, as ${{ github.token }}",
        PublishError::BadCommit => "pass --report-commit with the whole hash",
        PublishError::Unreachable { trouble, .. } => match trouble {
            Trouble::Setup => "check the certificates of this machine and its HTTPS_PROXY",
            Trouble::Connection => "check GITHUB_API_URL, the network, HTTPS_PROXY and NO_PROXY",
            Trouble::Away => "a firewall drops it; set HTTPS_PROXY where only a proxy leads out",
            Trouble::Certificate => {
                "add its authority to the certificates that this machine trusts, or name its file in SSL_CERT_FILE"
            }
            Trouble::NotTls => "set GITHUB_API_URL to the API's https:// base",
            Trouble::Lost => "the trouble is GitHub's or the network's; run the job again later",
        },
        PublishError::Silent => "the trouble is GitHub's own; run the job again later",
        PublishError::Odd { .. } => {
            "GITHUB_API_URL is not the base of GitHub's API, or something in between answers; set it as \
             ${{ github.api_url }}"
        }
        PublishError::Crowded { .. } => "delete some of them, or read the job's summary instead",
        PublishError::Refused {
            code,
            message,
            wait,
            is_limit,
        } => {
            return if *is_limit {
                let wait = wait.map(|wait| wait.as_secs().div_ceil(60));
                let when = wait.map_or("later".to_owned(), |wait| format!("in {wait} min"));
                format!("this token has used up what GitHub grants; run the job again {when}")
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
                "the repository is wrong or the token does not see it; check GITHUB_REPOSITORY, GITHUB_API_URL and \
                 {permissions} below `permissions:`"
            );
        }
        410 => {
            "it is switched off or deleted there; switch it on in the settings of the repository"
        }
        422 if channels == [Channel::Comment] => {
            "GitHub takes no such comment; read the job's summary instead"
        }
        422 => {
            "the commit is not in this repository, or what is said of it does not fit; check GITHUB_REPOSITORY, \
             --report-commit and the name or context that was given"
        }
        300..=399 => {
            "the repository was renamed, or GITHUB_API_URL is not the base of an API; set both as they are now"
        }
        500.. => "the trouble is GitHub's own; run the job again later",
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

    fn told(failed: &[(Channel, PublishError)], read_only: Option<ReadOnly>) -> Vec<String> {
        let address = Address::new("https://api.github.com", "o/r").unwrap();
        notices(&address, failed, read_only)
    }

    #[test]
    fn one_cause_is_told_once() {
        let lacking = || refused_with(403, "Resource not accessible by integration", false);
        let all = [
            (Channel::Status, lacking()),
            (Channel::CheckRun, lacking()),
            (Channel::Comment, lacking()),
            (Channel::Comment, lacking()),
        ];
        assert_eq!(
            told(&all, None),
            [
                "commit status, check run and comment not set: GitHub refused it (403: Resource not accessible by \
                 integration) for o/r: the token lacks a permission; grant the job `statuses: write`, \
                 `checks: write` and `pull-requests: write` below `permissions:`"
            ]
        );
        let [fork] = &told(&all, Some(ReadOnly::Fork))[..] else {
            panic!("one line");
        };
        assert!(
            fork.contains("fork") && fork.contains("workflow_run"),
            "{fork}"
        );
        assert!(!fork.contains("grant"), "{fork}");
        let [bot] = &told(&all[1..2], Some(ReadOnly::Dependabot))[..] else {
            panic!("one line");
        };
        assert!(
            bot.contains("Dependabot") && bot.contains("`checks: write`"),
            "{bot}"
        );
    }

    #[test]
    fn different_causes_stay_apart() {
        let lost = |cause: &str, trouble| PublishError::Unreachable {
            cause: cause.to_owned(),
            trouble,
        };
        let table = [
            (lost("a", Trouble::Lost), lost("b", Trouble::Lost), 1),
            (lost("a", Trouble::Lost), lost("a", Trouble::Certificate), 2),
            (PublishError::Silent, PublishError::Silent, 1),
            (PublishError::Silent, lost("a", Trouble::Lost), 2),
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
            let lines = told(&[(Channel::Status, one), (Channel::Comment, other)], None);
            assert_eq!(lines.len(), expected, "{lines:?}");
        }
        assert!(told(&[], None).is_empty());
    }

    #[test]
    fn a_limit_says_when_it_ends() {
        let [line] = &told(
            &[(Channel::Status, refused_with(429, "slow down", true))],
            None,
        )[..] else {
            panic!("one line");
        };
        assert!(line.ends_with("run the job again in 11 min"), "{line}");
    }
}
