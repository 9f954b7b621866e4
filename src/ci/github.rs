//! GitHub's API, as far as results are published: commit status, check run, comment on the pull request. The only home of
//! octocrab.
//!
//! A refusal is a [`PublishError`] and never decides about a run. Retries are ours (`retries`), because octocrab repeats a POST
//! at once. Each try to create something looks for it first, so that a lost answer leaves no second one.

mod address;
mod api_client;
mod channel;
mod check_run;
mod check_run_body;
mod comment;
mod exchange;
mod http_connection;
mod network_failure;
mod notices;
mod permissions;
mod publish_error;
mod pulls;
mod put_check_run;
mod retries;
mod status;
mod text_limits;

pub use address::{Address, BadAddress};
pub use api_client::GitHub;
pub use channel::Channel;

pub use check_run::{CheckAnnotation, CheckAnnotationLevel, CheckConclusion, CheckRun, CheckState};
pub use notices::{cure, notices};
pub use permissions::{GitHubRepository, Owner};
pub use publish_error::{NetworkFailure, PublishError};
pub use retries::GitHubPatience;
pub use status::{CommitStatus, StatusState};
pub(crate) use text_limits::{LARGEST_COMMENT, LARGEST_TEXT};

/// GitHub's own API, unless `GITHUB_API_URL` names another.
pub const API: &str = "https://api.github.com";
