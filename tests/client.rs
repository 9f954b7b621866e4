//! The client against a scripted transport and against real sockets.
#![expect(clippy::unwrap_used, reason = "a test says what it expects by failing")]

mod client {
    mod errors;
    mod execute;
    mod leases;
    mod lists;
    mod reserve;
    mod retry;
    mod script;
    mod socket;
    mod vendor;
    mod waiting;
    mod ways;
}
