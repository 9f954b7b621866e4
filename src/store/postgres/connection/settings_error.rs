//! Why the settings of a connection cannot be used.

/// Why the settings of a connection cannot be used. Never contains a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {advice}")]
pub struct SettingsError {
    /// What is wrong, and where.
    pub message: String,
    /// One thing to do.
    pub advice: String,
}

impl SettingsError {
    pub(super) fn new(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            advice: advice.into(),
        }
    }
}
