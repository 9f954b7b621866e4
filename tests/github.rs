//! What GitHub is told of a run: against a mock by a script, a fake with a memory, its OpenAPI description, and a mock
//! made from that.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests set their stage themselves and fail where they cannot"
)]

#[path = "github/calls.rs"]
mod calls;
#[path = "github/commit_status.rs"]
mod commit_status;
#[path = "github/doctor.rs"]
mod doctor;
#[path = "github/fake.rs"]
mod fake;
#[path = "github/faults.rs"]
mod faults;
#[path = "github/mock.rs"]
mod mock;
#[path = "github/network.rs"]
mod network;
#[path = "github/openapi.rs"]
mod openapi;
#[path = "github/prism.rs"]
mod prism;
#[path = "support/skip.rs"]
mod skip;
#[path = "github/stage.rs"]
mod stage;
#[cfg(unix)]
mod support;
#[path = "github/told.rs"]
mod told;
