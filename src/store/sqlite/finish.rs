//! Taking results: the one that counts, and the ones that are only remembered.

use rusqlite::{Connection, params};

use super::{
    counts::Move,
    desk::Desk,
    executions::{self, Found, verdict_number},
    holder::{Hit, Holder, held, hit},
    imports,
    rows::{one_or_none, to_json},
    trouble::{self, Over},
};
use crate::{
    model::{Outcome, TestResult, TestVerdict},
    store::{
        Finish, RefusalCode, StoreError,
        protocol::{
            Digest, EventKind, Presented, finish, lease,
            limits::MAX_LATE_RESULTS,
            payload::{self, MAX_DETAILS, MAX_MESSAGE, cut},
        },
    },
};

/// How many runs the average of a test's durations remembers.
const HISTORY: i64 = 5;

pub(super) fn finish(desk: &mut Desk, finish: &Finish) -> Result<(), StoreError> {
    let presented = Presented {
        lease: finish.lease.as_ref(),
        principal: &finish.principal,
        require_lease: desk.rules.require_lease,
    };
    let (outcome, digest) = (payload::outcome(finish), payload::of_result(finish));
    let hit = match Holder::of(finish.execution, presented) {
        Some(holder) => count(desk, &holder, &outcome, &digest)?,
        None => None,
    };
    if let Some(hit) = hit {
        return settle(desk, finish, &outcome, &hit);
    }
    let found = executions::find(&desk.db, finish.execution)?;
    let answer = finish::refused(&found.view, presented, &digest);
    if let Err(StoreError::Refused(refusal)) = &answer {
        remember(desk, finish, &found, refusal.code)?;
    }
    answer
}

/// The guarded statement: the holder's result becomes the outcome.
fn count(
    desk: &Desk,
    holder: &Holder<'_>,
    outcome: &Outcome,
    digest: &Digest,
) -> Result<Option<Hit>, StoreError> {
    let columns = Columns::of(outcome);
    holder.change(
        desk,
        concat!(
            "UPDATE executions SET state = 3, digest = ?5, verdict = ?6, duration_ms = ?7, flaky = ?8,
               error = ?9, details = ?10 WHERE",
            held!(),
            "AND state IN (1, 2)",
            hit!()
        ),
        &[
            digest,
            &columns.verdict,
            &columns.duration_ms,
            &columns.flaky,
            &columns.error,
            &columns.details,
        ],
    )
}

/// Everything that follows from a counted result.
fn settle(
    desk: &mut Desk,
    finish: &Finish,
    outcome: &Outcome,
    hit: &Hit,
) -> Result<(), StoreError> {
    let lease = Over {
        plan: hit.plan,
        execution: finish.execution,
        epoch: hit.epoch,
        squish_server: hit.squish_server,
        principal: &finish.principal,
    };
    match finish.server_trouble {
        Some(found) => trouble::rest(desk, &lease, found)?,
        None => trouble::well(desk, &lease)?,
    }
    let over = hit.was_over(desk.now);
    let step = Move {
        open: -i64::from(over),
        reserved: -i64::from(!over),
        done: 1,
        ..Move::default()
    };
    let verdict = payload::verdict(outcome);
    step.verdict(verdict, 1)
        .write(&desk.db, hit.plan, hit.label_set)?;
    if let Outcome::Completed {
        result: Some(result),
    } = outcome
    {
        learn(&desk.db, hit, *result)?;
    }
    let who = (finish.execution, hit.epoch);
    let word = in_a_word(outcome);
    desk.event(hit.plan, who, EventKind::Finished, &finish.principal, word)?;
    if matches!(outcome, Outcome::Completed { result: None }) {
        imports::look_up(desk, finish.execution, hit, &finish.principal)?;
    }
    desk.note_change();
    Ok(())
}

/// Brings the average duration of the test up to date. A skip says nothing about how long it takes.
pub(super) fn learn(db: &Connection, hit: &Hit, result: TestResult) -> Result<(), StoreError> {
    if result.verdict == TestVerdict::Skipped {
        return Ok(());
    }
    db.prepare_cached(
        "INSERT INTO history (test, label_set, runs, mean_ms) VALUES (?1, ?2, 1, ?3)
         ON CONFLICT (test, label_set) DO UPDATE SET runs = min(runs + 1, ?4),
           mean_ms = mean_ms + (excluded.mean_ms - mean_ms) / min(runs + 1, ?4)",
    )?
    .execute(params![
        hit.test,
        hit.label_set,
        i64::try_from(result.duration_ms).unwrap_or(i64::MAX),
        HISTORY
    ])?;
    Ok(())
}

/// Keeps a result that does not count in the history, up to a number.
fn remember(
    desk: &mut Desk,
    finish: &Finish,
    found: &Found,
    code: RefusalCode,
) -> Result<(), StoreError> {
    let Some(kind) = finish::kept_as(code) else {
        return Ok(());
    };
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE executions SET late_results = late_results + 1 WHERE id = ?1 AND late_results < ?2",
        )?
        .execute(params![finish.execution.0, MAX_LATE_RESULTS])?;
    if !one_or_none(rows, "a late result")? {
        return Ok(());
    }
    let told = finish.lease.as_ref().and_then(lease::epoch);
    let epoch = told.unwrap_or(found.view.epoch).min(found.view.epoch);
    let detail = to_json(&serde_json::json!({
        "message": cut(&finish.message, MAX_MESSAGE),
        "details": cut(&finish.details, MAX_DETAILS),
        "outcome": finish.result,
    }))?;
    let who = (finish.execution, epoch);
    desk.event(found.plan, who, kind, &finish.principal, &detail)
}

fn in_a_word(outcome: &Outcome) -> &'static str {
    match (outcome, payload::verdict(outcome)) {
        (_, Some(TestVerdict::Passed)) => "passed",
        (_, Some(TestVerdict::Failed)) => "failed",
        (_, Some(TestVerdict::Skipped)) => "skipped",
        (Outcome::Completed { .. }, None) => "completed",
        (Outcome::ExecutionError { .. } | Outcome::LeaseLost | Outcome::Cancelled, None) => "error",
    }
}

/// An outcome as the columns of a row.
struct Columns<'a> {
    verdict: Option<i64>,
    duration_ms: Option<i64>,
    flaky: Option<bool>,
    error: Option<&'a str>,
    details: Option<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let (result, error) = match outcome {
            Outcome::Completed { result } => (*result, None),
            Outcome::ExecutionError { message, details } => {
                (None, Some((message.as_str(), details.as_str())))
            }
            // A store is only ever told the two above.
            Outcome::LeaseLost | Outcome::Cancelled => (None, None),
        };
        Self {
            verdict: result.map(|r| verdict_number(r.verdict)),
            duration_ms: result.map(|r| i64::try_from(r.duration_ms).unwrap_or(i64::MAX)),
            flaky: result.map(|r| r.flaky),
            error: error.map(|(message, _)| message),
            details: error.map(|(_, details)| details),
        }
    }
}
