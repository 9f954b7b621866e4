//! What workers do about Squish servers that do not answer: plain functions of what happened so far.
//!
//! An execution whose server is gone is released, so that another server gets it. This is limited: after a few
//! outages in a row, without an execution that ran in between, the next one ends with an error, unless the service still
//! has a server that could run it.

use std::{collections::BTreeSet, fmt, time::Duration};

use crate::{
    model::{Capabilities, CoolingReason, LabelCase, SquishServer},
    pace::{Backoff, Jitter},
};

/// Outages in a row from which on a worker asks the service for another server.
pub(super) const ENOUGH: u32 = 3;
/// Outages in a row at which a worker leaves even if there is another server, where the service does not cool servers down:
/// it may hand out the same one each time.
const TOO_MANY: u32 = 8;
/// How long the service may take to list its servers.
pub(super) const LIST_PATIENCE: Duration = Duration::from_secs(5);
/// Pauses between two reservations from a service that does not cool servers down.
pub(super) const BACKOFF: Backoff = Backoff::new(
    Duration::from_secs(3),
    Duration::from_secs(60),
    Jitter::Quarter,
);
/// Most addresses remembered.
const MOST_REMEMBERED: usize = 1_000;

/// The outages that all workers of this process met since an execution ran.
#[derive(Debug, Default)]
pub(super) struct ServerOutages {
    in_a_row: u32,
    unreachable: BTreeSet<String>,
}

impl ServerOutages {
    /// An execution ran on its server, with any result.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Adds an outage of the server at this address. Returns how many there were in a row, of any server.
    pub(super) fn add(&mut self, address: &str) -> u32 {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.unreachable.len() < MOST_REMEMBERED {
            self.unreachable.insert(address.to_owned());
        }
        self.in_a_row
    }

    /// Whether a registered server could still run the tests: it fits, is allocated, and answered so far.
    pub(super) fn alternative_exists(
        &self,
        registered: &[SquishServer],
        offered: &Capabilities,
    ) -> bool {
        registered.iter().any(|server| {
            server.enabled
                && server
                    .cooling
                    .is_none_or(|cooling| cooling.because != CoolingReason::Unreachable)
                && server.labels.covers(offered, LabelCase::Folded)
                && !self.unreachable.contains(&server.address())
        })
    }
}

/// Whether a worker has to leave. `cools_down`: the service takes a server that does not answer out of use.
pub(super) fn must_leave(in_a_row: u32, has_alternative: bool, cools_down: bool) -> bool {
    (in_a_row >= ENOUGH && !has_alternative) || (in_a_row >= TOO_MANY && !cools_down)
}

/// A server that does not answer, and what happens next. Display is both in a sentence.
#[derive(Debug)]
pub(super) struct ServerOutage {
    /// `host:port`.
    pub(super) address: String,
    pub(super) in_a_row: u32,
    /// How long until the next reservation, where the service does not cool the server down.
    pub(super) pause: Option<Duration>,
    pub(super) must_leave: bool,
}

impl fmt::Display for ServerOutage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Squish server {} unreachable", self.address)?;
        if self.in_a_row > 1 {
            write!(f, ", {} times in a row", self.in_a_row)?;
        }
        match (self.must_leave, self.pause) {
            (true, _) => f.write_str(", and no other one that fits was handed out"),
            (false, Some(pause)) => write!(
                f,
                "; the execution goes back to the plan, the next reservation is in {} s",
                pause.as_secs().max(1)
            ),
            (false, None) => {
                f.write_str("; the execution goes back to the plan, the server cools down")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capability, Cooling, SquishServerId, Timestamp};

    fn server(port: &str, os: &str) -> SquishServer {
        SquishServer {
            id: SquishServerId(1),
            enabled: true,
            host: "h".to_owned(),
            port: port.to_owned(),
            labels: [Capability::new("OS", os)].into_iter().collect(),
            busy_with: None,
            busy_test: None,
            cooling: None,
            note: String::new(),
        }
    }

    #[test]
    fn an_execution_that_ran_ends_the_row() {
        let mut outages = ServerOutages::default();
        assert_eq!([outages.add("h:1"), outages.add("h:1")], [1, 2]);
        outages.clear();
        assert_eq!(outages.add("h:1"), 1);
    }

    #[test]
    fn an_alternative_fits_and_answered_so_far() {
        let offered: Capabilities = [Capability::new("os", "linux")].into_iter().collect();
        let mut outages = ServerOutages::default();
        outages.add("h:1");
        let alternative = |list: &[SquishServer]| outages.alternative_exists(list, &offered);
        assert!(!alternative(&[]));
        assert!(
            !alternative(&[server("1", "Linux")]),
            "it is the one that does not answer"
        );
        assert!(alternative(&[server("1", "Linux"), server("2", "Linux")]));
        assert!(!alternative(&[server("2", "Windows")]));
        let disabled = SquishServer {
            enabled: false,
            ..server("2", "Linux")
        };
        let cooling_down = |because| SquishServer {
            cooling: Some(Cooling {
                until: Timestamp(1),
                because,
            }),
            ..server("3", "Linux")
        };
        assert!(!alternative(&[
            disabled,
            cooling_down(CoolingReason::Unreachable)
        ]));
        assert!(
            alternative(&[cooling_down(CoolingReason::Expired)]),
            "it answered"
        );
    }

    #[test]
    fn workers_leave_after_too_many_outages() {
        for (in_a_row, alternative, cools_down, expected) in [
            (ENOUGH - 1, false, false, false),
            (ENOUGH, false, true, true),
            (ENOUGH, true, false, false),
            (TOO_MANY - 1, true, false, false),
            (TOO_MANY, true, false, true),
            (1_000, true, true, false),
        ] {
            let leaves = must_leave(in_a_row, alternative, cools_down);
            assert_eq!(leaves, expected, "{in_a_row} {alternative} {cools_down}");
        }
    }

    #[test]
    fn pauses_grow_to_a_minute() {
        for (in_a_row, seconds) in [(1, 3), (2, 6), (5, 48), (6, 60), (u32::MAX, 60)] {
            let middle = Duration::from_secs(seconds);
            let pause = BACKOFF.pause(in_a_row);
            assert!(
                (middle * 3 / 4..=middle * 5 / 4).contains(&pause),
                "{pause:?}"
            );
        }
    }
}
