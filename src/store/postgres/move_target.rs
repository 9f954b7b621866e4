//! The database that another one is moved to: one transaction from the first table to the last count.

use tokio_postgres::types::Type;

use super::{
    client::{Client, Statement, Transaction, Value, bytes, get, int, typed},
    connection::{Planning, Target},
    schema,
};
use crate::{
    model::PlanId,
    store::{
        StoreError,
        transfer::{
            batch::{Batch, Values},
            proof::{PlanProof, VERDICT_COLUMNS, VERDICT_WIDTH, VerdictDigest},
            tables::{Kind, TABLES, Table},
        },
    },
};

/// How long a replica that was heard of may still be there, in milliseconds.
const REPLICA_LASTS: i64 = 10_000;
/// Most executions that are read back at once.
const CHUNK: i64 = 20_000;

/// Why a database takes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Unfit {
    /// A service runs on it.
    InUse,
    /// It has these already.
    NotEmpty(Vec<&'static str>),
}

/// A database of testplan that is filled. Dropped without a commit, it is as before.
pub(in crate::store) struct MoveTarget {
    client: Client,
}

impl MoveTarget {
    /// Connects and begins the transaction.
    pub(in crate::store) fn begin(target: &Target) -> Result<Self, StoreError> {
        let mut client = Client::connect(target, Planning::Always)?;
        client.begin_with(Transaction::Move, "", &[])?;
        schema::migrate_in_transaction(&mut client)?;
        // No replica serves it meanwhile: none can say that it lives.
        client.run("LOCK TABLE replicas IN ACCESS EXCLUSIVE MODE")?;
        Ok(Self { client })
    }

    /// The server and the database, for messages.
    pub(in crate::store) fn place(&self) -> &str {
        self.client.place()
    }

    /// Why it cannot be filled.
    pub(in crate::store) fn unfit(&mut self) -> Result<Option<Unfit>, StoreError> {
        let is_served: bool = self.client.read_one(
            "SELECT EXISTS (SELECT 1 FROM replicas
               WHERE alive_at > floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1)",
            &[int(&REPLICA_LASTS)],
            |row| get(row, 0),
        )?;
        if is_served {
            return Ok(Some(Unfit::InUse));
        }
        let mut found = Vec::new();
        for table in TABLES {
            let has_rows: bool = self.client.read_one(
                &format!("SELECT EXISTS (SELECT 1 FROM {})", table.name),
                &[],
                |row| get(row, 0),
            )?;
            if has_rows {
                found.push(table.words());
            }
        }
        Ok((!found.is_empty()).then_some(Unfit::NotEmpty(found)))
    }

    /// Adds rows.
    pub(in crate::store) fn insert(
        &mut self,
        table: &Table,
        batch: &Batch,
    ) -> Result<(), StoreError> {
        let values: Vec<Value<'_>> = batch.columns.iter().map(array).collect();
        let added = self.client.change(&insertion(table), &values)?;
        if usize::try_from(added) != Ok(batch.rows) {
            let (name, rows) = (table.words(), batch.rows);
            return Err(StoreError::Broken(format!(
                "{}: it stored {added} of {rows} rows ({name}); look for triggers or rules that other programs added",
                self.place()
            )));
        }
        Ok(())
    }

    /// Sets the secret that lease tokens are derived from.
    pub(in crate::store) fn set_lease_key(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.client.change_one(
            "the lease key",
            "INSERT INTO service (id, lease_key) VALUES (1, $1)
             ON CONFLICT (id) DO UPDATE SET lease_key = excluded.lease_key",
            &[bytes(&key)],
        )
    }

    /// Numbers what is added later from `next` on.
    pub(in crate::store) fn set_next_number(
        &mut self,
        table: &Table,
        next: i64,
    ) -> Result<(), StoreError> {
        // Unlike setval, this is undone with the transaction.
        self.client.run(&format!(
            "ALTER TABLE {} ALTER COLUMN id RESTART WITH {next}",
            table.name
        ))
    }

    /// The same for executions.
    pub(in crate::store) fn set_next_execution(&mut self, next: i64) -> Result<(), StoreError> {
        self.client.change_one(
            "the number of the next execution",
            "UPDATE numbers SET next = $1 WHERE name = 'executions'",
            &[int(&next)],
        )
    }

    /// How many rows a table has.
    pub(in crate::store) fn count(&mut self, table: &Table) -> Result<i64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        self.client.read_one(&sql, &[], |row| get(row, 0))
    }

    /// What of a plan must be the same as in the source.
    pub(in crate::store) fn proof(
        &mut self,
        plan: PlanId,
        (first, end): (i64, i64),
    ) -> Result<PlanProof, StoreError> {
        let found = self.client.rows_of_all(&[
            Statement {
                sql: "SELECT count(*), coalesce(max(id), 0) FROM events WHERE plan = $1",
                values: vec![int(&plan.0)],
            },
            Statement {
                sql: "SELECT coalesce(sum(open), 0)::bigint, coalesce(sum(reserved), 0)::bigint,
                        coalesce(sum(done), 0)::bigint, coalesce(sum(passed), 0)::bigint,
                        coalesce(sum(failed), 0)::bigint, coalesce(sum(skipped), 0)::bigint
                      FROM counts WHERE plan = $1",
                values: vec![int(&plan.0)],
            },
        ])?;
        let mut proof = PlanProof::default();
        if let [events, counts] = &found[..]
            && let (Some(events), Some(counts)) = (events.first(), counts.first())
        {
            (proof.events, proof.last_event) = (get(events, 0)?, get(events, 1)?);
            for (place, count) in proof.counts.iter_mut().enumerate() {
                *count = get(counts, place)?;
            }
        }
        let sql = format!(
            "SELECT {VERDICT_COLUMNS}, flaky::int::bigint FROM executions
             WHERE id >= $1 AND id < $2 AND plan = $3 ORDER BY id"
        );
        let mut digest = VerdictDigest::default();
        let mut from = first;
        while from < end {
            let to = end.min(from.saturating_add(CHUNK));
            let rows = self
                .client
                .rows(&sql, &[int(&from), int(&to), int(&plan.0)])?;
            for row in &rows {
                let mut values = [None; VERDICT_WIDTH];
                for (place, value) in values.iter_mut().enumerate() {
                    *value = get(row, place)?;
                }
                digest.add(values);
                proof.executions += 1;
            }
            from = to;
        }
        proof.verdicts = digest.finish();
        Ok(proof)
    }

    /// Has the database count its rows, so that it plans the first statements of a service well.
    pub(in crate::store) fn analyze(&mut self) -> Result<(), StoreError> {
        let names: Vec<&str> = TABLES.iter().map(|it| it.name).collect();
        self.client.run(&format!("ANALYZE {}", names.join(", ")))
    }

    /// Keeps it all.
    pub(in crate::store) fn commit(&mut self) -> Result<(), StoreError> {
        self.client.run("COMMIT")
    }
}

fn insertion(table: &Table) -> String {
    let arrays: Vec<String> = (1..)
        .zip(table.columns)
        .map(|(place, (_, kind))| {
            let array = match kind {
                Kind::Number => "bigint",
                Kind::Truth => "boolean",
                Kind::Text => "text",
                Kind::Bytes => "bytea",
            };
            format!("${place}::{array}[]")
        })
        .collect();
    format!(
        "INSERT INTO {} ({}) SELECT * FROM unnest({})",
        table.name,
        table.column_list(),
        arrays.join(", ")
    )
}

fn array(values: &Values) -> Value<'_> {
    match values {
        Values::Numbers(list) => typed(list, Type::INT8_ARRAY),
        Values::Truths(list) => typed(list, Type::BOOL_ARRAY),
        Values::Texts(list) => typed(list, Type::TEXT_ARRAY),
        Values::Bytes(list) => typed(list, Type::BYTEA_ARRAY),
    }
}
