//! What a plan waits for, in words: one line for each set of needs. The text is raw: surfaces clean it.

use std::{collections::BTreeSet, time::Duration};

use super::reminder::WaitSnapshot;
use crate::{
    model::{
        Capabilities, LabelCase, Lack, Need, Offer, PlanWaiting, SquishServer, SquishServerId,
        Timestamp, millis,
    },
    report::{Unoffered, span::human},
    text::plural,
};

/// Most sets of needs and most Squish servers that are told one by one.
const MOST: usize = 8;

/// What matters of it to a wait.
pub fn snapshot(waiting: &PlanWaiting) -> WaitSnapshot {
    WaitSnapshot {
        status: waiting.status,
        lacking: waiting
            .lacking()
            .filter_map(|need| Some((need.required.clone(), need.lack?)))
            .collect(),
        stuck: waiting.is_stuck(),
    }
}

/// Each set of needs that is waited for: what is lacking first.
pub fn lines(waiting: &PlanWaiting) -> Vec<String> {
    let needs: Vec<&Need> = waiting.needs.iter().collect();
    lines_of(&needs, waiting)
}

/// The same for some of them.
pub fn lines_of(needs: &[&Need], waiting: &PlanWaiting) -> Vec<String> {
    let mut needs = needs.to_vec();
    needs.sort_by_key(|need| (need.lack.is_none(), need.open == 0));
    let mut lines: Vec<String> = needs
        .iter()
        .take(MOST)
        .map(|need| line(need, waiting))
        .collect();
    if needs.len() > MOST {
        lines.push(format!("and {} more sets of needs", needs.len() - MOST));
    }
    if let Some(due) = waiting.due {
        let left = millis(due.since(waiting.at));
        lines.push(format!(
            "the plan is not due yet: nothing is handed out for {}",
            human(left)
        ));
    }
    lines
}

/// `1 open needs OS=macOS: no live worker offers it (live workers offer OS=Linux); a worker with it would end this`.
pub fn line(need: &Need, waiting: &PlanWaiting) -> String {
    let mut counts = Vec::new();
    for (count, word) in [(need.open, "open"), (need.reserved, "at work")] {
        if count > 0 {
            counts.push(format!("{count} {word}"));
        }
    }
    let verb = if need.open + need.reserved == 1 {
        "needs"
    } else {
        "need"
    };
    let required = if need.required.is_empty() {
        "nothing special".to_owned()
    } else {
        need.required.to_string()
    };
    format!(
        "{} {verb} {required}: {}",
        counts.join(", "),
        reason(need, waiting)
    )
}

fn reason(need: &Need, waiting: &PlanWaiting) -> String {
    match need.lack {
        Some(Lack::Worker) => no_worker(need, waiting),
        Some(Lack::SquishServer) => no_squish_server(need, waiting),
        None if need.open == 0 => "in the hands of workers, until their tests end".to_owned(),
        None => {
            let fitting: Vec<&Offer> = fitting(need, waiting).collect();
            let fits = plural(&need.workers, "live worker fits", "live workers fit");
            let workers = format!("{} {fits}", need.workers);
            if fitting.iter().all(|offer| offer.allocate_server) {
                let ids: BTreeSet<SquishServerId> = fitting
                    .iter()
                    .flat_map(|offer| offer.squish_servers.iter().copied())
                    .collect();
                let states = states(waiting, |it| ids.contains(&it.id));
                format!(
                    "{workers}; of the Squish servers, {states}: one that gets free would end this"
                )
            } else {
                format!("{workers}, and takes what is open when its test ends")
            }
        }
    }
}

fn no_worker(need: &Need, waiting: &PlanWaiting) -> String {
    let offers = waiting.offers.iter().map(|offer| &offer.offered);
    // The service has judged by its own rule; this only finds the words, so the stricter one names more.
    let said = Unoffered::of(&need.required, offers, LabelCase::Folded)
        .or_else(|| {
            let offers = waiting.offers.iter().map(|offer| &offer.offered);
            Unoffered::of(&need.required, offers, LabelCase::Strict)
        })
        .map_or_else(|| "no live worker offers it".to_owned(), |it| it.live());
    let since = match (need.last_seen, need.lacking_for) {
        (Some(seen), _) => format!(
            "; the last that did was there {} ago",
            ago(waiting.at, seen)
        ),
        (None, Some(span)) if span >= Duration::from_secs(1) => {
            format!(", for {} at least", human(millis(span)))
        }
        (None, _) => String::new(),
    };
    format!(
        "{said}{since}; a worker that offers {} would end this",
        need.required
    )
}

fn no_squish_server(need: &Need, waiting: &PlanWaiting) -> String {
    let offers = plural(
        &need.workers,
        "live worker offers it and asks",
        "live workers offer it and ask",
    );
    let workers = format!("{} {offers}", need.workers);
    let wanted: BTreeSet<&Capabilities> =
        fitting(need, waiting).map(|offer| &offer.offered).collect();
    // Whoever offers nothing takes any, which says it all.
    let wanted: Vec<String> = if wanted.iter().any(|set| set.is_empty()) {
        Vec::new()
    } else {
        wanted.iter().map(ToString::to_string).collect()
    };
    let wanted = wanted.join("; or ");
    let with = if wanted.is_empty() {
        String::new()
    } else {
        format!(" with {wanted}")
    };
    format!(
        "{workers} for a Squish server, but {}; one{with} that is enabled would end this",
        none_has(&wanted, waiting, |id| fitting(need, waiting)
            .any(|offer| offer.squish_servers.contains(&id)))
    )
}

/// Why no enabled Squish server has what is wanted, which is nothing where any would do: disabled, others only, or none
/// at all.
pub fn none_has(
    wanted: &str,
    waiting: &PlanWaiting,
    has: impl Fn(SquishServerId) -> bool,
) -> String {
    let disabled = states(waiting, |it| has(it.id));
    if !disabled.is_empty() {
        return if wanted.is_empty() {
            disabled
        } else {
            format!("of those with {wanted}, {disabled}")
        };
    }
    if waiting.squish_servers.is_empty() {
        return "no Squish server is registered".to_owned();
    }
    let others: Vec<String> = waiting
        .squish_servers
        .iter()
        .take(MOST)
        .map(|it| {
            if it.labels.is_empty() {
                format!("{} without labels", it.address())
            } else {
                format!("{} with {}", it.address(), it.labels)
            }
        })
        .collect();
    let more = more(waiting.squish_servers.len());
    format!(
        "no registered Squish server has {wanted} (registered: {}{more})",
        others.join("; ")
    )
}

/// What the chosen Squish servers do, as `lab1:4322 is busy with suite_a / tst_b (execution 12)`.
pub fn states(waiting: &PlanWaiting, chosen: impl Fn(&SquishServer) -> bool) -> String {
    let chosen: Vec<&SquishServer> = waiting
        .squish_servers
        .iter()
        .filter(|it| chosen(it))
        .collect();
    let states: Vec<String> = chosen
        .iter()
        .take(MOST)
        .map(|it| format!("{} {}", it.address(), state(it, waiting.at)))
        .collect();
    format!("{}{}", states.join(", "), more(chosen.len()))
}

fn state(server: &SquishServer, now: Timestamp) -> String {
    let rests = server.cooling.map(|cooling| cooling.until);
    match (server.busy_with, &server.busy_test, rests) {
        (Some(execution), Some(test), _) => format!("is busy with {test} (execution {execution})"),
        (Some(execution), None, _) => format!("is busy with execution {execution}"),
        _ if !server.enabled => "is disabled".to_owned(),
        (None, _, Some(until)) => format!("rests for {} more", human(millis(until.since(now)))),
        (None, _, None) => "is free".to_owned(),
    }
}

fn fitting<'a>(need: &'a Need, waiting: &'a PlanWaiting) -> impl Iterator<Item = &'a Offer> {
    waiting
        .offers
        .iter()
        .filter(|offer| offer.offered.covers(&need.required, LabelCase::Folded))
}

fn more(all: usize) -> String {
    match all.saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

fn ago(now: Timestamp, then: Timestamp) -> String {
    human(millis(now.since(then)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capability, Cooling, CoolingReason, ExecutionId, PlanStatus, Test};

    fn os(value: &str) -> Capabilities {
        Capabilities::from(vec![Capability::new("OS", value)])
    }

    fn server(id: i64, value: &str) -> SquishServer {
        SquishServer {
            id: SquishServerId(id),
            enabled: true,
            host: format!("lab{id}"),
            port: "4322".to_owned(),
            labels: os(value),
            busy_with: None,
            busy_test: None,
            cooling: None,
        }
    }

    fn need(open: u64, reserved: u64, lack: Option<Lack>) -> Need {
        Need {
            required: os("Linux"),
            open,
            reserved,
            workers: 1,
            last_seen: None,
            squish_servers: Vec::new(),
            lack,
            lacking_for: None,
        }
    }

    fn offer(allocate_server: bool, servers: &[i64]) -> Offer {
        Offer {
            offered: os("Linux"),
            allocate_server,
            workers: 1,
            last_seen: Timestamp(0),
            squish_servers: servers.iter().copied().map(SquishServerId).collect(),
        }
    }

    fn plan(need: Need, offer: Offer, squish_servers: Vec<SquishServer>) -> PlanWaiting {
        PlanWaiting {
            at: Timestamp(1_000_000),
            status: PlanStatus {
                open: need.open,
                reserved: need.reserved,
                done: 0,
            },
            due: None,
            needs: vec![need],
            offers: vec![offer],
            squish_servers,
        }
    }

    #[test]
    fn each_reason_has_its_words_and_its_end() {
        let busy = || {
            let mut busy = server(1, "Linux");
            busy.busy_with = Some(ExecutionId(12));
            busy.busy_test = Some(Test {
                suite: "s".to_owned(),
                testcase: "t".to_owned(),
            });
            let mut resting = server(2, "Linux");
            resting.cooling = Some(Cooling {
                until: Timestamp(1_009_500),
                because: CoolingReason::Expired,
            });
            let mut disabled = server(3, "Linux");
            disabled.enabled = false;
            vec![busy, resting, disabled]
        };
        let disabled = || busy().split_off(2);
        let table = [
            (
                plan(need(0, 2, None), offer(false, &[]), vec![]),
                "2 at work need OS=Linux: in the hands of workers, until their tests end",
            ),
            (
                plan(need(1, 0, None), offer(false, &[]), vec![]),
                "1 open needs OS=Linux: 1 live worker fits, and takes what is open when its test ends",
            ),
            (
                plan(need(1, 1, None), offer(true, &[1, 2, 3]), busy()),
                "1 open, 1 at work need OS=Linux: 1 live worker fits; of the Squish servers, lab1:4322 is busy with \
                 s / t (execution 12), lab2:4322 rests for 9.5s more, lab3:4322 is disabled: one that gets free would \
                 end this",
            ),
            (
                plan(
                    need(1, 0, Some(Lack::SquishServer)),
                    offer(true, &[3]),
                    disabled(),
                ),
                "1 open needs OS=Linux: 1 live worker offers it and asks for a Squish server, but of those with \
                 OS=Linux, lab3:4322 is disabled; one with OS=Linux that is enabled would end this",
            ),
            (
                plan(
                    need(1, 0, Some(Lack::SquishServer)),
                    offer(true, &[]),
                    vec![server(4, "mac")],
                ),
                "1 open needs OS=Linux: 1 live worker offers it and asks for a Squish server, but no registered Squish \
                 server has OS=Linux (registered: lab4:4322 with OS=mac); one with OS=Linux that is enabled would end \
                 this",
            ),
        ];
        for (waiting, said) in table {
            assert_eq!(lines(&waiting), [said]);
        }
    }

    #[test]
    fn who_offers_nothing_takes_any_squish_server() {
        let mut disabled = server(3, "Linux");
        disabled.enabled = false;
        let mut any = need(1, 0, Some(Lack::SquishServer));
        any.required = Capabilities::default();
        let offer = Offer {
            offered: Capabilities::default(),
            ..offer(true, &[3])
        };
        let one = "1 open needs nothing special: 1 live worker offers it and asks for a Squish server, but";
        for (servers, said) in [
            (vec![disabled], "lab3:4322 is disabled"),
            (vec![], "no Squish server is registered"),
        ] {
            assert_eq!(
                lines(&plan(any.clone(), offer.clone(), servers)),
                [format!("{one} {said}; one that is enabled would end this")]
            );
        }
    }

    #[test]
    fn a_plan_is_stuck_only_when_nothing_can_happen() {
        let stuck = |need: Need| plan(need, offer(true, &[]), vec![]).is_stuck();
        assert!(stuck(need(1, 0, Some(Lack::SquishServer))));
        assert!(stuck(need(1, 0, Some(Lack::Worker))));
        assert!(!stuck(need(1, 0, None)), "somebody may take it");
        assert!(
            !stuck(need(1, 1, Some(Lack::Worker))),
            "its end may change much"
        );
        assert!(!stuck(need(0, 0, None)), "nothing is open");
        let later = PlanWaiting {
            due: Some(Timestamp(2_000_000)),
            ..plan(need(1, 0, Some(Lack::Worker)), offer(true, &[]), vec![])
        };
        assert!(!later.is_stuck(), "its time is still to come");
    }
}
