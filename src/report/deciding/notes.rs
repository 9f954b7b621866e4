//! Words what the quarantine and flaky tests of a plan came to.

use std::collections::BTreeSet;

use super::{
    rules::{EarlierRuns, QuarantineState},
    ruling::{FailureHistory, RecordedPolicy, VerdictNotes},
};
use crate::{
    model::{Day, Quarantine, QuarantineEntry},
    report::{EntryStatus, PlanReport, ReportEntry},
    text::{counted, plural},
};

/// So many days before its end a quarantine is announced to end.
pub(crate) const SOON: i64 = 7;
/// Most tests that a sentence names.
const MOST_NAMED: usize = 5;

pub(super) fn notes(report: &PlanReport, history: &FailureHistory) -> VerdictNotes {
    let mut sentences = troubles(report, history);
    let to_act_on = sentences.len();
    sentences.extend(outcomes(report, history));
    VerdictNotes {
        sentences,
        to_act_on,
    }
}

/// What a person should act on.
fn troubles(report: &PlanReport, history: &FailureHistory) -> Vec<String> {
    let policy = &report.recorded_policy;
    let mut notes = Vec::new();
    if policy.differs() {
        notes.push(
            "the workers read different quarantines, so none excuses anything: run them at one commit"
                .to_owned(),
        );
    }
    if let Some(Quarantine {
        file,
        problem: Some(problem),
        ..
    }) = policy.first()
    {
        notes.push(format!(
            "{file} excuses nothing, because it cannot be used: {problem}"
        ));
    }
    if let Some(quarantine) = policy.quarantine() {
        notes.extend(ends(report, quarantine, policy));
    }
    let broken = failed_in(report, |it| matches!(it, QuarantineState::Broken(_)));
    if let Some((count, names)) = broken {
        notes.push(format!(
            "{} in quarantine {} broken, which decides: {names}",
            counted(count, "test"),
            plural(&count, "is", "are"),
        ));
    }
    let unknown = failed_in(report, |it| it == QuarantineState::HistoryUnknown);
    if let (FailureHistory::Unknown(why), Some((count, names))) = (history, unknown) {
        notes.push(format!(
            "{} in quarantine failed and {} not excused, because earlier runs are not known: {why}: {names}",
            counted(count, "test"),
            plural(&count, "is", "are"),
        ));
    }
    notes
}

/// What came of flaky tests and of tests in quarantine.
fn outcomes(report: &PlanReport, history: &FailureHistory) -> Vec<String> {
    let mut notes = Vec::new();
    let flaky = named(report, |entry| entry.ruling.flaky_fails);
    if let Some((count, names)) = flaky {
        notes.push(format!(
            "{} {} as failed, according to `flaky` in testplan.yml: {names}",
            counted(count, "flaky test"),
            plural(&count, "counts", "count"),
        ));
    }
    let excused = named(report, |entry| entry.ruling.is_excused);
    if let Some((count, names)) = excused {
        notes.push(format!(
            "{} in quarantine failed, which does not decide: {names}",
            counted(count, "test")
        ));
    }
    let quarantine = report.recorded_policy.quarantine();
    let broken_after = quarantine.and_then(|it| it.broken_after);
    if let (FailureHistory::Known(runs), Some(most)) = (history, broken_after) {
        let short = |runs: &&EarlierRuns| runs.known < most;
        let short = runs.values().filter(short).count() as u64;
        if short > 0 {
            notes.push(format!(
                "the service knows fewer than {most} earlier runs of {} in quarantine that failed, so {} not counted as broken",
                counted(short, "test"),
                plural(&short, "it is", "they are"),
            ));
        }
    }
    let passed = named(report, |entry| {
        entry.ruling.quarantine.is_some() && entry.status == EntryStatus::Passed && !entry.flaky
    });
    if let Some((count, names)) = passed {
        notes.push(format!(
            "{} in quarantine passed: {names}",
            counted(count, "test")
        ));
    }
    notes
}

/// The entries that expired or end soon, of those that cover a test of the plan.
fn ends(report: &PlanReport, quarantine: &Quarantine, policy: &RecordedPolicy) -> Vec<String> {
    let Some(today) = policy.day else {
        return Vec::new();
    };
    let covers = |entry: &&QuarantineEntry| {
        let mut tests = report.entries.iter();
        tests.any(|it| entry.covers(&it.test, it.labels()))
    };
    let entries = quarantine.entries.iter().filter(covers);
    entries.filter_map(|entry| end_of(entry, today)).collect()
}

/// That a quarantine expired or ends soon.
pub(crate) fn end_of(entry: &QuarantineEntry, today: Day) -> Option<String> {
    let days = entry.until.days_after(today);
    let verb = match days {
        ..0 => "expired",
        0..=SOON => "ends",
        _ => return None,
    };
    let tests: Vec<String> = entry.tests.iter().map(ToString::to_string).collect();
    Some(format!(
        "quarantine of {} {verb} on {}, owner {}",
        tests.join(", "),
        entry.until,
        entry.owner
    ))
}

/// The failures of tests whose quarantine is in such a state.
fn failed_in(
    report: &PlanReport,
    wanted: impl Fn(QuarantineState) -> bool,
) -> Option<(u64, String)> {
    named(report, |entry| {
        let quarantine = entry.ruling.quarantine.as_ref();
        let failed = entry.status == EntryStatus::Failed || entry.ruling.flaky_fails;
        failed && quarantine.is_some_and(|it| wanted(it.state))
    })
}

/// How many executions there are of this kind, and the first of their tests.
fn named(report: &PlanReport, is_one: impl Fn(&ReportEntry) -> bool) -> Option<(u64, String)> {
    let found = report.entries.iter().filter(|entry| is_one(entry));
    let names: Vec<String> = found.map(ReportEntry::name).collect();
    let distinct: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let shown: Vec<&str> = distinct.iter().copied().take(MOST_NAMED).collect();
    let more = match distinct.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let count = names.len() as u64;
    (count > 0).then(|| (count, format!("{}{more}", shown.join(", "))))
}
