//! The ways to the service that a client shares with its clones: its URLs, and the addresses of their names.

use std::{
    net::IpAddr,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Connect, Endpoint, Endpoints, ErrorKind, Sent, Transport,
    route_table::{Choice, Route, RouteId, RouteTable},
};
use crate::{
    clock,
    pace::{Backoff, Jitter},
    random,
    sync::ignore_poison,
};

/// How long a way that failed is avoided.
const AVOIDED: Backoff = Backoff::new(
    Duration::from_secs(1),
    Duration::from_secs(60),
    Jitter::Quarter,
);
/// How long a request to a service that accepts it and does not answer is waited for while another way is there.
const HUNG: Duration = Duration::from_secs(5);
/// In how many rounds over all ways connections get little time.
const SHORT_ROUNDS: u32 = 2;
/// The most of a `Retry-After` for which a way is avoided.
const LONGEST_ASKED: Duration = Duration::from_secs(60);
/// How long the addresses of a name may take to be looked up; without them the name is one way.
const LOOK_UP: Duration = Duration::from_secs(1);
/// How soon they are looked up again after one of them failed.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Routes {
    endpoints: Endpoints,
    table: Mutex<RouteTable>,
    look_ups: Mutex<Vec<LookUp>>,
    /// The URL that was answered last.
    used: AtomicUsize,
}

/// When the addresses of a URL's name were looked up last, and whether one of them failed since.
#[derive(Clone, Copy, Debug, Default)]
struct LookUp {
    at: Option<Instant>,
    is_due: bool,
}

/// The ways that one call tried since its last pause.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) tried: Vec<RouteId>,
    /// How many rounds failed before this one.
    pub(super) before: u32,
}

/// What matters of a call for the way that it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallNature {
    /// It may be sent again even if it is not known what became of a request.
    pub(super) may_repeat: bool,
    /// It is answered at once, and nothing that is held depends on it.
    pub(super) is_short: bool,
    /// It is limited by its progress.
    pub(super) is_upload: bool,
}

/// The way that one request takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken<'a> {
    pub(super) endpoint: &'a Endpoint,
    route: Route,
    /// Whether there are other ways at all.
    has_others: bool,
    /// Whether one of them was not tried in this round.
    pub(super) has_untried_other: bool,
    /// Whether it gets little time to answer, because another way is likely to work.
    is_hurried: bool,
    /// The same to connect.
    connects_soon: bool,
}

impl Routes {
    pub(super) fn new(endpoints: Endpoints) -> Self {
        let urls = endpoints.as_slice().len();
        // Without random bytes all clients begin with the same URL, which works too.
        let [high, low] = [(); 2].map(|()| u64::from(random::number().unwrap_or_default()));
        let mut table = RouteTable::new(urls, (high << 32) | low);
        let first = table.choose(&[], false, clock::timer()).route.url;
        Self {
            table: Mutex::new(table),
            look_ups: Mutex::new(vec![LookUp::default(); urls]),
            used: AtomicUsize::new(first),
            endpoints,
        }
    }

    /// The URL that was answered last, or is asked first.
    pub(super) fn current(&self) -> &Endpoint {
        &self.endpoints.as_slice()[self.used.load(Ordering::Relaxed)]
    }

    pub(super) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Looks up the addresses of names: before the first request, and again after one of them failed.
    pub(super) async fn look_up(&self, transport: &dyn Transport) {
        for (url, endpoint) in self.endpoints.as_slice().iter().enumerate() {
            if !self.begin_look_up(url) {
                continue;
            }
            let found = tokio::time::timeout(LOOK_UP, transport.addresses(endpoint)).await;
            if let Ok(addresses) = found
                && !addresses.is_empty()
            {
                ignore_poison(self.table.lock()).set_addresses(url, &addresses);
            }
        }
    }

    /// Whether this call is the one to look addresses up.
    fn begin_look_up(&self, url: usize) -> bool {
        let now = clock::timer();
        let look_up = &mut ignore_poison(self.look_ups.lock())[url];
        let begins = match *look_up {
            LookUp { at: None, .. } => true,
            LookUp {
                at: Some(at),
                is_due,
            } => is_due && now.saturating_duration_since(at) >= LOOK_UP_AGAIN,
        };
        if begins {
            *look_up = LookUp {
                at: Some(now),
                is_due: false,
            };
        }
        begins
    }

    /// The way for the next request of a call.
    pub(super) fn take(&self, call: CallNature, round: &Round) -> Taken<'_> {
        let mut table = ignore_poison(self.table.lock());
        let may_probe = call.may_repeat && call.is_short;
        let choice = table.choose(&round.tried, may_probe, clock::timer());
        let has_others = table.len() > 1;
        drop(table);
        Taken {
            endpoint: &self.endpoints.as_slice()[choice.route.url],
            route: choice.route,
            has_others,
            has_untried_other: choice.has_untried_other,
            is_hurried: choice.has_healthy_other && call.may_repeat && !call.is_upload,
            connects_soon: has_others && connects_soon(choice, round.before),
        }
    }

    /// Notes that the service answered.
    pub(super) fn answered(&self, taken: Taken<'_>, took: Duration) {
        let needed_time = !taken.connects_soon && took > Connect::SOON;
        self.used.store(taken.route.url, Ordering::Relaxed);
        ignore_poison(self.table.lock()).answered(taken.route.id, needed_time);
    }

    /// Notes that this way leads to no working service now.
    pub(super) fn failed(
        &self,
        taken: Taken<'_>,
        failure: &ErrorKind,
        retry_after: Option<Duration>,
        took: Duration,
    ) {
        let id = taken.route.id;
        let least = retry_after.unwrap_or_default().min(LONGEST_ASKED);
        {
            let mut table = ignore_poison(self.table.lock());
            table.failed(id, clock::timer(), least, |failures| {
                AVOIDED.pause(failures)
            });
            let is_unconnected = matches!(failure, ErrorKind::Unreachable { sent: Sent::No, .. });
            if is_unconnected && taken.connects_soon && took >= Connect::SOON {
                table.was_hurried(id);
            }
        }
        ignore_poison(self.look_ups.lock())[taken.route.url].is_due = true;
    }
}

impl Taken<'_> {
    pub(super) fn id(&self) -> RouteId {
        self.route.id
    }

    /// How the transport is to connect.
    pub(super) fn connect(&self) -> Connect {
        Connect {
            soon: self.connects_soon,
            address: self.route.address,
        }
    }

    /// How long a request may take of the usual limit. `wait` is what the service may hold its answer back for.
    pub(super) fn limit(&self, usual: Duration, wait: Duration) -> Duration {
        if self.is_hurried {
            hurried(usual, wait)
        } else {
            usual
        }
    }

    /// How messages name the way; `None` if it is the only one.
    pub(super) fn name(&self) -> Option<(&Endpoint, Option<IpAddr>)> {
        let address = self.route.address.map(|address| address.ip());
        self.has_others.then_some((self.endpoint, address))
    }
}

/// Whether a failure is one of the way that a request took, so that another way may be better.
pub(super) fn is_of_the_way(failure: &ErrorKind) -> bool {
    match failure {
        ErrorKind::Untrusted { .. } => true,
        // Too many requests are too many on any way, and a refusal is the service's word.
        ErrorKind::Refused { .. } => false,
        other => other.is_transient(),
    }
}

/// Short connections are enough as long as another way is likely to work, and for the first rounds over all ways.
fn connects_soon(choice: Choice, rounds_before: u32) -> bool {
    !choice.route.is_slow && (choice.has_healthy_other || rounds_before < SHORT_ROUNDS)
}

/// Leaves half of a short limit for another way.
fn hurried(usual: Duration, wait: Duration) -> Duration {
    let own = usual.saturating_sub(wait);
    usual.min(wait.saturating_add(HUNG.min(own / 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn hung_service_is_left_early_if_another_way_is_there() {
        for (usual, wait, limit) in [(30, 0, 5), (55, 25, 30), (4, 0, 2), (10, 0, 5), (0, 0, 0)] {
            let got = hurried(SECOND * usual, SECOND * wait);
            assert_eq!(got, SECOND * limit, "{usual} {wait}");
        }
    }

    #[test]
    fn only_failures_that_another_url_may_not_have_lead_to_it() {
        let failed = |status| ErrorKind::Failed {
            status,
            message: String::new(),
        };
        let refused = |status| ErrorKind::Refused {
            status,
            code: None,
            message: String::new(),
        };
        let page = |json| ErrorKind::NotUnderstood {
            status: 200,
            expected: String::new(),
            snippet: String::new(),
            json,
        };
        for (kind, expected) in [
            (failed(502), true),
            (failed(503), true),
            (failed(504), true),
            (failed(501), false),
            (page(false), true),
            (page(true), false),
            (refused(400), false),
            (refused(429), false),
        ] {
            assert_eq!(is_of_the_way(&kind), expected, "{kind}");
        }
    }

    #[test]
    fn connections_get_time_after_two_rounds_in_vain_or_if_they_need_it() {
        let mut table = RouteTable::new(2, 1);
        let choice = table.choose(&[], false, clock::timer());
        assert!(connects_soon(choice, 9), "the other one is healthy");
        let alone = Choice {
            has_healthy_other: false,
            ..choice
        };
        assert_eq!(
            [0, 1, 2, 3].map(|it| connects_soon(alone, it)),
            [true, true, false, false]
        );
        let slow = Choice {
            route: Route {
                is_slow: true,
                ..choice.route
            },
            ..choice
        };
        assert!(!connects_soon(slow, 0));
    }
}
