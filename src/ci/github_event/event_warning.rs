//! What an event of GitHub Actions does not say, as warnings.

use std::fmt;

use crate::text::short_commit;

/// What an event does not say. None of it stops a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EventWarning {
    /// The payload is absent or incomplete.
    Payload { event: String },
    /// The event of a comment does not say at which commit the pull request is.
    Comment {
        /// The number of the pull request.
        pull_request: u64,
    },
    /// A `pull_request_target` event does not say which side is checked out.
    Target,
    /// The event does not name the commit that is checked out.
    CheckedOut {
        /// The commit that is checked out.
        head: String,
    },
}

impl fmt::Display for EventWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payload { event } => write!(
                f,
                "GITHUB_EVENT_PATH has no payload of a {event} event, so commit and branch are taken from the \
                 variables; correct them with --commit, --report-commit and --branch"
            ),
            Self::Comment { pull_request } => write!(
                f,
                "the event of a comment does not say at which commit pull request {pull_request} is; pass \
                 --report-commit to set the status, --commit to link it"
            ),
            Self::Target => f.write_str(
                "a pull_request_target event does not say which side is checked out; pass --commit to link the \
                 tested commit",
            ),
            Self::CheckedOut { head } => write!(
                f,
                "the event does not name {}, which is checked out and counts as tested; pass --commit for another, and \
                 --branch to name its branch",
                short_commit(head)
            ),
        }
    }
}
