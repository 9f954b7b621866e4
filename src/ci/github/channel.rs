//! The ways to publish a result at GitHub.

use std::fmt;

/// A way to publish a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Commit status.
    Status,
    /// Check run.
    CheckRun,
    /// Comment on the pull request.
    Comment,
}

impl Channel {
    /// The permission that a job needs, below `permissions:`.
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
