//! Limits on clients.

use std::time::Duration;

/// Limits on clients and on the waiting of the service. The defaults suit a network; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long the head of a request may take, and how long a kept connection may stay idle.
    pub header: Duration,
    /// How many headers a request may have; more is answered 431.
    pub headers: usize,
    /// How long the body of a request may take, and each chunk of an upload; longer is answered 408.
    pub body: Duration,
    /// How large the body of a request may be, in bytes; more is answered 413.
    pub body_bytes: usize,
    /// How large a body that may hold a list of tests may be, uncompressed, in bytes; more is answered 413.
    pub list_bytes: usize,
    /// How many bodies larger than `body_bytes` may be read at once; one more waits.
    pub lists: u32,
    /// How long the store may take for one answer; longer is answered 503. Not counting the waiting of long polls.
    pub handler: Duration,
    /// How many calls to the store may be in progress; one more is answered 503.
    pub calls: usize,
    /// How many calls to the store may be in progress for clients that wait; one more waits.
    pub waiting_calls: usize,
    /// How many uploads may run at once; one more is answered 503.
    pub uploads: usize,
    /// How many connections are open at once. For one more the stranger that came first is closed, a client that has not
    /// shown a valid token on its connection; else the connection that has been idle longest.
    pub connections: usize,
    /// How many of them strangers cannot take; at most half.
    pub reserved_connections: usize,
    /// How many strangers may come from one address; for one more the first of them is closed. Loopback is exempt.
    pub connections_per_ip: usize,
    /// How long a client may read nothing of its answer.
    pub unread: Duration,
    /// How long a client may take to read an answer.
    pub answer: Duration,
    /// The longest `Prefer: wait`.
    pub wait: Duration,
    /// How often a client of each kind that waits asks the store again although no change was reported.
    pub look: Duration,
    /// On live pages.
    pub streams: StreamLimits,
    /// How long everything is served as before once shutdown began, with `/readyz` at 503: for load balancers.
    pub unready: Duration,
    /// How long heartbeats and results are still served after that.
    pub drain: Duration,
    /// The drain ends early when no request came for this long.
    pub quiet: Duration,
    /// How often the store is swept and the clock compared.
    pub beat: Duration,
}

/// Limits on live pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// How many are open at once; one more is answered 503.
    pub most: u16,
    /// The shortest time between two changes of one, in milliseconds.
    pub pause_ms: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            headers: 64,
            body: Duration::from_secs(30),
            body_bytes: 256 * 1024,
            list_bytes: 64 * 1024 * 1024,
            lists: 4,
            handler: Duration::from_secs(30),
            calls: 4096,
            waiting_calls: 64,
            uploads: 16,
            connections: 12_500,
            reserved_connections: 2_500,
            connections_per_ip: 256,
            unread: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            wait: Duration::from_secs(60),
            look: Duration::from_secs(5),
            streams: StreamLimits {
                most: 256,
                pause_ms: 250,
            },
            unready: Duration::ZERO,
            drain: Duration::from_secs(10),
            quiet: Duration::from_secs(1),
            beat: Duration::from_secs(1),
        }
    }
}

/// Descriptors for everything beside connections: the database, uploads, the log.
const OTHER_FILES: usize = 256;

impl Limits {
    /// These limits in a process that may open this many files.
    pub fn within_open_files(self, files: usize) -> Self {
        let others = OTHER_FILES.min(files / 4);
        Self {
            connections: self.connections.min(files - others).max(1),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_other_files() {
        let within = |files| Limits::default().within_open_files(files).connections;
        assert_eq!(within(1_000_000), 12_500);
        assert_eq!(within(1_024), 768);
        assert_eq!(within(64), 48);
        assert_eq!(within(0), 1);
    }
}
