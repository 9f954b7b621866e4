//! Why a commit status was not set: what was refused, why likely, and what to do.

use std::{fmt, time::Duration};

/// Why a commit status was not set. Holds no secret; what GitHub said is foreign text all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSet {
    /// The token cannot be sent; nothing was.
    BadToken,
    /// No connection, or one that was lost.
    Unreachable {
        /// What the network says.
        cause: String,
    },
    /// A connection, and no answer in time.
    Silent,
    /// An answer that is not a yes.
    Refused {
        /// The HTTP status.
        code: u16,
        /// GitHub's words; empty if it is not GitHub that answered.
        message: String,
        /// How long it asks to be left alone.
        wait: Option<Duration>,
        /// Whether there were too many requests.
        is_limit: bool,
    },
}

impl NotSet {
    /// Whether the same request may be granted a little later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused {
                code,
                wait,
                is_limit,
                ..
            } => *code >= 500 || *code == 429 || (*is_limit && wait.is_some()),
            Self::BadToken | Self::Silent => false,
        }
    }

    /// How long the answer asks to be left alone.
    pub(super) fn asks_for(&self) -> Option<Duration> {
        match self {
            Self::Refused { wait, .. } => *wait,
            Self::BadToken | Self::Unreachable { .. } | Self::Silent => None,
        }
    }

    /// Why likely, and one thing to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::BadToken => "set GITHUB_TOKEN to the token alone, as ${{ github.token }}",
            Self::Unreachable { .. } => {
                "check GITHUB_API_URL and the network; GitHub is reached directly, not through a proxy"
            }
            Self::Silent => "the trouble is GitHub's own; run the job again later",
            Self::Refused { is_limit: true, .. } => {
                "this token has used up what GitHub grants per hour; run the job again later"
            }
            Self::Refused { code, .. } => match code {
                401 => {
                    "the token is expired, revoked or of another GitHub; set GITHUB_TOKEN to ${{ github.token }}"
                }
                403 => {
                    "the token may only read, as in runs of forks and of Dependabot, or the job lacks \
                     `permissions: statuses: write`; grant that, or report from a workflow_run workflow"
                }
                404 => {
                    "the repository is wrong or the token does not see it; check GITHUB_REPOSITORY, \
                     GITHUB_API_URL and `permissions: statuses: write`"
                }
                422 => {
                    "the commit is not in this repository, or the status does not fit; check GITHUB_REPOSITORY, \
                     the commit and --status-context"
                }
                300..=399 => {
                    "the repository was renamed, or GITHUB_API_URL is not the base of an API; set both as they are now"
                }
                500.. => "the trouble is GitHub's own; run the job again later",
                _ => "check GITHUB_API_URL and GITHUB_REPOSITORY",
            },
        }
    }
}

impl fmt::Display for NotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadToken => f.write_str("GITHUB_TOKEN is not a token"),
            Self::Unreachable { cause } => write!(f, "GitHub could not be reached ({cause})"),
            Self::Silent => f.write_str("GitHub did not answer in time"),
            Self::Refused { code, message, .. } if message.is_empty() => {
                write!(f, "GitHub refused it ({code})")
            }
            Self::Refused { code, message, .. } => {
                write!(f, "GitHub refused it ({code}: {message})")
            }
        }
    }
}
