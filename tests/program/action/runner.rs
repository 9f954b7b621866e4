//! GitHub's runner, played: a [`Job`] with an [`Event`], in which steps use an [`Action`]. Rules are those of the real
//! runner's sources (2.336), written again.

mod action;
mod event;
mod file_commands;
mod files;
mod job;
mod left;
mod running;
mod said;
mod step;
mod variables;

pub(super) use action::{Action, load};
pub(super) use event::{Event, webhooks};
pub(super) use file_commands::pairs;
pub(super) use job::Job;
pub(super) use left::left;
pub(super) use running::{Reached, Running};
pub(super) use said::{Annotation, Level};
pub(super) use step::{Finished, Started, Step};
