//! What a declared fleet and a registered one differ in. Host and port name a machine on both sides.

use std::collections::BTreeMap;

use crate::{config::plan_file::SquishServerEntry, model::SquishServer};

/// What is to be done so that the service has what the file declares.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Difference {
    /// Declared, not registered.
    pub(super) add: Vec<SquishServerEntry>,
    /// Registered, but not as declared.
    pub(super) change: Vec<Change>,
    /// As declared.
    pub(super) unchanged: Vec<SquishServer>,
    /// Registered, not declared.
    pub(super) undeclared: Vec<SquishServer>,
    /// Registered once more under an address that is registered already, with the number of the one that counts.
    pub(super) twice: Vec<(SquishServer, SquishServer)>,
}

/// A registered server, and what it shall be.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    /// As it is.
    pub(super) server: SquishServer,
    /// As declared.
    pub(super) wanted: SquishServerEntry,
}

impl Change {
    /// Whether its labels change.
    pub(super) fn labels(&self) -> bool {
        self.server.labels != self.wanted.labels
    }

    /// Whether it is enabled or disabled.
    pub(super) fn enabled(&self) -> bool {
        self.server.enabled != self.wanted.enabled
    }
}

impl Difference {
    /// Compares. The file has each address once; a service may have it twice, then the one in use counts, or else the
    /// first.
    pub(super) fn between(declared: &[SquishServerEntry], registered: Vec<SquishServer>) -> Self {
        let mut difference = Self::default();
        let mut by_address: BTreeMap<Address, SquishServer> = BTreeMap::new();
        let mut registered = registered;
        registered.sort_by_key(|server| (server.busy_with.is_none(), server.id));
        for server in registered {
            let address = Address::of(&server.host, &server.port);
            match by_address.get(&address) {
                Some(first) => difference.twice.push((server, first.clone())),
                None => drop(by_address.insert(address, server)),
            }
        }
        for wanted in declared {
            let address = Address::of(&wanted.host, &wanted.port);
            let Some(server) = by_address.remove(&address) else {
                difference.add.push(wanted.clone());
                continue;
            };
            let change = Change {
                server,
                wanted: wanted.clone(),
            };
            if change.labels() || change.enabled() {
                difference.change.push(change);
            } else {
                difference.unchanged.push(change.server);
            }
        }
        difference.undeclared = by_address.into_values().collect();
        difference
    }
}

/// What names a machine, however it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Address(String, String);

impl Address {
    /// Hosts have no case, addresses of IPv6 may have brackets, and ports may have zeros before them.
    pub(super) fn of(host: &str, port: &str) -> Self {
        let host = host.trim().trim_start_matches('[').trim_end_matches(']');
        let port = port.trim();
        let number = port.parse::<u16>().map(|port| port.to_string());
        Self(
            host.to_lowercase(),
            number.unwrap_or_else(|_| port.to_owned()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capabilities, ExecutionId, SquishServerId};

    fn labels(text: &str) -> Capabilities {
        text.split_whitespace()
            .map(|label| label.parse().unwrap())
            .collect()
    }

    fn declared(host: &str, port: &str, offers: &str) -> SquishServerEntry {
        SquishServerEntry {
            host: host.to_owned(),
            port: port.to_owned(),
            labels: labels(offers),
            enabled: true,
        }
    }

    fn registered(id: i64, host: &str, port: &str, offers: &str) -> SquishServer {
        SquishServer {
            id: SquishServerId(id),
            enabled: true,
            host: host.to_owned(),
            port: port.to_owned(),
            labels: labels(offers),
            busy_with: None,
            busy_test: None,
            cooling: None,
        }
    }

    #[test]
    fn every_server_is_in_one_place() {
        let file = [
            declared("Lab", "4322", "b=2 a=1"),
            declared("lab", "4323", "a=1"),
            declared("::1", "4322", ""),
            declared("new", "1", ""),
        ];
        let mut disabled = registered(3, "[::1]", "4322", "");
        disabled.enabled = false;
        let found = Difference::between(
            &file,
            vec![
                registered(1, "lab", "04322", "a=1 b=2"),
                registered(2, "LAB", "4323", "a=2"),
                disabled,
                registered(4, "old", "1", ""),
            ],
        );
        let ids =
            |servers: &[SquishServer]| -> Vec<i64> { servers.iter().map(|s| s.id.0).collect() };
        assert_eq!(found.add, [file[3].clone()]);
        assert_eq!(ids(&found.unchanged), [1], "neither order nor case matters");
        assert_eq!(ids(&found.undeclared), [4]);
        let changes: Vec<_> = found
            .change
            .iter()
            .map(|change| (change.server.id.0, change.labels(), change.enabled()))
            .collect();
        assert_eq!(changes, [(2, true, false), (3, false, true)]);
    }

    #[test]
    fn of_two_with_one_address_the_one_in_use_counts() {
        let mut busy = registered(9, "h", "1", "");
        busy.busy_with = Some(ExecutionId(5));
        let list = vec![
            registered(4, "h", "1", ""),
            busy,
            registered(2, "H", "1", ""),
        ];
        let found = Difference::between(&[declared("h", "1", "")], list);
        assert_eq!(found.unchanged[0].id.0, 9);
        let twice: Vec<_> = found.twice.iter().map(|(s, f)| (s.id.0, f.id.0)).collect();
        assert_eq!(twice, [(2, 9), (4, 9)]);
        assert_eq!(found.undeclared, []);
    }
}
