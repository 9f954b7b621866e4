//! [`SqliteStore`]: opens the database, sends changes to the writer and reads to the pool.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::watch;

use super::{
    connection::Durability,
    database_failure::{folder_of, located},
    disk_watch::DiskWatch,
    files_in_place::FilesInPlace,
    loss_check::LossPolicy,
    opening,
    read_pool::ReadPool,
    recovery::Recovery,
    reserve_keys::ReserveKeys,
    writer,
};
use crate::{
    clock::ClockLead,
    fs::DiskFault,
    model::{
        Capabilities, Execution, ExecutionState, NewSquishServer, Plan, PlanId, PlanStatus,
        SquishServer, SquishServerChange, SquishServerId, Timestamp,
    },
    store::{
        CancelPlan, CancelledPlan, ChangeListener, Deadline, EntryAnswers, Event, ExecutePlan,
        Finish, FinishList, Heartbeat, Import, NewAction, NewImport, Page, PlanDemand, PlanQuery,
        PlanTests, Reply, Reservation, Reserve, Reset, Revoke, Rules, Store, StoreError,
        TemplateDefinition, TemplateDifference,
        changes::ChangeListeners,
        page_store::ReadRows,
        protocol::Compensation,
        rows::PageReads,
        steps::{
            WriteContext, audit, cancel, entry_list,
            expiry::{expire_leases, extend_leases},
            finish, imports, lease_renewal, pages, plan_demand, plans, reservations, reset, revoke,
            servers, templates, test_lists,
        },
        write_queue::WriteQueue,
    },
    sync::ignore_poison,
};

/// How often old idempotency keys are deleted.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// A [`Store`] in one SQLite file, for one process at a time.
///
/// Dropping it waits for queued requests; [`close`](Store::close) also removes the side files.
pub struct SqliteStore {
    queue: WriteQueue<()>,
    readers: ReadPool,
    reserve_keys: Arc<ReserveKeys>,
    listeners: Arc<ChangeListeners>,
    ended: watch::Receiver<bool>,
    commits: Arc<AtomicU64>,
    disk: Arc<DiskWatch>,
    folder: PathBuf,
    writer: Mutex<Option<JoinHandle<()>>>,
    rules: Rules,
    lead: ClockLead,
}

impl SqliteStore {
    /// Opens or creates the file at `path`, migrates its schema, and extends leases by the time that no service ran.
    /// `now` is the wall clock; a time before the file's high-water mark counts as that mark.
    ///
    /// # Errors
    ///
    /// [`StoreError::Lost`] if the database lacks changes that were acknowledged, according to the high-water mark beside it.
    /// [`StoreError::Broken`] with a text for the user: another service has the file open, a newer version wrote it, it
    /// is damaged, SQLite is too old, or the disk failed.
    pub fn open(
        path: &Path,
        durability: Durability,
        rules: Rules,
        now: Timestamp,
    ) -> Result<(Self, Recovery), StoreError> {
        Self::open_with(path, durability, rules, now, LossPolicy::Refuse)
    }

    /// The same as [`open`](Self::open), with a choice of what to do when acknowledged changes are missing.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(
        path: &Path,
        durability: Durability,
        rules: Rules,
        now: Timestamp,
        policy: LossPolicy,
    ) -> Result<(Self, Recovery), StoreError> {
        // Messages name the folder, also to clients that do not know where the service was started.
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let path = absolute.as_path();
        let opening::Opened {
            lock,
            database,
            recovery,
            mark,
        } = opening::open(path, durability, rules, now, policy)?;
        let lead = database.memory.lead.clone();
        let reserve_keys = Arc::new(ReserveKeys::read(&database.db)?);
        let listeners = Arc::new(ChangeListeners::default());
        let (queue, waiting) = WriteQueue::new();
        let commits = Arc::new(AtomicU64::new(0));
        let folder = folder_of(path).to_owned();
        let disk = Arc::new(DiskWatch::new(folder.clone()));
        let (end, ended) = watch::channel(false);
        let writer = writer::Writer {
            database,
            queue: waiting,
            listeners: Arc::clone(&listeners),
            commits: Arc::clone(&commits),
            disk: Arc::clone(&disk),
            files: FilesInPlace::of(path),
            mark,
            lock,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                writer.run();
                end.send_replace(true);
            })
            .map_err(|error| StoreError::Broken(format!("no thread for the writer: {error}")))?;
        let store = Self {
            queue,
            readers: ReadPool::new(path),
            reserve_keys,
            listeners,
            ended,
            commits,
            disk,
            folder,
            writer: Mutex::new(Some(thread)),
            rules,
            lead,
        };
        Ok((store, recovery))
    }

    /// What the service's clock keeps up to date, for planned times and those that are shown.
    pub fn clock_lead(&self) -> ClockLead {
        self.lead.clone()
    }

    /// How many transactions were committed since it was opened.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.queue.close();
        let thread = ignore_poison(self.writer.lock()).take();
        if let Some(thread) = thread {
            // If the writer panicked, every waiting request got an error.
            let _ = thread.join();
        }
    }
}

impl ReadRows for SqliteStore {
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn PageReads) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(self.readers.read(work))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("rules", &self.rules)
            .field("commits", &self.commits())
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Runs `work` on the writer at `now`, after it expired leases that are over by then.
    fn write<T: Send + 'static>(
        &self,
        now: Timestamp,
        work: impl FnMut(&mut WriteContext<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<'_, T> {
        let mut work = work;
        self.send(move |context| {
            expire_leases(context, now)?;
            work(context)
        })
    }

    /// Ends what is left of a cancelled plan, a bounded number of executions in each transaction.
    async fn end_cancelled(&self, plan: PlanId, now: Timestamp) -> Result<(), StoreError> {
        while self
            .write(now, move |context| cancel::end_more(context, plan))
            .await?
        {}
        Ok(())
    }

    fn send<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut WriteContext<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(async move {
            let answer = self.queue.push((), work)?.await.unwrap_or_else(|_gone| {
                Err(StoreError::Broken("BUG: the writer is gone".to_owned()))
            });
            answer.map_err(|error| located(error, &self.folder))
        })
    }
}

impl Store for SqliteStore {
    fn publish(
        &self,
        templates: Vec<TemplateDefinition>,
        now: Timestamp,
    ) -> Reply<'_, Vec<PlanId>> {
        self.write(now, move |context| templates::publish(context, &templates))
    }

    fn publish_templates(
        &self,
        templates: Vec<TemplateDefinition>,
        dry_run: bool,
        now: Timestamp,
    ) -> Reply<'_, Vec<TemplateDifference>> {
        if dry_run {
            return Box::pin(
                self.readers
                    .read(move |db| templates::differences(db, &templates)),
            );
        }
        self.write(now, move |context| {
            templates::publish_on_request(context, &templates)
        })
    }

    fn register_servers(&self, servers: Vec<NewSquishServer>, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |context| servers::register(context, &servers))
    }

    fn find_plan(&self, query: PlanQuery, now: Timestamp) -> Reply<'_, Plan> {
        Box::pin(self.readers.read(move |db| plans::find(db, &query, now)))
    }

    fn plan(&self, id: PlanId, now: Timestamp) -> Reply<'_, Plan> {
        Box::pin(self.readers.read(move |db| plans::get(db, id, now)))
    }

    fn execute_plan(&self, request: ExecutePlan, now: Timestamp) -> Reply<'_, Plan> {
        if let Some(Err(refused)) = request.tests.as_ref().map(test_lists::check) {
            return Box::pin(std::future::ready(Err(refused)));
        }
        self.write(now, move |context| plans::execute(context, &request))
    }

    fn plan_tests(&self, plan: PlanId, _now: Timestamp) -> Reply<'_, PlanTests> {
        Box::pin(self.readers.read(move |db| plans::tests(db, plan)))
    }

    fn status(&self, plan: PlanId, filter: Capabilities, now: Timestamp) -> Reply<'_, PlanStatus> {
        let case = self.rules.label_case;
        Box::pin(
            self.readers
                .read(move |db| pages::status(db, plan, &filter, case, now)),
        )
    }

    fn demand(&self, plan: PlanId, now: Timestamp) -> Reply<'_, PlanDemand> {
        let (case, rest) = (self.rules.label_case, self.rules.cool_down);
        let wall = self.lead.wall_time(now);
        Box::pin(
            self.readers
                .read(move |db| plan_demand::read(db, plan, case, rest, (now, wall))),
        )
    }

    fn reserve(&self, request: Reserve, now: Timestamp) -> Reply<'_, Reservation> {
        let mut keyed = self.reserve_keys.begin(&request);
        self.write(now, move |context| {
            let answer = reservations::reserve(context, &request);
            // Dropped now, not with the request: the answer may come before that.
            let keyed = keyed.take();
            if let (Some(keyed), Ok(Reservation::Granted(_))) = (keyed, &answer) {
                keyed.has_reserved();
            }
            answer
        })
    }

    fn is_first(&self, request: &Reserve) -> bool {
        self.reserve_keys.is_first(request)
    }

    fn heartbeat(&self, request: Heartbeat, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |context| {
            lease_renewal::heartbeat(context, &request)
        })
    }

    fn note_worker_job(
        &self,
        plan: PlanId,
        worker: String,
        url: String,
        now: Timestamp,
    ) -> Reply<'_, ()> {
        self.write(now, move |context| {
            plans::note_worker_job(context, plan, &worker, &url)
        })
    }

    fn finish(&self, request: Finish, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |context| finish::finish(context, &request))
    }

    fn heartbeat_many(
        &self,
        plan: PlanId,
        entries: Vec<Heartbeat>,
        now: Timestamp,
    ) -> Reply<'_, EntryAnswers> {
        self.write(now, move |context| {
            entry_list::heartbeat(context, plan, &entries)
        })
    }

    fn finish_many(
        &self,
        plan: PlanId,
        list: FinishList,
        now: Timestamp,
    ) -> Reply<'_, EntryAnswers> {
        self.write(now, move |context| entry_list::finish(context, plan, &list))
    }

    fn reset(&self, request: Reset, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |context| reset::reset(context, &request))
    }

    fn reset_many(
        &self,
        plan: PlanId,
        entries: Vec<Reset>,
        now: Timestamp,
    ) -> Reply<'_, EntryAnswers> {
        self.write(now, move |context| {
            entry_list::reset(context, plan, &entries)
        })
    }

    fn cancel(&self, request: CancelPlan, now: Timestamp) -> Reply<'_, CancelledPlan> {
        Box::pin(async move {
            let plan = request.plan;
            let found = self.write(now, move |context| cancel::begin(context, &request));
            let found = found.await?;
            if found.is_ending {
                self.end_cancelled(plan, now).await?;
            }
            Ok(found)
        })
    }

    fn revoke(&self, request: Revoke, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |context| revoke::revoke(context, &request))
    }

    fn record_action(&self, action: NewAction, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |context| audit::record(context, &action))
    }

    fn import(&self, import: NewImport, now: Timestamp) -> Reply<'_, Import> {
        self.write(now, move |context| imports::add(context, &import))
    }

    fn imports(
        &self,
        project: Option<String>,
        batch: Option<String>,
        after: i64,
        limit: u32,
    ) -> Reply<'_, Page<Import>> {
        Box::pin(self.readers.read(move |db| {
            pages::imports(db, project.as_deref(), batch.as_deref(), (after, limit))
        }))
    }

    fn squish_servers(&self, now: Timestamp) -> Reply<'_, Vec<SquishServer>> {
        let rest = self.rules.cool_down;
        Box::pin(self.readers.read(move |db| db.servers(rest, now)))
    }

    fn add_squish_server(
        &self,
        server: NewSquishServer,
        now: Timestamp,
    ) -> Reply<'_, SquishServer> {
        self.write(now, move |context| servers::add(context, &server))
    }

    fn change_squish_server(
        &self,
        id: SquishServerId,
        change: SquishServerChange,
        now: Timestamp,
    ) -> Reply<'_, SquishServer> {
        self.write(now, move |context| servers::change(context, id, &change))
    }

    fn remove_squish_server(&self, id: SquishServerId, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |context| servers::remove(context, id))
    }

    fn executions(
        &self,
        plan: PlanId,
        state: Option<ExecutionState>,
        after: i64,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, Page<Execution>> {
        Box::pin(
            self.readers
                .read(move |db| pages::executions(db, plan, state, (after, limit), now)),
        )
    }

    fn events(
        &self,
        plan: PlanId,
        after: i64,
        limit: u32,
        _now: Timestamp,
    ) -> Reply<'_, Page<Event>> {
        Box::pin(
            self.readers
                .read(move |db| pages::events(db, plan, after, limit)),
        )
    }

    fn disk_fault(&self) -> Option<DiskFault> {
        self.disk.fault()
    }

    fn listen(&self, listener: Weak<dyn ChangeListener>) {
        self.listeners.add(listener);
    }

    fn next_deadline(&self, plan: PlanId, now: Timestamp) -> Reply<'_, Option<Deadline>> {
        let lead = self.lead.clone();
        Box::pin(self.readers.read(move |db| {
            plans::check_started(db, plan)?;
            db.next_deadline(plan, now, &lead)
        }))
    }

    fn sweep(&self, now: Timestamp) -> Reply<'_, ()> {
        let reserve_keys = Arc::clone(&self.reserve_keys);
        let swept = self.send(move |context| {
            expire_leases(context, now)?;
            if context.memory.prune_at <= context.now() {
                let now = context.now();
                reserve_keys.forget(&context.rows.prune_keys(now)?);
                context.memory.prune_at = now.plus(PRUNE_EVERY);
            }
            Ok(())
        });
        Box::pin(async move {
            swept.await?;
            for plan in self.readers.read(|db| db.cancelling_plans()).await? {
                self.end_cancelled(plan, now).await?;
            }
            Ok(())
        })
    }

    fn compensate(&self, since: Timestamp, span: Duration, now: Timestamp) -> Reply<'_, ()> {
        // First extends leases, so that none of them expires.
        self.send(move |context| {
            context.memory.advance(now);
            extend_leases(context, since, |_, before| {
                Compensation::of_jump(span, before)
            })?;
            expire_leases(context, now)
        })
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.readers.close().await;
            self.queue.close();
            // An error means that the writer thread is gone, which is an end too.
            let _ = self.ended.clone().wait_for(|ended| *ended).await;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::any::Any;

    use rusqlite::Connection;

    use super::*;
    use crate::store::{RefusalCode, protocol::refuse};

    fn database<'a>(context: &'a mut WriteContext<'_>) -> &'a mut Connection {
        let rows: &mut dyn Any = context.rows;
        rows.downcast_mut().unwrap()
    }

    fn insert_label(context: &mut WriteContext<'_>, label: &str) -> Result<(), StoreError> {
        database(context).execute("INSERT INTO label_sets (labels) VALUES (?1)", [label])?;
        Ok(())
    }

    fn labels(context: &mut WriteContext<'_>) -> Result<Vec<String>, StoreError> {
        let mut statement =
            database(context).prepare("SELECT labels FROM label_sets ORDER BY id")?;
        let labels = statement.query_map([], |row| row.get(0))?;
        Ok(labels.collect::<Result<_, _>>()?)
    }

    fn open(place: &tempfile::TempDir) -> SqliteStore {
        let path = place.path().join("store.db");
        SqliteStore::open(&path, Durability::Normal, Rules::default(), Timestamp(1))
            .unwrap()
            .0
    }

    fn fails(context: &mut WriteContext<'_>, how: &str) -> Result<(), StoreError> {
        insert_label(context, how)?;
        match how {
            "panics" => panic!("on purpose"),
            "breaks" => Err(StoreError::Broken("on purpose".to_owned())),
            other => Err(refuse(RefusalCode::Malformed, other)),
        }
    }

    #[tokio::test]
    async fn broken_request_is_rolled_back_and_the_rest_of_its_group_commits() {
        let place = tempfile::tempdir().unwrap();
        let store = open(&place);
        let (hold, held) = std::sync::mpsc::channel::<()>();
        // The first blocks the writer until all others wait: they make one group.
        let first = store
            .queue
            .push((), move |_| Ok(held.recv().is_ok()))
            .unwrap();
        let before = store
            .queue
            .push((), |context| insert_label(context, "before"))
            .unwrap();
        let failing = ["panics", "breaks", "refuses"];
        let failed = failing.map(|how| {
            store
                .queue
                .push((), move |context| fails(context, how))
                .unwrap()
        });
        let after = store
            .queue
            .push((), |context| insert_label(context, "after"))
            .unwrap();
        let kept = store.queue.push((), labels).unwrap();
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
        // A refused request keeps what it wrote.
        assert_eq!(kept.await.unwrap().unwrap(), ["before", "refuses", "after"]);
        assert!(store.commits() <= 2, "they shared a commit");
    }

    #[tokio::test]
    async fn broken_single_request_is_rolled_back() {
        let place = tempfile::tempdir().unwrap();
        let store = open(&place);
        for how in ["panics", "breaks", "refuses"] {
            let failed = store
                .queue
                .push((), move |context| fails(context, how))
                .unwrap();
            assert!(failed.await.unwrap().is_err());
        }
        let kept = store.queue.push((), labels).unwrap();
        assert_eq!(kept.await.unwrap().unwrap(), ["refuses"]);
    }

    /// Lets the database file have as many pages as it has now, and some.
    fn limit_pages(context: &mut WriteContext<'_>, more: Option<i64>) -> Result<(), StoreError> {
        let db = database(context);
        let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let most = more.map_or(i64::from(i32::MAX), |more| pages + more);
        db.query_row(&format!("PRAGMA max_page_count = {most}"), [], |_| Ok(()))?;
        Ok(())
    }

    #[tokio::test]
    async fn full_database_refuses_a_request_without_a_trace_and_recovers() {
        let place = tempfile::tempdir().unwrap();
        let store = open(&place);
        let limit = |more| {
            store
                .queue
                .push((), move |context| limit_pages(context, more))
                .unwrap()
        };
        limit(Some(2)).await.unwrap().unwrap();
        assert_eq!(store.disk_fault(), None);
        let long = "x".repeat(100_000);
        for _ in 0..2 {
            let text = long.clone();
            let refused = store.send(move |context| {
                insert_label(context, "first")?;
                insert_label(context, &text)
            });
            let refused = refused.await.unwrap_err();
            let folder = place.path().display();
            assert_eq!(
                refused.to_string(),
                format!("no room on the disk of {folder}")
            );
            assert!(store.disk_fault().is_some());
        }
        assert_eq!(store.send(labels).await.unwrap(), [""; 0]);
        limit(None).await.unwrap().unwrap();
        assert_eq!(store.disk_fault(), None);
        let text = long.clone();
        store
            .send(move |context| insert_label(context, &text))
            .await
            .unwrap();
        assert_eq!(store.send(labels).await.unwrap(), [long]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn requests_fail_while_the_folder_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let (data, away) = (place.path().join("data"), place.path().join("away"));
        std::fs::create_dir(&data).unwrap();
        let path = data.join("store.db");
        let (store, _) =
            SqliteStore::open(&path, Durability::Full, Rules::default(), Timestamp(1)).unwrap();
        let insert = |label: &'static str| store.send(move |it| insert_label(it, label));
        insert("before").await.unwrap();
        std::fs::rename(&data, &away).unwrap();
        let refused = insert("lost").await.unwrap_err();
        assert!(refused.to_string().ends_with("data are gone"), "{refused}");
        // Another file of that name is not the database.
        std::fs::create_dir(&data).unwrap();
        std::fs::copy(away.join("store.db"), &path).unwrap();
        assert!(matches!(insert("lost").await, Err(StoreError::Disk(_))));
        assert!(store.disk_fault().is_some());
        std::fs::remove_dir_all(&data).unwrap();
        std::fs::rename(&away, &data).unwrap();
        insert("after").await.unwrap();
        assert_eq!(store.disk_fault(), None);
        assert_eq!(store.send(labels).await.unwrap(), ["before", "after"]);
    }

    #[tokio::test]
    async fn full_queue_answers_busy() {
        let place = tempfile::tempdir().unwrap();
        let store = open(&place);
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let first = store
            .queue
            .push((), move |_| Ok(held.recv().is_ok()))
            .unwrap();
        let mut waiting = vec![];
        let refused = loop {
            match store.queue.push((), |_| Ok(())) {
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
