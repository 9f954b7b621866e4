//! What the two stand-ins say to each other, a line each. Nothing of this is Squish's own protocol.
#![allow(dead_code, reason = "each of the two uses its half")]

/// Where a Squish server listens unless it is told.
pub(crate) const DEFAULT_PORT: u16 = 4322;
/// Asks for an end.
pub(crate) const STOP: &str = "stop";
/// Brings a suite, by name.
pub(crate) const RUN: &str = "run ";
/// Wants an application, by name.
pub(crate) const START: &str = "start ";
/// The suite is over.
pub(crate) const END: &str = "end";
/// Yes.
pub(crate) const READY: &str = "ready";
/// Another suite runs.
pub(crate) const BUSY: &str = "busy";
/// No such application is registered.
pub(crate) const UNKNOWN: &str = "unknown";
