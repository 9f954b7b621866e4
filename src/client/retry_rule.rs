//! When a failed request is sent again, how long after, and until when.

use std::time::Duration;

use super::{Client, ClientError, ErrorKind, RetryNotice, ServiceKind, call::Call};
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

#[derive(Clone, Copy, Debug)]
pub(super) struct RetryRule {
    pub(super) repeat: Repeat,
    pub(super) budget: Duration,
    /// The pauses between tries, without what `Retry-After` adds.
    pub(super) backoff: Backoff,
    /// Tries while no answer of the service was ever understood.
    pub(super) tries_without_api: u32,
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
const FINISH_BACKOFF: Backoff = Backoff::new(FIRST_PAUSE, Duration::from_secs(30), Jitter::Full);
/// The URL is probably wrong then.
const TRIES_WITHOUT_API: u32 = 3;

impl Client {
    pub(super) fn service_rule(&self, repeat: Repeat) -> RetryRule {
        RetryRule {
            repeat,
            budget: self.patience().service,
            backoff: SERVICE_BACKOFF,
            tries_without_api: TRIES_WITHOUT_API,
        }
    }

    pub(super) fn finish_rule(&self) -> RetryRule {
        RetryRule {
            repeat: Repeat::Always,
            budget: self.patience().finish,
            backoff: FINISH_BACKOFF,
            // The URL is right: this service granted the execution.
            tries_without_api: u32::MAX,
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
        let mut left = rule.budget;
        let mut tries = 0;
        let mut first_unclear = None;
        loop {
            tries += 1;
            let sent_at = clock::monotonic();
            let failure = match self.attempt(call, &read).await {
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
            if tries > 1 {
                left = left.saturating_sub(clock::monotonic().saturating_duration_since(sent_at));
            }
            if failure.unclear {
                first_unclear.get_or_insert(sent_at);
            }
            let allowed = failure.kind.is_transient()
                && (!failure.unclear || self.may_repeat(rule.repeat))
                && !(self.is_api_unknown(&failure.kind) && tries >= rule.tries_without_api);
            // Jitter on top of what the service asks for: its other clients got the same answer.
            let asked = failure.retry_after.unwrap_or_default();
            let pause = asked + rule.backoff.pause(tries).min(left.saturating_sub(asked));
            if !allowed || left.is_zero() || pause > left {
                return Err(call.error(failure.kind, tries, first_unclear.is_some()));
            }
            if let Some(watcher) = &self.watcher {
                watcher(&RetryNotice {
                    call: &call.name(),
                    because: &failure.kind,
                    pause,
                    left,
                });
            }
            tokio::time::sleep(pause).await;
            left -= pause;
        }
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
