//! The binary from outside: exit codes, mistakes of users and of services, what goes to stdout and what to stderr.

mod action;
#[cfg(unix)]
mod attachments;
mod doctor;
mod exit_codes;
mod fleet;
#[cfg(unix)]
mod init;
mod leftovers;
#[cfg(unix)]
mod listing;
#[cfg(unix)]
mod local_server;
mod log;
mod mistakes;
mod output;
#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "tests with signals need more of it")
)]
mod plan;
mod preset_pages;
#[cfg(unix)]
mod selection;
mod services;
mod serving;
#[cfg(unix)]
mod target_time;
mod template_runner;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "tests with signals need more of it")
)]
mod unknown_plans;
mod vendor_registry;
mod work;
