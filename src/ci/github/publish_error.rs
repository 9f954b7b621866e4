//! Why something was not published.

use std::{fmt, time::Duration};

/// Why something was not set. Holds no secret, but foreign text: the answer of GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishError {
    /// The token is malformed; nothing was sent.
    BadToken,
    /// The commit is not a hash; nothing was sent.
    BadCommit,
    /// The connection failed.
    Unreachable {
        /// The error of the network.
        cause: String,
        /// Its kind.
        failure: NetworkFailure,
    },
    /// No answer in time.
    Timeout,
    /// GitHub refused the request.
    Refused {
        /// The HTTP status.
        code: u16,
        /// GitHub's message; empty if another server answered.
        message: String,
        /// How long it asks to wait.
        wait: Option<Duration>,
        /// Whether it is a rate limit.
        is_limit: bool,
    },
    /// A success that does not come from GitHub's API.
    Unexpected {
        /// What was received.
        what: String,
    },
    /// Ours is not among the comments that were read.
    TooManyComments {
        /// The number of comments read.
        comments: usize,
    },
}

/// What went wrong between this machine and GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkFailure {
    /// TLS or a request could not be set up on this machine.
    Setup,
    /// No connection: unknown name, closed port, or a proxy that refuses.
    Connection,
    /// The attempt to connect timed out.
    ConnectTimeout,
    /// The certificate is not trusted.
    Certificate,
    /// The server does not speak TLS.
    NotTls,
    /// The connection was lost before the answer was complete. The request may have succeeded.
    Lost,
}

impl PublishError {
    /// Whether a retry may succeed.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { failure, .. } => match failure {
                NetworkFailure::Connection | NetworkFailure::Lost => true,
                NetworkFailure::Setup
                | NetworkFailure::ConnectTimeout
                | NetworkFailure::Certificate
                | NetworkFailure::NotTls => false,
            },
            Self::Refused { code, is_limit, .. } => *code >= 500 || *is_limit,
            Self::BadToken
            | Self::BadCommit
            | Self::Timeout
            | Self::Unexpected { .. }
            | Self::TooManyComments { .. } => false,
        }
    }

    /// How long the answer asks to wait.
    pub(super) fn requested_pause(&self) -> Option<Duration> {
        match self {
            Self::Refused { wait, .. } => *wait,
            Self::BadToken
            | Self::BadCommit
            | Self::Unreachable { .. }
            | Self::Timeout
            | Self::Unexpected { .. }
            | Self::TooManyComments { .. } => None,
        }
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadToken => f.write_str("GITHUB_TOKEN is not a token"),
            Self::BadCommit => f.write_str("the commit is not a hash"),
            Self::Unreachable { cause, failure } => {
                let what = match failure {
                    NetworkFailure::Setup => "a request to GitHub could not be made",
                    NetworkFailure::Connection => "GitHub could not be reached",
                    NetworkFailure::ConnectTimeout => "GitHub could not be reached in time",
                    NetworkFailure::Certificate => "GitHub's certificate is not trusted",
                    NetworkFailure::NotTls => "GITHUB_API_URL does not speak TLS",
                    NetworkFailure::Lost => "the connection to GitHub was lost",
                };
                write!(f, "{what} ({cause})")
            }
            Self::Timeout => f.write_str("GitHub did not answer in time"),
            Self::Refused { code, message, .. } if message.is_empty() => {
                write!(f, "GitHub refused it ({code})")
            }
            Self::Refused { code, message, .. } => {
                write!(f, "GitHub refused it ({code}: {message})")
            }
            Self::Unexpected { what } => write!(f, "GitHub did not answer as expected ({what})"),
            Self::TooManyComments { comments } => {
                write!(
                    f,
                    "there are more than {comments} comments, and ours is not among those"
                )
            }
        }
    }
}
