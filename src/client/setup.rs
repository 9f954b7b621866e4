//! Why a client could not be set up. Nothing was sent then.

/// What is wrong with URL, credentials or certificates. Never repeats a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SetupError {
    message: String,
    help: &'static str,
}

impl SetupError {
    pub(super) fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self {
            message: message.into(),
            help,
        }
    }

    /// One thing to do.
    pub fn help(&self) -> &'static str {
        self.help
    }
}
