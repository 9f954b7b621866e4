//! Statements about what people did.

use rusqlite::{Connection, params};

use crate::{
    model::Timestamp,
    store::{
        Action, NewAction, StoreError,
        rows::{AuditReads, AuditRows},
        sqlite::statements::Statements as _,
    },
};

impl AuditReads for Connection {
    fn actions(&mut self, before: i64, limit: u32) -> Result<Vec<Action>, StoreError> {
        self.read_all(
            "SELECT id, at, principal, action, subject, detail FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
            params![before, limit],
            |row| {
                Ok(Action {
                    id: row.get(0)?,
                    at: Timestamp(row.get(1)?),
                    action: NewAction {
                        principal: row.get(2)?,
                        action: row.get(3)?,
                        subject: row.get(4)?,
                        detail: row.get(5)?,
                    },
                })
            },
        )
    }
}

impl AuditRows for Connection {
    fn add_action(&mut self, action: &NewAction, at: Timestamp) -> Result<(), StoreError> {
        let values = params![
            at.0,
            action.principal,
            action.action,
            action.subject,
            action.detail
        ];
        self.insert(
            "INSERT INTO audit (at, principal, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
            values,
        )
        .map(drop)
    }
}
