//! Decides which way to the service a request takes: a URL, or one address of its name.
//!
//! Each client has an order of its own and keeps to the first way that works. One that failed is avoided, each time for
//! longer; then a single short call tries it again, while all others stay where they are.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::time::Instant;

/// Names a way as long as the table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RouteId(u32);

/// A way to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) id: RouteId,
    /// Which of the URLs.
    pub(super) url: usize,
    /// The address of the URL's host; `None` for whatever its name leads to.
    pub(super) address: Option<SocketAddr>,
    /// Connections to it take long even if it works.
    pub(super) is_slow: bool,
}

/// A way for one request, and what else there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) route: Route,
    /// Another one, not tried in this round, is not known to fail.
    pub(super) has_healthy_other: bool,
    /// Another one was not tried in this round.
    pub(super) has_untried_other: bool,
}

/// How long one call that tries a way again keeps all others away from it.
const PROBE: Duration = Duration::from_secs(2);

/// All ways, in the order of preference.
#[derive(Debug)]
pub(super) struct RouteTable {
    entries: Vec<Entry>,
    /// Makes the order of this client.
    seed: u64,
    next_id: u32,
}

#[derive(Debug)]
struct Entry {
    route: Route,
    /// In a row.
    failures: u32,
    avoided_until: Option<Instant>,
    /// No connection was made in the short time that is given while there are other ways.
    was_hurried: bool,
}

impl RouteTable {
    /// One way for each of `urls`.
    pub(super) fn new(urls: usize, seed: u64) -> Self {
        let mut table = Self {
            entries: Vec::new(),
            seed,
            next_id: 0,
        };
        for url in 0..urls {
            table.add(url, None);
        }
        table.sort();
        table
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The way for a request: the first that is not avoided and not among `tried`, else the first that will not be. Only a
    /// call that `may_probe` takes a way that failed and was left alone since. After all were tried, the first of all.
    pub(super) fn choose(&mut self, tried: &[RouteId], may_probe: bool, now: Instant) -> Choice {
        let untried = |entry: &&mut Entry| !tried.contains(&entry.route.id);
        let chosen = self
            .entries
            .iter_mut()
            .filter(untried)
            .min_by_key(|entry| entry.rank(may_probe, now))
            .map(|entry| {
                if entry.failures > 0 {
                    entry.avoided_until = Some(entry.avoided_until.unwrap_or(now).max(now + PROBE));
                }
                entry.route
            });
        let route = chosen.unwrap_or(self.entries[0].route);
        let mut choice = Choice {
            route,
            has_healthy_other: false,
            has_untried_other: false,
        };
        for other in &self.entries {
            if other.route.id != route.id && !tried.contains(&other.route.id) {
                choice.has_untried_other = true;
                choice.has_healthy_other |= other.failures == 0;
            }
        }
        choice
    }

    /// Avoids a way for the time that `pause` gives for its failures in a row, and at least for what the service asked for.
    pub(super) fn failed(
        &mut self,
        id: RouteId,
        now: Instant,
        least: Duration,
        pause: impl FnOnce(u32) -> Duration,
    ) {
        if let Some(entry) = self.entry(id) {
            entry.failures = entry.failures.saturating_add(1);
            entry.avoided_until = Some(now + pause(entry.failures).max(least));
        }
    }

    /// Notes that a way works. `needed_time`: it answered late, after it had been given more time. If the short time was not
    /// enough before, it gets more from now on.
    pub(super) fn answered(&mut self, id: RouteId, needed_time: bool) {
        if let Some(entry) = self.entry(id) {
            entry.route.is_slow |= entry.was_hurried && needed_time;
            entry.failures = 0;
            entry.avoided_until = None;
            entry.was_hurried = false;
        }
    }

    /// Notes that no connection was made in the short time.
    pub(super) fn was_hurried(&mut self, id: RouteId) {
        if let Some(entry) = self.entry(id) {
            entry.was_hurried = true;
        }
    }

    /// Replaces the ways of a URL by one for each address; one way without an address if there is only one address. What is
    /// known of an address stays.
    pub(super) fn set_addresses(&mut self, url: usize, addresses: &[SocketAddr]) {
        let wanted: Vec<Option<SocketAddr>> = if are_several(addresses) {
            addresses.iter().copied().map(Some).collect()
        } else {
            vec![None]
        };
        self.entries
            .retain(|it| it.route.url != url || wanted.contains(&it.route.address));
        for address in wanted {
            let is_known = |it: &Entry| it.route.url == url && it.route.address == address;
            if !self.entries.iter().any(is_known) {
                self.add(url, address);
            }
        }
        self.sort();
    }

    fn add(&mut self, url: usize, address: Option<SocketAddr>) {
        let id = RouteId(self.next_id);
        self.next_id += 1;
        self.entries.push(Entry {
            route: Route {
                id,
                url,
                address,
                is_slow: false,
            },
            failures: 0,
            avoided_until: None,
            was_hurried: false,
        });
    }

    fn sort(&mut self) {
        let seed = self.seed;
        self.entries.sort_by_key(|it| preference(seed, it.route));
    }

    fn entry(&mut self, id: RouteId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|it| it.route.id == id)
    }
}

impl Entry {
    /// The lowest is chosen; among equals the order decides.
    fn rank(&self, may_probe: bool, now: Instant) -> (u8, Option<Instant>) {
        match self.avoided_until {
            None => (0, None),
            Some(until) if until <= now && may_probe => (0, None),
            avoided => (1, avoided),
        }
    }
}

/// Whether a name leads to several machines: to more than one address of a kind. A machine has often one of each.
fn are_several(addresses: &[SocketAddr]) -> bool {
    let fours = addresses.iter().filter(|it| it.is_ipv4()).count();
    fours > 1 || addresses.len() - fours > 1
}

/// Different for each seed, so that many clients are spread over all ways, and those of one that fails over the others.
/// Addresses of one kind come before those of the other, as the system has it with IPv6.
fn preference(seed: u64, route: Route) -> (u64, bool, u64) {
    let url = mixed(seed ^ mixed(route.url as u64 + 1));
    let address = route.address.map_or(0, |address| {
        let bits = match address.ip() {
            IpAddr::V4(ip) => u128::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        #[expect(clippy::cast_possible_truncation, reason = "both halves count")]
        let halves = (bits as u64) ^ ((bits >> 64) as u64);
        mixed(seed ^ halves)
    });
    (url, route.address.is_some_and(|it| it.is_ipv4()), address)
}

/// Spreads numbers over all others (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);
    const SEED: u64 = 7;

    /// The URLs that calls choose one after the other in one round, all of which fail without being avoided for long.
    fn order(table: &mut RouteTable, now: Instant) -> Vec<usize> {
        let mut tried = Vec::new();
        let mut urls = Vec::new();
        loop {
            let choice = table.choose(&tried, true, now);
            urls.push(choice.route.url);
            tried.push(choice.route.id);
            if !choice.has_untried_other {
                return urls;
            }
        }
    }

    fn next(table: &mut RouteTable, now: Instant) -> Route {
        table.choose(&[], true, now).route
    }

    #[test]
    fn one_url_is_always_chosen() {
        let now = clock::timer();
        let mut table = RouteTable::new(1, SEED);
        let first = table.choose(&[], true, now);
        assert!(!first.has_untried_other && !first.has_healthy_other);
        table.failed(first.route.id, now, SECOND * 9, |_| SECOND);
        assert_eq!(table.choose(&[], false, now).route, first.route);
        assert_eq!(
            table.choose(&[first.route.id], false, now).route,
            first.route
        );
    }

    #[test]
    fn each_url_is_chosen_once_in_a_round() {
        let mut urls = order(&mut RouteTable::new(4, SEED), clock::timer());
        urls.sort_unstable();
        assert_eq!(urls, [0, 1, 2, 3]);
    }

    #[test]
    fn clients_are_spread_over_all_urls_and_then_over_the_others() {
        let now = clock::timer();
        let mut pairs = std::collections::BTreeMap::new();
        for seed in 0..900 {
            let urls = order(&mut RouteTable::new(3, mixed(seed)), now);
            *pairs.entry((urls[0], urls[1])).or_insert(0) += 1;
        }
        assert_eq!(pairs.len(), 6);
        assert!(
            pairs.values().all(|count| (100..=200).contains(count)),
            "{pairs:?}"
        );
    }

    #[test]
    fn failed_url_is_avoided_and_then_tried_by_one_call() {
        let now = clock::timer();
        let mut table = RouteTable::new(2, SEED);
        let home = next(&mut table, now);
        table.failed(home.id, now, Duration::ZERO, |failures| SECOND * failures);
        let choice = table.choose(&[], true, now);
        let other = choice.route;
        assert_ne!(other.url, home.url);
        assert!(choice.has_untried_other && !choice.has_healthy_other);
        let later = now + SECOND;
        assert_eq!(table.choose(&[], false, later).route, other, "no probe");
        assert_eq!(next(&mut table, later).url, home.url, "the probe");
        assert_eq!(next(&mut table, later), other, "one probe at a time");
        table.failed(home.id, later, Duration::ZERO, |failures| SECOND * failures);
        assert_eq!(
            next(&mut table, later + SECOND),
            other,
            "avoided for longer"
        );
        assert_eq!(next(&mut table, later + SECOND * 2).url, home.url);
        table.answered(home.id, false);
        assert_eq!(next(&mut table, later + SECOND * 2).url, home.url);
    }

    #[test]
    fn url_is_avoided_for_as_long_as_the_service_asks() {
        let now = clock::timer();
        let mut table = RouteTable::new(2, SEED);
        let home = next(&mut table, now);
        table.failed(home.id, now, SECOND * 5, |_| SECOND);
        assert_ne!(next(&mut table, now + SECOND * 4).url, home.url);
        assert_eq!(next(&mut table, now + SECOND * 5).url, home.url);
    }

    #[test]
    fn call_tries_avoided_urls_too_once_the_others_failed() {
        let now = clock::timer();
        let mut table = RouteTable::new(3, SEED);
        for pause in [9, 3, 6] {
            let route = next(&mut table, now);
            table.failed(route.id, now, SECOND * pause, |_| SECOND);
        }
        let urls = order(&mut table, now);
        let mut each = urls.clone();
        each.sort_unstable();
        assert_eq!(each, [0, 1, 2]);
    }

    #[test]
    fn slow_way_gets_more_time_once_it_needed_it() {
        let now = clock::timer();
        let mut table = RouteTable::new(2, SEED);
        let home = next(&mut table, now);
        table.answered(home.id, true);
        assert!(!next(&mut table, now).is_slow, "the short time was enough");
        table.was_hurried(home.id);
        table.answered(home.id, false);
        table.answered(home.id, true);
        assert!(!next(&mut table, now).is_slow, "it was back at once");
        table.was_hurried(home.id);
        table.answered(home.id, true);
        assert!(next(&mut table, now).is_slow);
    }

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn name_with_several_addresses_of_a_kind_is_several_ways() {
        let now = clock::timer();
        let mut table = RouteTable::new(1, SEED);
        table.set_addresses(0, &addresses(&["10.0.0.1:80", "[fd00::1]:80"]));
        assert_eq!(table.len(), 1, "one machine with both kinds");
        assert_eq!(next(&mut table, now).address, None);
        let both = addresses(&["10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80"]);
        table.set_addresses(0, &both);
        assert_eq!(table.len(), 3);
        let first = next(&mut table, now);
        assert!(first.address.is_some_and(|it| it.is_ipv6()), "{first:?}");
    }

    #[test]
    fn addresses_that_come_and_go_keep_what_is_known_of_them() {
        let now = clock::timer();
        let mut table = RouteTable::new(1, SEED);
        table.set_addresses(0, &addresses(&["10.0.0.1:80", "10.0.0.2:80"]));
        let dead = next(&mut table, now);
        table.failed(dead.id, now, SECOND * 9, |_| SECOND);
        let left = next(&mut table, now);
        let mut now_there = vec![dead.address.unwrap(), left.address.unwrap()];
        now_there.extend(addresses(&["10.0.0.3:80"]));
        table.set_addresses(0, &now_there);
        assert_ne!(
            next(&mut table, now).address,
            dead.address,
            "it is avoided still"
        );
        let only = [left.address.unwrap(), now_there[2]];
        table.set_addresses(0, &only);
        assert_eq!(table.len(), 2);
        table.failed(dead.id, now, SECOND, |_| SECOND);
        table.set_addresses(0, &[]);
        assert_eq!(next(&mut table, now).address, None);
    }
}
