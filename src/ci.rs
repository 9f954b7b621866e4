//! Which CI this process runs in and what it knows: commit, branch, run, links. `github` is GitHub's API, `workflow` what a
//! runner of GitHub Actions reads.

pub mod checkout;
mod ci_info;
mod detect;
pub mod github;
mod github_event;
mod hidden_labels;
mod title;
mod variables;
pub mod workflow;

pub(crate) use ci_info::{Ci, CiSystem};
pub use github_event::read_only::ReadOnly;
pub use title::Moment;
pub(crate) use title::started_by;
