//! Workers that all wait: what they wait for, and when they give up. Pure functions of an answer and the time.

use std::time::{Duration, Instant};

use super::{
    WaitingFor, partial_waiting,
    poll_backoff::IDLE_GRACE,
    reminder::{self, Reminder, WaitSnapshot},
    update::WaitUpdate,
    wording,
};
use crate::model::{
    Capabilities, LabelCase, Lack, Need, Offer, PlanStatus, PlanWaiting, SquishServer, Timestamp,
};

/// The workers of this process, while all of them wait.
#[derive(Debug)]
pub(crate) struct StallWatch {
    offered: Capabilities,
    grace: Duration,
    reminder: Reminder<WaitSnapshot>,
}

impl StallWatch {
    /// For workers that offer `offered` and give a Squish server `grace` to appear.
    pub(crate) fn new(offered: Capabilities, grace: Duration, now: Instant) -> Self {
        Self {
            offered,
            grace,
            reminder: Reminder::new(grace, reminder::EVERY, now),
        }
    }

    /// A worker has work: the next wait is another one.
    pub(crate) fn restart(&mut self, now: Instant) {
        self.reminder.restart(now);
    }

    /// How the wait of these workers stands, after the service said what the plan waits for.
    pub(crate) fn observe(
        &mut self,
        waiting: PlanWaiting,
        workers: WaitingWorkers,
        now: Instant,
    ) -> WaitUpdate {
        let mine = self.part_for(waiting, workers);
        let mut snapshot = WaitSnapshot::of(&mine);
        // These workers are live, whatever the service has heard of them.
        snapshot
            .lacking
            .retain(|(_, lack)| *lack == Lack::SquishServer);
        let mut open = mine.needs.iter().filter(|need| need.open > 0);
        snapshot.stuck &= workers.all_for_squish_servers()
            && open.all(|need| need.lack == Some(Lack::SquishServer));
        let decision = self.reminder.observe(snapshot, now);
        let lines = self.lines(&mine, workers);
        WaitUpdate::new(decision, self.grace, wording::STUCK, lines, || {
            self.lacking(&mine)
        })
    }

    /// What these workers wait for. Where the service only counts, a single need stands for all open executions.
    fn part_for(&self, waiting: PlanWaiting, workers: WaitingWorkers) -> PlanWaiting {
        if waiting.partial.is_some() {
            return self.assumed(waiting, workers);
        }
        let mut needs = waiting.needs;
        needs.retain(|need| self.offered.covers(&need.required, LabelCase::Folded));
        PlanWaiting {
            status: needs.iter().map(Need::status).sum(),
            needs,
            ..waiting
        }
    }

    fn assumed(&self, waiting: PlanWaiting, workers: WaitingWorkers) -> PlanWaiting {
        let PlanStatus { open, reserved, .. } = waiting.status;
        let count = workers.workers as u64;
        let squish_servers = partial_waiting::fitting(&waiting.squish_servers, &self.offered);
        // A busy server may become free. A free one that is not handed out does not fit, by the service's own rule.
        let may_come = |it: &SquishServer| {
            squish_servers.contains(&it.id) && it.enabled && it.busy_with.is_some()
        };
        let is_lacking = !waiting.squish_servers.iter().any(may_come);
        let need = Need {
            required: self.offered.clone(),
            open,
            reserved,
            workers: count,
            last_seen: None,
            squish_servers: squish_servers.clone(),
            lack: (is_lacking && workers.all_for_squish_servers()).then_some(Lack::SquishServer),
            lacking_for: None,
        };
        let offer = Offer {
            offered: self.offered.clone(),
            allocate_server: workers.all_for_squish_servers(),
            workers: count,
            last_seen: Timestamp::default(),
            squish_servers,
        };
        PlanWaiting {
            needs: vec![need],
            offers: vec![offer],
            ..waiting
        }
    }

    fn lines(&self, mine: &PlanWaiting, workers: WaitingWorkers) -> Vec<String> {
        let [need] = mine.needs.as_slice() else {
            return wording::lines(mine);
        };
        if mine.partial.is_none() {
            return wording::lines(mine);
        }
        let reason = if workers.all_for_squish_servers() {
            wording::reason(need, mine)
        } else {
            format!(
                "no open test fits workers{} now; they leave after {} without one",
                self.offered.with(),
                wording::span(IDLE_GRACE)
            )
        };
        let counts = wording::counts(need);
        vec![format!("{counts} in the whole plan: {reason}")]
    }

    /// Why no Squish server can come to these workers.
    fn lacking(&self, mine: &PlanWaiting) -> String {
        let fitting = partial_waiting::fitting(&mine.squish_servers, &self.offered);
        let wanted = if self.offered.is_empty() {
            String::new()
        } else {
            self.offered.to_string()
        };
        wording::no_enabled_server(&wanted, mine, |id| fitting.contains(&id))
    }
}

/// How many workers wait, and how many of them for a Squish server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingWorkers {
    /// All workers that have not left.
    pub workers: usize,
    /// Workers that wait for a Squish server.
    pub for_squish_servers: usize,
}

impl WaitingWorkers {
    /// Counts one more.
    pub fn add(&mut self, waiting: WaitingFor) {
        self.workers += 1;
        self.for_squish_servers += usize::from(waiting == WaitingFor::SquishServer);
    }

    fn all_for_squish_servers(self) -> bool {
        self.workers > 0 && self.workers == self.for_squish_servers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock,
        model::{Capability, ExecutionId, PartialKnowledge, SquishServerId},
    };

    fn linux() -> Capabilities {
        Capabilities::from(vec![Capability::new("OS", "Linux")])
    }

    const FOR_SERVERS: WaitingWorkers = WaitingWorkers {
        workers: 2,
        for_squish_servers: 2,
    };

    fn waiting(open: u64, reserved: u64, lack: Option<Lack>) -> PlanWaiting {
        PlanWaiting {
            needs: vec![Need {
                required: linux(),
                open,
                reserved,
                workers: 2,
                last_seen: None,
                squish_servers: Vec::new(),
                lack,
                lacking_for: None,
            }],
            offers: vec![Offer {
                offered: linux(),
                allocate_server: true,
                workers: 2,
                last_seen: Timestamp(0),
                squish_servers: Vec::new(),
            }],
            ..PlanWaiting::default()
        }
    }

    fn gives_up(waiting: PlanWaiting, workers: WaitingWorkers) -> bool {
        let mut watch = StallWatch::new(linux(), Duration::ZERO, clock::monotonic());
        let update = watch.observe(waiting, workers, clock::monotonic());
        update.gave_up.is_some()
    }

    #[test]
    fn workers_give_up_only_a_wait_for_squish_servers_that_cannot_come() {
        let lack = Some(Lack::SquishServer);
        let given_up =
            |open, reserved, lack, workers| gives_up(waiting(open, reserved, lack), workers);
        assert!(given_up(1, 0, lack, FOR_SERVERS));
        assert!(
            !given_up(1, 0, None, FOR_SERVERS),
            "one is busy or cools down"
        );
        assert!(!given_up(1, 1, lack, FOR_SERVERS), "another worker has one");
        assert!(!given_up(0, 1, None, FOR_SERVERS));
        let for_executions = WaitingWorkers {
            for_squish_servers: 1,
            ..FOR_SERVERS
        };
        assert!(!given_up(1, 0, lack, for_executions));
        let later = PlanWaiting {
            due: Some(Timestamp(1)),
            ..waiting(1, 0, lack)
        };
        assert!(!gives_up(later, FOR_SERVERS));
    }

    #[test]
    fn workers_of_a_service_that_only_counts_give_up_by_its_list_of_squish_servers() {
        let server = |enabled, busy: Option<i64>, os| SquishServer {
            id: SquishServerId(1),
            enabled,
            host: "lab".to_owned(),
            port: "4322".to_owned(),
            labels: Capabilities::from(vec![Capability::new("OS", os)]),
            busy_with: busy.map(ExecutionId),
            busy_test: None,
            cooling: None,
            note: String::new(),
        };
        let waiting = |reserved, squish_servers: Result<Vec<SquishServer>, String>| PlanWaiting {
            status: PlanStatus {
                open: 1,
                reserved,
                done: 0,
            },
            partial: Some(PartialKnowledge {
                squish_servers_error: squish_servers.as_ref().err().cloned(),
                ..PartialKnowledge::default()
            }),
            squish_servers: squish_servers.unwrap_or_default(),
            ..PlanWaiting::default()
        };
        let table = [
            (waiting(0, Ok(vec![])), true),
            (waiting(0, Err("405".to_owned())), true),
            (waiting(0, Ok(vec![server(true, None, "Windows")])), true),
            (waiting(0, Ok(vec![server(false, None, "Linux")])), true),
            // Busy with an execution of another plan.
            (waiting(0, Ok(vec![server(true, Some(7), "Linux")])), false),
            (waiting(1, Ok(vec![])), false),
        ];
        for (waiting, expected) in table {
            assert_eq!(
                gives_up(waiting.clone(), FOR_SERVERS),
                expected,
                "{waiting:?}"
            );
        }
    }
}
