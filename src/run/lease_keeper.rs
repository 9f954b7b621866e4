//! Keeps the leases of a worker from one task of its own, so that a busy worker cannot starve them. Leases that are due at
//! about the same time are renewed by one call.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{AbortHandle, BoxFuture, abortable},
    stream::FuturesUnordered,
};
use tokio::sync::{mpsc, watch};

use super::{
    heartbeat::{LeaseStanding, LeaseWatch},
    held_lease::HeldLease,
};
use crate::{
    client::{Client, ClientError, LeaseRenewal},
    clock,
    model::PlanId,
};

/// Longest time one heartbeat may take: a hung connection must not use up the lease.
const LONGEST_BEAT: Duration = Duration::from_secs(10);
/// Longest pause after a heartbeat that was not answered.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Begins to keep leases. Its task ends when it and all leases are dropped.
#[derive(Debug)]
pub(super) struct LeaseKeeper {
    commands: mpsc::UnboundedSender<Command>,
    full: Duration,
    keys: AtomicU64,
}

/// A lease that is kept until this is dropped.
#[derive(Debug)]
pub(super) struct KeptLease {
    key: u64,
    watch: LeaseWatch,
    commands: mpsc::UnboundedSender<Command>,
}

#[derive(Debug)]
enum Command {
    Keep(Vec<(u64, Kept)>),
    Stop(u64),
}

impl LeaseKeeper {
    /// Starts the task. The first beat of a lease lengthens it to `full`.
    pub(super) fn start(client: Client, plan: PlanId, full: Duration) -> Self {
        let (commands, received) = mpsc::unbounded_channel();
        let keeping = Keeping {
            client,
            plan,
            full,
            kept: BTreeMap::new(),
            beats: FuturesUnordered::new(),
        };
        tokio::spawn(keeping.run(received));
        Self {
            commands,
            full,
            keys: AtomicU64::default(),
        }
    }

    /// Begins to keep leases, in order.
    pub(super) fn keep(&self, leases: Vec<HeldLease>) -> Vec<KeptLease> {
        let now = clock::monotonic();
        let mut handles = Vec::with_capacity(leases.len());
        let mut all = Vec::with_capacity(leases.len());
        for lease in leases {
            let key = self.keys.fetch_add(1, Ordering::Relaxed);
            let (standing, watched) = watch::channel(LeaseStanding::Held {
                fence: lease.fence(),
                trouble: late_reservation(&lease, now),
            });
            handles.push(KeptLease {
                key,
                watch: LeaseWatch::new(watched, lease.kill_budget()),
                commands: self.commands.clone(),
            });
            all.push((key, Kept::new(lease, standing, self.full, now)));
        }
        self.send(Command::Keep(all));
        handles
    }

    fn send(&self, command: Command) {
        // The task ends only after the last sender.
        let _ = self.commands.send(command);
    }
}

impl KeptLease {
    pub(super) fn watch(&self) -> &LeaseWatch {
        &self.watch
    }

    /// Sends no more heartbeats. The watch keeps what the last one said.
    pub(super) fn stop(&self) {
        // As above.
        let _ = self.commands.send(Command::Stop(self.key));
    }
}

impl Drop for KeptLease {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A lease, and when it is renewed next.
#[derive(Debug)]
struct Kept {
    lease: HeldLease,
    standing: watch::Sender<LeaseStanding>,
    next: Beat,
}

#[derive(Debug)]
enum Beat {
    At(Instant),
    /// One is under way, possibly with those of other leases.
    UnderWay(Option<AbortHandle>),
}

impl Kept {
    fn new(
        lease: HeldLease,
        standing: watch::Sender<LeaseStanding>,
        full: Duration,
        now: Instant,
    ) -> Self {
        // Part of an old lease is used up, so it is renewed at once.
        let age = now.saturating_duration_since(lease.sent_at);
        let pause = lease
            .first_beat(full, Self::spread_of(&lease))
            .saturating_sub(age);
        Self {
            lease,
            standing,
            next: Beat::At(now + pause),
        }
    }

    fn spread_of(lease: &HeldLease) -> f64 {
        f64::from(u8::try_from(lease.execution.0.rem_euclid(256)).unwrap_or(0)) / 255.0
    }

    fn interval(&self) -> Duration {
        self.lease.beat_interval(Self::spread_of(&self.lease))
    }

    fn due(&self) -> Option<Instant> {
        match self.next {
            Beat::At(time) => Some(time),
            Beat::UnderWay(_) => None,
        }
    }

    fn renewal(&self, full: Duration) -> LeaseRenewal {
        LeaseRenewal {
            execution: self.lease.execution,
            lease: self.lease.token.clone(),
            timeout: full,
        }
    }

    /// Takes the answer to a heartbeat in. `limit` is what it had taken longer than, if it was too slow. Returns whether the
    /// lease is still held.
    fn answered(
        &mut self,
        answer: Result<Instant, ClientError>,
        full: Duration,
        limit: Option<Duration>,
    ) -> bool {
        let now = clock::monotonic();
        match answer {
            Ok(sent_at) => {
                (self.lease.sent_at, self.lease.timeout) = (sent_at, full);
                let fence = self.lease.fence();
                self.standing.send_replace(LeaseStanding::Held {
                    fence,
                    trouble: None,
                });
                self.next = Beat::At(now + self.interval());
                true
            }
            Err(error) if error.lease_is_lost() => {
                let reason = error.to_string();
                self.standing.send_replace(LeaseStanding::Lost { reason });
                false
            }
            Err(error) => {
                let execution = self.lease.execution;
                let trouble = match limit {
                    Some(limit) => self.lease.slow_service(limit, full),
                    None => error.to_string(),
                };
                tracing::warn!(%execution, error = trouble, "heartbeat not answered, trying again");
                self.standing.send_replace(LeaseStanding::Held {
                    fence: self.lease.fence(),
                    trouble: Some(trouble),
                });
                self.next = Beat::At(now + (self.interval() / 4).min(LONGEST_PAUSE));
                true
            }
        }
    }
}

/// The trouble with a reservation that was answered after its lease had to end.
fn late_reservation(lease: &HeldLease, now: Instant) -> Option<String> {
    let took = now.saturating_duration_since(lease.sent_at);
    (now >= lease.fence()).then(|| {
        let (took, length) = (took.as_secs_f32(), lease.timeout.as_secs_f32());
        format!(
            "the service took {took:.1} s to answer the reservation, and its lease lasts {length:.1} s: find out why it is slow"
        )
    })
}

/// The answers to heartbeats that were sent together.
#[derive(Default)]
struct Answers {
    each: Vec<(u64, Result<Instant, ClientError>)>,
    /// How long they were waited for, if that was not long enough.
    exceeded: Option<Duration>,
}

/// The task.
struct Keeping {
    client: Client,
    plan: PlanId,
    full: Duration,
    kept: BTreeMap<u64, Kept>,
    beats: FuturesUnordered<BoxFuture<'static, Answers>>,
}

impl Keeping {
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        loop {
            let due = self.kept.values().filter_map(Kept::due).min();
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => return,
                },
                Some(answers) = self.beats.next() => self.answered(answers),
                () = reached(due) => self.beat(),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Keep(leases) => self.kept.extend(leases),
            Command::Stop(key) => {
                let kept = self.kept.remove(&key);
                // Test Center would take a late heartbeat for a renewal of what was released.
                if let Some(Kept {
                    next: Beat::UnderWay(Some(abort)),
                    ..
                }) = kept
                {
                    abort.abort();
                }
            }
        }
    }

    fn answered(&mut self, answers: Answers) {
        for (key, answer) in answers.each {
            // One that was stopped meanwhile is not there any more.
            let Some(kept) = self.kept.get_mut(&key) else {
                continue;
            };
            if !kept.answered(answer, self.full, answers.exceeded) {
                self.kept.remove(&key);
            }
        }
    }

    /// Sends the heartbeats that are due: in one list those of leases with a token, each by itself where there is none.
    fn beat(&mut self) {
        let mut together = Vec::new();
        for key in due_now(&self.kept, clock::monotonic()) {
            let has_token = self
                .kept
                .get(&key)
                .is_some_and(|kept| kept.lease.token.is_some());
            if has_token {
                together.push(key);
            } else {
                self.send(vec![key]);
            }
        }
        if !together.is_empty() {
            self.send(together);
        }
    }

    fn send(&mut self, keys: Vec<u64>) {
        let mut renewals = Vec::with_capacity(keys.len());
        let mut limit = LONGEST_BEAT;
        for kept in keys.iter().filter_map(|key| self.kept.get(key)) {
            renewals.push(kept.renewal(self.full));
            limit = limit.min(kept.interval());
        }
        let (client, plan) = (self.client.clone(), self.plan);
        let sent = keys.clone();
        let (beat, abort) = abortable(async move {
            let began = clock::monotonic();
            let answers = match renewals.as_slice() {
                [one] => {
                    let lease = one.lease.as_ref();
                    let beat = client.heartbeat(one.execution, lease, one.timeout, limit);
                    vec![beat.await]
                }
                several => client.heartbeat_many(plan, several, limit).await,
            };
            let took = clock::monotonic().saturating_duration_since(began);
            Answers {
                each: sent.into_iter().zip(answers).collect(),
                exceeded: (took >= limit).then_some(limit),
            }
        });
        let abort = (keys.len() == 1).then_some(abort);
        for key in keys {
            if let Some(kept) = self.kept.get_mut(&key) {
                kept.next = Beat::UnderWay(abort.clone());
            }
        }
        self.beats.push(beat.map(Result::unwrap_or_default).boxed());
    }
}

/// The leases to renew now: those that are due, and with them those with a token that soon will be.
fn due_now(kept: &BTreeMap<u64, Kept>, now: Instant) -> Vec<u64> {
    let is_due = |kept: &Kept| kept.due().is_some_and(|due| due <= now);
    let list_is_due = kept
        .values()
        .any(|kept| kept.lease.token.is_some() && is_due(kept));
    let is_soon = |kept: &Kept| {
        let soon = now + kept.interval() / 4;
        kept.lease.token.is_some() && kept.due().is_some_and(|due| due <= soon)
    };
    let chosen = kept
        .iter()
        .filter(|(_, kept)| is_due(kept) || (list_is_due && is_soon(kept)));
    chosen.map(|(key, _)| *key).collect()
}

async fn reached(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExecutionId, LeaseToken};

    /// A lease of a minute, `age` seconds old.
    fn kept(execution: i64, has_token: bool, age: u64, now: Instant) -> (u64, Kept) {
        let lease = HeldLease {
            execution: ExecutionId(execution),
            token: has_token.then(|| LeaseToken::new(format!("token {execution}"))),
            timeout: Duration::from_secs(60),
            sent_at: now.checked_sub(Duration::from_secs(age)).unwrap(),
        };
        let (standing, _) = watch::channel(LeaseStanding::Held {
            fence: lease.fence(),
            trouble: None,
        });
        let key = u64::try_from(execution).unwrap();
        (
            key,
            Kept::new(lease, standing, Duration::from_secs(60), now),
        )
    }

    #[test]
    fn leases_that_are_due_soon_are_renewed_with_those_that_are_due() {
        let now = clock::monotonic();
        let leases = [(1, true, 19), (2, true, 16), (3, true, 5), (4, false, 17)];
        let all: BTreeMap<_, _> = leases
            .map(|(it, has_token, age)| kept(it, has_token, age, now))
            .into();
        assert_eq!(due_now(&all, now), [1, 2]);
        let later = now + Duration::from_millis(1_500);
        assert_eq!(due_now(&all, later), [1, 2, 4]);
    }

    #[test]
    fn leases_without_token_wait_for_their_own_time() {
        let now = clock::monotonic();
        let all: BTreeMap<_, _> = [(1, 19), (2, 17)]
            .map(|(it, age)| kept(it, false, age, now))
            .into();
        assert_eq!(due_now(&all, now), [1]);
    }

    #[test]
    fn nothing_is_due_early() {
        let now = clock::monotonic();
        let all: BTreeMap<_, _> = [kept(1, true, 10, now), kept(2, false, 10, now)].into();
        assert_eq!(due_now(&all, now), Vec::<u64>::new());
    }

    #[test]
    fn beat_under_way_is_not_sent_twice() {
        let now = clock::monotonic();
        let mut all: BTreeMap<_, _> = [kept(1, true, 19, now), kept(2, true, 19, now)].into();
        all.get_mut(&1).unwrap().next = Beat::UnderWay(None);
        assert_eq!(due_now(&all, now), [2]);
    }

    #[test]
    fn renewed_lease_is_due_a_third_of_its_full_length_later() {
        let now = clock::monotonic();
        let (_, mut kept) = kept(1, true, 19, now);
        let full = Duration::from_secs(600);
        assert!(kept.answered(Ok(now), full, None));
        assert_eq!(kept.lease.timeout, full);
        let pause = kept.due().unwrap() - now;
        assert!(pause > full / 4 && pause < full / 2, "{pause:?}");
    }
}
