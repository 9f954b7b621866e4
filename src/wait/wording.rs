//! Describes what a plan waits for, one line for each set of required capabilities. The text is raw: surfaces clean it.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    config::duration,
    model::{
        Capabilities, Execution, LabelCase, Lack, Need, Offer, PlanWaiting, SquishServer,
        SquishServerId, Timestamp, millis,
    },
    report::{
        UnmetCapabilities,
        time_text::{duration_text, utc_text},
    },
    text::plural,
};

/// Most needs and most Squish servers that are named.
const MOST: usize = 8;

/// Why a plan is stuck, according to a service that knows workers and Squish servers.
pub(super) const STUCK: &str = "no worker or Squish server can run the remaining tests";
/// The same according to a service that only counts.
pub(super) const NOTHING_RUNS: &str = "no test is running and nothing changes";

/// A line for each need, those with a lack first, and one for the start of the plan if it is still to come.
pub(crate) fn lines(waiting: &PlanWaiting) -> Vec<String> {
    let needs: Vec<&Need> = waiting.needs.iter().collect();
    let mut lines = lines_of(&needs, waiting);
    lines.extend(start(waiting));
    lines
}

/// A line for each of these needs.
pub(crate) fn lines_of(needs: &[&Need], waiting: &PlanWaiting) -> Vec<String> {
    let mut needs = needs.to_vec();
    needs.sort_by_key(|need| (need.lack.is_none(), need.open == 0));
    let named = needs.iter().take(MOST);
    let mut lines: Vec<String> = named.map(|need| line(need, waiting)).collect();
    if needs.len() > MOST {
        lines.push(format!(
            "and {} more sets of capabilities",
            needs.len() - MOST
        ));
    }
    lines
}

/// When the plan starts, and that Test Center runs it, if it does.
fn start(waiting: &PlanWaiting) -> Option<String> {
    let when = waiting
        .due
        .map(|due| format!("at {}, in {}", utc_text(due), ago(due, waiting.at)));
    let is_handed_over = waiting.partial.as_ref().is_some_and(|it| it.handed_over);
    match (is_handed_over, when) {
        (true, Some(when)) => Some(format!("Test Center runs the plan itself, starting {when}")),
        (true, None) => Some(
            "Test Center runs the plan itself and reports there what it lacks; --deadline bounds this wait"
                .to_owned(),
        ),
        (false, Some(when)) => Some(format!(
            "the plan starts {when}: no test is handed out before"
        )),
        (false, None) => None,
    }
}

/// `1 open needs OS=macOS: no live worker offers it (live workers offer OS=Linux); start a worker with OS=macOS to
/// continue`.
fn line(need: &Need, waiting: &PlanWaiting) -> String {
    let verb = plural(&(need.open + need.reserved), "needs", "need");
    let required = if need.required.is_empty() {
        "nothing special".to_owned()
    } else {
        need.required.to_string()
    };
    format!(
        "{} {verb} {required}: {}",
        counts(need),
        reason(need, waiting)
    )
}

/// `1 open, 2 running`.
pub(super) fn counts(need: &Need) -> String {
    let counts = [(need.open, "open"), (need.reserved, "running")].into_iter();
    let counts = counts.filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    counts.join(", ")
}

/// Why the executions wait, and what would end it.
pub(super) fn reason(need: &Need, waiting: &PlanWaiting) -> String {
    let offers: Vec<&Offer> = waiting
        .offers
        .iter()
        .filter(|offer| offer.offered.covers(&need.required, LabelCase::Folded))
        .collect();
    match need.lack {
        // A service that only counts knows no workers.
        _ if waiting.partial.is_some() && offers.is_empty() => {
            let has = |id| need.squish_servers.contains(&id);
            if need.lack.is_some() {
                no_enabled_server(&need.required.to_string(), waiting, has)
            } else {
                states(waiting, has)
            }
        }
        Some(Lack::Worker) => no_worker(need, waiting),
        Some(Lack::SquishServer) => no_squish_server(need, &offers, waiting),
        None if need.open == 0 => "waiting for these tests to end".to_owned(),
        None => {
            let fit = plural(&need.workers, "live worker fits", "live workers fit");
            let workers = format!("{} {fit}", need.workers);
            if offers.iter().all(|offer| offer.allocate_server) {
                let states = states(waiting, |id| {
                    offers
                        .iter()
                        .any(|offer| offer.squish_servers.contains(&id))
                });
                format!("{workers}; waiting for one of the Squish servers: {states}")
            } else {
                let their = plural(&need.workers, "its current test", "their current tests");
                format!("{workers}, waiting for {their} to end")
            }
        }
    }
}

fn no_worker(need: &Need, waiting: &PlanWaiting) -> String {
    let unmet = |case| {
        let offers = waiting.offers.iter().map(|offer| &offer.offered);
        UnmetCapabilities::of(&need.required, offers, case)
    };
    // The service has judged by its own rule. If the lenient rule finds an offer, the strict one names the difference.
    let lacking = unmet(LabelCase::Folded)
        .or_else(|| unmet(LabelCase::Strict))
        .map_or_else(|| "no live worker offers it".to_owned(), |it| it.live());
    let since = match (need.last_seen, need.lacking_for) {
        (Some(seen), _) => format!(
            "; the last one that did was there {} ago",
            ago(waiting.at, seen)
        ),
        (None, Some(lasted)) if lasted >= Duration::from_secs(1) => {
            format!(", for at least {}", span(lasted))
        }
        (None, _) => String::new(),
    };
    format!(
        "{lacking}{since}; start a worker with {} to continue",
        need.required
    )
}

fn no_squish_server(need: &Need, offers: &[&Offer], waiting: &PlanWaiting) -> String {
    let ask = plural(
        &need.workers,
        "live worker offers it and asks",
        "live workers offer it and ask",
    );
    let wanted: BTreeSet<&Capabilities> = offers.iter().map(|offer| &offer.offered).collect();
    // A worker that offers nothing takes any server.
    let wanted = if wanted.iter().any(|set| set.is_empty()) {
        String::new()
    } else {
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        wanted.join("; or ")
    };
    let with = if wanted.is_empty() {
        String::new()
    } else {
        format!(" with {wanted}")
    };
    let has = |id| {
        offers
            .iter()
            .any(|offer| offer.squish_servers.contains(&id))
    };
    format!(
        "{} {ask} for a Squish server, but {}; add or enable one{with} to continue",
        need.workers,
        no_enabled_server(&wanted, waiting, has)
    )
}

/// Why no enabled Squish server has the capabilities `wanted`, where an empty text stands for any server: those that
/// have them are disabled, or there are only others, or none at all.
pub(super) fn no_enabled_server(
    wanted: &str,
    waiting: &PlanWaiting,
    has: impl Fn(SquishServerId) -> bool,
) -> String {
    let partial = waiting.partial.as_ref();
    if let Some(error) = partial.and_then(|it| it.squish_servers_error.as_ref()) {
        return format!("the Squish servers are not known: {error}");
    }
    let disabled = states(waiting, has);
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
    let others = named(waiting.squish_servers.iter(), "; ", |it| {
        if it.labels.is_empty() {
            format!("{} without labels", it.address())
        } else {
            format!("{} with {}", it.address(), it.labels)
        }
    });
    format!("no registered Squish server has {wanted} (registered: {others})")
}

/// What the chosen Squish servers do, such as `lab1:4322 is busy with suite_a / tst_b (execution 12)`.
fn states(waiting: &PlanWaiting, chosen: impl Fn(SquishServerId) -> bool) -> String {
    let chosen = waiting.squish_servers.iter().filter(|it| chosen(it.id));
    named(chosen, ", ", |it| {
        format!("{} {}", it.address(), state(it, waiting.at))
    })
}

fn state(server: &SquishServer, now: Timestamp) -> String {
    let cools_until = server.cooling.map(|cooling| cooling.until);
    match (server.busy_with, &server.busy_test, cools_until) {
        (Some(execution), Some(test), _) => format!("is busy with {test} (execution {execution})"),
        (Some(execution), None, _) => format!("is busy with execution {execution}"),
        _ if !server.enabled => "is disabled".to_owned(),
        (None, _, Some(until)) => format!("cools down for {} more", ago(until, now)),
        (None, _, None) => "is free".to_owned(),
    }
}

fn named<'a>(
    servers: impl Iterator<Item = &'a SquishServer>,
    separator: &str,
    text: impl Fn(&SquishServer) -> String,
) -> String {
    let servers: Vec<&SquishServer> = servers.collect();
    let named: Vec<String> = servers.iter().take(MOST).map(|it| text(it)).collect();
    let named = named.join(separator);
    match servers.len().saturating_sub(MOST) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// An execution that stays open after the wait.
pub(super) fn open_execution(execution: &Execution) -> String {
    let Execution {
        test, id, required, ..
    } = execution;
    format!("{test} (execution {id}) needs {required}")
}

fn ago(now: Timestamp, then: Timestamp) -> String {
    span(now.since(then))
}

/// A span to the tenth of a second.
pub(super) fn span(span: Duration) -> String {
    duration_text(millis(span))
}

/// A span in whole seconds.
pub(super) fn seconds(span: Duration) -> String {
    duration::format(Duration::from_secs(span.as_secs()))
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
            note: String::new(),
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
            partial: None,
        }
    }

    #[test]
    fn each_reason_says_what_to_do() {
        let busy = || {
            let mut busy = server(1, "Linux");
            busy.busy_with = Some(ExecutionId(12));
            busy.busy_test = Some(Test {
                suite: "s".to_owned(),
                testcase: "t".to_owned(),
            });
            let mut cooling = server(2, "Linux");
            cooling.cooling = Some(Cooling {
                until: Timestamp(1_009_500),
                because: CoolingReason::Expired,
            });
            let mut disabled = server(3, "Linux");
            disabled.enabled = false;
            vec![busy, cooling, disabled]
        };
        let disabled = || busy().split_off(2);
        let table = [
            (
                plan(need(0, 2, None), offer(false, &[]), vec![]),
                "2 running need OS=Linux: waiting for these tests to end",
            ),
            (
                plan(need(1, 0, None), offer(false, &[]), vec![]),
                "1 open needs OS=Linux: 1 live worker fits, waiting for its current test to end",
            ),
            (
                plan(need(1, 1, None), offer(true, &[1, 2, 3]), busy()),
                "1 open, 1 running need OS=Linux: 1 live worker fits; waiting for one of the Squish servers: lab1:4322 \
                 is busy with s / t (execution 12), lab2:4322 cools down for 9.5s more, lab3:4322 is disabled",
            ),
            (
                plan(
                    need(1, 0, Some(Lack::SquishServer)),
                    offer(true, &[3]),
                    disabled(),
                ),
                "1 open needs OS=Linux: 1 live worker offers it and asks for a Squish server, but of those with \
                 OS=Linux, lab3:4322 is disabled; add or enable one with OS=Linux to continue",
            ),
            (
                plan(
                    need(1, 0, Some(Lack::SquishServer)),
                    offer(true, &[]),
                    vec![server(4, "mac")],
                ),
                "1 open needs OS=Linux: 1 live worker offers it and asks for a Squish server, but no registered Squish \
                 server has OS=Linux (registered: lab4:4322 with OS=mac); add or enable one with OS=Linux to continue",
            ),
        ];
        for (waiting, said) in table {
            assert_eq!(lines(&waiting), [said]);
        }
    }

    #[test]
    fn worker_that_offers_nothing_takes_any_squish_server() {
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
                [format!("{one} {said}; add or enable one to continue")]
            );
        }
    }

    #[test]
    fn plan_is_stuck_only_if_no_worker_can_take_an_open_execution() {
        let stuck = |need: Need| plan(need, offer(true, &[]), vec![]).is_stuck();
        assert!(stuck(need(1, 0, Some(Lack::SquishServer))));
        assert!(stuck(need(1, 0, Some(Lack::Worker))));
        assert!(!stuck(need(1, 0, None)), "a worker may take it");
        assert!(
            !stuck(need(1, 1, Some(Lack::Worker))),
            "the running test may change it"
        );
        assert!(!stuck(need(0, 0, None)), "nothing is open");
        let later = PlanWaiting {
            due: Some(Timestamp(2_000_000)),
            ..plan(need(1, 0, Some(Lack::Worker)), offer(true, &[]), vec![])
        };
        assert!(!later.is_stuck(), "it has not started yet");
    }
}
