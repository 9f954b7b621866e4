//! squishrunner without a hand-made command: what it is started with, and what its end means.
//!
//! [`settings`] is what `testplan.yml` says, [`program`] finds squishrunner, [`suite`] reads suites on disk, [`command`]
//! makes the arguments, [`outcome`] reads its end and [`extras`] what lies beside its report.

pub mod command;
pub mod extras;
pub mod outcome;
pub mod program;
pub mod settings;
pub mod suite;
