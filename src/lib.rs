//! Distributes the tests of a test plan over CI workers, through the Squish Test Center Test Plan Execution API.
//!
//! ARCHITECTURE.md has the rules and the order of the modules. In short: [`cli`] parses arguments and prints; [`config`] reads
//! environment and `testplan.yml`; [`client`] calls the API; [`run`] works on a plan with workers under leases, and
//! [`single`] and `squish` run the tests for it; [`runner`] turns a test into a command, and its exit code and files into an
//! outcome, with [`result_file`] and `attribution`; [`report`] turns records into reports; [`service`] serves the API over
//! a [`store`]. [`model`] and [`api`] are their common types.
//!
//! ```
//! use testplan::model::{Capabilities, Capability, LabelCase};
//!
//! let worker: Capabilities = ["OS=Linux", "browser=chrome"].map(|text| text.parse::<Capability>().unwrap()).into_iter().collect();
//! let needed: Capabilities = ["os=linux"].map(|text| text.parse::<Capability>().unwrap()).into_iter().collect();
//! assert!(worker.covers(&needed, LabelCase::Folded));
//! assert!(!worker.covers(&needed, LabelCase::Strict));
//! ```

pub mod api;
pub mod attribution;
pub mod batch;
pub mod ci;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod credentials;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod earlier_runs;
pub mod exit_code;
pub mod failure;
pub mod files;
pub(crate) mod fleet;
pub mod fs;
pub(crate) mod init;
pub(crate) mod leftovers;
pub(crate) mod listing;
pub(crate) mod local_service;
pub(crate) mod matrix;
pub mod model;
mod pace;
mod pages;
pub mod preset;
pub mod publication;
pub(crate) mod random;
#[expect(
    missing_docs,
    reason = "most fields and variants need no words beside their name"
)]
pub mod report;
pub(crate) mod report_files;
pub mod reporter;
pub(crate) mod rerun;
mod resident;
pub mod result_file;
pub(crate) mod result_upload;
pub mod run;
pub mod runner;
pub(crate) mod selection;
pub mod service;
pub mod signal;
pub mod single;
pub(crate) mod squish;
pub mod store;
mod sync;
mod text;
mod trend;
pub mod wait;
pub mod warm;
