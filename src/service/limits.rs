//! What a client may take of the service.

use std::time::Duration;

/// Bounds on clients and on the service's own waiting. The defaults suit a network; tests shorten them.
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
    /// How large a body that may hold a list of tests may be, unpacked, in bytes; more is answered 413.
    pub list_bytes: usize,
    /// How many bodies larger than `body_bytes` may be read at once; one more waits.
    pub lists: usize,
    /// How long the store may take for one answer; longer is answered 503. Long polls wait outside of it.
    pub handler: Duration,
    /// How many calls to the store may be in progress; one more is answered 503.
    pub calls: usize,
    /// How many uploads may be under way at once; one more is answered 503.
    pub uploads: usize,
    /// How many connections are open at once; more wait to be accepted.
    pub connections: usize,
    /// How many of them from one address; more are closed at once. Loopback is exempt.
    pub connections_per_ip: usize,
    /// The longest that `Prefer: wait` is honoured.
    pub wait: Duration,
    /// How long a long poll trusts the store's word on changes and deadlines before it looks by itself.
    pub look: Duration,
    /// How long leases are served on after shutdown began, at most.
    pub drain: Duration,
    /// The drain is over when nobody asked anything for this long.
    pub quiet: Duration,
    /// How often the store is swept and the clock compared.
    pub beat: Duration,
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
            uploads: 16,
            connections: 10_000,
            connections_per_ip: 256,
            wait: Duration::from_secs(60),
            look: Duration::from_secs(5),
            drain: Duration::from_secs(10),
            quiet: Duration::from_secs(1),
            beat: Duration::from_secs(1),
        }
    }
}
