//! Explains what happened to the attempts that do not count, and what follows for the entry.

use crate::{
    model::{Outcome, record::Confirmation},
    report::{AttemptEnd, AttemptReport, Counting, EntryStatus, Explanation, ReportEntry},
};

/// Puts the explanations of all attempts before those of the entry, and decides whether it is flaky or recovered.
pub(super) fn explain(entry: &mut ReportEntry) {
    let attempts = &entry.attempts;
    let counted = attempts
        .iter()
        .position(|attempt| attempt.counting == Counting::Counts);
    let before = counted.unwrap_or(attempts.len());
    let mut explanations: Vec<Explanation> = (0..before)
        .filter_map(|index| of_earlier(attempts, index))
        .collect();
    let was_reset_as = |status| {
        explanations
            .iter()
            .any(|it| matches!(it, Explanation::Reset { was, .. } if *was == status))
    };
    let failed_before = was_reset_as(EntryStatus::Failed);
    let had_loss =
        was_reset_as(EntryStatus::CouldNotRun) || explanations.iter().any(Explanation::is_loss);

    let after = attempts.iter().skip(before + 1);
    explanations.extend(after.filter_map(|attempt| of_uncounted(attempt, None)));
    explanations.extend(of_result(entry));
    entry.flaky = entry.status == EntryStatus::Passed && (failed_before || is_flaky(entry));
    let ran = !matches!(
        entry.status,
        EntryStatus::Missing | EntryStatus::CouldNotRun
    );
    entry.recovered = ran && had_loss;
    explanations.append(&mut entry.explanations);
    entry.explanations = explanations;
}

/// Explains an attempt before the one that counts.
fn of_earlier(attempts: &[AttemptReport], index: usize) -> Option<Explanation> {
    let attempt = &attempts[index];
    let mut later = (index + 1..attempts.len()).map(|place| (place, &attempts[place]));
    let later = later.find(|(_, later)| later.counting != Counting::Not);
    if attempt.counting == Counting::Not {
        return of_uncounted(attempt, later.map(|(_, later)| later.worker.clone()));
    }
    let then = later.map(|(place, later)| {
        let number = later.number.map_or(place + 1, |number| number as usize);
        (later.status(), number)
    });
    let was = attempt.status();
    Some(Explanation::Reset { was, then })
}

/// Explains the attempt that counts, or that there is none.
fn of_result(entry: &ReportEntry) -> Vec<Explanation> {
    let mut explanations = Vec::new();
    let Some(attempt) = entry.counted() else {
        if entry.service_only.is_none()
            && entry.attempts.is_empty()
            && entry.explanations.is_empty()
        {
            explanations.push(Explanation::NeverTaken);
        }
        return explanations;
    };
    if attempt.status() == EntryStatus::Missing {
        explanations.push(Explanation::UnknownVerdict);
    }
    if let Some(reason) = &attempt.not_uploaded {
        explanations.push(Explanation::NotUploaded {
            worker: attempt.worker.clone(),
            reason: reason.clone(),
        });
    }
    if let Some(ended) = attempt.ended()
        && !ended.not_kept.is_empty()
    {
        explanations.push(Explanation::CasesNotKept {
            counted: attempt.case_counts(),
            not_kept: ended.not_kept.total(),
        });
    }
    explanations
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
    let status = attempt.status();
    let outcome = match &attempt.end {
        AttemptEnd::Ended(ended) => &ended.outcome,
        AttemptEnd::GivenBack { .. } => return Some(Explanation::GivenBack { worker }),
        AttemptEnd::Unsaid => return Some(Explanation::LeftUnsaid { worker }),
        AttemptEnd::Killed => {
            return Some(Explanation::WorkerKilled {
                worker,
                recovered_by,
            });
        }
    };
    Some(match (outcome, &attempt.confirmation) {
        (Outcome::LeaseLost, _) => Explanation::LeaseLost {
            worker,
            recovered_by,
        },
        (Outcome::Cancelled, _) => Explanation::GivenBack { worker },
        (_, Some(Confirmation::NotCounted { reason })) => Explanation::LateResult {
            worker,
            status,
            reason: reason.clone(),
        },
        (_, Some(Confirmation::Undelivered { reason })) => Explanation::Unconfirmed {
            worker,
            status,
            reason: reason.clone(),
        },
        (_, None) => Explanation::Unconfirmed {
            worker,
            status,
            reason: String::new(),
        },
        // Counted twice: it is among the broken invariants.
        (_, Some(Confirmation::Counted)) => return None,
    })
}

/// Whether it passed only after it failed, according to the test tool.
fn is_flaky(entry: &ReportEntry) -> bool {
    entry.counted().is_some_and(|attempt| {
        attempt.result().is_some_and(|result| result.flaky)
            || attempt
                .ended()
                .is_some_and(|ended| ended.cases.counts().flaky > 0)
    })
}
