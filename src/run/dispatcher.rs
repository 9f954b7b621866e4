//! The one task that owns a run: it receives events from workers, signals and timers, lets [`RunState`] decide, and
//! performs the response.

use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Sleep,
};

use super::{
    ending::RunEnding,
    lease_keeper::LeaseKeeper,
    observer::Observer,
    phase::Phase,
    recorder::{Recorder, record},
    running_tests::{self, RunningTests},
    state::{Response, RunEvent, RunState, RunTally, WorkerEvent},
    worker::{self, Worker, WorkerMessage, WorkerSettings},
};
use crate::{
    client::Client,
    clock,
    model::{
        Capabilities, DiscoveryAccount, Plan, PlanId, PlanStatus, PlanWaiting, VerdictPolicy,
        record::{Checkout, PlannedExecution, RecordEvent},
    },
    signal::Signals,
    wait::{StallWatch, WaitProbe, WaitingWorkers},
};

/// How long nothing happens before people see what is running.
const QUIET: Duration = Duration::from_secs(30);

/// Everything that working on a plan needs.
#[derive(Debug)]
pub struct WorkOrder {
    /// The service.
    pub client: Client,
    /// The plan.
    pub plan: Plan,
    /// How far the service's clock is ahead of this machine's, in milliseconds, if the service sends its time.
    pub clock_ahead_ms: Option<i64>,
    /// The counts of the plan.
    pub status: PlanStatus,
    /// Its executions, where the service can list them.
    pub planned: Option<Vec<PlannedExecution>>,
    /// How the lines of the listings that the plan was made of were used, if this process knows.
    pub discovery: Option<DiscoveryAccount>,
    /// Which results decide, if testplan.yml says something about it.
    pub policy: Option<VerdictPolicy>,
    /// The checkout that tests run in, if they do.
    pub checkout: Option<Checkout>,
    /// What the workers offer, how they run tests and for how long.
    pub settings: Arc<WorkerSettings>,
    /// How many executions at once.
    pub workers: usize,
    /// When to stop, from now.
    pub deadline: Option<Duration>,
    /// How long to wait for a worker or server that can run the remaining tests, once none can.
    pub grace: Duration,
    /// The folder for records.
    pub records: PathBuf,
    /// This process's name among all workers of the plan; also its record file's.
    pub name: String,
    /// The folder for the files of held leases, if a later process will read them.
    pub lease_files: Option<PathBuf>,
}

/// The result of a run.
#[derive(Debug)]
pub struct RunSummary {
    /// Counts of the executions.
    pub tally: RunTally,
    /// How it ended.
    pub ending: RunEnding,
    /// The record file.
    pub record: PathBuf,
    /// How many records are not in it, because they could not be written.
    pub missing_records: u64,
    /// The counts of the plan when the workers left, if the service answered.
    pub status: Option<PlanStatus>,
    /// What the plan waited for then, if an execution was open and the service can say.
    pub waiting: Option<PlanWaiting>,
}

/// Works on a plan until nothing is left for these workers, or until the run is stopped. Fails if the record file cannot be
/// made; a run whose records cannot be written later on stops and gives its executions back.
pub async fn work(
    mut order: WorkOrder,
    signals: &mut Signals,
    observer: &mut dyn Observer,
) -> io::Result<RunSummary> {
    let mut journal = Journal {
        recorder: Recorder::create(&order.records, &order.name)?,
        name: order.name.clone(),
    };
    journal.begin(&mut order)?;
    let mut dispatcher = Dispatcher::start(&order, journal, signals, observer);
    while !dispatcher.step().await {}
    Ok(dispatcher.conclude(&order).await)
}

/// The records of this process.
struct Journal {
    recorder: Recorder,
    name: String,
}

impl Journal {
    /// Writes what is known before any work.
    fn begin(&mut self, order: &mut WorkOrder) -> io::Result<()> {
        self.write(RecordEvent::Began {
            plan: order.plan.id,
            title: order.plan.title.clone(),
            project: order.plan.project.clone(),
            batch: order.plan.batch.clone(),
            capabilities: order.settings.offered.clone(),
            status: order.status,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            clock_ahead_ms: order.clock_ahead_ms,
            page_url: order.client.page_of(&order.plan),
        })?;
        let checkout = order.checkout.take().map(RecordEvent::CheckedOut);
        let planned = order.planned.take();
        let planned = planned.map(|executions| RecordEvent::Planned { executions });
        let discovery = order.discovery.take();
        let discovery = discovery.map(|account| RecordEvent::Discovered { account });
        let policy = order.policy.take();
        let policy = policy.map(|policy| RecordEvent::Policy {
            policy: Box::new(policy),
        });
        [checkout, planned, discovery, policy]
            .into_iter()
            .flatten()
            .try_for_each(|event| self.write(event))
    }

    /// Writes an event of the process.
    fn write(&mut self, event: RecordEvent) -> io::Result<()> {
        self.recorder.write(&record(self.name.clone(), event))
    }

    /// Writes an event of a worker, and gives it back.
    fn write_of_worker(
        &mut self,
        slot: usize,
        event: RecordEvent,
    ) -> (RecordEvent, io::Result<()>) {
        let record = record(worker_name(&self.name, slot), event);
        let written = self.recorder.write(&record);
        (record.event, written)
    }
}

fn worker_name(process: &str, slot: usize) -> String {
    format!("{process}/{}", slot + 1)
}

/// A run in progress.
struct Dispatcher<'a> {
    journal: Journal,
    state: RunState,
    phase: watch::Sender<Phase>,
    messages: mpsc::Receiver<WorkerMessage>,
    signals: &'a mut Signals,
    observer: &'a mut dyn Observer,
    /// Until the deadline was reached.
    deadline: Option<Pin<Box<Sleep>>>,
    quiet: Pin<Box<Sleep>>,
    /// When people see what runs, if they do all the time.
    shows_running: Option<tokio::time::Interval>,
    running: RunningTests,
    probe: WaitProbe,
    stall: StallWatch,
}

/// What [`Dispatcher::next_event`] brings.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on the stack of the loop"
)]
enum Incoming {
    /// An event, and the worker that waits until it is written.
    Event(RunEvent, Option<oneshot::Sender<()>>),
    /// The service did not answer what the workers wait for, or it is time to show what runs.
    Nothing,
    /// A worker ended without reporting it.
    WorkerLost,
}

impl<'a> Dispatcher<'a> {
    fn start(
        order: &WorkOrder,
        journal: Journal,
        signals: &'a mut Signals,
        observer: &'a mut dyn Observer,
    ) -> Self {
        let lease_files: Option<Arc<Path>> = order.lease_files.as_deref().map(Into::into);
        let health = Arc::default();
        let (phase, watching) = watch::channel(Phase::Working);
        // A worker sends at most a handful of messages before it waits for an answer, so a short queue never blocks it long.
        let (sender, messages) = mpsc::channel(64 + order.workers * 4);
        for slot in 0..order.workers {
            tokio::spawn(worker::work(Worker {
                client: order.client.clone(),
                plan: order.plan.id,
                settings: Arc::clone(&order.settings),
                name: worker_name(&order.name, slot),
                slot,
                phase: watching.clone(),
                keeper: LeaseKeeper::start(
                    order.client.clone(),
                    order.plan.id,
                    order.settings.lease,
                ),
                uploads: worker::upload_turns(),
                messages: sender.clone(),
                lease_files: lease_files.clone(),
                health: Arc::clone(&health),
            }));
        }
        let now = clock::monotonic();
        Self {
            journal,
            state: RunState::new(order.workers, order.status),
            phase,
            messages,
            signals,
            shows_running: running_tests::every(observer.interval()),
            running: RunningTests::default(),
            observer,
            deadline: order
                .deadline
                .map(|span| Box::pin(tokio::time::sleep(span))),
            quiet: Box::pin(tokio::time::sleep(QUIET)),
            probe: WaitProbe::for_workers(order.client.clone(), order.plan.id),
            stall: StallWatch::new(order.settings.offered.clone(), order.grace, now),
        }
    }

    /// Handles the next event. Returns whether the run is over.
    async fn step(&mut self) -> bool {
        let (event, written) = match self.next_event().await {
            Incoming::Event(event, written) => (event, written),
            Incoming::Nothing => return false,
            Incoming::WorkerLost => {
                self.state.fail("a worker ended without reporting it");
                return true;
            }
        };
        let event = match event {
            RunEvent::Worker(slot, WorkerEvent::Record(event)) => {
                let (event, result) = self.journal.write_of_worker(slot, event);
                match (result, written) {
                    (Ok(()), Some(written)) => {
                        // The worker may have been stopped meanwhile; its record stands all the same.
                        let _ = written.send(());
                    }
                    (Ok(()), None) => {}
                    (Err(error), _) => {
                        let response = self.state.handle(RunEvent::NotRecorded(error.to_string()));
                        self.perform(response);
                    }
                }
                RunEvent::Worker(slot, WorkerEvent::Record(event))
            }
            other => other,
        };
        let response = self.state.handle(event);
        self.perform(response)
    }

    async fn next_event(&mut self) -> Incoming {
        let waits = self.state.waits();
        if waits.is_none() {
            self.probe.reset();
            self.stall.restart(clock::monotonic());
        }
        let event = tokio::select! {
            received = self.messages.recv() => return match received {
                Some(WorkerMessage { slot, event, written }) => {
                    Incoming::Event(RunEvent::Worker(slot, event), written)
                }
                // Every worker sends `Left` last; a closed channel without it is a worker that panicked.
                None => Incoming::WorkerLost,
            },
            kind = self.signals.next() => RunEvent::Signal(kind),
            () = reached(&mut self.deadline) => {
                self.deadline = None;
                RunEvent::Deadline
            }
            answer = self.probe.next(), if waits.is_some() => {
                let waits: WaitingWorkers = waits.unwrap_or_default();
                // The workers notice by themselves if the service is gone.
                let Ok(waiting) = answer else { return Incoming::Nothing };
                let update = self.stall.observe(waiting, waits, clock::monotonic());
                if let Some(remains) = update.remains {
                    self.probe.hurry(remains);
                }
                RunEvent::Idle(update)
            }
            () = running_tests::is_due(&mut self.shows_running) => {
                let running = self.running.update(self.state.running(), clock::monotonic());
                self.observer.see_running(&running);
                return Incoming::Nothing;
            }
            () = &mut self.quiet => {
                self.reset_quiet();
                RunEvent::Quiet
            }
        };
        Incoming::Event(event, None)
    }

    /// Performs a response. Returns whether the run is over.
    fn perform(&mut self, response: Response) -> bool {
        if let Some(next) = response.phase {
            self.phase.send_replace(next);
        }
        if let Some(progress) = response.progress {
            self.reset_quiet();
            self.observer.observe(&progress);
        }
        response.is_over
    }

    fn reset_quiet(&mut self) {
        let later = tokio::time::Instant::from(clock::monotonic() + QUIET);
        self.quiet.as_mut().reset(later);
    }

    /// Asks for the counts of the plan, and writes the last record.
    async fn conclude(mut self, order: &WorkOrder) -> RunSummary {
        let (tally, mut ending) = self.state.into_end();
        if let RunEnding::Starved(why) = &ending {
            // What cannot be written is counted.
            let _ = self.journal.write(RecordEvent::Starved {
                wanted: order.settings.offered.clone(),
                reason: why.clone(),
            });
        }
        let (mut status, mut waiting) = (None, None);
        if ending.may_ask_service() {
            tokio::select! {
                asked = left_behind(&order.client, order.plan.id) => (status, waiting) = asked,
                kind = self.signals.next() => ending = RunEnding::Stopped(kind),
            }
        }
        let reason = ending.to_string();
        let _ = self.journal.write(RecordEvent::Left { reason, status });
        RunSummary {
            tally,
            ending,
            missing_records: self.journal.recorder.missing(),
            record: self.journal.recorder.path().to_owned(),
            status,
            waiting,
        }
    }
}

/// The counts of the plan; and what it waits for, if an execution is open.
async fn left_behind(client: &Client, plan: PlanId) -> (Option<PlanStatus>, Option<PlanWaiting>) {
    let status = client.status(plan, &Capabilities::default()).await.ok();
    match status {
        Some(PlanStatus { open: 1.., .. }) => {
            (status, client.plan_waiting(plan).await.ok().flatten())
        }
        _ => (status, None),
    }
}

async fn reached(deadline: &mut Option<Pin<Box<Sleep>>>) {
    match deadline {
        Some(deadline) => deadline.await,
        None => std::future::pending().await,
    }
}
