//! Which lease a Squish server is bound to, and how the server becomes free: at once, after a cool-down, or after a
//! longer cool-down because it gave trouble.

use rusqlite::params;

use super::{holder::ChangedExecution, statements::Statements as _, write_context::WriteContext};
use crate::{
    model::{ExecutionId, PlanId, ServerTrouble, SquishServerId, Timestamp},
    store::{
        StoreError,
        protocol::{EventKind, server_cool_down},
    },
};

/// A lease and the Squish server that it was given.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerBinding {
    pub(super) squish_server: i64,
    pub(super) execution: ExecutionId,
    pub(super) epoch: u32,
}

impl ServerBinding {
    /// The binding of a changed execution, if its lease came with a Squish server.
    pub(super) fn of(execution: ExecutionId, changed: &ChangedExecution) -> Option<Self> {
        Some(Self {
            squish_server: changed.squish_server?,
            execution,
            epoch: changed.epoch,
        })
    }

    /// Binds a free Squish server to a new lease.
    pub(super) fn bind(
        context: &WriteContext,
        id: SquishServerId,
        execution: ExecutionId,
        epoch: u32,
    ) -> Result<(), StoreError> {
        context.db.change_one(
            "binding a Squish server",
            "UPDATE squish_servers SET exec = ?2, epoch = ?3, free_from = NULL
             WHERE id = ?1 AND deleted = 0 AND enabled = 1 AND (exec IS NULL OR free_from <= ?4)
               AND (rests_until IS NULL OR rests_until <= ?4)",
            params![id.0, execution.0, epoch, context.now.0],
        )
    }

    /// Starts the cool-down after the lease expired. Until another lease takes the server, this one can get it back.
    pub(super) fn cool_down(
        self,
        context: &WriteContext,
        expired_at: Timestamp,
    ) -> Result<(), StoreError> {
        // From the end of the lease, not from when the writer expired it: the answer must not depend on a sweep.
        let free_from = expired_at.plus(context.rules.cool_down);
        context.db.change_one(
            "the Squish server of an expired lease",
            "UPDATE squish_servers SET free_from = ?4
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3 AND free_from IS NULL",
            params![
                self.squish_server,
                self.execution.0,
                self.epoch,
                free_from.0
            ],
        )
    }

    /// Gives the server back to this lease; `false` if another lease took it.
    pub(super) fn rebind(self, context: &WriteContext) -> Result<bool, StoreError> {
        context.db.change_if(
            "rebinding a Squish server",
            "UPDATE squish_servers SET free_from = NULL WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
            params![self.squish_server, self.execution.0, self.epoch],
        )
    }

    /// Frees the server of a released lease at once. Its number of troubles in a row stays.
    pub(super) fn free(self, context: &WriteContext) -> Result<(), StoreError> {
        context
            .db
            .change_if(
                "freeing a Squish server",
                "UPDATE squish_servers SET exec = NULL, epoch = NULL, free_from = NULL
                 WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
                params![self.squish_server, self.execution.0, self.epoch],
            )
            .map(drop)
    }

    /// Frees the server after an execution ended on it without trouble, which resets its number of troubles.
    pub(super) fn free_healthy(self, context: &WriteContext) -> Result<(), StoreError> {
        context
            .db
            .change_if(
                "freeing a healthy Squish server",
                "UPDATE squish_servers SET exec = NULL, epoch = NULL, free_from = NULL,
                   troubles = 0, trouble = NULL, rests_until = NULL
                 WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
                params![self.squish_server, self.execution.0, self.epoch],
            )
            .map(drop)
    }

    /// Frees a server that gave trouble and starts its cool-down. Does nothing if another lease took the server since:
    /// the trouble is older than that lease.
    pub(super) fn free_troubled(
        self,
        context: &WriteContext,
        trouble: ServerTrouble,
        (plan, principal): (PlanId, &str),
    ) -> Result<(), StoreError> {
        let db = &context.db;
        let found: Option<(String, u32)> = db.read_if(
            "SELECT host || ':' || port, troubles FROM squish_servers
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
            params![self.squish_server, self.execution.0, self.epoch],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let Some((address, before)) = found else {
            return Ok(());
        };
        let in_a_row = before.saturating_add(1);
        let cool_down = server_cool_down::cool_down(context.rules.trouble_rest, in_a_row);
        db.change_one(
            "a Squish server that gave trouble",
            "UPDATE squish_servers SET exec = NULL, epoch = NULL, free_from = NULL,
               troubles = ?4, trouble = ?5, rests_until = ?6
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
            params![
                self.squish_server,
                self.execution.0,
                self.epoch,
                in_a_row,
                trouble.word(),
                context.now.plus(cool_down).0
            ],
        )?;
        db.change_one(
            "an execution whose Squish server gave trouble",
            "UPDATE executions SET troubled_server = ?2 WHERE id = ?1 AND epoch = ?3",
            params![self.execution.0, self.squish_server, self.epoch],
        )?;
        context.record_event(
            plan,
            (self.execution, self.epoch),
            EventKind::ServerTrouble,
            principal,
            &server_cool_down::history_text(&address, trouble, cool_down),
        )
    }
}

/// The Squish server that gave this execution trouble: another one is preferred.
pub(super) fn server_to_avoid(
    context: &WriteContext,
    execution: ExecutionId,
) -> Result<Option<i64>, StoreError> {
    context.db.read_one(
        "SELECT troubled_server FROM executions WHERE id = ?1",
        [execution.0],
        |row| row.get(0),
    )
}
