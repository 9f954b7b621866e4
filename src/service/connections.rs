//! Connections: which are kept when there are too many, and how much one of them may take.

mod connection_table;
mod first_head;
mod guarded_stream;

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::Limits;
use crate::sync::ignore_poison;

pub(super) use connection_table::{ConnectionId, ConnectionTable, Room};
pub(super) use first_head::first_head;
pub(super) use guarded_stream::GuardedStream;

/// A longer head needs a permit if its sender has not shown a token: 10,000 of the longest ones would not fit into memory.
const SHORT_HEAD: usize = 16 * 1024;
/// How many longer heads of strangers are read at once.
const LONG_HEADS: usize = 256;

/// The connections of a service.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    table: Arc<Mutex<ConnectionTable>>,
    long_heads: Arc<Semaphore>,
}

impl Connections {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            table: Arc::new(Mutex::new(ConnectionTable::new(limits))),
            long_heads: Arc::new(Semaphore::new(LONG_HEADS)),
        }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, ConnectionTable> {
        ignore_poison(self.table.lock())
    }

    /// Adds a connection of a stranger.
    pub(super) fn enter(&self, peer: IpAddr) -> Arc<Connection> {
        Arc::new(Connection {
            id: self.table().enter(peer),
            peer,
            connections: self.clone(),
            is_known: AtomicBool::new(false),
            has_large_body: AtomicBool::new(false),
            head: AtomicUsize::new(0),
            long_head: Mutex::default(),
        })
    }
}

/// What the service knows of a connection. Requests carry it as an extension.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    /// The address at the other end; behind a proxy that of the proxy.
    pub(super) peer: IpAddr,
    connections: Connections,
    /// It has shown a valid token.
    is_known: AtomicBool,
    has_large_body: AtomicBool,
    /// How many bytes were read since the last request began.
    head: AtomicUsize,
    long_head: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Connection {
    /// Notes that a valid token was shown.
    pub(super) fn has_shown_token(&self) {
        if !self.is_known.swap(true, Ordering::AcqRel) {
            self.connections.table().has_shown_token(self.id);
        }
    }

    /// Notes that a request began: its head is read.
    pub(super) fn request_began(&self, has_large_body: bool) {
        self.head.store(0, Ordering::Release);
        self.has_large_body.store(has_large_body, Ordering::Release);
        ignore_poison(self.long_head.lock()).take();
        self.set_busy(true);
    }

    /// Notes that a request was answered.
    pub(super) fn request_ended(&self) {
        self.set_busy(false);
    }

    fn set_busy(&self, is_busy: bool) {
        if self.is_known.load(Ordering::Acquire) {
            self.connections.table().set_busy(self.id, is_busy);
        }
    }

    /// Whether reads are not limited to small pieces now.
    fn reads_large_body(&self) -> bool {
        self.has_large_body.load(Ordering::Acquire)
    }

    /// Counts bytes of a head; `false` if it is too long for a stranger now.
    fn may_read(&self, bytes: usize) -> bool {
        let head = self.head.fetch_add(bytes, Ordering::AcqRel) + bytes;
        if head <= SHORT_HEAD || self.is_known.load(Ordering::Acquire) || self.reads_large_body() {
            return true;
        }
        let mut permit = ignore_poison(self.long_head.lock());
        if permit.is_none() {
            let long_heads = Arc::clone(&self.connections.long_heads);
            *permit = long_heads.try_acquire_owned().ok();
        }
        permit.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_strangers_may_send_long_heads_at_once() {
        let connections = Connections::new(&Limits::default());
        let peer = IpAddr::from([192, 0, 2, 1]);
        let senders: Vec<_> = (0..=LONG_HEADS).map(|_| connections.enter(peer)).collect();
        for sender in &senders {
            assert!(sender.may_read(SHORT_HEAD));
        }
        let (last, others) = senders.split_last().unwrap();
        for sender in others {
            assert!(sender.may_read(1) && sender.may_read(1));
        }
        assert!(!last.may_read(1));
        // A head that is read gives its permit back.
        others[0].request_began(false);
        assert!(last.may_read(1));
    }

    #[test]
    fn head_of_a_known_client_and_body_may_be_long() {
        let connections = Connections::new(&Limits::default());
        let drain = Arc::clone(&connections.long_heads).try_acquire_many_owned(256);
        let client = connections.enter(IpAddr::from([192, 0, 2, 1]));
        assert!(!client.may_read(SHORT_HEAD + 1));
        client.request_began(true);
        assert!(client.may_read(SHORT_HEAD + 1));
        client.request_began(false);
        client.has_shown_token();
        assert!(client.may_read(SHORT_HEAD + 1));
        drop(drain);
    }
}
