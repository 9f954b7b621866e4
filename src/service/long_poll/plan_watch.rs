//! The watch of a plan that clients wait for: what the store does not report by itself, once for all of them.
//!
//! It has leases expired at their end, looks when the plan is due or a Squish server has cooled down, asks for counts when they
//! changed, and looks around now and then, because a notification could be missing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::sleep};

use super::spread;
use crate::{
    clock,
    model::{PlanId, Timestamp},
    service::{service_state::ServiceState, waiting_clients::CountsChange},
    store::Deadline,
};

/// Shortest pause before a deadline: without it, a deadline that changes nothing would make the watch spin.
const MIN_PAUSE: Duration = Duration::from_millis(10);
/// The store does not report the start of a cool-down, so while a worker waits for a Squish server the watch looks at least
/// this often.
const SERVER_LOOK: Duration = Duration::from_secs(1);
/// Pause of a plan's counts for each client that gets them: the more there are, the more changes are reported together.
const PAUSE_PER_CLIENT: Duration = Duration::from_millis(1);
/// Longest pause of a plan's counts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Watches a plan as long as a client waits for it and the service runs.
pub(super) async fn run(shared: Arc<ServiceState>, plan: PlanId, poke: Arc<Notify>) {
    let mut watch = PlanWatch {
        shared,
        plan,
        looks: 0,
        looked: clock::monotonic(),
        deadline: None,
        counts_from: clock::monotonic(),
    };
    watch.find_deadline().await;
    let mut stopping = watch.shared.stopping();
    while let Some(pause) = watch.pause() {
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => break,
            () = poke.notified() => {}
            () = sleep(pause) => {}
        }
        watch.act().await;
    }
}

struct PlanWatch {
    shared: Arc<ServiceState>,
    plan: PlanId,
    looks: u64,
    /// When it looked around last.
    looked: Instant,
    deadline: Option<Deadline>,
    /// No counts are asked for before, unless the plan may be done.
    counts_from: Instant,
}

impl PlanWatch {
    /// How long there is nothing to do; `None` ends the watch.
    fn pause(&self) -> Option<Duration> {
        let now = clock::monotonic();
        let mut tables = self.shared.waiting.tables();
        if !tables.has_waiting(self.plan) {
            tables.watches.remove(&self.plan);
            return None;
        }
        let counts = counts_pause(
            tables.statuses.change(self.plan),
            self.counts_from.saturating_duration_since(now),
        );
        let look = self.look_pause(tables.workers.lacks_server(self.plan));
        let deadline = self
            .deadline
            .map(|it| it.at.since(self.shared.clock.now()).max(MIN_PAUSE));
        let until_look = look.saturating_sub(now.saturating_duration_since(self.looked));
        [counts, deadline]
            .into_iter()
            .flatten()
            .min()
            .map_or(Some(until_look), |other| Some(other.min(until_look)))
    }

    /// The time between two looks, a different one each time: watches that began together do not look together.
    fn look_pause(&self, lacks_server: bool) -> Duration {
        let look = self.shared.limits.look;
        let look = if lacks_server {
            look.min(SERVER_LOOK)
        } else {
            look
        };
        let number = self.plan.0.unsigned_abs().wrapping_add(self.looks);
        look.mul_f64(1.0 - spread(number) / 4.0)
    }

    async fn act(&mut self) {
        let now = clock::monotonic();
        let lacks_server = {
            let tables = self.shared.waiting.tables();
            tables.workers.lacks_server(self.plan)
        };
        let looks = now.saturating_duration_since(self.looked) >= self.look_pause(lacks_server);
        let passed = passed(self.deadline, self.shared.clock.now());
        if let Some(deadline) = passed {
            self.deadline_passed(deadline).await;
        }
        if looks {
            (self.looked, self.looks) = (now, self.looks + 1);
            self.shared.waiting.tables().workers.look_around(self.plan);
        }
        if looks || passed.is_some() {
            self.find_deadline().await;
        }
        let change = self.shared.waiting.tables().statuses.change(self.plan);
        let pause = counts_pause(change, self.counts_from.saturating_duration_since(now));
        if looks || passed.is_some() || pause.is_some_and(|pause| pause.is_zero()) {
            self.ask_for_counts().await;
        }
    }

    async fn find_deadline(&mut self) {
        let plan = self.plan;
        let found = self
            .shared
            .ask_for_waiting(move |store, now| store.next_deadline(plan, now))
            .await;
        // Without an answer the next look asks again.
        self.deadline = found.ok().flatten();
    }

    async fn deadline_passed(&mut self, deadline: Deadline) {
        self.deadline = None;
        if deadline.ends_lease {
            // The store reports what this opens. If it fails, the next request or housekeeping expires the lease.
            let swept = self
                .shared
                .ask_for_waiting(|store, now| store.sweep(now))
                .await;
            drop(swept);
        } else {
            self.shared
                .waiting
                .tables()
                .workers
                .look_everywhere(self.plan);
        }
    }

    async fn ask_for_counts(&mut self) {
        let plan = self.plan;
        let questions = self.shared.waiting.tables().statuses.begin_questions(plan);
        for (filter, question) in questions {
            let asked = filter.clone();
            let answer = self
                .shared
                .ask_for_waiting(move |store, now| store.status(plan, asked, now))
                .await;
            // Without an answer the clients wait for the next one.
            if let Ok(counts) = answer {
                let mut tables = self.shared.waiting.tables();
                tables.statuses.publish(plan, &filter, (question, counts));
            }
        }
        let members = self.shared.waiting.tables().statuses.members(plan);
        self.counts_from = clock::monotonic() + pause_after(members);
    }
}

/// The deadline, if it is over.
fn passed(deadline: Option<Deadline>, now: Timestamp) -> Option<Deadline> {
    deadline.filter(|deadline| deadline.at <= now)
}

/// How long changed counts wait; `None` if none changed.
fn counts_pause(change: CountsChange, rest: Duration) -> Option<Duration> {
    match change {
        CountsChange::None => None,
        CountsChange::Counts => Some(rest),
        CountsChange::Drained => Some(Duration::ZERO),
    }
}

/// How long counts are not asked for again after this many clients waited for them.
fn pause_after(members: usize) -> Duration {
    u32::try_from(members)
        .map_or(LONGEST_PAUSE, |members| {
            PAUSE_PER_CLIENT.saturating_mul(members)
        })
        .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_for_many_clients_are_reported_less_often_until_the_plan_may_be_done() {
        assert_eq!(pause_after(1), Duration::from_millis(1));
        assert_eq!(pause_after(500), Duration::from_millis(500));
        assert_eq!(pause_after(50_000), LONGEST_PAUSE);
        let rest = Duration::from_millis(300);
        assert_eq!(counts_pause(CountsChange::None, rest), None);
        assert_eq!(counts_pause(CountsChange::Counts, rest), Some(rest));
        assert_eq!(
            counts_pause(CountsChange::Drained, rest),
            Some(Duration::ZERO)
        );
    }
}
