//! What GitHub is told of a run: against a mock by a script, a fake with a memory, its OpenAPI description, and a mock
//! made from that.

mod calls;
mod commit_status;
mod doctor;
mod fake;
mod faults;
pub(super) mod mock;
mod network;
mod openapi;
mod prism;
mod stage;
mod told;
