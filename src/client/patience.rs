//! How long a client keeps trying, and the notice before each pause.

use std::{fmt, time::Duration};

use super::error::ErrorKind;

/// Time limits of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long to keep retrying an unreachable or failing service, from its first failure. Default 2 min.
    pub service: Duration,
    /// The same for results and uploads. Default 10 min.
    pub finish: Duration,
    /// Limit of one request, from its first byte sent to its last received. Default 30 s. It is also the wait before the
    /// look-up of a plan whose start had an unclear outcome.
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

/// What the watcher of a client gets before each pause between two tries.
#[derive(Debug)]
pub struct RetryNotice<'a> {
    /// The request, such as `GET /execution/v1/status/105`.
    pub call: &'a str,
    /// Why the client sends it again.
    pub because: &'a ErrorKind,
    /// Before the next try.
    pub pause: Duration,
    /// How long the client will keep trying, including the pause.
    pub left: Duration,
}

impl fmt::Display for RetryNotice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pause, left) = (self.pause.as_secs_f64(), self.left.as_secs_f64());
        let (call, because) = (self.call, self.because);
        write!(
            f,
            "{call}: {because}; next try in {pause:.1} s, giving up in {left:.0} s"
        )
    }
}
