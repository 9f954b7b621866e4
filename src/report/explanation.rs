//! Why an execution has its status, one sentence each. The text is raw: surfaces clean it.

use std::fmt;

use super::{
    EntryStatus, UnmetCapabilities,
    deciding::{EntryQuarantine, QuarantineState},
};
use crate::{
    model::{Capabilities, Capability, CaseCounts, ServerTrouble},
    text::nonzero_counts,
};

/// An unusual event on the way to an execution's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// The lease ended while the test ran.
    LeaseLost {
        worker: String,
        recovered_by: Option<String>,
    },
    /// The worker's record has no end.
    WorkerKilled {
        worker: String,
        recovered_by: Option<String>,
    },
    /// The worker stopped without reporting a result.
    LeftUnsaid { worker: String },
    /// A result that the service refused.
    LateResult {
        worker: String,
        status: EntryStatus,
        /// The reason that the service gave.
        reason: String,
    },
    /// A result that the service never confirmed.
    Unconfirmed {
        worker: String,
        status: EntryStatus,
        /// The failed tries; empty if the record ends before an answer.
        reason: String,
    },
    /// The results of the counted attempt were not uploaded.
    NotUploaded { worker: String, reason: String },
    /// The result files have more cases than a record keeps.
    CasesNotKept { counted: CaseCounts, not_kept: u64 },
    /// The worker got no answer to its result, but the service lists it as counted.
    ConfirmedByService { worker: String },
    /// The worker released the lease.
    GivenBack { worker: String },
    /// The worker released the lease because of its Squish server.
    SquishServerTrouble {
        worker: String,
        /// As `host:port`.
        squish_server: Option<String>,
        trouble: ServerTrouble,
    },
    /// It was reset after it did not pass.
    Reset {
        was: EntryStatus,
        /// Status and number of the next attempt, if there was one.
        then: Option<(EntryStatus, usize)>,
    },
    /// The service counted a result of an attempt that no record has.
    ServiceOnly { said: EntryStatus },
    /// The service lists a later result than the records have.
    Outdated { recorded: EntryStatus },
    /// The service lists the execution as not done.
    NotDone,
    /// The same, although it confirmed the result, and without a reset since then.
    LostByService { worker: String, status: EntryStatus },
    /// It is done, but without a verdict.
    UnknownVerdict,
    /// No record has an attempt on it.
    NeverTaken,
    /// No worker in the records offered the required capabilities.
    UnmetCapabilities { unmet: UnmetCapabilities },
    /// Workers offered the required capabilities, but gave up waiting for a Squish server.
    NoSquishServer { wanted: Capabilities, why: String },
    /// A worker offered the required capability in another spelling.
    OtherSpelling {
        wanted: Capability,
        offered: Capability,
    },
    /// It failed, and its test is in quarantine.
    Quarantined(EntryQuarantine),
    /// It is flaky, and that counts as failed.
    FlakyFails,
}

impl Explanation {
    /// Whether it says how a failure counts for the conclusion.
    pub(super) fn is_ruling(&self) -> bool {
        matches!(self, Self::Quarantined(_) | Self::FlakyFails)
    }

    /// Whether a worker or lease was lost: trouble of machines, not of tests.
    pub fn is_loss(&self) -> bool {
        matches!(
            self,
            Self::LeaseLost { .. }
                | Self::WorkerKilled { .. }
                | Self::LeftUnsaid { .. }
                | Self::SquishServerTrouble { .. }
                | Self::LateResult { .. }
                | Self::Unconfirmed { .. }
                | Self::LostByService { .. }
        )
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeaseLost {
                worker,
                recovered_by,
            } => {
                write!(f, "lease lost on worker {worker}")?;
                recovered(f, recovered_by.as_deref())
            }
            Self::WorkerKilled {
                worker,
                recovered_by,
            } => {
                write!(f, "worker {worker} was killed (its record has no end)")?;
                recovered(f, recovered_by.as_deref())
            }
            Self::LeftUnsaid { worker } => {
                write!(f, "worker {worker} stopped without reporting a result")
            }
            Self::LateResult {
                worker,
                status,
                reason,
            } => write!(
                f,
                "late result not counted: {} on worker {worker}{}",
                status.word(),
                because(reason)
            ),
            Self::Unconfirmed {
                worker,
                status,
                reason,
            } => write!(
                f,
                "result never confirmed: {} on worker {worker}{}",
                status.word(),
                because(reason)
            ),
            Self::NotUploaded { worker, reason } => {
                write!(f, "results of worker {worker} not uploaded: {reason}")
            }
            Self::CasesNotKept { counted, not_kept } => write!(
                f,
                "{} cases counted ({}), {not_kept} of them not kept in the record: failures are kept first; the result files have all",
                counted.total(),
                nonzero_counts(&[
                    (counted.passed, "passed"),
                    (counted.failed, "failed"),
                    (counted.errors, "broke"),
                    (counted.skipped, "skipped"),
                    (counted.flaky, "flaky"),
                ])
            ),
            Self::ConfirmedByService { worker } => write!(
                f,
                "worker {worker} got no answer to its result, but the service lists it as counted"
            ),
            Self::GivenBack { worker } => write!(f, "given back by worker {worker}"),
            Self::SquishServerTrouble {
                worker,
                squish_server,
                trouble,
            } => write!(
                f,
                "given back: Squish server {} {} (worker {worker})",
                squish_server.as_deref().unwrap_or("of unknown address"),
                trouble.word()
            ),
            Self::Reset { was, then: None } => {
                write!(f, "reset after {}, not run again", noun(*was))
            }
            Self::Reset {
                was,
                then: Some((status, attempt)),
            } => {
                let end = match status {
                    EntryStatus::Passed => "passed",
                    EntryStatus::Skipped => "skipped",
                    EntryStatus::Failed => "failed again",
                    EntryStatus::CouldNotRun => "could not run",
                    EntryStatus::Missing => "no result",
                };
                write!(f, "reset after {}, {end} on attempt {attempt}", noun(*was))
            }
            Self::ServiceOnly { said } => write!(
                f,
                "{} according to the service, but no given record has it: the records of a worker are missing",
                said.word()
            ),
            Self::Outdated { recorded } => write!(
                f,
                "{} according to the records, but the service lists a later attempt that no given record has",
                recorded.word()
            ),
            Self::NotDone => f.write_str("not done according to the service"),
            Self::LostByService { worker, status } => write!(
                f,
                "{} on worker {worker}, which the service confirmed and lost: its database failed over to a standby that lacked \
                 the result, or a backup was restored",
                status.word()
            ),
            Self::UnknownVerdict => f.write_str("done, but without a verdict"),
            Self::NeverTaken => f.write_str("no worker in the given records ran it"),
            Self::UnmetCapabilities { unmet } => unmet.fmt(f),
            Self::NoSquishServer { wanted, why } => {
                write!(f, "needs a Squish server{}: {why}", wanted.with())
            }
            Self::OtherSpelling { wanted, offered } => write!(
                f,
                "a worker offered {offered}, which a service with --strict-labels does not accept as {wanted}"
            ),
            Self::Quarantined(quarantine) => quarantine.fmt(f),
            Self::FlakyFails => {
                f.write_str("flaky, which counts as failed according to `flaky` in testplan.yml")
            }
        }
    }
}

impl fmt::Display for EntryQuarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, until, .. } = self;
        match self.state {
            QuarantineState::Active => write!(f, "quarantined until {until}, owner {owner}")?,
            QuarantineState::Expired => {
                write!(f, "quarantine expired on {until}, owner {owner}")?;
            }
            QuarantineState::Broken(runs) => write!(
                f,
                "broken: it failed in each of the {runs} runs before this one, so its quarantine until {until} does not excuse \
                 it, owner {owner}"
            )?,
            QuarantineState::HistoryUnknown => write!(
                f,
                "in quarantine until {until}, owner {owner}, but not excused, because its earlier runs are not known"
            )?,
        }
        write!(f, ": {}", self.reason)?;
        match &self.link {
            Some(link) => write!(f, " ({link})"),
            None => Ok(()),
        }
    }
}

fn recovered(f: &mut fmt::Formatter<'_>, by: Option<&str>) -> fmt::Result {
    match by {
        Some(worker) => write!(f, ", recovered by worker {worker}"),
        None => Ok(()),
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    }
}

fn noun(was: EntryStatus) -> &'static str {
    match was {
        EntryStatus::Failed => "failure",
        EntryStatus::CouldNotRun => "execution error",
        EntryStatus::Passed | EntryStatus::Skipped | EntryStatus::Missing => "its end",
    }
}
