//! From the end of a call to the attempts of its tests.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    batch_setup::BatchSetup,
    call::{Call, CalledWork},
    call_leases::CallLeases,
    collected_reports, own_results,
    worker_session::InSession,
};
use crate::{
    attribution::CalledTest,
    clock,
    model::{
        CaseCounts, CaseResult, ExecutionId, Outcome, Test, TestResult, TestVerdict, Timestamp,
    },
    run::{Attempt, Disposition},
    runner::{
        batch_decision::{self, CallDecision, CallEnd, CallReading, CallTrouble, TestEnd},
        decision::{self, DecidedOutcome},
        process_end::ProcessEnd,
        results::{Results, gather_before, last_ended, running_at_the_end},
    },
    single::{TestSetup, attempt_name, is_unexplained_error, output_tail, with_whole_paths},
};

/// Files that were written so long before a call was found to have ended were complete while it was at work: longer than
/// its processes may take to end after a signal.
const EARLY: Duration = Duration::from_secs(5);

/// What a call came to.
pub(crate) struct CallAttempts {
    executions: Vec<ExecutionId>,
    decision: CallDecision,
    not_kept: CaseCounts,
    took: Duration,
    /// The results folder of each, if it has one.
    results: Vec<Option<PathBuf>>,
}

impl CallAttempts {
    /// Reads the result files and decides.
    pub(crate) async fn read(
        call: &Call,
        leases: &CallLeases,
        in_session: Option<InSession>,
        ending: ProcessEnd,
        took: Duration,
    ) -> Self {
        let tests = named_tests(&call.called);
        let (setup, results) = (Arc::clone(&call.setup), call.results.clone());
        let folders = results_folders(call);
        let mut own_folders = folders.clone();
        for (called, folder) in call.called.iter().zip(&mut own_folders) {
            if leases.is_reported(called.execution()) {
                // What is in it may be on its way already.
                *folder = None;
            }
        }
        let has_reported = leases.has_reported();
        let ended = clock::wall();
        let reports = call.reports.clone();
        // Result files can be large: reading them must not hold up other workers' heartbeats.
        let reading = tokio::task::spawn_blocking(move || {
            if let Some(reports) = &reports {
                let place = setup.test.runner.working_directory.as_deref();
                collected_reports::collect(place, reports, &results);
            }
            if let [(test, called)] = &tests[..] {
                if in_session.is_some_and(|it| !it.is_answered) {
                    return (process_of_session_ended(ending), CaseCounts::default());
                }
                let test = CalledTest { test, called };
                return one(&setup, test, (ending, took), &results);
            }
            let end = CallEnd {
                has_reported,
                ..call_end(&setup, (ending, took), &results, ended)
            };
            let tests = called_tests(&tests);
            let mut decision = batch_decision::decide(&tests, reading(&setup), end);
            if in_session.is_some_and(|it| !it.is_warm) {
                // The start of the process is not that of the next call.
                decision.start_cost = None;
            }
            write_own_results(&mut decision, &own_folders, &results);
            (decision, CaseCounts::default())
        });
        let (decision, not_kept) = reading.await.unwrap_or_else(|error| {
            let why = format!("reading its results failed: {error}");
            let alone = |_: &_| TestEnd::Alone(why.clone());
            let decision = CallDecision {
                tests: call.called.iter().map(alone).collect(),
                start_cost: None,
                trouble: Some(CallTrouble::Died),
            };
            (decision, CaseCounts::default())
        });
        Self {
            executions: call.called.iter().map(CalledWork::execution).collect(),
            decision,
            not_kept,
            took,
            results: folders,
        }
    }

    /// Whether the tool ran none of the tests and reported an error: it may not know one of them.
    pub(crate) fn is_refused(&self) -> bool {
        self.decision.trouble == Some(CallTrouble::Refused)
    }

    /// Whether no result says that a test ran.
    pub(crate) fn ran_nothing(&self) -> bool {
        self.is_refused()
            || self.decision.tests.iter().all(
                |end| matches!(end, TestEnd::Decided(decided) if is_unexplained_error(decided)),
            )
    }

    pub(crate) fn start_cost(&self) -> Option<Duration> {
        self.decision.start_cost
    }

    /// One attempt for each execution.
    pub(crate) fn into_attempts(self, call: &Call) -> HashMap<ExecutionId, Attempt> {
        let Self {
            executions,
            decision,
            not_kept,
            took,
            results,
        } = self;
        let is_shared = executions.len() > 1;
        if is_shared {
            learn(&call.setup, &decision);
        }
        let log = call.setup.test.out.join(&call.log);
        let mut shown = None;
        let mut tail = || {
            let shown = shown.get_or_insert_with(|| output_tail(&log));
            shown.clone()
        };
        let mut attempts = HashMap::with_capacity(executions.len());
        let ends = executions.into_iter().zip(decision.tests).zip(results);
        for ((execution, end), results) in ends {
            let attempt = match end {
                TestEnd::Decided(decided) => {
                    let own = duration(&decided.outcome).filter(|_| is_shared);
                    let took = own.unwrap_or(took);
                    Attempt {
                        not_kept,
                        results,
                        ..decided_attempt(call, decided, took, &mut tail)
                    }
                }
                TestEnd::Alone(why) => {
                    call.setup.trust.set_alone(execution);
                    released(format!("{why}; the test runs alone next"), true, tail())
                }
                TestEnd::Again(why) => {
                    released(format!("{why}; the test runs once more"), false, tail())
                }
            };
            let log = Some(call.log.clone());
            attempts.insert(execution, Attempt { log, ..attempt });
        }
        attempts
    }
}

/// The attempts of the tests whose results are final while their call still runs.
pub(crate) async fn of_final_results(
    call: &Call,
    cases: Vec<CaseResult>,
) -> HashMap<ExecutionId, Attempt> {
    let (setup, results) = (Arc::clone(&call.setup), call.results.clone());
    let (tests, folders) = (named_tests(&call.called), results_folders(call));
    let deciding = tokio::task::spawn_blocking(move || {
        let mut ends = batch_decision::decide_final(&called_tests(&tests), reading(&setup), cases);
        for (decided, folder) in ends.iter_mut().zip(&folders) {
            if let Some(decided) = decided {
                write_own(decided, folder.as_deref(), &results);
            }
        }
        ends.into_iter().zip(folders).collect::<Vec<_>>()
    });
    // If that fails, the end of the call decides.
    let ends = deciding.await.unwrap_or_default();
    let log = call.setup.test.out.join(&call.log);
    let mut tail = || output_tail(&log);
    let mut attempts = HashMap::new();
    for (called, (decided, results)) in call.called.iter().zip(ends) {
        let Some(decided) = decided else { continue };
        let took = duration(&decided.outcome).unwrap_or_default();
        let attempt = Attempt {
            results,
            log: Some(call.log.clone()),
            ..decided_attempt(call, decided, took, &mut tail)
        };
        attempts.insert(called.execution(), attempt);
    }
    attempts
}

/// How long a test took by its own results.
fn duration(outcome: &Outcome) -> Option<Duration> {
    match outcome {
        Outcome::Completed {
            result: Some(result),
        } => Some(Duration::from_millis(result.duration_ms)),
        _ => None,
    }
}

/// The attempt of a test with a verdict.
fn decided_attempt(
    call: &Call,
    decided: DecidedOutcome,
    took: Duration,
    output_tail: &mut impl FnMut() -> String,
) -> Attempt {
    let output_tail = if passed(&decided.outcome) {
        String::new()
    } else {
        output_tail()
    };
    Attempt {
        cases: with_whole_paths(&call.name, decided.cases),
        output_tail,
        ..Attempt::without_process(took, decided.outcome)
    }
}

fn named_tests(called: &[CalledWork]) -> Vec<(Test, String)> {
    let named = |called: &CalledWork| (called.work.granted.test.clone(), called.name.clone());
    called.iter().map(named).collect()
}

fn called_tests(tests: &[(Test, String)]) -> Vec<CalledTest<'_>> {
    let called = |(test, called)| CalledTest { test, called };
    tests
        .iter()
        .map(|(test, name)| called((test, name)))
        .collect()
}

fn released(reason: String, alone: bool, output_tail: String) -> Attempt {
    Attempt {
        output_tail,
        disposition: Disposition::Release {
            reason,
            pause: None,
            alone,
        },
        ..Attempt::without_process(Duration::ZERO, Outcome::Cancelled)
    }
}

/// How a call of several tests ended. Blocks on the file system.
fn call_end(
    setup: &BatchSetup,
    (ending, took): (ProcessEnd, Duration),
    results: &Path,
    ended: Timestamp,
) -> CallEnd {
    let command = &setup.command;
    let since_epoch = u64::try_from(ended.0).map(Duration::from_millis);
    let early: SystemTime = UNIX_EPOCH + since_epoch.unwrap_or_default().saturating_sub(EARLY);
    CallEnd {
        ending,
        took,
        processors: std::thread::available_parallelism().map_or(1, |it| it.get() as u64),
        results: setup.test.runner.tool.read_results(results).results,
        early: gather_before(&command.results, results, early),
        suspects: running_at_the_end(&command.results, results),
        last_ended: last_ended(&command.results, results),
        has_reported: false,
    }
}

fn reading(setup: &BatchSetup) -> CallReading<'_> {
    CallReading {
        codes: &setup.command.exit_codes,
        repeats: setup.command.results.repeats(),
        pattern: setup.batch.case.as_ref(),
        skip_reasons: (setup.batch.preset.as_ref()).and_then(|it| it.preset.skip_reasons),
    }
}

/// Decides for a call of one test, by the rules of a process of its own. Blocks on the file system.
fn one(
    setup: &BatchSetup,
    test: CalledTest<'_>,
    (ending, took): (ProcessEnd, Duration),
    results: &Path,
) -> (CallDecision, CaseCounts) {
    let tool = &setup.test.runner.tool;
    let (results, not_kept) = if matches!(ending, ProcessEnd::TimedOut(_)) {
        (Results::NotAsked, CaseCounts::default())
    } else {
        let found = tool.read_results(results);
        (found.results, found.not_kept)
    };
    let (decided, not_kept) =
        decision::with_not_kept(not_kept, results, |results| match &setup.batch.case {
            Some(pattern) => {
                batch_decision::decide_alone(&setup.command, test, pattern, (ending, took), results)
            }
            None => tool.decide(test.test, ending, took, results),
        });
    let decision = CallDecision {
        tests: vec![TestEnd::Decided(decided)],
        start_cost: None,
        trouble: None,
    };
    (decision, not_kept)
}

/// What ended the process may be something that an earlier test has left behind.
fn process_of_session_ended(ending: ProcessEnd) -> CallDecision {
    let why = format!("the process of the session ended while the test ran ({ending})");
    CallDecision {
        tests: vec![TestEnd::Alone(why)],
        start_cost: None,
        trouble: Some(CallTrouble::Died),
    }
}

/// Learns from a call of several tests.
fn learn(setup: &BatchSetup, decision: &CallDecision) {
    if setup.trust.learn_trouble(decision.trouble) {
        tracing::warn!(
            "the results of two calls in a row show none of their tests: each test has a call of its own from now on; \
             runner.case in testplan.yml says what the result file calls a test"
        );
    }
    let results = decision.tests.iter().filter_map(|end| match end {
        TestEnd::Decided(DecidedOutcome {
            outcome: Outcome::Completed {
                result: Some(result),
            },
            ..
        }) => Some(result.duration_ms),
        _ => None,
    });
    let (count, sum) = results.fold((0, 0), |(count, sum), ms| (count + 1, sum + ms));
    if count > 0 {
        let mean = Duration::from_millis(sum) / count;
        setup.trust.learn_times(mean, decision.start_cost);
    }
}

/// Whether nothing failed.
pub(super) fn passed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Completed { result: Some(TestResult { verdict, .. }) }
        if *verdict != TestVerdict::Failed)
}

/// The results folder of each test: that of the call if it was alone in it, else one of its own if its results are uploaded.
fn results_folders(call: &Call) -> Vec<Option<PathBuf>> {
    if call.called.len() == 1 {
        return vec![Some(call.results.clone())];
    }
    let TestSetup { out, plan, .. } = &*call.setup.test;
    let own = |called: &CalledWork| {
        let name = attempt_name(*plan, &called.work.granted);
        call.setup
            .writes_results
            .then(|| out.join("results").join(name))
    };
    call.called.iter().map(own).collect()
}

/// Gives each test a folder with its own results. Blocks on the file system.
fn write_own_results(decision: &mut CallDecision, folders: &[Option<PathBuf>], call: &Path) {
    for (end, folder) in decision.tests.iter_mut().zip(folders) {
        if let TestEnd::Decided(decided) = end {
            write_own(decided, folder.as_deref(), call);
        }
    }
}

/// Gives a test a folder with its own results. Without it they would not be uploaded, so then the test could not run. Blocks
/// on the file system.
fn write_own(decided: &mut DecidedOutcome, folder: Option<&Path>, call: &Path) {
    if let Some(folder) = folder
        && let Err(error) = own_results::write(folder, call, &decided.cases)
    {
        let message = "its results could not be written for their upload".to_owned();
        let details = format!("{}: {error}", folder.display());
        *decided = decision::could_not_run(message, details, Vec::new());
    }
}
