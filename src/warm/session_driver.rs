//! Drives the process of one worker: does what `conversation` decides, within the bounds of each test.

mod deferral;
mod performed_steps;
mod process_events;
mod session_ending;
mod test_endings;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use tokio::{
    sync::{mpsc, watch},
    time,
};

use super::{
    collected::FirstProcess,
    conversation::Conversation,
    message::FileNote,
    patience::Patience,
    second_process::Advice,
    warm_attempt::Taken,
    warm_process::{ProcessEvent, WarmProcess},
    warm_setup::Shared,
};
use crate::{
    client::BatchOptions,
    clock,
    run::{Phase, SessionEvent, WorkItem, phase::moved_past},
};

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
    /// Suites whose fixtures are warm, those first that tests should come from.
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
    pub(crate) async fn run(mut self, process: Option<FirstProcess>) {
        match process {
            Some(FirstProcess::Ready(ready)) => {
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
            Some(FirstProcess::Early(early)) => {
                self.process = Some(early.process);
                self.processes = 1;
                self.started = Some(early.began);
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

    /// Notes the suites of the tests at hand, the last one first: what comes runs after them.
    fn look_near(&mut self) {
        let mut numbers: Vec<u64> = self.taken.keys().copied().collect();
        numbers.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
        self.near.clear();
        for taken in numbers.iter().filter_map(|number| self.taken.get(number)) {
            let suite = &taken.work.granted.test.suite;
            if !self.near.contains(suite) {
                self.near.push(suite.clone());
            }
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
        self.look_near();
        let steps = self.conversation.take(numbers);
        self.perform(steps).await;
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
