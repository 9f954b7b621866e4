//! Flags, environment and `testplan.yml`, with one precedence; the only reader of the environment.
//!
//! [`plan_file`] reads `testplan.yml` and marks its mistakes; [`discover`] and [`expand`] turn its templates into
//! tests; [`precedence`] decides between flag, environment, file and default; [`environment`] is the snapshot of the
//! process's variables that all other code reads.

pub mod config_problem;
pub(crate) mod credential_sources;
pub mod discover;
pub mod duration;
pub mod environment;
pub(crate) mod expand;
pub mod plan_file;
pub(crate) mod precedence;
pub(crate) mod suggest;
pub(crate) mod terminal;
pub(crate) mod token_file;

pub use environment::Environment;
pub use plan_file::PlanFile;
