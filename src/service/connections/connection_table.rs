//! Which connections there are, and which one is closed for a new one: plain data and decisions.
//!
//! Who has shown a valid token is known, all others are strangers. Strangers never take the places that are reserved for
//! known connections. Where there is no place for a new connection, the stranger that came first is closed, else the known
//! connection that has been idle longest. So a new client is always served, unless all places are in use by known ones.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
};

use crate::service::limits::Limits;

/// The number of a connection, in the order of their arrival.
pub(in crate::service) type ConnectionId = u64;

/// Whether there is a place for a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::service) enum Room {
    Free,
    /// If this one is closed.
    IfClosed(ConnectionId),
    /// Every place is in use by a known connection with a request under way.
    None,
}

/// The open connections.
#[derive(Debug)]
pub(in crate::service) struct ConnectionTable {
    limit: usize,
    reserve: usize,
    per_address: usize,
    last: ConnectionId,
    strangers: BTreeMap<ConnectionId, IpAddr>,
    by_address: HashMap<IpAddr, BTreeSet<ConnectionId>>,
    /// Known connections, with when they became idle, as a number.
    known: HashMap<ConnectionId, Option<u64>>,
    idle: BTreeMap<u64, ConnectionId>,
    idle_count: u64,
}

impl ConnectionTable {
    pub(in crate::service) fn new(limits: &Limits) -> Self {
        Self {
            limit: limits.connections,
            reserve: limits.reserved_connections.min(limits.connections / 2),
            per_address: limits.connections_per_ip,
            last: 0,
            strangers: BTreeMap::new(),
            by_address: HashMap::new(),
            known: HashMap::new(),
            idle: BTreeMap::new(),
            idle_count: 0,
        }
    }

    /// Whether a connection can be accepted at all.
    pub(in crate::service) fn has_room(&self) -> bool {
        self.len() < self.limit || self.to_close().is_some()
    }

    /// The place for a new connection from an address. Loopback is exempt from the limit for each address.
    pub(in crate::service) fn room(&self, address: IpAddr) -> Room {
        let of_address = self.by_address.get(&address);
        if !address.is_loopback()
            && let Some(of_address) = of_address
            && of_address.len() >= self.per_address
            && let Some(first) = of_address.first()
        {
            return Room::IfClosed(*first);
        }
        if self.strangers.len() >= self.limit - self.reserve
            && let Some((first, _)) = self.strangers.first_key_value()
        {
            return Room::IfClosed(*first);
        }
        if self.len() < self.limit {
            return Room::Free;
        }
        self.to_close().map_or(Room::None, Room::IfClosed)
    }

    /// The connection that is missed least.
    pub(in crate::service) fn to_close(&self) -> Option<ConnectionId> {
        let stranger = self.strangers.first_key_value().map(|(id, _)| *id);
        stranger.or_else(|| self.idle.first_key_value().map(|(_, id)| *id))
    }

    /// Adds a stranger.
    pub(in crate::service) fn enter(&mut self, address: IpAddr) -> ConnectionId {
        self.last += 1;
        self.strangers.insert(self.last, address);
        self.by_address
            .entry(address)
            .or_default()
            .insert(self.last);
        self.last
    }

    /// A stranger has shown a valid token, in a request that is under way.
    pub(in crate::service) fn has_shown_token(&mut self, id: ConnectionId) {
        if self.remove_stranger(id) {
            self.known.insert(id, None);
        }
    }

    /// A known connection has a request under way, or has none any more.
    pub(in crate::service) fn set_busy(&mut self, id: ConnectionId, is_busy: bool) {
        let Some(since) = self.known.get_mut(&id) else {
            return;
        };
        if let Some(since) = since.take() {
            self.idle.remove(&since);
        }
        if !is_busy {
            self.idle_count += 1;
            *since = Some(self.idle_count);
            self.idle.insert(self.idle_count, id);
        }
    }

    /// Removes a connection; does nothing if it is not there.
    pub(in crate::service) fn leave(&mut self, id: ConnectionId) {
        self.remove_stranger(id);
        if let Some(Some(since)) = self.known.remove(&id) {
            self.idle.remove(&since);
        }
    }

    fn len(&self) -> usize {
        self.strangers.len() + self.known.len()
    }

    fn remove_stranger(&mut self, id: ConnectionId) -> bool {
        let Some(address) = self.strangers.remove(&id) else {
            return false;
        };
        if let Some(of_address) = self.by_address.get_mut(&address) {
            of_address.remove(&id);
            if of_address.is_empty() {
                self.by_address.remove(&address);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(connections: usize, reserved_connections: usize) -> ConnectionTable {
        ConnectionTable::new(&Limits {
            connections,
            reserved_connections,
            connections_per_ip: 2,
            ..Limits::default()
        })
    }

    fn loopback() -> IpAddr {
        IpAddr::from([127, 0, 0, 1])
    }

    #[test]
    fn first_stranger_is_closed_for_a_new_one_before_they_take_the_reserve() {
        let mut table = table(6, 2);
        let ids: Vec<_> = (0..4).map(|_| table.enter(loopback())).collect();
        assert_eq!(table.room(loopback()), Room::IfClosed(ids[0]));
        table.has_shown_token(ids[0]);
        assert_eq!(
            table.room(loopback()),
            Room::Free,
            "it has a reserved place"
        );
        table.enter(loopback());
        assert_eq!(table.room(loopback()), Room::IfClosed(ids[1]));
        table.leave(ids[1]);
        table.leave(ids[1]);
        assert_eq!(table.room(loopback()), Room::Free);
    }

    #[test]
    fn known_connection_that_is_idle_longest_is_closed_where_all_are_known() {
        let mut table = table(3, 1);
        let ids: Vec<_> = (0..3)
            .map(|_| {
                let id = table.enter(loopback());
                table.has_shown_token(id);
                id
            })
            .collect();
        assert_eq!(table.room(loopback()), Room::None, "all are at work");
        assert!(!table.has_room());
        for id in [ids[1], ids[0], ids[2]] {
            table.set_busy(id, false);
        }
        assert_eq!(table.room(loopback()), Room::IfClosed(ids[1]));
        table.set_busy(ids[1], true);
        assert_eq!(table.room(loopback()), Room::IfClosed(ids[0]));
        table.leave(ids[0]);
        assert_eq!(table.room(loopback()), Room::Free);
        assert!(table.has_room());
    }

    #[test]
    fn strangers_of_one_address_make_room_for_each_other_except_on_loopback() {
        let mut table = table(100, 10);
        let (far, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let first = table.enter(far);
        assert_eq!(table.room(far), Room::Free);
        let second = table.enter(far);
        assert_eq!(table.room(far), Room::IfClosed(first));
        assert_eq!(
            table.room(other),
            Room::Free,
            "each address counts separately"
        );
        // Workers behind one address do not count once they have shown their token.
        table.has_shown_token(first);
        assert_eq!(table.room(far), Room::Free);
        for _ in 0..5 {
            table.enter(loopback());
        }
        assert_eq!(table.room(loopback()), Room::Free);
        table.leave(second);
        assert!(!table.by_address.contains_key(&far), "no entry stays");
    }
}
