//! What workers do about Squish servers that nobody answers at: plain functions of what happened so far.
//!
//! An execution whose server is gone is given back, so that another server gets it. Nothing may go on like that for
//! ever: after a few troubles in a row, without an execution that ran in between, the next one ends with an error,
//! unless the service still has a server that could do.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    model::{Capabilities, CoolingReason, LabelCase, SquishServer},
    pace::{Backoff, Jitter},
};

/// Executions in a row that could not be started, at which the workers of this machine leave.
pub const CANNOT_START: u32 = 3;
/// Troubles in a row from which on a worker looks whether there is any hope left.
pub const ENOUGH: u32 = 3;
/// Troubles in a row at which a worker gives up whatever hope there is, where the service does not let the server rest:
/// it may hand out the same one each time, and does not say so.
pub const TOO_MANY: u32 = 8;
/// Pauses between two reservations from a service that does not let the server rest by itself.
pub(super) const BACKOFF: Backoff = Backoff::new(
    Duration::from_secs(3),
    Duration::from_secs(60),
    Jitter::Quarter,
);
/// Most addresses remembered.
const MOST_REMEMBERED: usize = 1_000;

/// The troubles of all workers of a process since an execution ran.
#[derive(Debug, Default)]
pub struct Troubles {
    in_a_row: u32,
    not_started: u32,
    unreachable: BTreeSet<String>,
}

impl Troubles {
    /// An execution ran on its Squish server, whatever came of it.
    pub fn ran(&mut self) {
        *self = Self::default();
    }

    /// This machine could not start an execution. How many times in a row it was like that, for all workers.
    pub fn not_started(&mut self) -> u32 {
        self.not_started = self.not_started.saturating_add(1);
        self.not_started
    }

    /// Nobody answered at this address. How many times in a row it was like that, on any server.
    pub fn unreachable(&mut self, address: &str) -> u32 {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.unreachable.len() < MOST_REMEMBERED {
            self.unreachable.insert(address.to_owned());
        }
        self.in_a_row
    }

    /// Whether a registered server could still do: it fits, is given out, and nobody found it gone.
    pub fn leave_hope(&self, registered: &[SquishServer], offered: &Capabilities) -> bool {
        registered.iter().any(|server| {
            server.enabled
                && server
                    .cooling
                    .is_none_or(|rest| rest.because != CoolingReason::Unreachable)
                && server.labels.covers(offered, LabelCase::Folded)
                && !self.unreachable.contains(&server.address())
        })
    }
}

/// Whether a worker has to leave. `hope` is another server that could do, `rests` whether the service lets the one that
/// is gone rest.
pub fn is_enough(in_a_row: u32, hope: bool, rests: bool) -> bool {
    (in_a_row >= ENOUGH && !hope) || (in_a_row >= TOO_MANY && !rests)
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
        }
    }

    #[test]
    fn an_execution_that_ran_ends_the_row() {
        let mut troubles = Troubles::default();
        assert_eq!(
            [troubles.unreachable("h:1"), troubles.unreachable("h:1")],
            [1, 2]
        );
        troubles.ran();
        assert_eq!(troubles.unreachable("h:1"), 1);
    }

    #[test]
    fn hope_is_a_server_that_fits_and_was_not_found_gone() {
        let offered: Capabilities = [Capability::new("os", "linux")].into_iter().collect();
        let mut troubles = Troubles::default();
        troubles.unreachable("h:1");
        let hope = |list: &[SquishServer]| troubles.leave_hope(list, &offered);
        assert!(!hope(&[]));
        assert!(
            !hope(&[server("1", "Linux")]),
            "that is the one that is gone"
        );
        assert!(hope(&[server("1", "Linux"), server("2", "Linux")]));
        assert!(!hope(&[server("2", "Windows")]));
        let disabled = SquishServer {
            enabled: false,
            ..server("2", "Linux")
        };
        let resting = |because| SquishServer {
            cooling: Some(Cooling {
                until: Timestamp(1),
                because,
            }),
            ..server("3", "Linux")
        };
        assert!(!hope(&[disabled, resting(CoolingReason::Unreachable)]));
        assert!(hope(&[resting(CoolingReason::Expired)]), "it is there");
    }

    #[test]
    fn a_service_that_lets_none_rest_is_not_asked_for_ever() {
        for (in_a_row, hope, rests, expected) in [
            (ENOUGH - 1, false, false, false),
            (ENOUGH, false, true, true),
            (ENOUGH, true, false, false),
            (TOO_MANY - 1, true, false, false),
            (TOO_MANY, true, false, true),
            (1_000, true, true, false),
        ] {
            let enough = is_enough(in_a_row, hope, rests);
            assert_eq!(enough, expected, "{in_a_row} {hope} {rests}");
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
