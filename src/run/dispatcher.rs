//! The one task that owns a run: it hears the workers, signals and timers, lets [`RunState`] decide, and performs.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    recorder::{Recorder, record},
    state::{Event, Leave, Phase, ProgressEvent, RunState, Stop, Tally, WorkerEvent},
    worker::{self, Worker, WorkerMessage, WorkerSettings},
};
use crate::{
    client::{Client, ClientError},
    clock,
    model::{
        Capabilities, DiscoveryAccount, Plan, PlanId, PlanStatus, PlanWaiting,
        record::{Checkout, PlannedExecution, RecordEvent},
    },
    signal::Signals,
    wait::{StallWatch, WaitProbe},
};

/// How long nothing is said before people are told what is going on.
const QUIET: Duration = Duration::from_secs(30);

/// Hears of a run's progress; draws it wherever people look.
pub trait Observer: Send {
    /// Something worth telling.
    fn observe(&mut self, event: &ProgressEvent);
}

/// Everything that working on a plan needs.
#[derive(Debug)]
pub struct WorkOrder {
    /// The service.
    pub client: Client,
    /// The plan.
    pub plan: Plan,
    /// How far the service's clock is ahead of ours, in milliseconds, where the service tells its time.
    pub clock_ahead_ms: Option<i64>,
    /// How far it is.
    pub status: PlanStatus,
    /// Its executions, where the service can list them.
    pub planned: Option<Vec<PlannedExecution>>,
    /// What became of the lines of the listings that the plan was made of, where this process knows.
    pub discovery: Option<DiscoveryAccount>,
    /// The checkout that tests run in, if they do.
    pub checkout: Option<Checkout>,
    /// What the workers offer, how they run and for how long.
    pub settings: Arc<WorkerSettings>,
    /// How many executions at once.
    pub workers: usize,
    /// When to stop, from now.
    pub deadline: Option<Duration>,
    /// How long somebody who could help is waited for once nothing can happen.
    pub grace: Duration,
    /// Where records are written.
    pub records: PathBuf,
    /// This process's name among all workers of the plan; also its record file's.
    pub name: String,
    /// Where the leases held now are kept for whoever comes after a killed process, if anybody does.
    pub held: Option<PathBuf>,
}

/// How a run ended.
#[derive(Debug)]
pub struct RunEnd {
    /// What was done.
    pub tally: Tally,
    /// Why it was stopped, if it was.
    pub stop: Option<Stop>,
    /// What the service said last, if it was gone or refused.
    pub service: Option<Box<ClientError>>,
    /// Why workers left that found no Squish server any more, if they did.
    pub no_squish_server: Option<String>,
    /// Why this machine could not start tests, if workers left for that.
    pub cannot_start: Option<String>,
    /// Why no Squish server could come, if that was waited for in vain.
    pub starved: Option<String>,
    /// What failed here, if something did.
    pub broken: Option<String>,
    /// The record file.
    pub record: PathBuf,
    /// How far the plan was when they left, where it could be asked.
    pub status: Option<PlanStatus>,
    /// What it waits for then, where something is open and the service can say.
    pub waiting: Option<PlanWaiting>,
}

/// Works on a plan until nothing is left for these workers, or until it is stopped. An error is a record file that
/// could not be begun.
pub async fn work(
    order: WorkOrder,
    signals: &mut Signals,
    observer: &mut dyn Observer,
) -> io::Result<RunEnd> {
    let mut recorder = Recorder::create(&order.records, &order.name)?;
    let mut write = |worker: String, event| {
        let record = record(worker, event);
        recorder.write(&record).map(|()| record.event)
    };
    write(
        order.name.clone(),
        began(
            &order.plan,
            order.clock_ahead_ms,
            order.status,
            &order.settings.offered,
        ),
    )?;
    if let Some(checkout) = order.checkout {
        write(order.name.clone(), RecordEvent::CheckedOut(checkout))?;
    }
    if let Some(executions) = order.planned {
        write(order.name.clone(), RecordEvent::Planned { executions })?;
    }
    if let Some(account) = order.discovery {
        write(order.name.clone(), RecordEvent::Discovered { account })?;
    }
    let held: Option<Arc<Path>> = order.held.map(Into::into);
    let troubles = Arc::default();
    let (phase, watching) = watch::channel(Phase::Working);
    // A worker says at most a handful of things before it waits for an answer, so a short queue never blocks it long.
    let (sender, mut mail) = mpsc::channel(64 + order.workers * 4);
    for slot in 0..order.workers {
        let worker = Worker {
            client: order.client.clone(),
            plan: order.plan.id,
            settings: Arc::clone(&order.settings),
            name: format!("{}/{}", order.name, slot + 1),
            slot,
            phase: watching.clone(),
            mail: sender.clone(),
            held: held.clone(),
            troubles: Arc::clone(&troubles),
            reserved: Mutex::default(),
        };
        tokio::spawn(worker::work(worker));
    }
    drop(sender);
    let mut state = RunState::new(order.workers, order.status);
    let deadline = sleep(order.deadline);
    tokio::pin!(deadline);
    let mut deadline_reached = false;
    let mut probe = WaitProbe::new(order.client.clone(), order.plan.id);
    let mut stall = StallWatch::new(
        order.settings.offered.clone(),
        order.grace,
        clock::monotonic(),
    );
    let quiet = tokio::time::sleep(QUIET);
    tokio::pin!(quiet);
    loop {
        let waits = state.waits();
        if waits.is_none() {
            probe.rest();
            stall.over(clock::monotonic());
        }
        let (event, written) = tokio::select! {
            received = mail.recv() => match received {
                Some(WorkerMessage { slot, event, written }) => (Event::Worker(slot, event), written),
                // Every worker sends `Left` last; a closed channel without it is a worker that panicked.
                None => break broken_worker(&mut state),
            },
            kind = signals.next() => (Event::Signal(kind), None),
            () = &mut deadline, if !deadline_reached => {
                deadline_reached = true;
                (Event::Deadline, None)
            }
            finding = probe.next(), if waits.is_some() => {
                let update = stall.look(finding, waits.unwrap_or_default(), clock::monotonic());
                let Some(update) = update else { continue };
                if let Some(remains) = update.remains {
                    probe.hurry(remains);
                }
                (Event::Idle(update), None)
            }
            () = &mut quiet => {
                quiet.as_mut().reset(tokio::time::Instant::from(clock::monotonic() + QUIET));
                (Event::Quiet, None)
            }
        };
        let event = match event {
            Event::Worker(slot, WorkerEvent::Record(event)) => {
                let event = write(format!("{}/{}", order.name, slot + 1), event)?;
                acknowledge(written);
                Event::Worker(slot, WorkerEvent::Record(event))
            }
            other => other,
        };
        let response = state.handle(event);
        if let Some(next) = response.phase {
            phase.send_replace(next);
        }
        if let Some(notice) = response.notice {
            quiet
                .as_mut()
                .reset(tokio::time::Instant::from(clock::monotonic() + QUIET));
            observer.observe(&notice);
        }
        if response.over {
            break;
        }
    }
    let no_squish_server = state.no_squish_server().map(str::to_owned);
    let cannot_start = state.cannot_start().map(str::to_owned);
    let starved = state.starved().map(str::to_owned);
    let (tally, mut stop, service, broken) = state.into_end();
    let (status, waiting) = match (stop, &service) {
        (None | Some(Stop::Starved), None) => tokio::select! {
            asked = left_behind(&order.client, order.plan.id) => asked,
            kind = signals.next() => {
                stop = Some(Stop::Signal(kind));
                (None, None)
            }
        },
        // Whoever was told to stop asks nobody any more.
        _ => (None, None),
    };
    let reason = match &starved {
        Some(why) => {
            let wanted = order.settings.offered.clone();
            let reason = why.clone();
            write(order.name.clone(), RecordEvent::Starved { wanted, reason })?;
            format!("no Squish server could come: {why}")
        }
        None => match &no_squish_server {
            Some(why) if stop.is_none() && service.is_none() => why.clone(),
            _ if cannot_start.is_some() && stop.is_none() && service.is_none() => {
                format!(
                    "tests cannot be started here: {}",
                    cannot_start.as_deref().unwrap_or_default()
                )
            }
            _ => reason(stop, service.as_deref(), broken.as_deref()),
        },
    };
    write(order.name, RecordEvent::Left { reason, status })?;
    Ok(RunEnd {
        tally,
        stop,
        service,
        no_squish_server,
        cannot_start,
        starved,
        broken,
        record: recorder.path().to_owned(),
        status,
        waiting,
    })
}

/// How far the plan is, and what it waits for if something is open.
async fn left_behind(client: &Client, plan: PlanId) -> (Option<PlanStatus>, Option<PlanWaiting>) {
    let status = client.status(plan, &Capabilities::default()).await.ok();
    match status {
        Some(PlanStatus { open: 1.., .. }) => {
            (status, client.plan_waiting(plan).await.ok().flatten())
        }
        _ => (status, None),
    }
}

fn began(
    plan: &Plan,
    clock_ahead_ms: Option<i64>,
    status: PlanStatus,
    offered: &Capabilities,
) -> RecordEvent {
    RecordEvent::Began {
        plan: plan.id,
        title: plan.title.clone(),
        project: plan.project.clone(),
        batch: plan.batch.clone(),
        capabilities: offered.clone(),
        status,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        clock_ahead_ms,
    }
}

fn acknowledge(written: Option<oneshot::Sender<()>>) {
    if let Some(written) = written {
        // The worker may have been told to stop meanwhile; its record stands all the same.
        let _ = written.send(());
    }
}

fn broken_worker(state: &mut RunState) {
    let message =
        "a worker ended without a word; please report this as a bug of testplan".to_owned();
    let _ = state.handle(Event::Worker(0, WorkerEvent::Left(Leave::Broken(message))));
}

fn reason(stop: Option<Stop>, service: Option<&ClientError>, broken: Option<&str>) -> String {
    match (stop, service, broken) {
        (Some(Stop::Signal(kind)), _, _) => {
            format!("stopped by {}", super::state::signal_name(kind))
        }
        (Some(Stop::Deadline), _, _) => "deadline reached".to_owned(),
        (Some(Stop::Starved), _, _) => "no Squish server could come".to_owned(),
        (None, Some(error), _) => error.to_string(),
        (None, None, Some(message)) => message.to_owned(),
        (None, None, None) => "nothing left for these workers".to_owned(),
    }
}

async fn sleep(span: Option<Duration>) {
    match span {
        Some(span) => tokio::time::sleep(span).await,
        None => std::future::pending().await,
    }
}
