//! When a failed request is sent again, how long after, and until when.

use std::time::Duration;

use super::{
    Client, ClientError, ErrorKind, RetryNotice, ServiceKind,
    answer::FailedTry,
    call::Call,
    recovery::RecoveryWatch,
    retry_budget::RetryBudget,
    routes::{self, Round, Taken},
};
use crate::{
    clock,
    pace::{Backoff, Jitter},
};

/// When a call may be repeated although the service may have carried it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Only if the request did not arrive, or was refused for the moment.
    IfNotDone,
    /// If the service is testplan's own, which recognises the repetition by its key.
    IfTestplan,
    /// Always: the call is idempotent.
    Always,
}

/// Which failures are worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retried {
    /// Those that may pass without a change by the user.
    Transient,
    /// All but the service's own refusals, and what cannot be sent. For what must not be lost: a proxy may ask for a log-in,
    /// or show another certificate, for some seconds.
    AllButRefusals,
}

impl Retried {
    fn includes(self, kind: &ErrorKind) -> bool {
        kind.is_transient() || (self == Self::AllButRefusals && kind.is_outage())
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RetryRule {
    pub(super) repeat: Repeat,
    pub(super) retried: Retried,
    pub(super) budget: Duration,
    /// The pauses between tries, without what `Retry-After` adds.
    pub(super) backoff: Backoff,
    /// Tries, of each URL, while no answer of the service was ever understood.
    pub(super) tries_without_api: u32,
    /// The longest pause before another try, `Retry-After` included.
    pub(super) longest_pause: Duration,
}

#[derive(Debug)]
pub(super) struct Answered<T> {
    pub(super) value: T,
    /// When the first request left that may have had the effect.
    pub(super) sent_at: std::time::Instant,
    /// When the answered request left.
    pub(super) last_sent_at: std::time::Instant,
    pub(super) tries: u32,
}

impl<T> Answered<T> {
    /// The value apart from the rest.
    pub(super) fn split(self) -> (T, Answered<()>) {
        let rest = Answered {
            value: (),
            sent_at: self.sent_at,
            last_sent_at: self.last_sent_at,
            tries: self.tries,
        };
        (self.value, rest)
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const SERVICE_BACKOFF: Backoff = Backoff::new(FIRST_PAUSE, Duration::from_secs(10), Jitter::Full);
const FINISH_BACKOFF: Backoff = Backoff::new(FIRST_PAUSE, FINISH_PAUSE, Jitter::Full);
/// A proxy that asks for an hour's pause must not delay a result much longer than the outage lasts.
const FINISH_PAUSE: Duration = Duration::from_secs(30);
/// The most of a `Retry-After` that other calls follow.
const SERVICE_PAUSE: Duration = Duration::from_secs(300);
/// The URL is probably wrong then.
const TRIES_WITHOUT_API: u32 = 3;

impl RetryRule {
    /// How long to pause before the next try, and the least of it if the service is back earlier. The last try is at the end
    /// of what is left.
    fn pause(
        &self,
        failure: &FailedTry,
        tries: u32,
        left: Duration,
        recovery: &RecoveryWatch,
    ) -> (Duration, Duration) {
        // Jitter on top of what the service asks for: its other clients got the same answer.
        let asked = failure.retry_after.unwrap_or_default();
        let pause = asked.saturating_add(self.backoff.pause(tries));
        let pause = pause.min(self.longest_pause).min(left);
        // One that limits how often it is called has answered, so it did not come back.
        let is_limit = matches!(failure.kind, ErrorKind::Refused { .. });
        if is_limit {
            return (pause, pause);
        }
        // Grows too: another call may succeed each time, while this one never does.
        (pause, self.backoff.pause(recovery.early_ends() + 1))
    }
}

/// A certificate that is not trusted stays so; everything else may be the restart of one process of the service.
fn log_move(call: &str, because: &ErrorKind) {
    if matches!(because, ErrorKind::Untrusted { .. }) {
        tracing::warn!("{call}: {because}; continuing with another URL");
    } else {
        tracing::info!("{call}: {because}; continuing with another URL");
    }
}

impl Client {
    pub(super) fn service_rule(&self, repeat: Repeat) -> RetryRule {
        RetryRule {
            repeat,
            retried: Retried::Transient,
            budget: self.patience().service,
            backoff: SERVICE_BACKOFF,
            tries_without_api: TRIES_WITHOUT_API,
            longest_pause: SERVICE_PAUSE,
        }
    }

    pub(super) fn finish_rule(&self) -> RetryRule {
        RetryRule {
            repeat: Repeat::Always,
            retried: Retried::AllButRefusals,
            budget: self.patience().finish,
            backoff: FINISH_BACKOFF,
            // The URL is right: this service granted the execution.
            tries_without_api: u32::MAX,
            longest_pause: FINISH_PAUSE,
        }
    }

    /// As patient as a result. Repeated after an unclear outcome only where the service knows the key.
    pub(super) fn upload_rule(&self) -> RetryRule {
        RetryRule {
            repeat: Repeat::IfTestplan,
            ..self.finish_rule()
        }
    }

    /// Sends until an answer is read, the rule forbids another try, or the budget is used up. Pauses and tries after the
    /// first failure use up the budget; a long poll that was answered does not.
    pub(super) async fn persist<T>(
        &self,
        call: &Call,
        rule: RetryRule,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Answered<T>, ClientError> {
        let mut budget = RetryBudget::new(rule.budget, self.patience().request);
        // On the heap: futures of all calls are made of it.
        Box::pin(self.persist_within(&mut budget, call, rule, read)).await
    }

    /// The same with a budget that several calls share, because they are one to the user.
    pub(super) async fn persist_within<T>(
        &self,
        budget: &mut RetryBudget,
        call: &Call,
        rule: RetryRule,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Answered<T>, ClientError> {
        let mut tries = 0;
        let mut first_unclear = None;
        let mut recovery = self.shared.health.watch();
        let routes = &self.shared.routes;
        let mut round = Round::default();
        let began = clock::timer();
        loop {
            tries += 1;
            recovery.begin_try();
            routes.look_up(self.shared.transport.as_ref()).await;
            let taken = routes.take(call.nature(self.may_repeat(rule.repeat)), &round);
            let version = self.shared.authorization.refresh();
            let (sent_at, now) = (clock::monotonic(), clock::timer());
            let mut limit = budget.limit(self.limit_of(call), now);
            if rule.budget.is_zero() && !round.tried.is_empty() {
                // Its caller bounds all of it by the limit of one request.
                limit = limit.saturating_sub(now - began);
            }
            let limit = taken.limit(limit, call.wait());
            let failure = match self.attempt(call, taken, limit, &read).await {
                Ok(value) => {
                    return Ok(Answered {
                        value,
                        sent_at: first_unclear.unwrap_or(sent_at),
                        last_sent_at: sent_at,
                        tries,
                    });
                }
                Err(failure) => failure,
            };
            let is_rejected = matches!(failure.kind, ErrorKind::Unauthorized { status: 401, .. });
            if is_rejected && self.shared.authorization.has_newer_than(version) {
                continue;
            }
            let now = clock::timer();
            budget.failed(now);
            if failure.unclear {
                first_unclear.get_or_insert(sent_at);
            }
            let left = budget.left(now);
            round.tried.push(taken.id());
            // A round goes on to its end, within what the last request may take.
            let has_time = if rule.budget.is_zero() {
                now - began < self.limit_of(call)
            } else {
                !budget.limit(self.limit_of(call), now).is_zero()
            };
            if has_time && self.continues_elsewhere(&failure, rule, taken) {
                log_move(&call.name_on(taken), &failure.kind);
                continue;
            }
            let rounds = round.before + 1;
            if left.is_zero() || !self.may_try_again(&failure, rule, rounds) {
                return Err(ClientError {
                    call: call.name_on(taken),
                    ..call.error(failure.kind, tries, first_unclear.is_some())
                });
            }
            let (pause, least) = rule.pause(&failure, rounds, left, &recovery);
            if let Some(watcher) = &self.watcher {
                watcher(&RetryNotice {
                    call: &call.name_on(taken),
                    because: &failure.kind,
                    pause,
                    left,
                });
            }
            recovery.pause(pause, least).await;
            round = Round {
                tried: Vec::new(),
                before: rounds,
            };
        }
    }

    /// Whether the call goes on with another way at once: one that would be repeated on the same way too, after a pause.
    fn continues_elsewhere(&self, failure: &FailedTry, rule: RetryRule, taken: Taken<'_>) -> bool {
        taken.has_untried_other
            && routes::is_of_the_way(&failure.kind)
            && (!failure.unclear || self.may_repeat(rule.repeat))
    }

    fn may_try_again(&self, failure: &FailedTry, rule: RetryRule, rounds: u32) -> bool {
        rule.retried.includes(&failure.kind)
            && (!failure.unclear || self.may_repeat(rule.repeat))
            && !(self.is_api_unknown(&failure.kind) && rounds >= rule.tries_without_api)
    }

    /// Sends a call that changes nothing, or the same however often it is sent, and returns what was read.
    pub(super) async fn ask<T>(
        &self,
        call: &Call,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, ClientError> {
        let rule = self.service_rule(Repeat::Always);
        Ok(self.persist(call, rule, read).await?.value)
    }

    fn may_repeat(&self, repeat: Repeat) -> bool {
        match repeat {
            Repeat::IfNotDone => false,
            Repeat::IfTestplan => self.is_testplan(),
            Repeat::Always => true,
        }
    }

    fn is_api_unknown(&self, kind: &ErrorKind) -> bool {
        self.service_kind() == ServiceKind::Unknown
            && matches!(kind, ErrorKind::NotUnderstood { .. })
    }
}
