//! Runs one execution: its command is made, `tries` runs it within its bounds, then its exit code and files become an
//! outcome.

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    heartbeat::Heartbeat,
    lease::HeldLease,
    licence::Licence,
    probe,
    state::Phase,
    suite_turns::SuiteTurns,
    tries::{Cut, NoEnding, Tries},
};
use crate::{
    client::Granted,
    clock,
    fs::safe_name,
    model::{Capabilities, CaseCounts, CaseResult, Outcome, PlanId, ServerTrouble, Test},
    runner::{
        command::{self, Facts},
        outcome::{self, Decision, Ending},
        results::{self, Results},
        settings::{ResultsFormat, RunnerSettings, Tool},
        squish::{self, extras::OwnAttachments, settings::Address},
        tail,
    },
};

/// How executions are run in this process.
#[derive(Debug)]
pub struct Executor {
    /// The command and how its results are read.
    pub runner: RunnerSettings,
    /// `logs/` and `results/` are made in here.
    pub out: PathBuf,
    /// The plan.
    pub plan: PlanId,
    /// What the worker offers, for `{capability.KEY}`.
    pub offered: Capabilities,
    /// Most bytes kept of an execution's output.
    pub capture_limit: u64,
    /// Who may use which Squish server now.
    pub suite_turns: SuiteTurns,
}

/// An execution to run.
#[derive(Debug)]
pub struct Work<'a> {
    /// What was granted.
    pub granted: &'a Granted,
    /// The lease that bounds it.
    pub lease: &'a HeldLease,
    /// What its processes are marked with, where somebody knows it already.
    pub mark: Option<String>,
}

/// What became of an attempt, and what is left of it.
#[derive(Debug)]
pub struct Attempt {
    /// What became of it.
    pub outcome: Outcome,
    /// From start to end of its process.
    pub duration: Duration,
    /// Cases of its result files.
    pub cases: Vec<CaseResult>,
    /// How many more cases they have than are kept.
    pub not_kept: CaseCounts,
    /// Its captured output, relative to the `--out` folder.
    pub log: Option<String>,
    /// The last lines of it, where it did not pass.
    pub output_tail: String,
    /// Its results folder, where it has one and ran in it.
    pub results: Option<PathBuf>,
    /// What was wrong with its Squish server, where it had one.
    pub server_trouble: Option<ServerTrouble>,
    /// Why this machine could not start it, whatever test it is.
    pub not_started: Option<String>,
}

/// How much of a failed attempt's output its record keeps.
const TAIL_LINES: usize = 40;
const TAIL_BYTES: usize = 8 * 1024;

impl Executor {
    /// Runs one execution. `heartbeat` keeps its lease, also after this returns; `started` is told the process.
    pub async fn execute<F: Future<Output = ()>>(
        &self,
        work: Work<'_>,
        heartbeat: &mut Heartbeat,
        phase: watch::Receiver<Phase>,
        started: impl FnMut(u32) -> F,
    ) -> Attempt {
        let Work {
            granted,
            lease,
            mark,
        } = work;
        let began = clock::monotonic();
        if let Some(reason) = heartbeat.is_lost() {
            tracing::warn!(%reason, "lease lost, the test is not started");
            return never_began(began, Outcome::LeaseLost);
        }
        let name = self.attempt_name(granted);
        let results_dir = self.out.join("results").join(&name);
        let log = format!("logs/{name}.log");
        let log_path = self.out.join(&log);
        let facts = Facts {
            plan: self.plan,
            execution: granted.execution,
            test: &granted.test,
            project: &granted.project,
            batch: &granted.batch,
            results: &results_dir,
            server: granted.server.as_ref(),
            capabilities: &self.offered,
        };
        let made = self
            .address(&facts)
            .and_then(|address| Ok((address, command::build(&self.runner, &facts)?)));
        let (address, line) = match made {
            Ok(made) => made,
            Err(refused) => {
                return could_not_run(began, "the command could not be made", &refused.to_string());
            }
        };
        // Made only where somebody will look into it.
        let results = self.runner.wants_results_folder().then_some(&results_dir);
        if let Some(folder) = results
            && let Err(error) = std::fs::create_dir_all(folder)
        {
            let where_ = format!("{}: {error}", folder.display());
            return not_started(began, "the results folder could not be made", &where_);
        }
        let own_attachments = self.runner.squish().and_then(|squish| {
            let folder = self.runner.working_directory.as_deref();
            let folder = folder.unwrap_or(Path::new("."));
            OwnAttachments::of(squish, folder, &granted.test, clock::wall())
        });
        let mut tries = Tries {
            test: &granted.test,
            line: &line,
            log: &log_path,
            capture_limit: self.capture_limit,
            time_limit: self.runner.timeout,
            lease,
            mark,
            phase,
            licence: Licence::new(&self.runner),
            began,
        };
        let ending = match self
            .in_turn(address.as_ref(), &mut tries, heartbeat, started)
            .await
        {
            Ok(ending) => ending,
            Err(NoEnding::NotStarted(why)) if self.runner.starts_the_same_for_every_test() => {
                return not_started(began, NO_START, &why);
            }
            Err(NoEnding::NotStarted(why)) => return could_not_run(began, NO_START, &why),
            Err(NoEnding::Failed(what, why)) => return could_not_run(began, what, &why),
            Err(NoEnding::Cut(cut)) => {
                return Attempt {
                    results: results.cloned(),
                    server_trouble: match cut {
                        Cut::TimeLimit(_) if granted.server.is_some() => Some(ServerTrouble::Hung),
                        Cut::TimeLimit(_) | Cut::Lease(_) | Cut::Phase(_) => None,
                    },
                    ..self.cut_short(&granted.test, tries.began, &cut, log)
                };
            }
        };
        let duration = tries.began.elapsed();
        if let Some(reason) = heartbeat.is_lost() {
            return self.cut_short(&granted.test, tries.began, &Cut::Lease(reason), log);
        }
        let (mut outcome, mut cases, not_kept) = self
            .judge(
                &granted.test,
                ending,
                duration,
                results_dir.clone(),
                own_attachments,
            )
            .await;
        for attachment in cases.iter_mut().flat_map(|case| &mut case.attachments) {
            attachment.insert_str(0, &format!("results/{name}/"));
        }
        tries.licence.explain(&mut outcome);
        let asking = self.server_trouble(ending, address.as_ref(), &results_dir);
        let server_trouble = match tries.unless_cut(heartbeat, asking).await {
            Ok(None) => None,
            Ok(Some(unreachable)) => {
                outcome = unreachable;
                // One that nobody handed out is nobody's to let rest.
                granted
                    .server
                    .is_some()
                    .then_some(ServerTrouble::Unreachable)
            }
            Err(cut) => return self.cut_short(&granted.test, tries.began, &cut, log),
        };
        let passed = matches!(&outcome, Outcome::Completed { result: Some(result) }
            if result.verdict != crate::model::TestVerdict::Failed);
        let output_tail = if passed {
            String::new()
        } else {
            tail(&log_path, TAIL_LINES, TAIL_BYTES)
        };
        Attempt {
            outcome,
            duration,
            cases,
            not_kept,
            log: Some(log),
            output_tail,
            results: results.cloned(),
            server_trouble,
            not_started: None,
        }
    }

    /// Runs it once its Squish server, if it has one, is free of our other workers.
    async fn in_turn<F: Future<Output = ()>>(
        &self,
        address: Option<&Address>,
        tries: &mut Tries<'_>,
        heartbeat: &mut Heartbeat,
        started: impl FnMut(u32) -> F,
    ) -> Result<Ending, NoEnding> {
        let _turn = match address {
            Some(address) => {
                let turn = tries.unless_cut(heartbeat, self.suite_turns.take(address));
                Some(turn.await.map_err(NoEnding::Cut)?)
            }
            None => None,
        };
        tries.run(heartbeat, started).await
    }

    /// The Squish server that squishrunner is to use, where it is one that others can use too.
    fn address(&self, facts: &Facts<'_>) -> Result<Option<Address>, command::Refused> {
        match &self.runner.tool {
            Tool::Squish(settings) => squish::command::address(settings, facts),
            Tool::Command(_) => Ok(None),
        }
    }

    /// Asks a Squish server whether it is there, where its absence would explain the end. The outcome if it is not.
    async fn server_trouble(
        &self,
        ending: Ending,
        address: Option<&Address>,
        results_dir: &Path,
    ) -> Option<Outcome> {
        let (Some(settings), Some(address)) = (self.runner.squish(), address) else {
            return None;
        };
        if !squish::outcome::may_lack_its_server(ending, settings, results_dir) {
            return None;
        }
        let why = probe::answers(address).await.err()?;
        Some(squish::outcome::unreachable(ending, address, &why))
    }

    async fn judge(
        &self,
        test: &Test,
        ending: Ending,
        duration: Duration,
        results_dir: PathBuf,
        own_attachments: Option<OwnAttachments>,
    ) -> (Outcome, Vec<CaseResult>, CaseCounts) {
        let runner = self.runner.clone();
        let by_exit_code =
            matches!(&runner.tool, Tool::Command(tool) if tool.results == ResultsFormat::ExitCode);
        let (decision, not_kept) = if by_exit_code {
            let decision = outcome::decide(&runner, test, ending, duration, Results::NotAsked);
            (decision, CaseCounts::default())
        } else {
            // Result files can be large: reading them must not hold up other workers' heartbeats.
            let test = test.clone();
            let read = move || {
                if let Some(own) = own_attachments {
                    own.fetch(&results_dir);
                }
                let found = results::of_tool(&runner.tool, &results_dir);
                let mut not_kept = found.not_kept;
                let read = outcome::skips(found.results.cases());
                let decision = outcome::decide(&runner, &test, ending, duration, found.results);
                // Tests that were not asked for leave, those that were not kept as well.
                if outcome::skips(&decision.cases) < read {
                    not_kept.skipped = 0;
                }
                (decision, not_kept)
            };
            tokio::task::spawn_blocking(read)
                .await
                .unwrap_or_else(|error| {
                    let decision = Decision {
                        outcome: Outcome::ExecutionError {
                            message: "reading its results failed".to_owned(),
                            details: error.to_string(),
                        },
                        cases: Vec::new(),
                        note: None,
                    };
                    (decision, CaseCounts::default())
                })
        };
        if let Some(note) = decision.note {
            tracing::info!(%note, "exit code and results disagree");
        }
        (decision.outcome, decision.cases, not_kept)
    }

    fn cut_short(&self, test: &Test, began: Instant, cut: &Cut, log: String) -> Attempt {
        let outcome = match cut {
            Cut::Lease(reason) => {
                tracing::warn!(%reason, "lease lost, the test was stopped");
                Outcome::LeaseLost
            }
            Cut::Phase(_) => Outcome::Cancelled,
            Cut::TimeLimit(limit) => {
                let over = Ending::TimedOut(*limit);
                outcome::decide(&self.runner, test, over, began.elapsed(), Results::NotAsked)
                    .outcome
            }
        };
        let output_tail = tail(&self.out.join(&log), TAIL_LINES, TAIL_BYTES);
        Attempt {
            outcome,
            duration: began.elapsed(),
            cases: Vec::new(),
            not_kept: CaseCounts::default(),
            log: Some(log),
            output_tail,
            results: None,
            server_trouble: None,
            not_started: None,
        }
    }

    /// Unique per attempt, readable, and safe as a file name whatever the test is called.
    fn attempt_name(&self, granted: &Granted) -> String {
        let test = safe_name(
            &format!("{}-{}", granted.test.suite, granted.test.testcase),
            80,
        );
        let attempt = match (granted.attempt, &granted.lease) {
            (Some(attempt), _) => attempt.to_string(),
            (None, _) => clock::wall().0.to_string(),
        };
        format!("{}-{}-{attempt}-{test}", self.plan, granted.execution)
    }
}

const NO_START: &str = "the command could not be started";

/// The same for a reason that lies in this machine and not in the test.
fn not_started(began: Instant, what: &str, details: &str) -> Attempt {
    Attempt {
        not_started: Some(format!("{what}: {details}")),
        ..could_not_run(began, what, details)
    }
}

fn could_not_run(began: Instant, what: &str, details: &str) -> Attempt {
    let outcome = Outcome::ExecutionError {
        message: format!("{what}: {details}"),
        details: String::new(),
    };
    never_began(began, outcome)
}

fn never_began(began: Instant, outcome: Outcome) -> Attempt {
    Attempt {
        outcome,
        duration: began.elapsed(),
        cases: Vec::new(),
        not_kept: CaseCounts::default(),
        log: None,
        output_tail: String::new(),
        results: None,
        server_trouble: None,
        not_started: None,
    }
}
