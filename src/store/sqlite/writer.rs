//! The thread that writes: takes what waits, one transaction for all of it, then the answers.

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
};

use tokio::sync::watch;

use super::{desk::Desk, queue::Job};
use crate::store::StoreError;

/// Most requests of one transaction.
const GROUP: usize = 256;

pub(super) struct Writer {
    pub(super) desk: Desk,
    pub(super) waiting: Receiver<Box<dyn Job>>,
    pub(super) tell: watch::Sender<u64>,
    pub(super) commits: Arc<AtomicU64>,
    /// Held as long as this thread may write.
    pub(super) lock: File,
}

impl Writer {
    /// Works until nobody can put anything in any more, then leaves the file clean and gives it free.
    pub(super) fn run(mut self) {
        let mut group = Vec::with_capacity(GROUP);
        while let Ok(first) = self.waiting.recv() {
            // Never waits for more: a lone client is answered at once, many fill the group while the last one commits.
            group.push(first);
            group.extend(self.waiting.try_iter().take(GROUP - 1));
            let lost = self.commit(&mut group).err().map(|error| error.to_string());
            if lost.is_some() {
                self.desk.forget();
            } else {
                self.commits.fetch_add(1, Ordering::Relaxed);
            }
            if self.desk.take_changed() && lost.is_none() {
                self.tell.send_modify(|count| *count += 1);
            }
            for job in group.drain(..) {
                job.answer(lost.as_deref());
            }
        }
        self.desk.close();
        drop(self.lock);
    }

    fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        self.run_sql("BEGIN IMMEDIATE")?;
        let worked = match group {
            [alone] => self.work_alone(alone.as_mut()),
            many => self.work_each(many),
        };
        let done = worked
            .and_then(|()| self.desk.write_clock())
            .and_then(|()| self.run_sql("COMMIT"));
        if done.is_err() && !self.desk.db.is_autocommit() {
            self.run_sql("ROLLBACK")?;
        }
        done
    }

    /// One request needs no savepoint: what it wrote is all there is.
    fn work_alone(&mut self, job: &mut dyn Job) -> Result<(), StoreError> {
        if !job.work(&mut self.desk) {
            self.run_sql("ROLLBACK")?;
            self.desk.forget();
            self.run_sql("BEGIN IMMEDIATE")?;
        }
        Ok(())
    }

    fn work_each(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        for job in group {
            self.run_sql("SAVEPOINT request")?;
            if !job.work(&mut self.desk) {
                self.run_sql("ROLLBACK TO request")?;
                self.desk.forget();
            }
            // Fails if SQLite rolled the whole transaction back, as it does when the disk is full: then all fail.
            self.run_sql("RELEASE request")?;
        }
        Ok(())
    }

    fn run_sql(&self, sql: &str) -> Result<(), StoreError> {
        self.desk.db.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Timestamp,
        store::{
            Rules,
            sqlite::{Durability, SqliteStore},
        },
    };

    fn remember(desk: &mut Desk, label: &str) -> Result<(), StoreError> {
        desk.db
            .execute("INSERT INTO label_sets (labels) VALUES (?1)", [label])?;
        Ok(())
    }

    fn labels(desk: &mut Desk) -> Result<Vec<String>, StoreError> {
        let mut statement = desk
            .db
            .prepare("SELECT labels FROM label_sets ORDER BY id")?;
        let labels = statement.query_map([], |row| row.get(0))?;
        Ok(labels.collect::<Result<_, _>>()?)
    }

    fn open(place: &tempfile::TempDir) -> SqliteStore {
        let path = place.path().join("store.db");
        SqliteStore::open(&path, Durability::Normal, Rules::default(), Timestamp(1))
            .unwrap()
            .0
    }

    fn fails(desk: &mut Desk, how: &str) -> Result<(), StoreError> {
        remember(desk, how)?;
        match how {
            "panics" => panic!("on purpose"),
            "breaks" => Err(StoreError::Broken("on purpose".to_owned())),
            other => Err(crate::store::protocol::refuse(
                crate::store::RefusalCode::Malformed,
                other,
            )),
        }
    }

    #[tokio::test]
    async fn what_breaks_leaves_nothing_and_spares_the_others() {
        let place = tempfile::tempdir().unwrap();
        let store = open(&place);
        let (hold, held) = std::sync::mpsc::channel::<()>();
        // The first holds the writer up until all others wait: they make one group.
        let first = store.queue.put(move |_| Ok(held.recv().is_ok())).unwrap();
        let before = store.queue.put(|desk| remember(desk, "before")).unwrap();
        let failing = ["panics", "breaks", "refuses"];
        let failed = failing.map(|how| store.queue.put(move |desk| fails(desk, how)).unwrap());
        let after = store.queue.put(|desk| remember(desk, "after")).unwrap();
        let told = store.queue.put(labels).unwrap();
        hold.send(()).unwrap();

        assert!(first.await.unwrap().unwrap());
        before.await.unwrap().unwrap();
        after.await.unwrap().unwrap();
        let [panics, breaks, refuses] = failed;
        let text = panics.await.unwrap().unwrap_err().to_string();
        assert!(
            text.contains("BUG") && text.contains("on purpose"),
            "{text}"
        );
        assert!(matches!(breaks.await.unwrap(), Err(StoreError::Broken(_))));
        assert!(matches!(
            refuses.await.unwrap(),
            Err(StoreError::Refused(_))
        ));
        // A refusal keeps what it wrote down about itself.
        assert_eq!(told.await.unwrap().unwrap(), ["before", "refuses", "after"]);
        assert!(store.commits() <= 2, "they shared a commit");
    }

    #[tokio::test]
    async fn alone_it_leaves_nothing_either() {
        let place = tempfile::tempdir().unwrap();
        let store = open(&place);
        for how in ["panics", "breaks", "refuses"] {
            let failed = store.queue.put(move |desk| fails(desk, how)).unwrap();
            assert!(failed.await.unwrap().is_err());
        }
        let told = store.queue.put(labels).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), ["refuses"]);
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_not_endless() {
        let place = tempfile::tempdir().unwrap();
        let store = open(&place);
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let first = store.queue.put(move |_| Ok(held.recv().is_ok())).unwrap();
        let mut waiting = vec![];
        let refused = loop {
            match store.queue.put(|_| Ok(())) {
                Ok(answer) => waiting.push(answer),
                Err(error) => break error,
            }
            assert!(waiting.len() < 10_000, "the queue is bounded");
        };
        assert!(matches!(refused, StoreError::Busy));
        hold.send(()).unwrap();
        first.await.unwrap().unwrap();
        for answer in waiting {
            answer.await.unwrap().unwrap();
        }
    }
}
