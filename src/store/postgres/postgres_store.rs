//! [`PostgresStore`]: connects, sends changes to the writer and reads to a few connections of their own.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::watch;

pub use super::writer::Clock;
use super::{
    client::{Client, bytes, get},
    connection::Target,
    needs::Needs,
    presence::{Presence, Pulse, share_workers},
    read_pool::ReadPool,
    rows::PostgresRows,
    schema,
    writer::Writer,
};
use crate::{
    clock::{ClockLead, SharedClock},
    fs::DiskFault,
    model::{
        Capabilities, Execution, ExecutionState, NewSquishServer, Plan, PlanId, PlanStatus,
        SquishServer, SquishServerChange, SquishServerId, Timestamp,
    },
    store::{
        ChangeListener, Deadline, EntryAnswers, Event, ExecutePlan, Finish, FinishList, Heartbeat,
        Import, NewImport, Page, PlanDemand, PlanQuery, PlanTests, Reply, Reservation, Reserve,
        Reset, Rules, Store, StoreError, TemplateDefinition, TemplateDifference, WorkerPresence,
        changes::ChangeListeners,
        protocol::Compensation,
        rows::Reads,
        steps::{
            Memory, WriteContext, entry_list, expiry::extend_leases, finish, imports,
            key_of_reservation, lease_renewal, pages, plan_demand, plans, reservations, reset,
            servers, templates, test_lists,
        },
        values::random,
        write_queue::WriteQueue,
    },
    sync::ignore_poison,
};

/// How often old idempotency keys are deleted.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// A [`Store`] in a PostgreSQL database, for one of its replicas.
pub struct PostgresStore {
    queue: WriteQueue<Needs>,
    readers: ReadPool,
    /// The name of this replica.
    id: [u8; 16],
    listeners: Arc<ChangeListeners>,
    ended: watch::Receiver<bool>,
    commits: Arc<AtomicU64>,
    writer: Mutex<Option<JoinHandle<()>>>,
    rules: Rules,
    clock: Clock,
    lead: ClockLead,
}

/// What opening the database found.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The clock of the database.
    pub clock: SharedClock,
    /// How long no replica was there; zero for a new database.
    pub away: Duration,
}

impl PostgresStore {
    /// Connects, migrates the schema, and extends leases by the time that no replica was there. Blocks.
    ///
    /// # Errors
    ///
    /// [`StoreError::Broken`] with a text for the user: the database cannot be reached, refuses the user, or a newer version
    /// wrote it.
    pub fn open(target: Target, rules: Rules) -> Result<(Self, Opening), StoreError> {
        let pulse = Pulse {
            every: Duration::from_secs(1),
            outage: Duration::from_secs(3),
        };
        Self::open_with(target, rules, Clock::Database, pulse, Timestamp(i64::MIN))
    }

    /// The same with times that come with the requests, the first being `now`.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_at(
        target: Target,
        rules: Rules,
        now: Timestamp,
    ) -> Result<(Self, Opening), StoreError> {
        let pulse = Pulse {
            every: Duration::ZERO,
            outage: Duration::ZERO,
        };
        Self::open_with(target, rules, Clock::Requests, pulse, now)
    }

    fn open_with(
        target: Target,
        rules: Rules,
        clock: Clock,
        pulse: Pulse,
        now: Timestamp,
    ) -> Result<(Self, Opening), StoreError> {
        let mut client = Client::connect(&target)?;
        schema::migrate(&mut client)?;
        client.change(
            "INSERT INTO service (id, lease_key) VALUES (1, $1) ON CONFLICT (id) DO NOTHING",
            &[bytes(&&random::<32>()?[..])],
        )?;
        let key: Vec<u8> =
            client.read_one("SELECT lease_key FROM service", &[], |row| get(row, 0))?;
        let lease_key = key.try_into().map_err(|_| {
            StoreError::Broken("the lease key in the database is damaged".to_owned())
        })?;
        let (queue, waiting) = WriteQueue::new();
        let listeners = Arc::new(ChangeListeners::default());
        let commits = Arc::new(AtomicU64::new(0));
        let mut writer = Writer {
            target: target.clone(),
            rows: None,
            memory: Memory::new(rules, lease_key, now),
            clock,
            shared_clock: None,
            presence: Presence::new(pulse)?,
            queue: waiting,
            listeners: Arc::clone(&listeners),
            commits: Arc::clone(&commits),
            plans_by_first_execution: BTreeMap::new(),
        };
        let mut rows = PostgresRows::new(client);
        let away = writer.say_alive(&mut rows, Some(now))?;
        if clock == Clock::Requests {
            // Their time also passes where nobody asks.
            writer.presence.ignore_outages();
        }
        writer.rows = Some(rows);
        let shared_clock = SharedClock::starting_at(writer.memory.now);
        if clock == Clock::Database {
            writer.shared_clock = Some(shared_clock.clone());
        }
        let opening = Opening {
            clock: shared_clock,
            away,
        };
        let (lead, id) = (writer.memory.lead.clone(), writer.presence.id());
        let (end, ended) = watch::channel(false);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                writer.run();
                end.send_replace(true);
            })
            .map_err(|error| StoreError::Broken(format!("no thread for the writer: {error}")))?;
        let store = Self {
            queue,
            readers: ReadPool::new(target),
            id,
            listeners,
            ended,
            commits,
            writer: Mutex::new(Some(thread)),
            rules,
            clock,
            lead,
        };
        Ok((store, opening))
    }

    /// What the service's clock keeps up to date, for planned times and those that are shown.
    pub fn clock_lead(&self) -> ClockLead {
        self.lead.clone()
    }

    /// How many transactions of requests were committed since it was opened.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    fn write<T: Send + 'static>(
        &self,
        needs: Needs,
        work: impl FnMut(&mut WriteContext<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(async move {
            self.queue.push(needs, work)?.await.unwrap_or_else(|_gone| {
                Err(StoreError::Broken("BUG: the writer is gone".to_owned()))
            })
        })
    }

    /// Reads one consistent state of the database.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Reads) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(self.readers.read(work))
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.queue.close();
        let thread = ignore_poison(self.writer.lock()).take();
        if let Some(thread) = thread {
            // If the writer panicked, every waiting request got an error.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("rules", &self.rules)
            .field("commits", &self.commits())
            .finish_non_exhaustive()
    }
}

impl Store for PostgresStore {
    fn publish(
        &self,
        definitions: Vec<TemplateDefinition>,
        now: Timestamp,
    ) -> Reply<'_, Vec<PlanId>> {
        self.write(Needs::of_catalogue(now), move |context| {
            templates::publish(context, &definitions)
        })
    }

    fn publish_templates(
        &self,
        definitions: Vec<TemplateDefinition>,
        dry_run: bool,
        now: Timestamp,
    ) -> Reply<'_, Vec<TemplateDifference>> {
        if dry_run {
            return self.read(move |rows| templates::differences(rows, &definitions));
        }
        self.write(Needs::of_catalogue(now), move |context| {
            templates::publish_on_request(context, &definitions)
        })
    }

    fn register_servers(&self, list: Vec<NewSquishServer>, now: Timestamp) -> Reply<'_, ()> {
        self.write(Needs::of_sweep(now), move |context| {
            servers::register(context, &list)
        })
    }

    fn find_plan(&self, query: PlanQuery, now: Timestamp) -> Reply<'_, Plan> {
        self.read(move |rows| plans::find(rows, &query, now))
    }

    fn plan(&self, id: PlanId, now: Timestamp) -> Reply<'_, Plan> {
        self.read(move |rows| plans::get(rows, id, now))
    }

    fn execute_plan(&self, request: ExecutePlan, now: Timestamp) -> Reply<'_, Plan> {
        if let Some(Err(refused)) = request.tests.as_ref().map(test_lists::check) {
            return Box::pin(std::future::ready(Err(refused)));
        }
        self.write(Needs::of_catalogue(now), move |context| {
            plans::execute(context, &request)
        })
    }

    fn plan_tests(&self, plan: PlanId, _now: Timestamp) -> Reply<'_, PlanTests> {
        self.read(move |rows| plans::tests(rows, plan))
    }

    fn status(&self, plan: PlanId, filter: Capabilities, now: Timestamp) -> Reply<'_, PlanStatus> {
        let case = self.rules.label_case;
        self.read(move |rows| pages::status(rows, plan, &filter, case, now))
    }

    fn demand(&self, plan: PlanId, now: Timestamp) -> Reply<'_, PlanDemand> {
        let (case, rest) = (self.rules.label_case, self.rules.cool_down);
        let wall = self.lead.wall_time(now);
        self.read(move |rows| plan_demand::read(rows, plan, case, rest, (now, wall)))
    }

    fn reserve(&self, request: Reserve, now: Timestamp) -> Reply<'_, Reservation> {
        let needs = Needs::of_reserve(&request, key_of_reservation(&request), now);
        self.write(needs, move |context| {
            reservations::reserve(context, &request)
        })
    }

    fn heartbeat(&self, request: Heartbeat, now: Timestamp) -> Reply<'_, ()> {
        let needs = Needs::of_heartbeats(std::slice::from_ref(&request), None, now);
        self.write(needs, move |context| {
            lease_renewal::heartbeat(context, &request)
        })
    }

    fn finish(&self, request: Finish, now: Timestamp) -> Reply<'_, ()> {
        let needs = Needs::of_results(std::slice::from_ref(&request), None, now);
        self.write(needs, move |context| finish::finish(context, &request))
    }

    fn heartbeat_many(
        &self,
        plan: PlanId,
        entries: Vec<Heartbeat>,
        now: Timestamp,
    ) -> Reply<'_, EntryAnswers> {
        let needs = Needs::of_heartbeats(&entries, Some(plan), now);
        self.write(needs, move |context| {
            entry_list::heartbeat(context, plan, &entries)
        })
    }

    fn finish_many(
        &self,
        plan: PlanId,
        list: FinishList,
        now: Timestamp,
    ) -> Reply<'_, EntryAnswers> {
        let needs = Needs::of_results(&list.entries, Some(plan), now);
        self.write(needs, move |context| {
            entry_list::finish(context, plan, &list)
        })
    }

    fn reset(&self, request: Reset, now: Timestamp) -> Reply<'_, ()> {
        let needs = Needs::of_reset(&request, now);
        self.write(needs, move |context| reset::reset(context, &request))
    }

    fn import(&self, import: NewImport, now: Timestamp) -> Reply<'_, Import> {
        let needs = Needs::of_import(&import, now);
        self.write(needs, move |context| imports::add(context, &import))
    }

    fn imports(
        &self,
        project: Option<String>,
        batch: Option<String>,
        after: i64,
        limit: u32,
    ) -> Reply<'_, Page<Import>> {
        self.read(move |rows| {
            pages::imports(rows, project.as_deref(), batch.as_deref(), (after, limit))
        })
    }

    fn squish_servers(&self, now: Timestamp) -> Reply<'_, Vec<SquishServer>> {
        let rest = self.rules.cool_down;
        self.read(move |rows| rows.servers(rest, now))
    }

    fn add_squish_server(
        &self,
        server: NewSquishServer,
        now: Timestamp,
    ) -> Reply<'_, SquishServer> {
        self.write(Needs::of_sweep(now), move |context| {
            servers::add(context, &server)
        })
    }

    fn change_squish_server(
        &self,
        id: SquishServerId,
        change: SquishServerChange,
        now: Timestamp,
    ) -> Reply<'_, SquishServer> {
        self.write(Needs::of_sweep(now), move |context| {
            servers::change(context, id, &change)
        })
    }

    fn remove_squish_server(&self, id: SquishServerId, now: Timestamp) -> Reply<'_, ()> {
        self.write(Needs::of_sweep(now), move |context| {
            servers::remove(context, id)
        })
    }

    fn executions(
        &self,
        plan: PlanId,
        state: Option<ExecutionState>,
        after: i64,
        limit: u32,
        now: Timestamp,
    ) -> Reply<'_, Page<Execution>> {
        self.read(move |rows| pages::executions(rows, plan, state, (after, limit), now))
    }

    fn events(
        &self,
        plan: PlanId,
        after: i64,
        limit: u32,
        _now: Timestamp,
    ) -> Reply<'_, Page<Event>> {
        self.read(move |rows| pages::events(rows, plan, after, limit))
    }

    fn disk_fault(&self) -> Option<DiskFault> {
        None
    }

    fn listen(&self, listener: Weak<dyn ChangeListener>) {
        self.listeners.add(listener);
    }

    fn next_deadline(&self, plan: PlanId, now: Timestamp) -> Reply<'_, Option<Deadline>> {
        let lead = self.lead.clone();
        self.read(move |rows| {
            plans::check_started(rows, plan)?;
            rows.next_deadline(plan, now, &lead)
        })
    }

    fn sweep(&self, now: Timestamp) -> Reply<'_, ()> {
        self.write(Needs::of_sweep(now), |context| {
            let now = context.now();
            if context.memory.prune_at <= now {
                context.rows.prune_keys(now)?;
                context.memory.prune_at = now.plus(PRUNE_EVERY);
            }
            Ok(())
        })
    }

    fn compensate(&self, since: Timestamp, span: Duration, now: Timestamp) -> Reply<'_, ()> {
        // The machine of one replica slept, and others may have served its workers: whether all were away is known to the
        // database alone.
        if self.clock == Clock::Database {
            return Box::pin(std::future::ready(Ok(())));
        }
        self.write(Needs::of_catalogue(now), move |context| {
            extend_leases(context, since, |_, before| {
                Compensation::of_jump(span, before)
            })?;
            Ok(())
        })
    }

    fn has_replicas(&self) -> bool {
        true
    }

    fn share_workers(
        &self,
        own: Vec<WorkerPresence>,
        now: Timestamp,
    ) -> Reply<'_, Vec<WorkerPresence>> {
        let id = self.id;
        Box::pin(
            self.readers
                .call(move |client| share_workers(client, id, &own, now)),
        )
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.queue.close();
            // An error means that the writer thread is gone, which is an end too.
            let _ = self.ended.clone().wait_for(|ended| *ended).await;
            self.readers.close();
            Ok(())
        })
    }
}
