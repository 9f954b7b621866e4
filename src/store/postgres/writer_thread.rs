//! A thread that writes: what it is made of, how it starts and ends.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::AtomicU64},
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::watch;

use super::{
    client::Client,
    connection::Target,
    needs::Needs,
    notices::Outbox,
    outage_watch::OutageWatch,
    presence::Presence,
    rows::PostgresRows,
    writer::{Clock, Role, Writer},
};
use crate::{
    clock::SharedClock,
    model::Timestamp,
    store::{StoreError, changes::ChangeListeners, steps::Memory, write_queue::WriteQueue},
    sync::ignore_poison,
};

/// What the writers of a replica have in common.
pub(super) struct WriterParts {
    pub(super) target: Target,
    /// What each of them begins with; they remember for themselves.
    pub(super) memory: Memory,
    pub(super) clock: Clock,
    /// What the service follows; absent if the requests bring the time.
    pub(super) shared_clock: Option<SharedClock>,
    pub(super) presence: Arc<Mutex<Presence>>,
    pub(super) listeners: Arc<ChangeListeners>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) commits: Arc<AtomicU64>,
    pub(super) watch: Arc<OutageWatch>,
}

impl WriterParts {
    /// Says for the first time that this replica lives. Returns how long no replica did.
    pub(super) fn announce(
        &mut self,
        client: Client,
        now: Timestamp,
    ) -> Result<Duration, StoreError> {
        let (_queue, waiting) = WriteQueue::new();
        let mut writer = self.writer(Role::Catalogue, waiting);
        let away = writer.say_alive(&mut PostgresRows::new(client), Some(now))?;
        self.memory.advance(writer.memory.now);
        Ok(away)
    }

    fn writer(&self, role: Role, queue: super::writer::Queue) -> Writer {
        Writer {
            target: self.target.clone(),
            rows: None,
            memory: self.memory.fresh(),
            clock: self.clock,
            shared_clock: self.shared_clock.clone(),
            presence: Arc::clone(&self.presence),
            role,
            queue,
            listeners: Arc::clone(&self.listeners),
            outbox: Arc::clone(&self.outbox),
            commits: Arc::clone(&self.commits),
            watch: Arc::clone(&self.watch),
            plans_by_first_execution: BTreeMap::new(),
        }
    }
}

/// A writer on a thread of its own. Dropping it ends the thread after the requests that wait.
pub(super) struct WriterThread {
    pub(super) queue: WriteQueue<Needs>,
    ended: watch::Receiver<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl WriterThread {
    pub(super) fn start(parts: &WriterParts, role: Role) -> Result<Self, StoreError> {
        let (queue, waiting) = WriteQueue::new();
        let writer = parts.writer(role, waiting);
        let (end, ended) = watch::channel(false);
        let name = match role {
            Role::Requests => "store-writer",
            Role::Catalogue => "store-catalogue",
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                writer.run();
                end.send_replace(true);
            })
            .map_err(|error| StoreError::Broken(format!("no thread for the writer: {error}")))?;
        Ok(Self {
            queue,
            ended,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Accepts nothing more and waits for the end of what waits.
    pub(super) async fn close(&self) {
        self.queue.close();
        // An error means that the thread is gone, which is an end too.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.queue.close();
        let thread = ignore_poison(self.thread.lock()).take();
        if let Some(thread) = thread {
            // If the writer panicked, every waiting request got an error.
            let _ = thread.join();
        }
    }
}
