//! One call of the command: its tests, its process within its bounds, then what its end means for each.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::{
    batch_setup::BatchSetup,
    call::{Call, CalledWork},
    call_attempts::{CallAttempts, passed},
    call_leases::CallLeases,
    call_process::{NoProcess, ToolCall},
    held_result::HeldResult,
    worker_session::{InSession, WorkerSession},
};
use crate::{
    clock,
    model::{ExecutionId, Outcome},
    run::{
        Attempt, Phase, SessionEvent, WorkItem,
        supervisor::{Cutoff, NoEnding, Supervisor},
    },
    runner::process_end::ProcessEnd,
    single::{NO_COMMAND, NO_START, not_started, output_tail},
};

/// Runs one call, in the process of `session` if there is one. Returns the calls that its tests are divided into if the tool or
/// the system refused it.
pub(crate) async fn run(
    setup: Arc<BatchSetup>,
    mut called: Vec<CalledWork>,
    session: Option<&mut WorkerSession>,
    phase: watch::Receiver<Phase>,
    events: mpsc::UnboundedSender<SessionEvent>,
) -> Vec<Vec<CalledWork>> {
    let work: Vec<WorkItem> = called.iter().map(|called| called.work.clone()).collect();
    let leases = CallLeases::new(&work, events.clone());
    called.retain(|called| leases.is_held(&called.work));
    let Some(call) = Call::new(setup, called) else {
        return Vec::new();
    };
    let call = ToolCall {
        call,
        events,
        began: clock::monotonic(),
    };
    if *phase.borrow() != Phase::Working {
        call.end_all(&leases, ToolCall::cancelled);
        return Vec::new();
    }
    call.run(leases, session, phase).await
}

/// What a call leaves behind.
struct Judged {
    /// The calls that its tests are divided into, if the tool refused it.
    divided: Vec<Vec<CalledWork>>,
    /// A test failed or has no verdict.
    has_failure: bool,
    /// The last result, if it is held back.
    held: Option<HeldResult>,
}

impl ToolCall {
    async fn run(
        mut self,
        leases: CallLeases,
        mut session: Option<&mut WorkerSession>,
        mut phase: watch::Receiver<Phase>,
    ) -> Vec<Vec<CalledWork>> {
        let supervisor = self.supervisor(leases, phase.clone());
        let setup = Arc::clone(&self.call.setup);
        let (ended, facts) = match self.run_process(&mut session, &supervisor).await {
            Ok(ended) => ended,
            Err(why) if why.is_too_long() && self.call.called.len() > 1 => return self.halves(),
            Err(why) => {
                self.end_all(&supervisor.lease, |call| call.without_process(&why));
                return Vec::new();
            }
        };
        let leases = supervisor.lease;
        let ending = match ended {
            Ok(ending) => ending,
            Err(NoEnding::CutOff(Cutoff::TimeLimit(limit))) => ProcessEnd::TimedOut(limit),
            Err(NoEnding::CutOff(Cutoff::Lease(_))) => return Vec::new(),
            Err(NoEnding::CutOff(Cutoff::Phase(_))) => {
                self.end_all(&leases, Self::cancelled);
                return Vec::new();
            }
            Err(NoEnding::Unknown(error)) => {
                let what = "the system cannot say how the command ended";
                let took = self.began.elapsed();
                self.end_all(&leases, |_| {
                    Attempt::could_not_run(took, what, &error.to_string())
                });
                return Vec::new();
            }
        };
        let events = self.events.clone();
        let Judged {
            divided,
            has_failure,
            held,
        } = self.judge(ending, facts, &leases).await;
        if let (Some(session), Some(settings)) = (session, setup.session()) {
            if held.is_some() {
                session.held = held;
            }
            let event = session
                .after_call(settings.fresh, has_failure, &setup.test.out, &mut phase)
                .await;
            if let Some(event) = event {
                // Received for as long as the session lives.
                let _ = events.send(event);
            }
        }
        divided
    }

    /// Runs the process of the call, or has that of the session run the call.
    async fn run_process(
        &mut self,
        session: &mut Option<&mut WorkerSession>,
        supervisor: &Supervisor<CallLeases>,
    ) -> Result<(Result<ProcessEnd, NoEnding>, Option<InSession>), NoProcess> {
        let setup = Arc::clone(&self.call.setup);
        if let (Some(session), Some(preset)) = (session, &setup.batch.preset)
            && let Some(settings) = preset.session
            && !self.is_of_one_that_runs_alone()
        {
            if setup.refusal.reason().is_none()
                && let Some(call) = self.run_in_session(session, preset, supervisor).await?
            {
                return Ok((call.ended, Some(call.facts)));
            }
            if settings.is_required {
                let why = setup.refusal.reason().unwrap_or_default();
                return Err(NoProcess::NoSession(why.to_owned()));
            }
        }
        let mut running = self.start()?;
        self.report_started(running.pid());
        Ok((self.bounded(supervisor, &mut running).await, None))
    }

    /// Whether its test shares no process: an earlier one ended while it ran.
    fn is_of_one_that_runs_alone(&self) -> bool {
        let trust = &self.call.setup.trust;
        let mut called = self.call.called.iter();
        called.any(|called| trust.is_alone(called.execution()))
    }

    /// Decides what the end of the call means for the tests whose leases are held.
    async fn judge(
        mut self,
        ending: ProcessEnd,
        facts: Option<InSession>,
        leases: &CallLeases,
    ) -> Judged {
        let took = self.began.elapsed();
        let call = CallAttempts::read(&self.call, leases, facts, ending, took).await;
        self.call
            .called
            .retain(|called| leases.is_held(&called.work));
        if facts.is_none() && ending.says_not_started() && call.ran_nothing() {
            self.end_all(leases, |call| call.not_started(ending));
            return Judged {
                divided: Vec::new(),
                has_failure: true,
                held: None,
            };
        }
        if call.is_refused() && self.call.called.len() > 1 {
            tracing::info!(
                tests = self.call.called.len(),
                %ending,
                "the tool ran none of the tests of a call, each half gets a call of its own"
            );
            return Judged {
                divided: self.halves(),
                has_failure: true,
                held: None,
            };
        }
        if let Some(cost) = call.start_cost() {
            self.report(SessionEvent::StartCost(cost));
        }
        let mut attempts = call.into_attempts(&self.call);
        let has_failure = attempts.values().any(|it| !passed(&it.outcome));
        let is_answered = facts.is_some_and(|it| it.is_answered);
        let mut called = self.call.called.iter().rev();
        let held = called
            .find(|called| {
                let attempt = attempts.get(&called.execution());
                attempt.is_some_and(|it| it.is_result() && passed(&it.outcome))
            })
            .filter(|_| is_answered)
            .and_then(|called| {
                let attempt = attempts.remove(&called.execution())?;
                let work = called.work.clone();
                Some(HeldResult { work, attempt })
            });
        for called in &self.call.called {
            if let Some(attempt) = attempts.remove(&called.execution()) {
                self.end(called.execution(), attempt);
            }
        }
        Judged {
            divided: Vec::new(),
            has_failure,
            held,
        }
    }

    fn halves(mut self) -> Vec<Vec<CalledWork>> {
        let second = self.call.called.split_off(self.call.called.len() / 2);
        vec![self.call.called, second]
    }

    fn without_process(&self, why: &NoProcess) -> Attempt {
        let took = self.began.elapsed();
        match why {
            NoProcess::Command(refused) => {
                Attempt::could_not_run(took, NO_COMMAND, &refused.to_string())
            }
            NoProcess::Folder(why) => {
                Attempt::not_started(took, "the results folder could not be made", why)
            }
            NoProcess::Spawn(error) => Attempt::not_started(took, NO_START, &error.to_string()),
            NoProcess::NoSession(why) => {
                Attempt::could_not_run(took, "runner.mode is session, and there can be none", why)
            }
            NoProcess::TooLong => {
                let why = "the name of the test is too long for a command";
                Attempt::could_not_run(took, NO_COMMAND, why)
            }
        }
    }

    /// The command started, and says that it could not start the tool.
    fn not_started(&self, ending: ProcessEnd) -> Attempt {
        let tail = output_tail(&self.call.setup.test.out.join(&self.call.log));
        Attempt {
            disposition: not_started(ending, &tail),
            output_tail: tail,
            log: Some(self.call.log.clone()),
            ..Attempt::could_not_run(self.began.elapsed(), NO_START, &ending.to_string())
        }
    }

    fn cancelled(&self) -> Attempt {
        Attempt {
            log: Some(self.call.log.clone()),
            ..Attempt::without_process(self.began.elapsed(), Outcome::Cancelled)
        }
    }

    fn end_all(&self, leases: &CallLeases, attempt: impl Fn(&Self) -> Attempt) {
        for called in &self.call.called {
            if leases.is_held(&called.work) {
                self.end(called.execution(), attempt(self));
            }
        }
    }

    fn end(&self, execution: ExecutionId, attempt: Attempt) {
        self.report(SessionEvent::Ended {
            execution,
            attempt: Box::new(attempt),
        });
    }
}
