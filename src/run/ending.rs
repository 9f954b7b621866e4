//! How a run ended: one value, which decides the exit code, the message and the last line of the record.

use std::fmt;

use crate::{client::ClientError, exit_code::Conclusion, signal::SignalKind};

/// Why the workers of this process left the plan. [`Self::merge`] keeps the one that matters most.
#[derive(Debug, Default)]
pub enum RunEnding {
    /// Nothing is left that these workers can run.
    #[default]
    Finished,
    /// The servers that fit are gone: which, and since when.
    NoServer(String),
    /// The service could not be reached, or refused.
    ServiceLost(Box<ClientError>),
    /// This machine could not start several executions in a row: why.
    CannotStart(String),
    /// No record can be written, so that no result may count: why.
    NotRecorded(String),
    /// No server could come to the waiting workers: why.
    Starved(String),
    /// The deadline of the command was reached.
    Deadline,
    /// A signal stopped the run.
    Stopped(SignalKind),
    /// testplan itself failed.
    Bug(String),
}

impl RunEnding {
    /// Keeps the ending that matters more; of two that matter the same, the first. Returns whether it is `other`.
    pub(crate) fn merge(&mut self, other: Self) -> bool {
        let replaces = other.rank() > self.rank();
        if replaces {
            *self = other;
        }
        replaces
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Finished => 0,
            Self::NoServer(_) => 1,
            Self::ServiceLost(_) => 2,
            Self::CannotStart(_) => 3,
            Self::Starved(_) | Self::Deadline | Self::Stopped(_) | Self::NotRecorded(_) => 4,
            Self::Bug(_) => 5,
        }
    }

    /// The conclusion of the command, whatever the results say; `None` if the results decide.
    pub fn conclusion(&self) -> Option<Conclusion> {
        Some(match self {
            Self::Finished | Self::NoServer(_) => return None,
            Self::ServiceLost(error) => error.conclusion(),
            Self::CannotStart(_) | Self::NotRecorded(_) => Conclusion::Infrastructure,
            Self::Starved(_) | Self::Deadline => Conclusion::Incomplete,
            Self::Stopped(SignalKind::Interrupt) => Conclusion::Interrupted,
            Self::Stopped(SignalKind::Terminate | SignalKind::Hangup) => Conclusion::Terminated,
            Self::Bug(_) => Conclusion::Bug,
        })
    }

    /// What to do about it, where the user has to do something.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Finished | Self::Starved(_) | Self::Deadline | Self::Stopped(_) => None,
            Self::NoServer(_) => Some(
                "start it again (testplan servers start), or remove it (testplan servers list, servers remove)"
                    .to_owned(),
            ),
            Self::ServiceLost(error) => Some(error.help()),
            Self::CannotStart(_) => Some(
                "correct that and start the worker again; the tests that are left are for other workers".to_owned(),
            ),
            Self::NotRecorded(_) => Some(
                "make room in the folder of --out, or name another one; the tests went back to the plan".to_owned(),
            ),
            Self::Bug(_) => Some("please report this as a bug of testplan".to_owned()),
        }
    }

    /// Whether the service can still be asked how far the plan is, without making the user wait.
    pub(crate) fn may_ask_service(&self) -> bool {
        !matches!(
            self,
            Self::ServiceLost(_) | Self::Deadline | Self::Stopped(_)
        )
    }
}

impl fmt::Display for RunEnding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("nothing left for these workers"),
            Self::NoServer(why) => f.write_str(why),
            Self::ServiceLost(error) => error.fmt(f),
            Self::CannotStart(why) => write!(f, "this machine cannot start the tests: {why}"),
            Self::NotRecorded(why) => write!(f, "the record file cannot be written: {why}"),
            Self::Starved(why) => write!(f, "no server could come: {why}"),
            Self::Deadline => f.write_str("deadline reached"),
            Self::Stopped(kind) => write!(f, "stopped by {kind}"),
            Self::Bug(what) => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endings() -> [RunEnding; 5] {
        [
            RunEnding::Finished,
            RunEnding::NoServer("gone".to_owned()),
            RunEnding::CannotStart("no shell".to_owned()),
            RunEnding::Deadline,
            RunEnding::Bug("panic".to_owned()),
        ]
    }

    #[test]
    fn the_ending_that_matters_more_replaces_the_other() {
        for (first, mut ending) in endings().into_iter().enumerate() {
            for (second, other) in endings().into_iter().enumerate() {
                let is_later = second > first;
                let mut merged = std::mem::take(&mut ending);
                assert_eq!(merged.merge(other), is_later, "{first} {second}");
                let kept = endings()[first.max(second)].to_string();
                assert_eq!(merged.to_string(), kept);
                ending = endings().into_iter().nth(first).unwrap();
            }
        }
    }

    #[test]
    fn the_first_of_two_stops_stays() {
        let mut ending = RunEnding::Stopped(SignalKind::Interrupt);
        assert!(!ending.merge(RunEnding::Deadline));
        assert!(!ending.merge(RunEnding::Stopped(SignalKind::Terminate)));
        assert_eq!(ending.conclusion(), Some(Conclusion::Interrupted));
    }

    #[test]
    fn results_decide_unless_the_run_was_cut_short() {
        let conclusions = endings().map(|ending| ending.conclusion());
        assert_eq!(
            conclusions,
            [
                None,
                None,
                Some(Conclusion::Infrastructure),
                Some(Conclusion::Incomplete),
                Some(Conclusion::Bug)
            ]
        );
    }
}
