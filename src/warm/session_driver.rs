//! Drives the process of one worker: does what `conversation` decides, within the bounds of each test.

mod deferral;
mod session_ending;
mod test_endings;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    sync::{mpsc, watch},
    time,
};

use super::{
    collected::{ReadyProcess, obstacle},
    conversation::{Conversation, Question, Step},
    message::{FileNote, FromProcess, ResultMessage, ToProcess},
    patience::Patience,
    resident_memory::resident_mib,
    second_process::Advice,
    warm_attempt::Taken,
    warm_process::{ProcessEvent, WarmProcess},
    warm_setup::Shared,
};
use crate::{
    client::BatchOptions,
    clock,
    model::Outcome,
    run::{Attempt, Phase, SessionEvent, WorkItem, phase::moved_past},
};

/// How long to wait for this process's own stop signal after the process ended by one.
const SIGNAL_GRACE: Duration = Duration::from_secs(1);

/// What the worker asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Take(Vec<WorkItem>),
    NoneNow,
    End,
}

/// What happens next.
enum Happening {
    Command(Option<Command>),
    Process(ProcessEvent),
    LeaseLost,
    Phase(Phase),
    TimeLimit,
    NoneCame,
    /// Time to look again whether a process pays.
    Tick,
}

/// The state beside the conversation's.
pub(crate) struct SessionDriver {
    shared: Arc<Shared>,
    worker: u32,
    phase: watch::Receiver<Phase>,
    commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::UnboundedSender<SessionEvent>,
    conversation: Conversation,
    process: Option<WarmProcess>,
    processes: u32,
    taken: HashMap<u64, Taken>,
    numbers: u64,
    running: Option<RunningTest>,
    /// Since when a teardown waits for the next test.
    waits_since: Option<Instant>,
    /// Since when the worker is asked for tests that it has not brought.
    wants_since: Option<Instant>,
    patience: Patience,
    near: Vec<String>,
    /// Files that the present process could not collect.
    broken: Vec<FileNote>,
    /// Whether the present process has listed the tests of the plan.
    is_lister: bool,
    /// How long to wait after a test that only the process that listed it has.
    unknown_pause: Duration,
    /// Whether the present process has the variables of the plan.
    has_variables: bool,
    /// When the present process was started, until it has collected its tests.
    started: Option<Instant>,
    /// Whether it counts as a session with a process.
    is_counted: bool,
    /// Why no process runs tests.
    trouble: String,
}

/// The bounds of the running test.
struct RunningTest {
    began: Instant,
    deadline: Option<Instant>,
    lease_lost: BoxFuture<'static, String>,
}

impl SessionDriver {
    pub(crate) fn new(
        (shared, worker): (Arc<Shared>, u32),
        has_process: bool,
        phase: watch::Receiver<Phase>,
        commands: mpsc::UnboundedReceiver<Command>,
        events: mpsc::UnboundedSender<SessionEvent>,
    ) -> Self {
        let mut conversation = Conversation::default();
        if shared.plan.fresh.is_wanted() {
            conversation = conversation.one_by_one();
        }
        // Counted here, so that no session takes itself for the only one before the first has begun.
        let now = clock::monotonic();
        let waits = !has_process && shared.progress(|it| it.advice(now)) == Advice::Wait;
        if waits {
            conversation.defer();
        } else {
            shared.progress(|it| it.sessions += 1);
        }
        Self {
            shared,
            worker,
            phase,
            commands,
            events,
            conversation,
            process: None,
            processes: 0,
            taken: HashMap::new(),
            numbers: 0,
            running: None,
            waits_since: None,
            wants_since: None,
            patience: Patience::default(),
            near: Vec::new(),
            broken: Vec::new(),
            is_lister: false,
            unknown_pause: test_endings::FIRST_PAUSE,
            has_variables: false,
            is_counted: !waits,
            started: None,
            trouble: String::new(),
        }
    }

    /// Runs until the session is dropped or ended, or the run stops.
    pub(crate) async fn run(mut self, ready: Option<ReadyProcess>) {
        match ready {
            Some(ready) => {
                self.process = Some(ready.process);
                self.processes = 1;
                self.broken = ready.broken;
                self.is_lister = ready.has_listed;
                self.report(SessionEvent::StartCost(ready.start_cost));
                let mut steps = self.conversation.ready();
                if ready.has_asked {
                    steps.extend(self.conversation.asked(false));
                }
                self.perform(steps).await;
            }
            None if self.conversation.is_deferred() => {}
            None => self.start_process().await,
        }
        loop {
            self.report_wants();
            match self.next_happening().await {
                Happening::Command(None) => return,
                Happening::Command(Some(Command::Take(work))) => self.take(work).await,
                Happening::Command(Some(Command::NoneNow)) => {
                    let steps = self.conversation.none_now();
                    self.perform(steps).await;
                }
                Happening::NoneCame => {
                    let steps = self.conversation.answer_none();
                    self.perform(steps).await;
                }
                Happening::Command(Some(Command::End)) => return self.end().await,
                Happening::Process(event) => self.on_process(event).await,
                Happening::LeaseLost => self.on_lease_lost().await,
                Happening::Phase(phase) => return self.stop(phase).await,
                Happening::TimeLimit => self.on_time_limit().await,
                Happening::Tick => self.reconsider().await,
            }
        }
    }

    async fn next_happening(&mut self) -> Happening {
        let deadline = match (&self.running, self.waits_since) {
            (Some(running), None) => running.deadline,
            _ => None,
        };
        let is_deferred = self.conversation.is_deferred();
        let tick = is_deferred.then(|| clock::monotonic() + deferral::TICK);
        let none_came = self.waits_since.map(|since| since + self.patience.limit());
        let lease_lost = async {
            match &mut self.running {
                Some(running) => drop((&mut running.lease_lost).await),
                None => std::future::pending().await,
            }
        };
        let process = async {
            match &mut self.process {
                Some(process) => process.event().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = lease_lost => Happening::LeaseLost,
            phase = moved_past(&mut self.phase, Phase::Working) => Happening::Phase(phase),
            command = self.commands.recv() => Happening::Command(command),
            event = process => Happening::Process(event),
            () = at(deadline) => Happening::TimeLimit,
            () = at(none_came) => Happening::NoneCame,
            () = at(tick) => Happening::Tick,
        }
    }

    fn report_wants(&mut self) {
        let most = self.conversation.wanted();
        if most > 0 && self.wants_since.is_none() {
            self.wants_since = Some(clock::monotonic());
            self.report(SessionEvent::Wants(BatchOptions {
                max: u32::try_from(most).unwrap_or(u32::MAX),
                work: None,
                near: Some(self.near.clone()),
                single_calls: 1,
            }));
        }
    }

    fn report(&self, event: SessionEvent) {
        // Received for as long as the session lives.
        let _ = self.events.send(event);
    }

    async fn take(&mut self, work: Vec<WorkItem>) {
        if let Some(since) = self.wants_since.take() {
            let took = clock::monotonic().saturating_duration_since(since);
            self.patience.learn(took);
        }
        let mut numbers = Vec::with_capacity(work.len());
        for work in work {
            let lost = work.lease.loss().is_some();
            let taken = Taken::new(&self.shared.plan, work);
            self.numbers += 1;
            self.taken.insert(self.numbers, taken);
            if lost {
                self.report_lease_lost(self.numbers);
            } else {
                numbers.push(self.numbers);
            }
        }
        let steps = self.conversation.take(numbers);
        self.perform(steps).await;
    }

    async fn on_process(&mut self, event: ProcessEvent) {
        let steps = match event {
            ProcessEvent::Message(message) => return self.on_message(message).await,
            ProcessEvent::Ended(end) => {
                if end.may_be_a_stop() && self.is_stopping_soon().await {
                    return;
                }
                self.process_ended(&format!("pytest ended ({end})"))
            }
            ProcessEvent::Broken(why) => {
                self.kill().await;
                self.process_ended(&format!("pytest was killed: {why}"))
            }
        };
        self.perform(steps).await;
    }

    /// A job that is aborted signals all its processes at once: then the end of this one says nothing about its test.
    async fn is_stopping_soon(&mut self) -> bool {
        let stopping = moved_past(&mut self.phase, Phase::Working);
        time::timeout(SIGNAL_GRACE, stopping).await.is_ok()
    }

    async fn on_message(&mut self, message: FromProcess) {
        let steps = match message {
            FromProcess::Hello(hello) => {
                if let Some(obstacle) = obstacle(&hello) {
                    self.trouble =
                        format!("pytest cannot run its tests one by one here: {obstacle}");
                    self.conversation.give_up()
                } else {
                    if let Some(started) = self.started.take() {
                        let cost = clock::monotonic().saturating_duration_since(started);
                        self.report(SessionEvent::StartCost(cost));
                    }
                    self.conversation.ready()
                }
            }
            FromProcess::Next { teardown, failed } => self.on_question(teardown, failed),
            FromProcess::Started { n } => self.conversation.started(n),
            FromProcess::Unknown { n } => self.conversation.unknown(n),
            FromProcess::Result(result) => {
                self.on_result(&result);
                Vec::new()
            }
            FromProcess::Broken(file) => {
                tracing::debug!(file = %file.file, "pytest cannot collect a file");
                self.broken.push(file);
                Vec::new()
            }
            FromProcess::Open { .. }
            | FromProcess::SkippedFile(_)
            | FromProcess::Names { .. }
            | FromProcess::Bye { .. }
            | FromProcess::Other => Vec::new(),
        };
        self.perform(steps).await;
    }

    fn on_question(&mut self, is_teardown: bool, failed: bool) -> Vec<Step> {
        let pid = self.process.as_ref().and_then(WarmProcess::pid);
        let fresh = self.shared.plan.fresh;
        let memory = || pid.and_then(resident_mib);
        let mut steps = Vec::new();
        let begun = self.conversation.begun();
        if begun > 0 && fresh.is_due(begun, failed, memory) {
            steps.extend(self.conversation.retire());
        }
        steps.extend(self.conversation.asked(is_teardown));
        steps
    }

    fn on_result(&mut self, result: &ResultMessage) {
        if !self.conversation.ended(result.n) {
            return;
        }
        self.running = None;
        let Some(taken) = self.taken.remove(&result.n) else {
            return;
        };
        let setup = &self.shared.plan;
        let attempt = match taken.work.lease.loss() {
            Some(_) => Attempt::without_process(Duration::ZERO, Outcome::LeaseLost),
            None => taken.with_result(setup, result),
        };
        self.conversation.stock().learn(attempt.duration);
        self.report_end(&taken, attempt);
    }

    async fn perform(&mut self, steps: Vec<Step>) {
        let mut lines = Vec::new();
        if !self.has_variables && steps.iter().any(|step| matches!(step, Step::Send(_))) {
            self.has_variables = true;
            let set = self.shared.plan.variables.iter();
            let set = set.map(|(name, value)| (name.as_str(), value.as_str()));
            lines.extend(ToProcess::Variables { set: set.collect() }.line());
        }
        for step in steps {
            match step {
                Step::Send(number) => {
                    if let Some(taken) = self.taken.get(&number) {
                        let results = taken.results.as_ref().map(|path| path.to_string_lossy());
                        let run = ToProcess::Run {
                            n: number,
                            id: &taken.id,
                            results: results.as_deref(),
                        };
                        lines.extend(run.line());
                    }
                }
                Step::SendNone => lines.extend(ToProcess::None.line()),
                Step::SendEnd => lines.extend(ToProcess::End.line()),
                Step::Started(number) => self.on_started(number).await,
                Step::Ended(number, cause) => self.on_ended(number, cause),
                // Boxed: starting one may lead here again.
                Step::Restart => Box::pin(self.start_process()).await,
            }
        }
        if !lines.is_empty()
            && let Some(process) = &mut self.process
        {
            process.send(&lines).await;
        }
        self.note_wait();
    }

    /// Keeps the time that a teardown waits for us out of the time limit of its test.
    fn note_wait(&mut self) {
        let waits = self.conversation.question() == Some(Question::Teardown);
        match (waits, self.waits_since) {
            (true, None) => self.waits_since = Some(clock::monotonic()),
            (false, Some(since)) => {
                self.waits_since = None;
                let waited = clock::monotonic().saturating_duration_since(since);
                if let Some(running) = &mut self.running {
                    running.deadline = running.deadline.map(|deadline| deadline + waited);
                }
            }
            _ => {}
        }
    }

    async fn on_started(&mut self, number: u64) {
        let Some(taken) = self.taken.get(&number) else {
            return;
        };
        self.unknown_pause = test_endings::FIRST_PAUSE;
        let began = clock::monotonic();
        self.shared.progress(|it| {
            it.began.get_or_insert(began);
        });
        let lease = taken.work.lease.clone();
        let is_lost = lease.loss().is_some();
        self.running = Some(RunningTest {
            began,
            deadline: self.shared.plan.time_limit.map(|limit| began + limit),
            lease_lost: async move { lease.lost().await }.boxed(),
        });
        let granted = &taken.work.granted;
        if self.near.first() != Some(&granted.test.suite) {
            self.near = vec![granted.test.suite.clone()];
        }
        let execution = granted.execution;
        if is_lost {
            return Box::pin(self.on_lease_lost()).await;
        }
        if let Some(process) = &self.process {
            let pid = process.group();
            self.report(SessionEvent::Started { execution, pid });
        }
    }

    async fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            process.stop(Duration::ZERO).await;
        }
    }

    async fn start_process(&mut self) {
        let command = self.shared.starter.command(self.worker, self.processes);
        self.processes += 1;
        self.waits_since = None;
        self.has_variables = false;
        self.started = Some(clock::monotonic());
        match WarmProcess::start(&command).await {
            Ok(process) => self.process = Some(process),
            Err(why) => {
                self.trouble = why;
                let steps = self.conversation.process_ended();
                self.perform(steps).await;
            }
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

impl std::fmt::Debug for SessionDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionDriver")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}
