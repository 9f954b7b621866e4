//! Why calls do not share a process that stays: the tool said so, or none of its processes took a call.

use std::sync::OnceLock;

/// The reason, once there is one.
#[derive(Debug, Default)]
pub(crate) struct SessionRefusal(OnceLock<String>);

impl SessionRefusal {
    pub(crate) fn reason(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// Remembers why. Whether it is the first reason.
    pub(crate) fn set(&self, why: &str) -> bool {
        self.0.set(why.to_owned()).is_ok()
    }
}
