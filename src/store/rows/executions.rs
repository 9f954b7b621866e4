//! Statements about single executions: what a refusal needs, resets, failed starts, and pages of lists.

use crate::{
    clock::ClockLead,
    model::{
        Execution, ExecutionId, ExecutionState, Outcome, PlanId, TestResult, TestVerdict, Timestamp,
    },
    store::{
        Deadline, Event, StoreError,
        protocol::{ExecutionFacts, ExecutionPhase, StartFailures},
    },
};

/// An execution as a refused request finds it.
#[derive(Clone, Debug)]
pub(in crate::store) struct ExecutionRow {
    pub(in crate::store) plan: PlanId,
    pub(in crate::store) label_set: i64,
    pub(in crate::store) facts: ExecutionFacts,
    pub(in crate::store) outcome: Option<Outcome>,
}

/// Numbers of states in the database: 0 open, 1 expired, 2 reserved, 3 done.
pub(in crate::store) type StateNumber = i64;

/// The phase of a state number. Valid once the leases that are over were expired.
pub(in crate::store) fn phase(state: StateNumber) -> ExecutionPhase {
    match state {
        0 => ExecutionPhase::Open,
        1 => ExecutionPhase::Expired,
        2 => ExecutionPhase::Reserved,
        _ => ExecutionPhase::Done,
    }
}

/// Single executions inside a transaction.
pub(in crate::store) trait ExecutionRows {
    /// What the decisions of the protocol need of an execution.
    fn execution(&mut self, id: ExecutionId) -> Result<Option<ExecutionRow>, StoreError>;

    /// Counts that an execution was passed over for this worker. Only keeps the order: no lease changes.
    fn skip(&mut self, id: ExecutionId) -> Result<(), StoreError>;

    /// Ends an expired execution of this epoch with an error.
    fn abandon(
        &mut self,
        attempt: (ExecutionId, u32),
        error: &str,
        losses: (u32, &str),
    ) -> Result<(), StoreError>;

    /// Counts a late result; `false` if the execution has `most` of them.
    fn count_late_result(&mut self, id: ExecutionId, most: i64) -> Result<bool, StoreError>;

    /// Opens a done execution that failed, of this generation if one is given; `false` if the guard refused.
    fn reset(&mut self, id: ExecutionId, generation: Option<u32>) -> Result<bool, StoreError>;

    /// The last holder of an execution, and who could not start it.
    fn start_failures(&mut self, id: ExecutionId) -> Result<(String, StartFailures), StoreError>;

    /// Stores who could not start an open execution.
    fn note_start_failures(
        &mut self,
        attempt: (ExecutionId, u32),
        failures: &StartFailures,
    ) -> Result<(), StoreError>;

    /// Ends an open execution that nobody can start.
    fn end_unstartable(
        &mut self,
        attempt: (ExecutionId, u32),
        error: &str,
        failures: &StartFailures,
    ) -> Result<(), StoreError>;

    /// The Squish server that gave an execution trouble last.
    fn troubled_server(&mut self, id: ExecutionId) -> Result<Option<i64>, StoreError>;

    /// Notes the Squish server that gave an execution trouble.
    fn note_troubled_server(
        &mut self,
        attempt: (ExecutionId, u32),
        server: i64,
    ) -> Result<(), StoreError>;
}

/// Lists of executions and events, and when to look again.
pub(in crate::store) trait ExecutionPages {
    /// Executions of a plan from after `after` on, at most `limit`, as of `now`.
    fn executions(
        &mut self,
        plan: PlanId,
        state: Option<ExecutionState>,
        page: (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError>;

    /// Events of a plan from after `after` on, at most `limit`.
    fn events(&mut self, plan: PlanId, page: (i64, u32)) -> Result<Vec<Event>, StoreError>;

    /// The earliest time after `now` at which a lease of the plan ends, the plan becomes due, or the cool-down of a Squish
    /// server ends.
    fn next_deadline(
        &mut self,
        plan: PlanId,
        now: Timestamp,
        lead: &ClockLead,
    ) -> Result<Option<Deadline>, StoreError>;
}

/// An outcome as the columns of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store) struct OutcomeColumns<'a> {
    pub(in crate::store) verdict: Option<i64>,
    pub(in crate::store) duration_ms: Option<i64>,
    pub(in crate::store) flaky: Option<bool>,
    pub(in crate::store) error: Option<&'a str>,
    pub(in crate::store) details: Option<&'a str>,
}

impl<'a> OutcomeColumns<'a> {
    pub(in crate::store) fn of(outcome: &'a Outcome) -> Self {
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

    /// With why the test failed, where details are of an error otherwise.
    pub(in crate::store) fn failed_because(self, why: &'a str) -> Self {
        let failed = Some(verdict_number(TestVerdict::Failed));
        if self.verdict != failed || why.is_empty() {
            return self;
        }
        Self {
            details: Some(why),
            ..self
        }
    }

    pub(in crate::store) fn of_result(result: TestResult) -> Self {
        Self {
            verdict: Some(verdict_number(result.verdict)),
            duration_ms: Some(i64::try_from(result.duration_ms).unwrap_or(i64::MAX)),
            flaky: Some(result.flaky),
            ..Self::default()
        }
    }
}

/// The outcome of a done execution with these columns.
pub(in crate::store) fn outcome(columns: &OutcomeColumns<'_>) -> Outcome {
    if let Some(message) = columns.error {
        return Outcome::ExecutionError {
            message: message.to_owned(),
            details: columns.details.unwrap_or_default().to_owned(),
        };
    }
    Outcome::Completed {
        result: columns.verdict.map(|number| TestResult {
            verdict: verdict(number),
            duration_ms: u64::try_from(columns.duration_ms.unwrap_or(0)).unwrap_or(0),
            flaky: columns.flaky.unwrap_or(false),
        }),
    }
}

/// Why the test of a done execution with these columns failed, if that is known.
pub(in crate::store) fn failure(columns: &OutcomeColumns<'_>) -> Option<String> {
    let why = columns.details.filter(|_| columns.error.is_none());
    why.filter(|why| !why.is_empty()).map(str::to_owned)
}

/// Whether an outcome can be reset.
pub(in crate::store) fn failed(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::ExecutionError { .. } => true,
        Outcome::Completed { result } => result.is_some_and(|r| r.verdict == TestVerdict::Failed),
        Outcome::LeaseLost | Outcome::Cancelled => false,
    }
}

/// The verdict of a number in the database.
pub(in crate::store) fn verdict(number: i64) -> TestVerdict {
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
