//! Notices between replicas: what a commit changed for those who wait at another one.
//!
//! A notice only makes a wait shorter: whoever waits looks now and then as well. It is sent after the commit and by a connection
//! of its own, because commits that carry notifications wait for each other.

mod message;

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, watch};
use tokio_postgres::types::Type;

use super::{
    connection::{Connection, Planning, Target},
    failure::in_words,
};
use crate::{
    clock::monotonic,
    store::{
        StoreError,
        changes::{ChangeListeners, Changes},
    },
    sync::ignore_poison,
};

/// How long changes are gathered for one notice.
const GATHER: Duration = Duration::from_millis(5);
/// How long the first notice, from this replica to itself, may take.
const TEST: Duration = Duration::from_secs(3);
/// Pauses before connecting again, each longer than the one before. A connection that lasted longer than the last one of them
/// begins anew.
const RETRY: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

/// Where the writers of this replica put what they committed.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    changes: Mutex<Changes>,
    filled: Notify,
    /// Whether other replicas are there.
    has_readers: AtomicBool,
    /// Whether it is emptied.
    is_open: AtomicBool,
}

impl Outbox {
    /// Notes whether other replicas are there.
    pub(super) fn set_readers(&self, are_there: bool) {
        self.has_readers.store(are_there, Ordering::Relaxed);
    }

    /// Adds what a commit changed.
    pub(super) fn add(&self, changes: &Changes) {
        let is_read = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        if !changes.is_empty() && is_read(&self.has_readers) && is_read(&self.is_open) {
            ignore_poison(self.changes.lock()).merge(changes);
            self.filled.notify_one();
        }
    }

    fn take(&self) -> Changes {
        std::mem::take(&mut *ignore_poison(self.changes.lock()))
    }
}

/// The thread that sends and receives. Dropping it ends the thread.
pub(super) struct Notices {
    stop: watch::Sender<bool>,
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}

impl Notices {
    /// Sends what is put into `outbox`, in the name of `own`, and tells `listeners` what other replicas send.
    pub(super) fn start(
        target: &Target,
        own: String,
        outbox: &Arc<Outbox>,
        listeners: &Arc<ChangeListeners>,
    ) -> Result<Self, StoreError> {
        let (stop, mut stopped) = watch::channel(false);
        let exchange = Exchange {
            target: target.clone(),
            own,
            outbox: Arc::clone(outbox),
            listeners: Arc::clone(listeners),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Broken(format!("no runtime: {error}")))?;
        std::thread::Builder::new()
            .name("store-notices".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        // An error means that the store is gone.
                        _ = stopped.wait_for(|stopped| *stopped) => {}
                        () = exchange.reconnect() => {}
                    }
                });
            })
            .map_err(|error| StoreError::Broken(format!("no thread for notices: {error}")))?;
        Ok(Self { stop })
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }
}

struct Exchange {
    target: Target,
    own: String,
    outbox: Arc<Outbox>,
    listeners: Arc<ChangeListeners>,
}

/// Why an exchange ended.
enum Ended {
    /// Its own first notice did not arrive.
    Silent,
    /// The connection was closed.
    Closed,
}

impl Exchange {
    /// Runs as long as notices arrive.
    async fn reconnect(&self) {
        let mut failures = 0;
        loop {
            let began = monotonic();
            let ended = self.exchange().await;
            self.outbox.is_open.store(false, Ordering::Relaxed);
            match ended {
                Ok(Ended::Silent) => {
                    tracing::warn!(
                        "notifications of {} do not arrive: changes of other replicas do not reach waiting clients at once, \
                         but within seconds; connect to the server itself, or to a pooler in session mode",
                        self.target
                    );
                    return;
                }
                Ok(Ended::Closed) => tracing::debug!("the connection for notices was closed"),
                Err(error) => tracing::debug!(%error, "no notices of other replicas"),
            }
            let lasted = began.elapsed() > RETRY[RETRY.len() - 1];
            failures = if lasted { 0 } else { failures + 1 };
            tokio::time::sleep(RETRY[failures.clamp(1, RETRY.len()) - 1]).await;
        }
    }

    async fn exchange(&self) -> Result<Ended, StoreError> {
        let connection = self.target.connect(Planning::Always).await?;
        if !connection.transaction_settings.is_empty() {
            // A pooler. That was said when the store was opened.
            return std::future::pending().await;
        }
        let ended = self.exchange_over(connection).await;
        ended.map_err(|error| in_words(&error, &self.target.to_string()))
    }

    async fn exchange_over(
        &self,
        mut connection: Connection,
    ) -> Result<Ended, tokio_postgres::Error> {
        let client = &connection.client;
        let name = "SELECT 'testplan_' || md5(current_schema())";
        let channel: String = client.query_typed_one(name, &[]).await?.try_get(0)?;
        client.batch_execute(&format!("LISTEN {channel}")).await?;
        let send = async |text: &str| {
            client
                .execute_typed(
                    "SELECT pg_notify($1, $2)",
                    &[(&channel, Type::TEXT), (&text, Type::TEXT)],
                )
                .await
        };
        let test = format!("test of {}", self.own);
        send(&test).await?;
        let arrived = tokio::time::timeout(TEST, async {
            while let Some(notice) = connection.notices.recv().await {
                if notice == test {
                    return true;
                }
            }
            false
        });
        match arrived.await {
            Ok(true) => {}
            Ok(false) => return Ok(Ended::Closed),
            Err(_elapsed) => return Ok(Ended::Silent),
        }
        self.outbox.is_open.store(true, Ordering::Relaxed);
        loop {
            tokio::select! {
                notice = connection.notices.recv() => {
                    let Some(notice) = notice else {
                        return Ok(Ended::Closed);
                    };
                    if let Some(changes) = message::read(&notice, &self.own) {
                        self.listeners.notify(&changes);
                    }
                }
                () = self.outbox.filled.notified() => {
                    tokio::time::sleep(GATHER).await;
                    for text in message::messages(&self.own, &self.outbox.take()) {
                        send(&text).await?;
                    }
                }
            }
        }
    }
}
