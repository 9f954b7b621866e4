//! Rows of executions: what the decisions of the protocol need, and outcomes as columns.

use rusqlite::{Connection, Row};

use super::{column_values::number, statements::Statements as _};
use crate::{
    model::{ExecutionId, Outcome, PlanId, Test, TestResult, TestVerdict},
    store::{
        RefusalCode, StoreError,
        protocol::{ExecutionFacts, ExecutionPhase, LeaseHash, refuse},
    },
};

/// An execution as a refused request finds it.
pub(super) struct ExecutionRow {
    pub(super) plan: PlanId,
    pub(super) label_set: i64,
    pub(super) facts: ExecutionFacts,
    pub(super) outcome: Option<Outcome>,
}

/// Reads an execution; an unknown number is refused.
pub(super) fn find(db: &Connection, id: ExecutionId) -> Result<ExecutionRow, StoreError> {
    db.read_if(
        "SELECT e.state, e.epoch, e.generation, e.reset_epoch, e.lease_hash, e.principal, e.digest,
                e.verdict, e.duration_ms, e.flaky, e.error, e.details, e.plan, e.label_set,
                e.squish_server IS NOT NULL AND NOT EXISTS (SELECT 1 FROM squish_servers s
                  WHERE s.id = e.squish_server AND s.exec = e.id AND s.epoch = e.epoch)
         FROM executions e WHERE e.id = ?1",
        [id.0],
        |row| {
            let phase = phase(row.get(0)?);
            let outcome = (phase == ExecutionPhase::Done)
                .then(|| outcome(row, 7))
                .transpose()?;
            let facts = ExecutionFacts {
                id,
                phase,
                epoch: row.get(1)?,
                generation: row.get(2)?,
                reset_epoch: row.get(3)?,
                lease_hash: row.get::<_, Option<[u8; 32]>>(4)?.map(LeaseHash),
                principal: row.get(5)?,
                server_taken: row.get(14)?,
                digest: row.get(6)?,
                failed: outcome.as_ref().is_some_and(failed),
            };
            Ok(ExecutionRow {
                plan: PlanId(row.get(12)?),
                label_set: row.get(13)?,
                facts,
                outcome,
            })
        },
    )?
    .ok_or_else(|| {
        refuse(
            RefusalCode::Unknown,
            format!("there is no execution {id}. Use the number from a reservation or a list."),
        )
    })
}

/// The test of an execution, by its number.
pub(super) fn test(db: &Connection, id: i64) -> Result<Test, StoreError> {
    db.read_one(
        "SELECT suite, testcase FROM tests WHERE id = ?1",
        [id],
        |row| {
            Ok(Test {
                suite: row.get(0)?,
                testcase: row.get(1)?,
            })
        },
    )
}

fn failed(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::ExecutionError { .. } => true,
        Outcome::Completed { result } => result.is_some_and(|r| r.verdict == TestVerdict::Failed),
        Outcome::LeaseLost | Outcome::Cancelled => false,
    }
}

/// The phase of a state number. Valid once the writer expired the leases that are over.
fn phase(state: i64) -> ExecutionPhase {
    match state {
        0 => ExecutionPhase::Open,
        1 => ExecutionPhase::Expired,
        2 => ExecutionPhase::Reserved,
        _ => ExecutionPhase::Done,
    }
}

/// The outcome in five columns from `first` on: verdict, duration, flaky, error, details.
pub(super) fn outcome(row: &Row<'_>, first: usize) -> rusqlite::Result<Outcome> {
    if let Some(message) = row.get(first + 3)? {
        return Ok(Outcome::ExecutionError {
            message,
            details: row.get::<_, Option<String>>(first + 4)?.unwrap_or_default(),
        });
    }
    let verdict = row.get::<_, Option<i64>>(first)?.map(verdict);
    let duration: i64 = row.get::<_, Option<i64>>(first + 1)?.unwrap_or(0);
    let flaky = row.get::<_, Option<bool>>(first + 2)?.unwrap_or(false);
    Ok(Outcome::Completed {
        result: verdict.map(|verdict| TestResult {
            verdict,
            duration_ms: number(duration),
            flaky,
        }),
    })
}

/// An outcome as the columns of a row.
#[derive(Default)]
pub(super) struct OutcomeColumns<'a> {
    pub(super) verdict: Option<i64>,
    pub(super) duration_ms: Option<i64>,
    pub(super) flaky: Option<bool>,
    pub(super) error: Option<&'a str>,
    pub(super) details: Option<&'a str>,
}

impl<'a> OutcomeColumns<'a> {
    pub(super) fn of(outcome: &'a Outcome) -> Self {
        match outcome {
            Outcome::Completed {
                result: Some(result),
            } => Self::of_result(*result),
            Outcome::ExecutionError { message, details } => Self {
                error: Some(message),
                details: Some(details),
                ..Self::default()
            },
            // No request carries the last two.
            Outcome::Completed { result: None } | Outcome::LeaseLost | Outcome::Cancelled => {
                Self::default()
            }
        }
    }

    pub(super) fn of_result(result: TestResult) -> Self {
        Self {
            verdict: Some(verdict_number(result.verdict)),
            duration_ms: Some(i64::try_from(result.duration_ms).unwrap_or(i64::MAX)),
            flaky: Some(result.flaky),
            ..Self::default()
        }
    }
}

/// The verdict of a number in the database.
pub(super) fn verdict(number: i64) -> TestVerdict {
    match number {
        1 => TestVerdict::Failed,
        2 => TestVerdict::Skipped,
        _ => TestVerdict::Passed,
    }
}

/// The number of a verdict in the database.
fn verdict_number(verdict: TestVerdict) -> i64 {
    match verdict {
        TestVerdict::Passed => 0,
        TestVerdict::Failed => 1,
        TestVerdict::Skipped => 2,
    }
}
