//! Statements about what people did.

use crate::{
    model::Timestamp,
    store::{Action, NewAction, StoreError},
};

/// Reading what people did.
pub(in crate::store) trait AuditReads {
    /// Actions with numbers below `before`, newest first, at most `limit`.
    fn actions(&mut self, before: i64, limit: u32) -> Result<Vec<Action>, StoreError>;
}

/// Noting what people do.
pub(in crate::store) trait AuditRows {
    /// Adds an action.
    fn add_action(&mut self, action: &NewAction, at: Timestamp) -> Result<(), StoreError>;
}
