//! Decides for one execution which attempt counts, and says why. Pure: everything known comes in, one entry goes out.

use std::collections::BTreeMap;

use crate::{
    model::{
        Execution, ExecutionId, ExecutionState, Outcome, Test, Timestamp, record::Confirmation,
    },
    report::{
        AttemptEnd, AttemptReport, Counting, EntryStatus, Explanation, ReportEntry,
        report_entry::ServiceResult,
    },
};

use super::gather::Dossier;

/// What the service says at the end.
#[derive(Debug)]
pub(super) struct Service {
    /// That nothing is open or reserved.
    pub(super) drained: bool,
    /// Its list, if it has one.
    pub(super) listed: Option<BTreeMap<ExecutionId, Execution>>,
}

/// An entry, and the invariants that it shows broken.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) entry: ReportEntry,
    pub(super) broken: Vec<String>,
}

/// Decides on one execution.
pub(super) fn judge(id: ExecutionId, dossier: Dossier, service: &Service) -> Judged {
    let attempts = in_order(dossier.attempts);
    let mut entry = ReportEntry {
        execution: id,
        test: dossier.test.unwrap_or_else(|| Test {
            suite: String::new(),
            testcase: format!("execution {id}"),
        }),
        required: dossier.required,
        attempts,
        status: EntryStatus::Missing,
        service_only: None,
        flaky: false,
        recovered: false,
        explanations: Vec::new(),
    };
    let listed = service.listed.as_ref().and_then(|list| list.get(&id));
    let mut broken = Vec::new();
    let last = pick_counted_attempts(&mut entry, &dossier.resets, listed, &mut broken);
    match listed {
        Some(execution) => reconcile_with_service(execution, last, &mut entry, &mut broken),
        None => {
            if let Some(last) = last
                && !service.drained
                && was_reopened(&entry.attempts[last], &dossier.resets)
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
    Judged { entry, broken }
}

/// By number where known, else by time: the unnumbered keep their place among the others.
fn in_order(mut attempts: Vec<AttemptReport>) -> Vec<AttemptReport> {
    if attempts.len() < 2 {
        return attempts;
    }
    attempts.sort_by_key(|attempt| attempt.reserved);
    let places: Vec<usize> = (0..attempts.len())
        .filter(|index| attempts[*index].number.is_some())
        .collect();
    let mut numbered: Vec<AttemptReport> = places.iter().map(|i| attempts[*i].clone()).collect();
    numbered.sort_by_key(|attempt| attempt.number);
    for (place, attempt) in places.into_iter().zip(numbered) {
        attempts[place] = attempt;
    }
    attempts
}

/// When an attempt's result was settled, as well as anybody knows.
fn settled(attempt: &AttemptReport) -> Timestamp {
    attempt
        .confirmed
        .or_else(|| attempt.finished())
        .unwrap_or(attempt.reserved)
}

/// Whether a reset after this attempt opened the execution again. One that passed cannot be reset: a reset recorded
/// after it came late for an earlier generation and did nothing.
fn was_reopened(attempt: &AttemptReport, resets: &[Timestamp]) -> bool {
    attempt.status().can_be_reset() && resets.iter().any(|reset| *reset > settled(attempt))
}

/// Finds the counted attempt of each generation and returns that of the last one. Two counted ones without a reset
/// between them are a broken invariant; the worse one counts then, so that nothing is hidden.
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
                "execution {} ({}): results of {} were all counted without a reset between them",
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

/// Holds the records against the service's list, which has the last word on what is done.
fn reconcile_with_service(
    execution: &Execution,
    last: Option<usize>,
    entry: &mut ReportEntry,
    broken: &mut Vec<String>,
) {
    if execution.state != ExecutionState::Done {
        if let Some(last) = last {
            entry.attempts[last].counting = Counting::UntilReset;
            entry.explanations.push(Explanation::NotDone);
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
    let said = EntryStatus::of(&service.outcome);
    let recorded = last.map(|last| entry.attempts[last].status());
    if recorded == Some(said) {
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
                "execution {} ({}): worker {} was told that its result counts ({}), but the service lists {}",
                entry.execution,
                entry.test,
                entry.attempts[last].worker,
                recorded.word(),
                said.word()
            ));
            if recorded > said {
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
            attempt.status() == said
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
    } else if said == EntryStatus::CouldNotRun {
        // The service gave it up by itself, as poison: there is no worker whose record could say so.
        entry.service_only = Some(service);
    } else {
        // Counted there, but nothing here to show for it: a withheld record must not turn green.
        entry.explanations.push(Explanation::ServiceOnly { said });
    }
}

/// Says what became of every attempt that does not count, and what that makes of the entry.
fn explain(entry: &mut ReportEntry) {
    let attempts = &entry.attempts;
    let (mut lost, mut failed_before, mut told) = (false, false, Vec::new());
    for (index, attempt) in attempts.iter().enumerate() {
        let later = || {
            attempts[index + 1..]
                .iter()
                .enumerate()
                .find(|(_, later)| later.counting != Counting::Not)
                .map(|(offset, later)| (index + 1 + offset, later))
        };
        match attempt.counting {
            Counting::Counts => break,
            Counting::UntilReset => {
                let was = attempt.status();
                failed_before |= was == EntryStatus::Failed;
                lost |= was == EntryStatus::CouldNotRun;
                let then = later().map(|(place, later)| {
                    let number = later.number.map_or(place + 1, |number| number as usize);
                    (later.status(), number)
                });
                told.push(Explanation::Reset { was, then });
            }
            Counting::Not => {
                let by = later().map(|(_, later)| later.worker.clone());
                if let Some(explanation) = of_uncounted(attempt, by) {
                    lost |= explanation.is_loss();
                    told.push(explanation);
                }
            }
        }
    }
    let after_the_counted = attempts
        .iter()
        .skip_while(|attempt| attempt.counting != Counting::Counts)
        .skip(1);
    told.extend(after_the_counted.filter_map(|attempt| of_uncounted(attempt, None)));
    match entry.counted() {
        Some(attempt) if attempt.status() == EntryStatus::Missing => {
            told.push(Explanation::UnknownVerdict);
        }
        None if entry.service_only.is_none()
            && attempts.is_empty()
            && entry.explanations.is_empty() =>
        {
            told.push(Explanation::NeverTaken);
        }
        _ => {}
    }
    if let Some(attempt) = entry.counted()
        && let Some(reason) = &attempt.not_uploaded
    {
        told.push(Explanation::NotUploaded {
            worker: attempt.worker.clone(),
            reason: reason.clone(),
        });
    }
    if let Some(attempt) = entry.counted()
        && attempt.ended().is_some_and(|it| !it.not_kept.is_empty())
    {
        told.push(Explanation::CasesNotKept {
            counted: attempt.case_counts(),
            not_kept: attempt.ended().map_or(0, |it| it.not_kept.total()),
        });
    }
    entry.flaky = entry.status == EntryStatus::Passed && (failed_before || flaky_in_itself(entry));
    let ran = !matches!(
        entry.status,
        EntryStatus::Missing | EntryStatus::CouldNotRun
    );
    entry.recovered = ran && lost;
    told.append(&mut entry.explanations);
    entry.explanations = told;
}

fn of_uncounted(attempt: &AttemptReport, recovered_by: Option<String>) -> Option<Explanation> {
    let worker = attempt.worker.clone();
    if let Some(trouble) = attempt.server_trouble {
        return Some(Explanation::SquishServerTrouble {
            worker,
            squish_server: attempt.squish_server.clone(),
            trouble,
        });
    }
    let ended = match &attempt.end {
        AttemptEnd::Ended(ended) => ended,
        AttemptEnd::GivenBack { .. } => return Some(Explanation::GivenBack { worker }),
        AttemptEnd::Unsaid => return Some(Explanation::LeftUnsaid { worker }),
        AttemptEnd::Killed => {
            return Some(Explanation::WorkerKilled {
                worker,
                recovered_by,
            });
        }
    };
    match (&ended.outcome, &attempt.confirmation) {
        (Outcome::LeaseLost, _) => Some(Explanation::LeaseLost {
            worker,
            recovered_by,
        }),
        (Outcome::Cancelled, _) => Some(Explanation::GivenBack { worker }),
        (_, Some(Confirmation::NotCounted { reason })) => Some(Explanation::LateResult {
            worker,
            status: attempt.status(),
            reason: reason.clone(),
        }),
        (_, Some(Confirmation::Undelivered { reason })) => Some(Explanation::Unconfirmed {
            worker,
            status: attempt.status(),
            reason: reason.clone(),
        }),
        (_, None) => Some(Explanation::Unconfirmed {
            worker,
            status: attempt.status(),
            reason: String::new(),
        }),
        // Counted twice: told among the broken invariants.
        (_, Some(Confirmation::Counted)) => None,
    }
}

/// Whether the test tool itself says that it passed only after failing.
fn flaky_in_itself(entry: &ReportEntry) -> bool {
    entry.counted().is_some_and(|attempt| {
        attempt.result().is_some_and(|result| result.flaky)
            || attempt
                .ended()
                .is_some_and(|ended| ended.cases.counts().flaky > 0)
    })
}
