//! Decides which results count for the conclusion: flaky tests by the policy of `testplan.yml`, failures of quarantined tests
//! by the quarantine file that the workers read, and by the earlier runs of these tests.
//!
//! What is unknown excuses nothing: a file that cannot be read, workers that read different files, a history that cannot be
//! asked. An execution that could not run or has no result is never excused.

mod notes;
mod rules;
mod ruling;

use crate::model::ExecutionId;

use super::{EntryStatus, Explanation, PlanReport, ReportEntry};
pub(crate) use notes::end_of;
pub use rules::{EarlierRuns, QuarantineState, Weight, quarantine_state, weigh};
pub use ruling::{EntryQuarantine, FailureHistory, RecordedPolicy, Ruling, VerdictNotes};

impl PlanReport {
    /// The executions whose earlier runs decide whether a quarantine excuses them, and how many runs are asked for.
    pub fn asks_history(&self) -> Option<(u32, Vec<ExecutionId>)> {
        let runs = self.recorded_policy.quarantine()?.broken_after?;
        let asked: Vec<ExecutionId> = self
            .entries
            .iter()
            .filter(|entry| {
                let quarantine = entry.ruling.quarantine.as_ref();
                self.wants_excuse(entry)
                    && quarantine.is_some_and(|it| it.state != QuarantineState::Expired)
            })
            .map(|entry| entry.execution)
            .collect();
        (!asked.is_empty()).then_some((runs, asked))
    }

    /// Whether its result would fail the plan without a quarantine.
    fn wants_excuse(&self, entry: &ReportEntry) -> bool {
        let flaky = self.recorded_policy.flaky(&entry.test);
        weigh(entry.status, entry.flaky, flaky, None).is_failure()
    }

    /// Decides about every execution, again if it was decided with less knowledge before.
    pub fn decide(&mut self, history: &FailureHistory) {
        let policy = &self.recorded_policy;
        for entry in &mut self.entries {
            entry.explanations.retain(|it| !it.is_ruling());
            entry.ruling = ruling(entry, policy, history);
            entry.explanations.extend(explanation(entry));
        }
        self.verdict_notes = notes::notes(self, history);
    }

    /// How many executions decide that the plan failed.
    pub fn deciding_failures(&self) -> u64 {
        let decides = |entry: &&ReportEntry| {
            !entry.ruling.is_excused
                && (entry.status == EntryStatus::Failed || entry.ruling.flaky_fails)
        };
        self.entries.iter().filter(decides).count() as u64
    }
}

fn ruling(entry: &ReportEntry, policy: &RecordedPolicy, history: &FailureHistory) -> Ruling {
    let quarantine = policy.quarantine().and_then(|quarantine| {
        let found = quarantine.entry(&entry.test, entry.labels())?;
        let known = match history {
            FailureHistory::Known(runs) => runs.get(&entry.execution).copied(),
            FailureHistory::Unknown(_) => None,
        };
        Some(EntryQuarantine {
            owner: found.owner.clone(),
            reason: found.reason.clone(),
            link: found.link.clone(),
            until: found.until,
            state: quarantine_state(found.until, policy.day, quarantine.broken_after, known),
        })
    });
    let state = quarantine.as_ref().map(|it| it.state);
    let weight = weigh(entry.status, entry.flaky, policy.flaky(&entry.test), state);
    Ruling {
        quarantine,
        is_excused: weight == Weight::Excused,
        flaky_fails: weight == Weight::FlakyFails,
    }
}

/// Why a failure counts or does not, if that is not plain.
fn explanation(entry: &ReportEntry) -> Option<Explanation> {
    let Ruling {
        quarantine,
        is_excused,
        flaky_fails,
    } = &entry.ruling;
    let has_failed = *is_excused || *flaky_fails || entry.status == EntryStatus::Failed;
    match quarantine {
        Some(quarantine) if has_failed => Some(Explanation::Quarantined(quarantine.clone())),
        _ if *flaky_fails => Some(Explanation::FlakyFails),
        _ => None,
    }
}
