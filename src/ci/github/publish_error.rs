//! Why GitHub was not told of a run: what was refused.

use std::{fmt, time::Duration};

/// Why something was not set. Holds no secret; what GitHub said is foreign text all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishError {
    /// The token cannot be sent; nothing was.
    BadToken,
    /// The commit is not a hash; nothing was sent.
    BadCommit,
    /// No connection, or one that was lost.
    Unreachable {
        /// What the network says.
        cause: String,
        /// What of it went wrong.
        trouble: Trouble,
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
    /// A yes that is none of GitHub's.
    Odd {
        /// What came.
        what: String,
    },
    /// More comments than are read to find ours.
    Crowded {
        /// How many were read.
        comments: usize,
    },
}

/// What went wrong on the way to GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// TLS or a request could not be set up on this machine.
    Setup,
    /// No connection: a name that is not known, a port where nobody listens, a proxy that refuses.
    Connection,
    /// Nobody answered the attempt to connect.
    Away,
    /// A certificate is not trusted.
    Certificate,
    /// The other side does not speak TLS.
    NotTls,
    /// A connection was lost before the answer was complete. What was asked for may have happened.
    Lost,
}

impl PublishError {
    /// Whether the same request may be granted a little later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { trouble, .. } => match trouble {
                Trouble::Connection | Trouble::Lost => true,
                Trouble::Setup | Trouble::Away | Trouble::Certificate | Trouble::NotTls => false,
            },
            Self::Refused { code, is_limit, .. } => *code >= 500 || *is_limit,
            Self::BadToken
            | Self::BadCommit
            | Self::Silent
            | Self::Odd { .. }
            | Self::Crowded { .. } => false,
        }
    }

    /// How long the answer asks to be left alone.
    pub(super) fn asks_for(&self) -> Option<Duration> {
        match self {
            Self::Refused { wait, .. } => *wait,
            Self::BadToken
            | Self::BadCommit
            | Self::Unreachable { .. }
            | Self::Silent
            | Self::Odd { .. }
            | Self::Crowded { .. } => None,
        }
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadToken => f.write_str("GITHUB_TOKEN is not a token"),
            Self::BadCommit => f.write_str("the commit is not a hash"),
            Self::Unreachable { cause, trouble } => {
                let what = match trouble {
                    Trouble::Setup => "no request to GitHub could be made",
                    Trouble::Connection => "GitHub could not be reached",
                    Trouble::Away => "GitHub could not be reached in time",
                    Trouble::Certificate => "GitHub's certificate is not trusted",
                    Trouble::NotTls => "GITHUB_API_URL does not speak TLS",
                    Trouble::Lost => "the connection to GitHub was lost",
                };
                write!(f, "{what} ({cause})")
            }
            Self::Silent => f.write_str("GitHub did not answer in time"),
            Self::Refused { code, message, .. } if message.is_empty() => {
                write!(f, "GitHub refused it ({code})")
            }
            Self::Refused { code, message, .. } => {
                write!(f, "GitHub refused it ({code}: {message})")
            }
            Self::Odd { what } => write!(f, "GitHub did not answer as it should ({what})"),
            Self::Crowded { comments } => {
                write!(
                    f,
                    "there are more than {comments} comments, and ours is not among those"
                )
            }
        }
    }
}
