//! A run: workers under leases, their processes and heartbeats, one dispatcher that owns the state.

pub mod process;
