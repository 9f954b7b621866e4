//! The fleet of Squish servers: compares what a file declares with what is registered and applies the difference;
//! starts and stops squishserver processes on this machine.

pub(crate) mod apply;
pub(crate) mod difference;
pub(crate) mod local;
mod squishserver;
pub(crate) mod start_server;
pub(crate) mod stop_server;
