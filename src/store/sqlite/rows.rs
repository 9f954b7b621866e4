//! The statements of SQLite.

mod audit;
mod cancellation;
mod counters;
mod executions;
mod imports;
mod keys;
mod leases;
mod page_reads;
mod pages;
mod plan_tests;
mod plans;
mod queue;
mod run_reads;
mod servers;
mod templates;
