//! The whole report: every execution, every worker, the counts and what they come to.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::{
    exit_code::Conclusion,
    model::{Capabilities, DiscoveryAccount, Plan, PlanId, Timestamp, millis, record::Checkout},
};

use super::{AttemptReport, Counting, EntryStatus, ReportEntry};

/// What records and service together say of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanReport {
    /// The plan, where any record names it.
    pub plan: Option<PlanFacts>,
    /// Plans that the records are of as well, and that this report leaves out.
    pub other_plans: Vec<PlanId>,
    /// How many executions were planned: none is lost as long as the counts add up to this.
    pub total: u64,
    /// What the planned total and the results were held against.
    pub proof: Proof,
    /// Every execution known by number, in order of it.
    pub entries: Vec<ReportEntry>,
    /// How many planned executions nobody can name; they are missing too.
    pub unnamed_missing: u64,
    /// Results that the service counted of tests it ran itself; they come on top of the entries.
    pub service_counts: Option<ServiceCounts>,
    /// How many executions the service said are not done yet, where it was asked at the end.
    pub open_at_service: u64,
    /// Of how many executions the results that count did not get in.
    pub not_uploaded: u64,
    /// Every worker that wrote a record, in order of name.
    pub workers: Vec<WorkerReport>,
    /// The commits that tests ran at, by the workers that took any; `None` stands for workers without a checkout.
    pub checkouts: BTreeSet<Option<Checkout>>,
    /// What could not be read or looks odd, one sentence each.
    pub warnings: Vec<String>,
    /// What became of the lines of the listings that the plan was made of, where a record or the service tells.
    pub discovery: Option<DiscoveryAccount>,
    /// Invariants that the records show broken, one sentence each.
    pub broken: Vec<String>,
    /// First and last time of any record, by the service's clock where workers noted how theirs differs from it.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The end that was decided outside of the results: a signal, a deadline.
    pub stopped: Option<Conclusion>,
}

/// What a report was held against: how far it is proven that every planned execution is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proof {
    /// Nothing but the records: the total is what workers saw when they began.
    #[default]
    Records,
    /// The service's numbers of executions. Which results it has is the workers' word.
    Counts,
    /// The service's list, execution by execution.
    List,
}

impl Proof {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Counts => "counts",
            Self::List => "list",
        }
    }

    /// What cannot be proven, if anything can be that the service was asked about.
    pub fn gap(self) -> Option<&'static str> {
        match self {
            Self::Counts => Some(
                "Checked against the service's counts: it lists no executions, so only the workers' records say which \
                 result belongs to which execution",
            ),
            Self::Records | Self::List => None,
        }
    }
}

/// What a plan is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFacts {
    /// Its number.
    pub id: PlanId,
    /// Its title.
    pub title: String,
    /// Its project.
    pub project: String,
    /// Its batch.
    pub batch: String,
}

impl From<Plan> for PlanFacts {
    fn from(plan: Plan) -> Self {
        let Plan {
            id,
            title,
            project,
            batch,
            ..
        } = plan;
        Self {
            id,
            title,
            project,
            batch,
        }
    }
}

/// Results that a service counted and nobody here can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCounts {
    /// Passed.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Skipped.
    pub skipped: u64,
    /// Where each result can be looked at.
    pub url: String,
}

/// A worker and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerReport {
    /// Its name.
    pub name: String,
    /// What it offered.
    pub capabilities: Capabilities,
    /// When its record begins.
    pub began: Timestamp,
    /// When its record ends.
    pub ended: Timestamp,
    /// Why it left; `None` for a worker that was killed.
    pub left: Option<String>,
    /// How many attempts it made.
    pub attempts: u64,
    /// How long these took, in milliseconds.
    pub busy_ms: u64,
}

/// How many executions stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All planned ones: the sum of the next five.
    pub total: u64,
    /// Passed, also the flaky ones.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Skipped.
    pub skipped: u64,
    /// Could not run.
    pub errors: u64,
    /// Without a counted result.
    pub missing: u64,
    /// Of the passed: those that failed before.
    pub flaky: u64,
    /// Of the passed, failed and skipped: those that were lost or could not run before.
    pub recovered: u64,
}

impl Counts {
    fn add(&mut self, entry: &ReportEntry) {
        self.total += 1;
        *(match entry.status {
            EntryStatus::Passed => &mut self.passed,
            EntryStatus::Failed => &mut self.failed,
            EntryStatus::Skipped => &mut self.skipped,
            EntryStatus::CouldNotRun => &mut self.errors,
            EntryStatus::Missing => &mut self.missing,
        }) += 1;
        self.flaky += u64::from(entry.flaky);
        self.recovered += u64::from(entry.recovered);
    }
}

/// The executions of one set of required capabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapabilityRow {
    /// How they stand.
    pub counts: Counts,
    /// How many workers attempted any.
    pub workers: usize,
    /// How long all attempts took, in milliseconds.
    pub busy_ms: u64,
}

impl PlanReport {
    /// The commit that all tests ran at, if that is known and one.
    pub fn commit(&self) -> Option<String> {
        let commits: BTreeSet<_> = self
            .checkouts
            .iter()
            .map(|it| it.as_ref().map(|it| &it.commit))
            .collect();
        match commits.into_iter().collect::<Vec<_>>()[..] {
            [Some(commit)] => Some(commit.clone()),
            _ => None,
        }
    }

    /// What the workers of these records did, without what is other workers' to do.
    pub fn of_its_workers(mut self) -> Self {
        self.entries.retain(|entry| !entry.attempts.is_empty());
        self.total = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        self.unnamed_missing = 0;
        self.open_at_service = 0;
        self
    }

    /// The counts; they add up to the planned total.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in &self.entries {
            counts.add(entry);
        }
        counts.total += self.unnamed_missing;
        counts.missing += self.unnamed_missing;
        if let Some(there) = &self.service_counts {
            counts.total += there.passed + there.failed + there.skipped;
            counts.passed += there.passed;
            counts.failed += there.failed;
            counts.skipped += there.skipped;
        }
        counts
    }

    /// Why some executions are known by number only.
    pub(super) fn unnamed_reason(&self) -> &'static str {
        if self.service_counts.is_some() {
            "Test Center reports only how many"
        } else {
            "no record names them, and the service lists no executions"
        }
    }

    /// How many executions passed by their exit code alone: no result file shows what ran.
    pub fn passed_by_exit_code(&self) -> u64 {
        let alone = self.with_status(EntryStatus::Passed).filter(|entry| {
            let ended = entry.counted().and_then(AttemptReport::ended);
            ended.is_some_and(|ended| ended.cases.is_empty())
        });
        alone.count() as u64
    }

    /// What the plan comes to. Nothing planned, then something missing, then something that could not run, then a
    /// failure, then a plan of which every test was skipped decide in this order; a signal or deadline told by [`Self::stopped_by`] comes before all.
    ///
    /// A broken invariant makes the results as little trustworthy as something that could not run, and results that are
    /// not where people look for them are as good as none.
    pub fn conclusion(&self) -> Conclusion {
        let counts = self.counts();
        if let Some(stopped) = self.stopped {
            stopped
        } else if counts.total == 0 {
            Conclusion::NothingToRun
        } else if counts.missing > 0 || self.open_at_service > 0 {
            Conclusion::Incomplete
        } else if counts.errors > 0 || !self.broken.is_empty() || self.not_uploaded > 0 {
            Conclusion::Infrastructure
        } else if counts.failed > 0 {
            Conclusion::Failed
        } else if counts.skipped == counts.total {
            // Nothing ran: a selection that matches nothing looks the same.
            Conclusion::NothingToRun
        } else {
            Conclusion::Passed
        }
    }

    /// The same report of a run whose end was decided outside of its results, so that every surface says the same.
    pub fn stopped_by(mut self, conclusion: Conclusion) -> Self {
        self.stopped = Some(conclusion);
        self
    }

    /// From the first to the last record, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.span
            .map_or(0, |(first, last)| millis(last.since(first)))
    }

    /// The entries that stand so, in order.
    pub fn with_status(&self, status: EntryStatus) -> impl Iterator<Item = &ReportEntry> {
        self.entries
            .iter()
            .filter(move |entry| entry.status == status)
    }

    /// Every attempt with its execution.
    pub fn attempts(&self) -> impl Iterator<Item = (&ReportEntry, &AttemptReport)> {
        self.entries
            .iter()
            .flat_map(|entry| entry.attempts.iter().map(move |attempt| (entry, attempt)))
    }

    /// The executions by the capabilities they are run under; those of which nobody says are left out.
    pub fn by_capability(&self) -> BTreeMap<Capabilities, CapabilityRow> {
        let mut rows: BTreeMap<&Capabilities, (CapabilityRow, HashSet<&str>)> = BTreeMap::new();
        for entry in &self.entries {
            let Some(labels) = entry.labels() else {
                continue;
            };
            let (row, workers) = rows.entry(labels).or_default();
            row.counts.add(entry);
            for attempt in &entry.attempts {
                row.busy_ms += attempt.duration_ms().unwrap_or_default();
                workers.insert(&attempt.worker);
            }
        }
        rows.into_iter()
            .map(|(labels, (row, workers))| {
                let workers = workers.len();
                (labels.clone(), CapabilityRow { workers, ..row })
            })
            .collect()
    }

    /// How many attempts' results count: one per execution and generation at most.
    pub fn counted_attempts(&self) -> usize {
        self.attempts()
            .filter(|(_, attempt)| attempt.counting != Counting::Not)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExecutionId, Test};

    fn report(standings: &[EntryStatus]) -> PlanReport {
        let entries = (0..)
            .zip(standings)
            .map(|(id, status)| ReportEntry {
                execution: ExecutionId(id),
                test: Test {
                    suite: "s".into(),
                    testcase: "t".into(),
                },
                required: None,
                attempts: Vec::new(),
                status: *status,
                service_only: None,
                flaky: false,
                recovered: false,
                explanations: Vec::new(),
            })
            .collect();
        PlanReport {
            total: standings.len() as u64,
            entries,
            ..PlanReport::default()
        }
    }

    #[test]
    fn precedence_of_conclusions() {
        use EntryStatus::{CouldNotRun, Failed, Missing, Passed, Skipped};
        let table: [(&[EntryStatus], Conclusion); 11] = [
            (&[], Conclusion::NothingToRun),
            (&[Passed], Conclusion::Passed),
            (&[Skipped, Skipped], Conclusion::NothingToRun),
            (&[Skipped, Passed], Conclusion::Passed),
            (&[Skipped, Failed], Conclusion::Failed),
            (&[Passed, Failed], Conclusion::Failed),
            (&[Passed, CouldNotRun], Conclusion::Infrastructure),
            (&[Failed, CouldNotRun], Conclusion::Infrastructure),
            (&[Passed, Missing], Conclusion::Incomplete),
            (&[CouldNotRun, Missing], Conclusion::Incomplete),
            (
                &[Failed, CouldNotRun, Missing, Passed],
                Conclusion::Incomplete,
            ),
        ];
        for (standings, expected) in table {
            assert_eq!(report(standings).conclusion(), expected, "{standings:?}");
        }
    }

    #[test]
    fn what_nobody_can_name_or_is_still_open_is_never_green() {
        let unnamed = PlanReport {
            unnamed_missing: 1,
            ..report(&[EntryStatus::Passed])
        };
        assert_eq!(unnamed.conclusion(), Conclusion::Incomplete);
        assert_eq!((unnamed.counts().total, unnamed.counts().missing), (2, 1));
        let open = PlanReport {
            open_at_service: 1,
            ..report(&[EntryStatus::Passed])
        };
        assert_eq!(open.conclusion(), Conclusion::Incomplete);
    }

    #[test]
    fn a_signal_overrules() {
        let report = report(&[EntryStatus::Failed]).stopped_by(Conclusion::Interrupted);
        assert_eq!(report.conclusion(), Conclusion::Interrupted);
    }
}
