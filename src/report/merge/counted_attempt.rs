//! Decides which attempt of an execution counts. Pure: history and service's list in, one entry out.

use std::collections::BTreeMap;

use crate::{
    model::{Execution, ExecutionId, ExecutionState, Test, Timestamp, record::Confirmation},
    report::{
        AttemptReport, Counting, EntryStatus, Explanation, ReportEntry, deciding::Ruling,
        report_entry::ServiceResult,
    },
};

use super::{attempt_explanations::explain, plan_history::ExecutionHistory};

/// The plan at the service after the run.
#[derive(Debug)]
pub(super) struct ServiceState {
    /// No execution is open or reserved.
    pub(super) drained: bool,
    pub(super) listed: Option<BTreeMap<ExecutionId, Execution>>,
}

/// An entry, and the broken invariants that it shows.
#[derive(Debug)]
pub(super) struct JudgedEntry {
    pub(super) entry: ReportEntry,
    pub(super) broken: Vec<String>,
}

/// Decides which attempt counts, and explains the others.
pub(super) fn judge(
    id: ExecutionId,
    history: ExecutionHistory,
    service: &ServiceState,
) -> JudgedEntry {
    let attempts = in_order(history.attempts);
    let mut entry = ReportEntry {
        execution: id,
        test: history.test.unwrap_or_else(|| Test {
            suite: String::new(),
            testcase: format!("execution {id}"),
        }),
        required: history.required,
        attempts,
        status: EntryStatus::Missing,
        service_only: None,
        flaky: false,
        recovered: false,
        explanations: Vec::new(),
        ruling: Ruling::default(),
    };
    let listed = service.listed.as_ref().and_then(|list| list.get(&id));
    let mut broken = Vec::new();
    let last = pick_counted_attempts(&mut entry, &history.resets, listed, &mut broken);
    match listed {
        Some(execution) => reconcile_with_service(execution, last, &mut entry, &mut broken),
        None => {
            if let Some(last) = last
                && !service.drained
                && was_reopened(&entry.attempts[last], &history.resets)
            {
                entry.attempts[last].counting = Counting::UntilReset;
            }
        }
    }
    entry.status = match (entry.counted(), &entry.service_only) {
        (Some(attempt), _) => attempt.status(),
        (None, Some(result)) => EntryStatus::of(&result.outcome),
        (None, None) => EntryStatus::Missing,
    };
    explain(&mut entry);
    JudgedEntry { entry, broken }
}

/// Sorts attempts by number. Those without a number keep the place that their time gives them.
fn in_order(mut attempts: Vec<AttemptReport>) -> Vec<AttemptReport> {
    if attempts.len() < 2 {
        return attempts;
    }
    attempts.sort_by_key(|attempt| attempt.reserved);
    let is_numbered = |attempt: &AttemptReport| attempt.number.is_some();
    let mut numbered: Vec<AttemptReport> = attempts
        .iter()
        .filter(|it| is_numbered(it))
        .cloned()
        .collect();
    numbered.sort_by_key(|attempt| attempt.number);
    let places = attempts.iter_mut().filter(|it| is_numbered(it));
    for (place, attempt) in places.zip(numbered) {
        *place = attempt;
    }
    attempts
}

/// The best known time of an attempt's result.
fn settled(attempt: &AttemptReport) -> Timestamp {
    attempt
        .confirmed
        .or_else(|| attempt.finished())
        .unwrap_or(attempt.reserved)
}

/// Whether a reset after this attempt opened the execution again. An execution that passed cannot be reset: a reset
/// recorded after that was late and did nothing.
fn was_reopened(attempt: &AttemptReport, resets: &[Timestamp]) -> bool {
    attempt.status().can_be_reset() && resets.iter().any(|reset| *reset > settled(attempt))
}

/// Finds the counted attempt of each generation and returns that of the last one. Two counted attempts without a reset
/// between them are a broken invariant: then the worse one counts, so that no failure is hidden.
fn pick_counted_attempts(
    entry: &mut ReportEntry,
    resets: &[Timestamp],
    listed: Option<&Execution>,
    broken: &mut Vec<String>,
) -> Option<usize> {
    let counted: Vec<usize> = (0..entry.attempts.len())
        .filter(|index| entry.attempts[*index].confirmation == Some(Confirmation::Counted))
        .collect();
    let all_explained = listed.is_some_and(|it| counted.len() <= it.generation as usize + 1);
    let mut generations: Vec<Vec<usize>> = Vec::new();
    for index in counted {
        let at = settled(&entry.attempts[index]);
        match generations.last_mut() {
            Some(generation)
                if !all_explained
                    && !resets.iter().any(|reset| {
                        generation
                            .iter()
                            .all(|former| settled(&entry.attempts[*former]) <= *reset)
                            && *reset <= at
                    }) =>
            {
                generation.push(index);
            }
            _ => generations.push(vec![index]),
        }
    }
    let mut last = None;
    for generation in generations {
        if generation.len() > 1 {
            let workers: Vec<&str> = generation
                .iter()
                .map(|index| entry.attempts[*index].worker.as_str())
                .collect();
            broken.push(format!(
                "execution {} ({}): results of {} were all counted without a reset between them; the service lost one after it had \
                 confirmed it (a failover to a standby that lacked it, a restored backup), or counted several",
                entry.execution,
                entry.test,
                workers.join(" and ")
            ));
        }
        if let Some(former) = last {
            let former: &mut AttemptReport = &mut entry.attempts[former];
            former.counting = Counting::UntilReset;
        }
        last = generation
            .into_iter()
            .max_by_key(|index| (entry.attempts[*index].status(), *index));
    }
    if let Some(last) = last {
        entry.attempts[last].counting = Counting::Counts;
    }
    last
}

/// Why an execution is not done although the result of its attempt `last` was confirmed: it was reset, or the service lost the
/// result with its database.
fn not_done(execution: &Execution, last: usize, entry: &ReportEntry) -> Explanation {
    let confirmed = |it: &&AttemptReport| it.confirmation == Some(Confirmation::Counted);
    let results = entry.attempts.iter().filter(confirmed).count();
    if execution.generation as usize >= results {
        return Explanation::NotDone;
    }
    let attempt = &entry.attempts[last];
    Explanation::LostByService {
        worker: attempt.worker.clone(),
        status: attempt.status(),
    }
}

/// Compares the records with the service's list, which decides what is done.
fn reconcile_with_service(
    execution: &Execution,
    last: Option<usize>,
    entry: &mut ReportEntry,
    broken: &mut Vec<String>,
) {
    if execution.state != ExecutionState::Done {
        if let Some(last) = last {
            let why = not_done(execution, last, entry);
            entry.attempts[last].counting = match why {
                Explanation::LostByService { .. } => Counting::Not,
                _ => Counting::UntilReset,
            };
            entry.explanations.push(why);
        }
        return;
    }
    let service = execution
        .outcome
        .clone()
        .map(|outcome| ServiceResult {
            outcome,
            duration_ms: execution.duration_ms,
        })
        .filter(|it| EntryStatus::of(&it.outcome) != EntryStatus::Missing);
    let Some(service) = service else {
        if last.is_none() {
            entry.explanations.push(Explanation::UnknownVerdict);
        }
        return;
    };
    let listed = EntryStatus::of(&service.outcome);
    let recorded = last.map(|last| entry.attempts[last].status());
    if recorded == Some(listed) {
        return;
    }
    if let (Some(last), Some(recorded)) = (last, recorded) {
        let later = execution.attempts as usize
            > entry.attempts[last]
                .number
                .map_or(entry.attempts.len(), |number| number as usize);
        if later {
            entry.attempts[last].counting = Counting::UntilReset;
            entry.explanations.push(Explanation::Outdated { recorded });
        } else if recorded != EntryStatus::Missing {
            broken.push(format!(
                "execution {} ({}): the service confirmed the result of worker {} ({}), but lists {}",
                entry.execution,
                entry.test,
                entry.attempts[last].worker,
                recorded.word(),
                listed.word()
            ));
            if recorded > listed {
                return;
            }
            entry.attempts[last].counting = Counting::Not;
        } else {
            entry.attempts[last].counting = Counting::Not;
        }
    }
    let unanswered = (last.map_or(0, |last| last + 1)..entry.attempts.len())
        .rev()
        .find(|index| {
            let attempt = &entry.attempts[*index];
            attempt.status() == listed
                && matches!(
                    attempt.confirmation,
                    None | Some(Confirmation::Undelivered { .. })
                )
        });
    if let Some(index) = unanswered {
        let attempt = &mut entry.attempts[index];
        attempt.counting = Counting::Counts;
        entry.explanations.push(Explanation::ConfirmedByService {
            worker: attempt.worker.clone(),
        });
    } else if listed == EntryStatus::CouldNotRun {
        // The service abandoned it: no worker has a record of that.
        entry.service_only = Some(service);
    } else {
        // The service counted a result that no record has. A missing record must not turn the report green.
        entry
            .explanations
            .push(Explanation::ServiceOnly { said: listed });
    }
}
