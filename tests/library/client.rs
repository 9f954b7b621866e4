//! The client against a scripted transport and against real sockets.

mod batches;
mod errors;
mod execute;
mod leases;
mod lists;
mod patience;
mod reserve;
mod retry;
mod script;
mod socket;
mod urls;
mod vendor;
mod waiting;
mod ways;
