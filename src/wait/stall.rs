//! What workers that all wait tell of it, and when they give up: plain functions of what was found and the time.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{
    WaitingFor,
    poll_backoff::IDLE_GRACE,
    probe::Finding,
    reminder::{Reminder, WaitSnapshot},
    wording,
};
use crate::{
    model::{Capabilities, LabelCase, Lack, Need, PlanStatus, PlanWaiting, SquishServer, millis},
    report::span::human,
};

/// The workers of this process, once none of them has anything to do.
#[derive(Debug)]
pub(crate) struct StallWatch {
    offered: Capabilities,
    grace: Duration,
    reminder: Reminder,
}

/// How the wait stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitUpdate {
    /// How long it has lasted.
    pub waited: Duration,
    /// What is waited for, and what would end it; empty if people have just been told.
    pub lines: Vec<String>,
    /// What remains until it is given up, where nothing can happen.
    pub remains: Option<Duration>,
    /// How long nothing could happen when it is given up; zero where nobody who could help was waited for.
    pub grace: Duration,
    /// What the workers had to do without, once it is given up.
    pub given_up: Option<String>,
}

/// What a finding comes to.
struct Seen {
    snapshot: WaitSnapshot,
    lines: Vec<String>,
    /// Why no Squish server can come.
    why: String,
}

impl StallWatch {
    /// Of workers that offer this and give somebody who could help `grace` to come.
    pub(crate) fn new(offered: Capabilities, grace: Duration, now: Instant) -> Self {
        Self {
            offered,
            grace,
            reminder: Reminder::new(grace, now),
        }
    }

    /// Somebody has work: a wait that comes is another one.
    pub(crate) fn over(&mut self, now: Instant) {
        self.reminder.begin_again(now);
    }

    /// Takes in what was found while all workers waited; `None` if nothing was found.
    pub(crate) fn look(
        &mut self,
        finding: Finding,
        workers: WaitingWorkers,
        now: Instant,
    ) -> Option<WaitUpdate> {
        let seen = match finding {
            Finding::Nothing => return None,
            Finding::Whole(waiting) => self.of_whole(&waiting, workers),
            Finding::Parts {
                status,
                squish_servers,
            } => self.of_parts(status, squish_servers, workers),
        };
        let call = self.reminder.look(seen.snapshot, now);
        Some(WaitUpdate {
            waited: call.waited,
            lines: if call.tell { seen.lines } else { Vec::new() },
            remains: call.remains,
            grace: self.grace,
            given_up: call.is_over().then_some(seen.why),
        })
    }

    fn of_whole(&self, waiting: &PlanWaiting, workers: WaitingWorkers) -> Seen {
        let fits = |need: &&Need| self.offered.covers(&need.required, LabelCase::Folded);
        let needs: Vec<&Need> = waiting.needs.iter().filter(fits).collect();
        let status: PlanStatus = needs.iter().map(|need| need.status()).sum();
        let lacks = |need: &&&Need| need.lack == Some(Lack::SquishServer);
        let open = || needs.iter().filter(|need| need.open > 0);
        let stuck = workers.all_for_squish_servers()
            && waiting.due.is_none()
            && status.reserved == 0
            && open().next().is_some()
            && open().all(|need| lacks(&need));
        let wanted = self.wanted();
        let has = |id| {
            waiting
                .squish_servers
                .iter()
                .any(|it| it.id == id && it.labels.covers(&self.offered, LabelCase::Folded))
        };
        Seen {
            snapshot: WaitSnapshot {
                status,
                lacking: needs
                    .iter()
                    .filter(lacks)
                    .map(|need| (need.required.clone(), Lack::SquishServer))
                    .collect(),
                stuck,
            },
            lines: wording::lines_of(&needs, waiting),
            why: wording::none_has(&wanted, waiting, has),
        }
    }

    /// What a Squish server has to have for these workers; empty where any would do.
    fn wanted(&self) -> String {
        if self.offered.is_empty() {
            String::new()
        } else {
            self.offered.to_string()
        }
    }

    fn of_parts(
        &self,
        status: PlanStatus,
        squish_servers: Result<Vec<SquishServer>, String>,
        workers: WaitingWorkers,
    ) -> Seen {
        let PlanStatus { open, reserved, .. } = status;
        let counts = format!("{open} open, {reserved} at work in the whole plan");
        if !workers.all_for_squish_servers() {
            return Seen {
                snapshot: WaitSnapshot {
                    status,
                    ..WaitSnapshot::default()
                },
                lines: vec![format!(
                    "{counts}; none of the open ones fits workers{} now; they leave after {} of that",
                    self.offered.with(),
                    human(millis(IDLE_GRACE))
                )],
                why: String::new(),
            };
        }
        let (why, may_come) = match squish_servers {
            Err(error) => (
                format!("which Squish servers there are is not known: {error}"),
                false,
            ),
            Ok(list) => self.of_list(list),
        };
        Seen {
            snapshot: WaitSnapshot {
                status,
                lacking: BTreeSet::new(),
                stuck: reserved == 0 && !may_come,
            },
            lines: vec![format!(
                "{counts}; the service has no Squish server{} to give now: {why}",
                self.offered.with()
            )],
            why,
        }
    }

    /// What a list of Squish servers says, and whether one of them is at work and may become free. By our rule: the
    /// service has its own.
    fn of_list(&self, list: Vec<SquishServer>) -> (String, bool) {
        let fits = |it: &SquishServer| it.labels.covers(&self.offered, LabelCase::Folded);
        let chosen: BTreeSet<_> = list.iter().filter(|it| fits(it)).map(|it| it.id).collect();
        let may_come = list
            .iter()
            .any(|it| fits(it) && it.enabled && it.busy_with.is_some());
        let known = PlanWaiting {
            squish_servers: list,
            ..PlanWaiting::default()
        };
        let wanted = self.wanted();
        (
            wording::none_has(&wanted, &known, |id| chosen.contains(&id)),
            may_come,
        )
    }
}

/// How many workers wait, and how many of them for a Squish server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingWorkers {
    /// All that are still there.
    pub workers: usize,
    /// Those for a Squish server.
    pub for_squish_servers: usize,
}

impl WaitingWorkers {
    /// Takes one in.
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
        model::{Capability, Offer, SquishServerId, Timestamp},
    };

    fn linux() -> Capabilities {
        Capabilities::from(vec![Capability::new("OS", "Linux")])
    }

    fn watch(grace: Duration) -> StallWatch {
        StallWatch::new(linux(), grace, clock::monotonic())
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

    fn is_given_up(finding: Finding, workers: WaitingWorkers) -> bool {
        let mut watch = watch(Duration::ZERO);
        let update = watch.look(finding, workers, clock::monotonic());
        update.unwrap().given_up.is_some()
    }

    #[test]
    fn only_a_wait_for_squish_servers_that_cannot_come_is_given_up() {
        let lack = Some(Lack::SquishServer);
        let given_up = |open, reserved, lack, workers| {
            is_given_up(Finding::Whole(waiting(open, reserved, lack)), workers)
        };
        assert!(given_up(1, 0, lack, FOR_SERVERS));
        assert!(!given_up(1, 0, None, FOR_SERVERS), "one is busy or rests");
        assert!(!given_up(1, 1, lack, FOR_SERVERS), "somebody has one");
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
        assert!(!is_given_up(Finding::Whole(later), FOR_SERVERS));
    }

    #[test]
    fn a_service_that_tells_less_is_believed_what_it_tells() {
        let server = |enabled, busy: Option<i64>, os| SquishServer {
            id: SquishServerId(1),
            enabled,
            host: "lab".to_owned(),
            port: "4322".to_owned(),
            labels: Capabilities::from(vec![Capability::new("OS", os)]),
            busy_with: busy.map(crate::model::ExecutionId),
            busy_test: None,
            cooling: None,
        };
        let finding = |reserved, squish_servers| Finding::Parts {
            status: PlanStatus {
                open: 1,
                reserved,
                done: 0,
            },
            squish_servers,
        };
        let table = [
            (finding(0, Ok(vec![])), true),
            (finding(0, Err("405".to_owned())), true),
            (finding(0, Ok(vec![server(true, None, "Windows")])), true),
            (finding(0, Ok(vec![server(false, None, "Linux")])), true),
            // Another plan's.
            (finding(0, Ok(vec![server(true, Some(7), "Linux")])), false),
            (finding(1, Ok(vec![])), false),
        ];
        for (finding, expected) in table {
            assert_eq!(
                is_given_up(finding.clone(), FOR_SERVERS),
                expected,
                "{finding:?}"
            );
        }
        let unasked = watch(Duration::ZERO).look(Finding::Nothing, FOR_SERVERS, clock::monotonic());
        assert_eq!(unasked, None);
    }
}
