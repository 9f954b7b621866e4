//! What is said in a run: by workers and the outside to the dispatcher, by the dispatcher to workers and people.

use std::{fmt, time::Duration};

use tokio::sync::watch;

use crate::{
    client::ClientError,
    model::{Outcome, Test, record::RecordEvent},
    signal::SignalKind,
    wait::{WaitUpdate, WaitingFor},
};

/// How far a run may still go. It only ever moves forward; workers watch it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Reserve and execute.
    #[default]
    Working,
    /// The service is gone or refuses: reserve nothing more, end the children. Results are delivered all the same, for
    /// as long as the client is patient.
    Leaving,
    /// Somebody wants an end: the same, but nothing waits for the service any more.
    Stopping,
    /// Kill at once.
    Killing,
}

/// Resolves with the phase once it is past `phase`. A dispatcher that is gone is as good as the last one.
pub async fn moved_past(phases: &mut watch::Receiver<Phase>, phase: Phase) -> Phase {
    phases
        .wait_for(|now| *now > phase)
        .await
        .map_or(Phase::Killing, |now| *now)
}

/// What a worker tells the dispatcher.
#[derive(Debug)]
pub enum WorkerEvent {
    /// Something to write down.
    Record(RecordEvent),
    /// Nothing could be reserved now.
    Waiting(WaitingFor),
    /// Nobody answered at the Squish server of its execution.
    Unreachable(Unreachable),
    /// The worker is done. Its last event.
    Left(Leave),
}

/// A Squish server at whose address nobody answered, and what happens next. Display is both in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// `host:port`.
    pub address: String,
    /// How many times in a row it was like that, on any server, without an execution that ran in between.
    pub in_a_row: u32,
    /// How long until the next reservation, where the service does not let the server rest.
    pub pause: Option<Duration>,
    /// The execution ends with an error, because no other server could do, or is ever handed out.
    pub give_up: bool,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Squish server {} unreachable", self.address)?;
        if self.in_a_row > 1 {
            write!(f, ", {} times in a row", self.in_a_row)?;
        }
        match (self.give_up, self.pause) {
            (true, _) => f.write_str(", and no other one that fits was handed out"),
            (false, Some(pause)) => write!(
                f,
                "; the execution is given back, the next is asked for in {} s",
                pause.as_secs().max(1)
            ),
            (false, None) => f.write_str("; the execution is given back, the server rests"),
        }
    }
}

/// Why a worker left.
#[derive(Debug)]
pub enum Leave {
    /// Nothing is left that it could run.
    NothingLeft,
    /// It was told to stop.
    Told,
    /// The service could not be reached or refused.
    Service(Box<ClientError>),
    /// The Squish servers that fit are gone, in words.
    NoSquishServer(String),
    /// This machine could not start several executions in a row: why, in words.
    CannotStart(String),
    /// The worker's own machinery failed (a folder that cannot be written).
    Broken(String),
}

/// Everything that can happen to a run.
#[derive(Debug)]
pub enum Event {
    /// A worker, by slot, says something.
    Worker(usize, WorkerEvent),
    /// Ctrl-C or a request to end.
    Signal(SignalKind),
    /// The command's deadline was reached.
    Deadline,
    /// Nothing happened for a while.
    Quiet,
    /// All workers wait, and the service was asked what for.
    Idle(WaitUpdate),
}

/// What the dispatcher shall do about an event, beside writing records down.
#[must_use]
#[derive(Debug, Default, PartialEq)]
pub struct Response {
    /// Tell the workers.
    pub phase: Option<Phase>,
    /// Tell the people.
    pub notice: Option<ProgressEvent>,
    /// The run is over.
    pub over: bool,
}

/// What people are told while a run goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum ProgressEvent {
    /// An attempt ended and the service has its result.
    Finished {
        /// Which worker, from 1.
        slot: usize,
        /// The test.
        test: Test,
        /// What became of it.
        outcome: Outcome,
        /// How long it took.
        duration: Duration,
        /// How many have ended in this process, this one included.
        ended: u64,
        /// How many the plan has.
        total: u64,
    },
    /// A Squish server that nobody answers at.
    Unreachable {
        /// The test that was to run on it.
        test: Test,
        /// Which server, and what happens next.
        trouble: Unreachable,
    },
    /// A result that the service did not count, or could not be given.
    NotCounted {
        /// The test.
        test: Test,
        /// Why.
        reason: String,
    },
    /// The results of an attempt did not get in.
    NotUploaded {
        /// The test.
        test: Test,
        /// Why.
        reason: String,
    },
    /// All workers wait.
    Waiting {
        /// How many workers.
        workers: usize,
        /// For what, how long, and what would end it.
        update: WaitUpdate,
    },
    /// Workers are busy and nothing ended for a while.
    Busy {
        /// What runs.
        running: Vec<Test>,
    },
    /// The run is being stopped.
    Stopping(Stop),
    /// The service is gone for good, or refused.
    ServiceGone(String),
}

/// Why a run was stopped before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// By a signal.
    Signal(SignalKind),
    /// By its deadline.
    Deadline,
    /// No Squish server could come to its workers.
    Starved,
}

/// What people call a signal.
pub fn signal_name(kind: SignalKind) -> &'static str {
    match kind {
        SignalKind::Interrupt => "SIGINT",
        SignalKind::Terminate => "SIGTERM",
    }
}
