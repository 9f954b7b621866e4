//! Compares declared with registered Squish servers. Host and port identify a server on both sides.

use std::collections::BTreeMap;

use crate::model::{NewSquishServer, SquishServer};

/// The changes that make the registered servers match the file.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Difference {
    pub(crate) add: Vec<NewSquishServer>,
    /// Registered, but not as declared.
    pub(crate) change: Vec<ServerChange>,
    pub(crate) unchanged: Vec<SquishServer>,
    /// Registered, not declared.
    pub(crate) undeclared: Vec<SquishServer>,
    /// Duplicate registrations of one address, each with the registration that is kept.
    pub(crate) duplicates: Vec<(SquishServer, SquishServer)>,
}

/// A registered server that differs from its declaration.
#[derive(Debug, PartialEq)]
pub(crate) struct ServerChange {
    pub(crate) server: SquishServer,
    pub(crate) wanted: NewSquishServer,
}

impl ServerChange {
    pub(crate) fn changes_labels(&self) -> bool {
        self.server.labels != self.wanted.labels
    }

    pub(crate) fn changes_enabled(&self) -> bool {
        self.server.enabled != self.wanted.enabled
    }
}

impl Difference {
    /// The file has each address once. If a service has it twice, the busy registration is kept, else the first.
    pub(crate) fn between(declared: &[NewSquishServer], registered: Vec<SquishServer>) -> Self {
        let mut difference = Self::default();
        let mut by_address: BTreeMap<ServerAddress, SquishServer> = BTreeMap::new();
        let mut registered = registered;
        registered.sort_by_key(|server| (server.busy_with.is_none(), server.id));
        for server in registered {
            let address = ServerAddress::of(&server.host, &server.port);
            match by_address.get(&address) {
                Some(first) => difference.duplicates.push((server, first.clone())),
                None => drop(by_address.insert(address, server)),
            }
        }
        for wanted in declared {
            let address = ServerAddress::of(wanted.host(), &wanted.port.to_string());
            let Some(server) = by_address.remove(&address) else {
                difference.add.push(wanted.clone());
                continue;
            };
            let change = ServerChange {
                server,
                wanted: wanted.clone(),
            };
            if change.changes_labels() || change.changes_enabled() {
                difference.change.push(change);
            } else {
                difference.unchanged.push(change.server);
            }
        }
        difference.undeclared = by_address.into_values().collect();
        difference
    }
}

/// The normalised address of a Squish server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServerAddress(String, String);

impl ServerAddress {
    /// Ignores the case of hosts, brackets around IPv6 addresses and leading zeros of ports.
    pub(crate) fn of(host: &str, port: &str) -> Self {
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

    fn declared(host: &str, port: &str, offers: &str) -> NewSquishServer {
        NewSquishServer {
            host: Some(host.to_owned()),
            port: port.parse().unwrap(),
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
            note: String::new(),
        }
    }

    #[test]
    fn difference_lists_each_server_once() {
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
            .map(|change| {
                (
                    change.server.id.0,
                    change.changes_labels(),
                    change.changes_enabled(),
                )
            })
            .collect();
        assert_eq!(changes, [(2, true, false), (3, false, true)]);
    }

    #[test]
    fn difference_keeps_the_busy_duplicate() {
        let mut busy = registered(9, "h", "1", "");
        busy.busy_with = Some(ExecutionId(5));
        let list = vec![
            registered(4, "h", "1", ""),
            busy,
            registered(2, "H", "1", ""),
        ];
        let found = Difference::between(&[declared("h", "1", "")], list);
        assert_eq!(found.unchanged[0].id.0, 9);
        let twice: Vec<_> = found
            .duplicates
            .iter()
            .map(|(s, f)| (s.id.0, f.id.0))
            .collect();
        assert_eq!(twice, [(2, 9), (4, 9)]);
        assert_eq!(found.undeclared, []);
    }
}
