//! The data of a report: executions, workers, counts, and the conclusion from them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::{
    exit_code::Conclusion,
    model::{
        Capabilities, DiscoveryAccount, Plan, PlanId, Selection, Timestamp, millis,
        record::Checkout,
    },
};

use super::{
    AttemptReport, Counting, Counts, EntryStatus, ReportEntry,
    deciding::{RecordedPolicy, VerdictNotes},
};

/// A plan according to the records and the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanReport {
    /// `None` if no record names the plan.
    pub plan: Option<PlanFacts>,
    /// Other plans in the records, which this report leaves out.
    pub other_plans: Vec<PlanId>,
    /// How many executions were planned.
    pub total: u64,
    /// What total and results were compared with.
    pub proof: Proof,
    /// The executions with a known number, in its order.
    pub entries: Vec<ReportEntry>,
    /// How many missing executions neither records nor service name.
    pub unnamed_missing: u64,
    /// Results of tests that the service ran itself, in addition to the entries.
    pub service_counts: Option<ServiceCounts>,
    /// How many executions the service still had open or reserved when it was asked at the end.
    pub open_at_service: u64,
    /// How many executions have counted results that were not uploaded.
    pub not_uploaded: u64,
    /// The workers that wrote a record, in order of name.
    pub workers: Vec<WorkerReport>,
    /// The commits of workers that ran a test; `None` for workers without a checkout.
    pub checkouts: BTreeSet<Option<Checkout>>,
    /// Unreadable or unexpected records, one sentence each.
    pub warnings: Vec<String>,
    /// How many lines of the plan's listings became tests, if a record or the service has it.
    pub discovery: Option<DiscoveryAccount>,
    /// Invariants of the protocol that the records contradict, one sentence each.
    pub broken: Vec<String>,
    /// Times of the first and the last record, by the service's clock if the workers noted the difference.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Set if a signal or a deadline decided the conclusion.
    pub stopped: Option<Conclusion>,
    /// Which results decide, according to the workers.
    pub recorded_policy: RecordedPolicy,
    /// What came of that.
    pub verdict_notes: VerdictNotes,
}

/// What shows that the report has every planned execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proof {
    /// The records alone: the total is what workers saw when they began.
    #[default]
    Records,
    /// The service's counts; which results it has is known from the records only.
    Counts,
    /// The service's list of executions.
    List,
}

impl Proof {
    pub fn word(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Counts => "counts",
            Self::List => "list",
        }
    }

    /// What the service's counts leave open.
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

/// Number and names of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanFacts {
    pub id: PlanId,
    pub title: String,
    pub project: String,
    pub batch: String,
    /// The address of its page for people.
    pub page_url: Option<String>,
}

impl From<Plan> for PlanFacts {
    fn from(plan: Plan) -> Self {
        let Plan {
            id,
            title,
            project,
            batch,
            page_url,
            ..
        } = plan;
        Self {
            id,
            title,
            project,
            batch,
            page_url,
        }
    }
}

/// How many results a service counted of tests that it ran itself, and where each one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCounts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    pub url: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerReport {
    pub name: String,
    pub capabilities: Capabilities,
    pub began: Timestamp,
    pub ended: Timestamp,
    /// `None` for a worker that was killed.
    pub left: Option<String>,
    pub attempts: u64,
    /// Duration of its attempts.
    pub busy_ms: u64,
}

/// The tests of one set of required capabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapabilityRow {
    pub counts: Counts,
    /// Workers that attempted any of them.
    pub workers: usize,
    /// Duration of all attempts.
    pub busy_ms: u64,
}

impl PlanReport {
    /// Which part of its template's tests the plan has, if not all.
    pub fn selection(&self) -> Option<&Selection> {
        self.discovery.as_ref()?.selection.as_ref()
    }

    /// The address of the plan's page for people, if it has one.
    pub fn page_url(&self) -> Option<&str> {
        self.plan.as_ref()?.page_url.as_deref()
    }

    /// The commit that all tests ran at; `None` if it is unknown or there are several.
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

    /// Keeps only the executions that workers of these records attempted.
    pub fn of_its_workers(mut self) -> Self {
        self.entries.retain(|entry| !entry.attempts.is_empty());
        self.total = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        self.unnamed_missing = 0;
        self.open_at_service = 0;
        self
    }

    /// The tests of the plan. An execution without a result counts as one.
    pub fn tests(&self) -> Counts {
        self.sum(ReportEntry::tests)
    }

    /// The executions of the plan. They add up to the planned total.
    pub fn executions(&self) -> Counts {
        self.sum(ReportEntry::execution)
    }

    fn sum(&self, of_entry: impl Fn(&ReportEntry) -> Counts) -> Counts {
        let mut counts = Counts::default();
        for entry in &self.entries {
            counts.add(of_entry(entry));
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

    /// How many tests did not run because the plan was cancelled.
    pub(super) fn cancelled_tests(&self) -> u64 {
        let cancelled = self.entries.iter().filter(|it| it.cancelled().is_some());
        cancelled.map(|entry| entry.tests().errors).sum()
    }

    /// Who cancelled the plan and why, once each.
    pub fn cancels(&self) -> Vec<&str> {
        let cancels: BTreeSet<&str> = self
            .entries
            .iter()
            .filter_map(ReportEntry::cancelled)
            .collect();
        cancels.into_iter().collect()
    }

    /// Why some executions have no name.
    pub(super) fn unnamed_reason(&self) -> &'static str {
        if self.service_counts.is_some() {
            "Test Center reports only how many"
        } else {
            "no record names them, and the service lists no executions"
        }
    }

    /// How many executions passed by exit code, without a result file that shows what ran.
    pub fn passed_by_exit_code(&self) -> u64 {
        let alone = self.with_status(EntryStatus::Passed).filter(|entry| {
            let ended = entry.counted().and_then(AttemptReport::ended);
            ended.is_some_and(|ended| ended.cases.is_empty())
        });
        alone.count() as u64
    }

    /// The first of these decides: [`Self::stopped`], nothing planned, an execution missing or open, one that could not run,
    /// one that failed and is not excused, all skipped.
    ///
    /// A broken invariant or a missing upload counts as an execution that could not run: the results cannot be trusted, or
    /// are not in the service.
    pub fn conclusion(&self) -> Conclusion {
        let counts = self.executions();
        if let Some(stopped) = self.stopped {
            stopped
        } else if counts.total == 0 {
            Conclusion::NothingToRun
        } else if counts.missing > 0 || self.open_at_service > 0 {
            Conclusion::Incomplete
        } else if counts.errors > 0 || !self.broken.is_empty() || self.not_uploaded > 0 {
            Conclusion::Infrastructure
        } else if counts.failed > 0 || self.deciding_failures() > 0 {
            Conclusion::Failed
        } else if counts.skipped == counts.total {
            // Nothing ran. A selection that matches nothing has the same effect.
            Conclusion::NothingToRun
        } else {
            Conclusion::Passed
        }
    }

    /// Replaces the conclusion, for a run that a signal or a deadline ended.
    pub fn stopped_by(mut self, conclusion: Conclusion) -> Self {
        self.stopped = Some(conclusion);
        self
    }

    /// From the first to the last record, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.span
            .map_or(0, |(first, last)| millis(last.since(first)))
    }

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

    /// Groups executions by their labels. Executions without known labels are left out.
    pub fn by_capability(&self) -> BTreeMap<Capabilities, CapabilityRow> {
        let mut rows: BTreeMap<&Capabilities, (CapabilityRow, HashSet<&str>)> = BTreeMap::new();
        for entry in &self.entries {
            let Some(labels) = entry.labels() else {
                continue;
            };
            let (row, workers) = rows.entry(labels).or_default();
            row.counts.add(entry.tests());
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

    /// How many attempts count: at most one per execution and generation.
    pub fn counted_attempts(&self) -> usize {
        self.attempts()
            .filter(|(_, attempt)| attempt.counting != Counting::Not)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ExecutionId, Test},
        report::deciding::Ruling,
    };

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
                ruling: Ruling::default(),
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
        assert_eq!((unnamed.tests().total, unnamed.tests().missing), (2, 1));
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
