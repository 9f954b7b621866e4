//! Counters and events of the locked plans.

use super::PostgresRows;
use crate::{
    model::{PlanId, PlanStatus, Timestamp},
    store::{
        StoreError,
        postgres::{
            client::{Client, Statement, get, int},
            record::Record,
            working_set::{Counters, EventRow},
        },
        rows::{CounterChange, CounterReads, CounterRows, EventRows, NewEvent},
        values::number,
    },
};

/// Reads the counters of the plans `$1`, as part 3 of an [`opening`](super::super::opening).
pub(in crate::store::postgres) const COUNTERS: &str =
    "SELECT 3, ROW(plan, label_set, open, reserved, done) FROM counts WHERE plan = ANY($1)";

/// Reads the numbers of the next events of the plans `$1`, and whether executions are to be ended by a cancel, as part 2.
pub(in crate::store::postgres) const NEXT_EVENTS: &str = "SELECT 2, ROW(p, coalesce((SELECT max(id) FROM events WHERE plan = p), 0) + 1, coalesce((SELECT cancelling FROM plans WHERE id = p), 0)) FROM unnest($1::bigint[]) AS p";

impl PostgresRows {
    pub(in crate::store::postgres) fn add_counters(
        &mut self,
        row: &Record<'_>,
    ) -> Result<(), StoreError> {
        let counters = Counters {
            states: [get(row, 2)?, get(row, 3)?, get(row, 4)?],
            unwritten: CounterChange::default(),
        };
        let key = (get(row, 0)?, get(row, 1)?);
        self.set.counters.entry(key).or_insert(counters);
        Ok(())
    }

    pub(in crate::store::postgres) fn add_next_event(
        &mut self,
        row: &Record<'_>,
    ) -> Result<(), StoreError> {
        let (plan, next) = (get(row, 0)?, get(row, 1)?);
        self.set.next_events.entry(plan).or_insert(next);
        self.set.first_events.entry(plan).or_insert(next);
        let cancelling: i64 = get(row, 2)?;
        if cancelling != 0 {
            self.set.cancelling.insert(plan);
        }
        Ok(())
    }
}

impl CounterReads for PostgresRows {
    /// No lease of a locked plan is over: those were expired first.
    fn counters(
        &mut self,
        plan: PlanId,
        now: Timestamp,
    ) -> Result<Vec<(i64, PlanStatus)>, StoreError> {
        if !self.set.next_events.contains_key(&plan.0) {
            return self.written()?.counters(plan, now);
        }
        let of_plan = self
            .set
            .counters
            .range((plan.0, i64::MIN)..=(plan.0, i64::MAX));
        let all = of_plan.map(|((_, set), counters)| {
            let [open, reserved, done] = counters.states.map(number);
            let status = PlanStatus {
                open,
                reserved,
                done,
            };
            (*set, status)
        });
        Ok(all.collect())
    }
}

impl CounterReads for Client {
    fn counters(
        &mut self,
        plan: PlanId,
        now: Timestamp,
    ) -> Result<Vec<(i64, PlanStatus)>, StoreError> {
        let found = self.rows_of_all(&[
            Statement {
                sql: "SELECT label_set, open, reserved, done FROM counts WHERE plan = $1",
                values: vec![int(&plan.0)],
            },
            // Few rows: at most the leases that ended since the last request or sweep.
            Statement {
                sql: "SELECT label_set, count(*) FROM executions
                      WHERE state = 2 AND deadline <= $2 AND plan = $1 GROUP BY label_set",
                values: vec![int(&plan.0), int(&now.0)],
            },
        ])?;
        let mut counts = Vec::new();
        for row in &found[0] {
            let status = PlanStatus {
                open: number(get(row, 1)?),
                reserved: number(get(row, 2)?),
                done: number(get(row, 3)?),
            };
            counts.push((get::<i64>(row, 0)?, status));
        }
        for row in &found[1] {
            let (set, ended): (i64, i64) = (get(row, 0)?, get(row, 1)?);
            for (_, status) in counts.iter_mut().filter(|(id, _)| *id == set) {
                status.open += number(ended);
                status.reserved = status.reserved.saturating_sub(number(ended));
            }
        }
        Ok(counts)
    }
}

impl CounterRows for PostgresRows {
    fn count(
        &mut self,
        plan: PlanId,
        label_set: i64,
        change: CounterChange,
    ) -> Result<i64, StoreError> {
        self.set.count(plan.0, label_set, change)
    }

    fn done(&mut self, plan: PlanId) -> Result<i64, StoreError> {
        let counters = self.counters(plan, Timestamp(i64::MIN))?.into_iter();
        let done = counters.map(|(_, status)| status.done).sum::<u64>();
        Ok(i64::try_from(done).unwrap_or(i64::MAX))
    }
}

impl EventRows for PostgresRows {
    fn add_event(&mut self, event: &NewEvent<'_>) -> Result<(), StoreError> {
        let Some(next) = self.set.next_events.get_mut(&event.plan.0) else {
            return Err(StoreError::Broken(
                "BUG: an event of a plan that is not locked".to_owned(),
            ));
        };
        let id = *next;
        *next += 1;
        self.set.events.push(EventRow {
            plan: event.plan.0,
            id,
            execution: event.execution.0,
            epoch: event.epoch.into(),
            kind: event.kind.as_str(),
            at: event.at.0,
            principal: event.principal.to_owned(),
            detail: event.detail.to_owned(),
        });
        Ok(())
    }
}
