//! Processes of test tools that stay: started by testplan, connected with it, and sent one thing to do after the other.
//!
//! `docs/session-protocol.md` describes the start and the messages. What is sent belongs to the rooms that use this: `warm`
//! sends tests, `batch` calls.

mod channel;
mod resident_memory;
mod resident_process;

pub(crate) use self::{
    resident_memory::resident_mib,
    resident_process::{NotStarted, ProcessEvent, ResidentProcess, ResidentStart},
};
