//! Statements about what people did.

use super::PostgresRows;
use crate::{
    model::Timestamp,
    store::{
        Action, NewAction, StoreError,
        postgres::client::{Client, get, int, text},
        rows::{AuditReads, AuditRows},
    },
};

impl AuditReads for Client {
    fn actions(&mut self, before: i64, limit: u32) -> Result<Vec<Action>, StoreError> {
        self.read_all(
            "SELECT id, at, principal, action, subject, detail FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2",
            &[int(&before), int(&i64::from(limit))],
            |row| {
                Ok(Action {
                    id: get(row, 0)?,
                    at: Timestamp(get(row, 1)?),
                    action: NewAction {
                        principal: get(row, 2)?,
                        action: get(row, 3)?,
                        subject: get(row, 4)?,
                        detail: get(row, 5)?,
                    },
                })
            },
        )
    }
}

impl AuditRows for PostgresRows {
    fn add_action(&mut self, action: &NewAction, at: Timestamp) -> Result<(), StoreError> {
        self.client.change_one(
            "an action",
            "INSERT INTO audit (at, principal, action, subject, detail) VALUES ($1, $2, $3, $4, $5)",
            &[
                int(&at.0),
                text(&action.principal),
                text(&action.action),
                text(&action.subject),
                text(&action.detail),
            ],
        )
    }
}
