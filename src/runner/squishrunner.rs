//! squishrunner without a command in `testplan.yml`: its arguments, and the meaning of its end.
//!
//! [`squish_settings`] is what `testplan.yml` says, [`find_program`] finds squishrunner, [`squish_suite`] reads suites on
//! disk, [`squishrunner_args`] makes the arguments, [`squish_decision`] judges its end and [`attached_files`] finds what
//! lies beside its report.

pub(crate) mod attached_files;
pub(crate) mod find_program;
pub mod squish_address;
pub(crate) mod squish_decision;
pub mod squish_settings;
pub(crate) mod squish_suite;
pub(crate) mod squishrunner_args;
