//! When a failed request is sent again, how long after, and until when.

use std::{fmt, time::Duration};

use super::{Client, ClientError, ErrorKind, call::Call};
use crate::{
    clock,
    pace::{Backoff, Jitter},
};

/// How long the client waits, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long an unreachable or failing service is ridden out, from its first failure. Default 2 min.
    pub service: Duration,
    /// The same for a result, which is worth more. Default 10 min.
    pub finish: Duration,
    /// One request, from its first byte sent to its last received. Default 30 s. The waits before an `executeplan`
    /// of unknown outcome is looked up follow from it.
    pub request: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            service: Duration::from_secs(120),
            finish: Duration::from_secs(600),
            request: Duration::from_secs(30),
        }
    }
}

/// Told to the watcher before each pause between two tries.
#[derive(Debug)]
pub struct Waiting<'a> {
    /// Which call, as `GET /execution/v1/status/105`.
    pub call: &'a str,
    /// Why it has to be sent again.
    pub because: &'a ErrorKind,
    /// How long the pause is.
    pub pause: Duration,
    /// How long the client goes on trying, pause included.
    pub left: Duration,
}

impl fmt::Display for Waiting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pause, left) = (self.pause.as_secs_f64(), self.left.as_secs_f64());
        let (call, because) = (self.call, self.because);
        write!(
            f,
            "{call}: {because}; next try in {pause:.1} s, giving up in {left:.0} s"
        )
    }
}

/// When a call may be repeated although the service may have done what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Never: only if it surely did not arrive or was refused for the moment.
    IfUndone,
    /// If the service is known to be ours, which recognises the repetition.
    IfOurs,
    /// Always: twice is the same as once.
    Freely,
}

/// How a call is repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) repeat: Repeat,
    pub(super) budget: Duration,
    /// The pauses between tries, without what `Retry-After` adds.
    pub(super) backoff: Backoff,
    /// Tries where something other than the API answers and nothing was ever understood.
    pub(super) tries_with_strangers: u32,
}

/// What came of a call, and how.
#[derive(Debug)]
pub(super) struct Got<T> {
    pub(super) value: T,
    /// When the first request was sent that may have had the effect.
    pub(super) sent_at: std::time::Instant,
    /// When the one was sent that was answered.
    pub(super) last_sent_at: std::time::Instant,
    pub(super) tries: u32,
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const SERVICE_BACKOFF: Backoff = Backoff::new(FIRST_PAUSE, Duration::from_secs(10), Jitter::Full);
const FINISH_BACKOFF: Backoff = Backoff::new(FIRST_PAUSE, Duration::from_secs(30), Jitter::Full);
/// Most likely the URL is wrong then, and waiting does not mend that.
const TRIES_WITH_STRANGERS: u32 = 3;

impl Client {
    pub(super) fn rides_out(&self, repeat: Repeat) -> Rule {
        Rule {
            repeat,
            budget: self.patience().service,
            backoff: SERVICE_BACKOFF,
            tries_with_strangers: TRIES_WITH_STRANGERS,
        }
    }

    pub(super) fn delivers(&self) -> Rule {
        Rule {
            repeat: Repeat::Freely,
            budget: self.patience().finish,
            backoff: FINISH_BACKOFF,
            // A wrong URL cannot be why: somebody handed the execution out.
            tries_with_strangers: u32::MAX,
        }
    }

    /// An upload: as patient as a result is, and never repeated where it may have got in, unless that is known there.
    pub(super) fn uploads(&self) -> Rule {
        Rule {
            repeat: Repeat::IfOurs,
            ..self.delivers()
        }
    }

    /// Sends until an answer is read, the rule forbids another try, or the budget is used up. The budget is spent by
    /// pauses and by tries after the first failure: a long wait that was answered costs nothing.
    pub(super) async fn persist<T>(
        &self,
        call: &Call,
        rule: Rule,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<Got<T>, ClientError> {
        let mut left = rule.budget;
        let mut tries = 0;
        let mut first_doubt = None;
        loop {
            tries += 1;
            let sent_at = clock::monotonic();
            let failure = match self.attempt(call, &read).await {
                Ok(value) => {
                    return Ok(Got {
                        value,
                        sent_at: first_doubt.unwrap_or(sent_at),
                        last_sent_at: sent_at,
                        tries,
                    });
                }
                Err(failure) => failure,
            };
            if tries > 1 {
                left = left.saturating_sub(clock::monotonic().saturating_duration_since(sent_at));
            }
            if failure.in_doubt {
                first_doubt.get_or_insert(sent_at);
            }
            let allowed = failure.kind.is_transient()
                && (!failure.in_doubt || self.may_repeat(rule.repeat))
                && !(self.is_stranger(&failure.kind) && tries >= rule.tries_with_strangers);
            // On top of what the service asks for, so that its other clients do not come back in the same moment.
            let asked = failure.retry_after.unwrap_or_default();
            let pause = asked + rule.backoff.pause(tries).min(left.saturating_sub(asked));
            // What asks for more patience than there is gets none.
            if !allowed || left.is_zero() || pause > left {
                return Err(call.error(failure.kind, tries, first_doubt.is_some()));
            }
            if let Some(watcher) = &self.watcher {
                watcher(&Waiting {
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

    fn may_repeat(&self, repeat: Repeat) -> bool {
        match repeat {
            Repeat::IfUndone => false,
            Repeat::IfOurs => self.is_ours() == Some(true),
            Repeat::Freely => true,
        }
    }

    fn is_stranger(&self, kind: &ErrorKind) -> bool {
        self.is_ours().is_none() && matches!(kind, ErrorKind::NotUnderstood { .. })
    }
}

/// A key that no other request has: 128 random bits.
pub(super) fn unique_key() -> String {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).expect("the operating system has random bytes");
    format!("{:032x}", u128::from_ne_bytes(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique() {
        assert_ne!(unique_key(), unique_key());
        assert_eq!(unique_key().len(), 32);
    }
}
