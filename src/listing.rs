//! A `testplan.yml` and the tests that its listing commands print: what a plan runs, and what a service publishes.

pub(crate) mod catalog;
mod class_files;
mod list_command;
pub(crate) mod listed_template;
pub(crate) mod loaded_plan_file;
mod preset_command;
pub(crate) mod preset_listing;
pub(crate) mod squish_setup;
pub(crate) mod template_tests;
