//! Publishing a run to GitHub: against a scripted HTTP server, a stand-in with a memory, its OpenAPI description, and a
//! mock made from that.

mod calls;
mod commit_status;
mod doctor;
mod fake_github;
mod faults;
mod network;
mod openapi;
mod prism;
mod stage;
mod told;
