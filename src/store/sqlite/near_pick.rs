//! Finding executions for a worker that names the suites whose fixtures it has warm.
//!
//! More of a warm suite first, in the order of the plan. Then the longest suite that no other worker runs, at last the end of
//! the longest one that others run. What others have warm follows from the executions that they hold. A worker that has the
//! plan to itself gets its tests in the plan's order: no other order makes it faster, and fixtures are set up as often as in
//! a run of the tool itself.

use std::{collections::HashSet, sync::Arc};

use rusqlite::params;

use super::{
    pick::{DEPTH, QueueHead},
    statements::Statements as _,
    write_context::{CachedPlan, WriteContext},
};
use crate::{
    model::Capabilities,
    store::{
        StoreError,
        protocol::{
            batch_size::{BatchFill, BatchLimit},
            suite_order::{self, SuiteQueue},
        },
    },
};

/// The executions of a suite in the order of the plan, and from its end.
const FORWARD: &str = "SELECT id, expected_ms, state, epoch, test, timeout_ms, expiries, skips, worker, lost_on, principal,
      is_estimated, alone, start_failures, label_set
    FROM executions INDEXED BY executions_by_suite
    WHERE plan = ?1 AND suite = ?2 AND state < 2 ORDER BY id";
const BACKWARD: &str = "SELECT id, expected_ms, state, epoch, test, timeout_ms, expiries, skips, worker, lost_on, principal,
      is_estimated, alone, start_failures, label_set
    FROM executions INDEXED BY executions_by_suite
    WHERE plan = ?1 AND suite = ?2 AND state < 2 ORDER BY id DESC";
/// All executions in the order of the plan, from the first open one on.
const IN_ORDER: &str = "SELECT id, expected_ms, state, epoch, test, timeout_ms, expiries, skips, worker, lost_on, principal,
      is_estimated, alone, start_failures, label_set
    FROM executions
    WHERE id >= (SELECT min(id) FROM executions INDEXED BY executions_by_suite
        WHERE plan = ?1 AND suite IS NOT NULL AND state < 2)
      AND id < ?2 AND state < 2 ORDER BY id";
/// The open work of each suite, by an index alone. Even the shortest test counts.
const SUITES: &str = "SELECT suite, label_set, sum(max(expected_ms, 1))
    FROM executions INDEXED BY executions_by_suite
    WHERE plan = ?1 AND suite IS NOT NULL AND state < 2 GROUP BY suite, label_set";

/// What a worker is looking for.
pub(super) struct NearSearch<'a> {
    /// Label sets that fit, all with the same number of labels.
    pub(super) group: &'a [(i64, Arc<Capabilities>)],
    /// Its name, if it has one.
    pub(super) worker: Option<&'a str>,
    /// The suites that it has warm, those that it prefers first.
    pub(super) near: &'a [String],
    pub(super) limit: BatchLimit,
    /// No other worker is there.
    pub(super) has_plan_to_itself: bool,
}

/// Which executions are looked at, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Suite(i64),
    SuiteFromEnd(i64),
    WholePlan,
}

/// The executions to hand out, in order. Empty if every open one should go to another worker.
pub(super) fn choose(
    context: &mut WriteContext,
    plan: &CachedPlan,
    search: &NearSearch<'_>,
) -> Result<Vec<QueueHead>, StoreError> {
    number_suites(context, plan)?;
    let mut batch = NearBatch::default();
    if search.has_plan_to_itself {
        batch.take(context, plan, search, Source::WholePlan)?;
        return Ok(batch.heads);
    }
    let mut warm = HashSet::new();
    for name in search.near {
        let suite: Option<i64> = context.db.read_if(
            "SELECT suite FROM plan_suites WHERE plan = ?1 AND name = ?2",
            params![plan.id.0, name],
            |row| row.get(0),
        )?;
        if let Some(suite) = suite
            && warm.insert(suite)
        {
            batch.take(context, plan, search, Source::Suite(suite))?;
            if batch.is_full {
                return Ok(batch.heads);
            }
        }
    }
    for queue in queues(context, plan, search)? {
        if !warm.contains(&queue.suite) {
            let source = if queue.is_taken_backward() {
                Source::SuiteFromEnd(queue.suite)
            } else {
                Source::Suite(queue.suite)
            };
            batch.take(context, plan, search, source)?;
        }
        if batch.is_full {
            break;
        }
    }
    Ok(batch.heads)
}

/// The suites with open executions that fit, in order.
fn queues(
    context: &WriteContext,
    plan: &CachedPlan,
    search: &NearSearch<'_>,
) -> Result<Vec<SuiteQueue>, StoreError> {
    let elsewhere: Vec<i64> = context.db.read_all(
        "SELECT DISTINCT suite FROM executions INDEXED BY executions_leased
         WHERE state = 2 AND deadline > ?1 AND plan = ?2 AND suite IS NOT NULL
           AND (?3 IS NULL OR worker IS NOT ?3)",
        params![context.now.0, plan.id.0, search.worker],
        |row| row.get(0),
    )?;
    let rows: Vec<(i64, i64, i64)> = context.db.read_all(SUITES, [plan.id.0], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let mut queues: Vec<SuiteQueue> = Vec::new();
    for (suite, label_set, remaining_ms) in rows {
        if !search.group.iter().any(|(set, _)| *set == label_set) {
            continue;
        }
        match queues.last_mut() {
            Some(last) if last.suite == suite => last.remaining_ms += remaining_ms,
            _ => queues.push(SuiteQueue {
                suite,
                remaining_ms,
                is_warm_elsewhere: elsewhere.contains(&suite),
            }),
        }
    }
    suite_order::sort(&mut queues);
    Ok(queues)
}

/// What was chosen so far.
#[derive(Default)]
struct NearBatch {
    heads: Vec<QueueHead>,
    fill: BatchFill,
    is_full: bool,
}

impl NearBatch {
    /// Adds executions. What goes alone is only taken first, and then nothing beside it.
    fn take(
        &mut self,
        context: &WriteContext,
        plan: &CachedPlan,
        search: &NearSearch<'_>,
        source: Source,
    ) -> Result<(), StoreError> {
        let (sql, argument) = match source {
            Source::Suite(suite) => (FORWARD, suite),
            Source::SuiteFromEnd(suite) => (BACKWARD, suite),
            Source::WholePlan => (IN_ORDER, plan.executions.end),
        };
        let mut statement = context.db.prepare_cached(sql)?;
        let mut rows = statement.query(params![plan.id.0, argument])?;
        let (before, max_expiries) = (self.heads.len(), context.rules.max_expiries);
        let mut unfit = 0;
        while unfit < DEPTH && !self.is_full {
            let Some(row) = rows.next()? else { break };
            let label_set: i64 = row.get(14)?;
            let Some((_, required)) = search.group.iter().find(|(set, _)| *set == label_set) else {
                continue;
            };
            let head = QueueHead::read(row, label_set, required)?;
            let candidate = &head.candidate;
            let goes_alone = candidate.goes_alone(max_expiries);
            if candidate.deferred_for(search.worker)
                || candidate.is_poison(max_expiries)
                || (goes_alone && !self.heads.is_empty())
            {
                unfit += 1;
                continue;
            }
            let predicted = search.limit.predicted(candidate.expected_ms);
            if !search.limit.admits(self.fill, predicted) {
                self.is_full = true;
                break;
            }
            self.fill.add(predicted);
            self.heads.push(head);
            self.is_full = goes_alone || self.fill.count() == search.limit.max;
        }
        if matches!(source, Source::SuiteFromEnd(_)) {
            self.heads[before..].reverse();
        }
        Ok(())
    }
}

/// Numbers the suites of a plan when a worker first names warm ones.
fn number_suites(context: &mut WriteContext, plan: &CachedPlan) -> Result<(), StoreError> {
    if context.numbered_plans.contains(&plan.id) {
        return Ok(());
    }
    let (first, end) = (plan.executions.start, plan.executions.end);
    let is_numbered: bool = context.db.read_one(
        "SELECT EXISTS (SELECT 1 FROM plan_suites WHERE plan = ?1)",
        [plan.id.0],
        |row| row.get(0),
    )?;
    if !is_numbered {
        context
            .db
            .prepare_cached(
                "INSERT INTO plan_suites (plan, name, suite)
                 SELECT ?1, t.suite, min(e.id) FROM executions e JOIN tests t ON t.id = e.test
                 WHERE e.id >= ?2 AND e.id < ?3 GROUP BY t.suite",
            )?
            .execute([plan.id.0, first, end])?;
        context
            .db
            .prepare_cached(
                "UPDATE executions SET suite = (SELECT s.suite FROM tests t CROSS JOIN plan_suites s
                   ON s.plan = ?1 AND s.name = t.suite WHERE t.id = executions.test)
                 WHERE id >= ?2 AND id < ?3",
            )?
            .execute([plan.id.0, first, end])?;
    }
    context.numbered_plans.insert(plan.id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn suites_are_read_by_their_index() {
        let expected = "SEARCH executions USING INDEX executions_by_suite (plan=? AND suite=?)";
        assert_eq!(query_plan(FORWARD, 2), [expected]);
        assert_eq!(query_plan(BACKWARD, 2), [expected]);
        let in_order = query_plan(IN_ORDER, 2);
        assert!(
            in_order[0].contains("USING INTEGER PRIMARY KEY"),
            "{in_order:?}"
        );
        assert!(
            in_order[2].contains("USING COVERING INDEX executions_by_suite")
                || in_order[2].contains("USING INDEX executions_by_suite"),
            "{in_order:?}"
        );
        let overview = query_plan(SUITES, 1);
        assert!(
            overview[0].contains("USING INDEX executions_by_suite"),
            "{overview:?}"
        );
    }
}
