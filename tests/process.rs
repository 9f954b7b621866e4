//! Commands as process groups, with real processes. A process tells by a pipe in the file system that it is ready, and
//! holds it open as long as it lives: the end of the pipe is the end of every holder.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests set their stage themselves and fail where they cannot"
)]

#[path = "process/ending.rs"]
mod ending;
#[path = "process/listing.rs"]
mod listing;
#[path = "process/output.rs"]
mod output;
#[path = "process/stage.rs"]
mod stage;
#[path = "process/start.rs"]
mod start;
