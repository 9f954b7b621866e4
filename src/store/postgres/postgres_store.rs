//! [`PostgresStore`]: connects, sends changes to the writer and reads to a few connections of their own.

use std::{
    fmt,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use super::writer::Clock;
use super::{
    client::Client,
    connection::{Planning, Target},
    first_contact::{self, Opening},
    last_contact::LastContact,
    needs::Needs,
    notices::{Notices, Outbox},
    outage_watch::OutageWatch,
    presence::{Presence, Pulse, share_workers},
    read_pool::ReadPool,
    writer::Role,
    writer_thread::{WriterParts, WriterThread},
};
use crate::{
    clock::{ClockLead, SharedClock},
    fs::DiskFault,
    model::{
        Capabilities, Execution, ExecutionState, NewSquishServer, Plan, PlanId, PlanStatus,
        SquishServer, SquishServerChange, SquishServerId, Timestamp,
    },
    store::{
        CancelPlan, CancelledPlan, ChangeListener, Deadline, EntryAnswers, Event, ExecutePlan,
        Finish, FinishList, Heartbeat, Import, NewAction, NewImport, Outage, Page, PlanDemand,
        PlanQuery, PlanTests, Reply, Reservation, Reserve, Reset, Revoke, Rules, Store, StoreError,
        TemplateDefinition, TemplateDifference, WorkerPresence,
        changes::ChangeListeners,
        page_store::ReadRows,
        protocol::Compensation,
        rows::PageReads,
        steps::{
            Memory, WriteContext, audit, cancel, entry_list, expiry::extend_leases, finish,
            imports, key_of_reservation, lease_renewal, pages, plan_demand, plans, reservations,
            reset, revoke, servers, templates, test_lists,
        },
    },
    sync::ignore_poison,
};

/// How often old idempotency keys are deleted.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// A [`Store`] in a PostgreSQL database, for one of its replicas.
pub struct PostgresStore {
    requests: WriterThread,
    catalogue: WriterThread,
    readers: ReadPool,
    notices: Notices,
    outbox: Arc<Outbox>,
    contact: LastContact,
    /// The name of this replica.
    id: [u8; 16],
    listeners: Arc<ChangeListeners>,
    commits: Arc<AtomicU64>,
    watch: Arc<OutageWatch>,
    rules: Rules,
    clock: Clock,
    lead: ClockLead,
}

impl PostgresStore {
    /// Connects, migrates the schema, and extends leases by the time that no replica was there. Blocks.
    ///
    /// # Errors
    ///
    /// [`StoreError::Broken`] with a text for the user: the database cannot be reached, refuses the user, or a newer version
    /// wrote it.
    pub fn open(target: Target, rules: Rules) -> Result<(Self, Opening), StoreError> {
        Self::open_with(target, rules, Clock::Database, Timestamp(i64::MIN))
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
        Self::open_with(target, rules, Clock::Requests, now)
    }

    fn open_with(
        target: Target,
        rules: Rules,
        clock: Clock,
        now: Timestamp,
    ) -> Result<(Self, Opening), StoreError> {
        let mut client = Client::connect(&target, Planning::Always)?;
        let lease_key = first_contact::prepare(&mut client, &target)?;
        let presence = Presence::new(match clock {
            Clock::Database => Pulse::SECONDS,
            Clock::Requests => Pulse::NONE,
        })?;
        let id = presence.id();
        let mut parts = WriterParts {
            target: target.clone(),
            memory: Memory::new(rules, lease_key, now),
            clock,
            shared_clock: None,
            presence: Arc::new(Mutex::new(presence)),
            listeners: Arc::default(),
            outbox: Arc::default(),
            commits: Arc::default(),
            watch: Arc::default(),
        };
        let away = parts.announce(client, now)?;
        if clock == Clock::Requests {
            // Their time also passes where nobody asks.
            ignore_poison(parts.presence.lock()).ignore_outages();
        }
        let shared_clock = SharedClock::starting_at(parts.memory.now);
        if clock == Clock::Database {
            parts.shared_clock = Some(shared_clock.clone());
        }
        let opening = Opening {
            clock: shared_clock,
            away,
        };
        let own = format!("{:032x}", u128::from_be_bytes(id));
        let notices = Notices::start(&parts.target, own, &parts.outbox, &parts.listeners)?;
        let store = Self {
            requests: WriterThread::start(&parts, Role::Requests)?,
            catalogue: WriterThread::start(&parts, Role::Catalogue)?,
            readers: ReadPool::new(target, Arc::clone(&parts.watch)),
            contact: LastContact::now(),
            id,
            lead: parts.memory.lead,
            listeners: parts.listeners,
            outbox: parts.outbox,
            notices,
            commits: parts.commits,
            watch: parts.watch,
            rules,
            clock,
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

    /// Ends what is left of a cancelled plan, a bounded number of executions in each transaction.
    async fn end_cancelled(&self, plan: PlanId, now: Timestamp) -> Result<(), StoreError> {
        while self
            .write(Needs::of_plan(plan, now), move |context| {
                cancel::end_more(context, plan)
            })
            .await?
        {}
        Ok(())
    }

    fn write<T: Send + 'static>(
        &self,
        needs: Needs,
        work: impl FnMut(&mut WriteContext<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<'_, T> {
        let writer = if needs.is_alone {
            &self.catalogue
        } else {
            &self.requests
        };
        Box::pin(async move {
            let answer = writer.queue.push(needs, work)?;
            answer.await.unwrap_or_else(|_gone| {
                Err(StoreError::Broken("BUG: the writer is gone".to_owned()))
            })
        })
    }
}

impl ReadRows for PostgresStore {
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn PageReads) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(self.readers.read(work))
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

    fn note_worker_job(
        &self,
        plan: PlanId,
        worker: String,
        url: String,
        now: Timestamp,
    ) -> Reply<'_, ()> {
        self.write(Needs::of_catalogue(now), move |context| {
            plans::note_worker_job(context, plan, &worker, &url)
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

    fn reset_many(
        &self,
        plan: PlanId,
        entries: Vec<Reset>,
        now: Timestamp,
    ) -> Reply<'_, EntryAnswers> {
        let executions = entries.iter().map(|entry| entry.execution);
        let needs = Needs::of_executions(plan, executions, now);
        self.write(needs, move |context| {
            entry_list::reset(context, plan, &entries)
        })
    }

    fn cancel(&self, request: CancelPlan, now: Timestamp) -> Reply<'_, CancelledPlan> {
        Box::pin(async move {
            let plan = request.plan;
            let needs = Needs::of_plan(plan, now);
            let found = self.write(needs, move |context| cancel::begin(context, &request));
            let found = found.await?;
            if found.is_ending {
                self.end_cancelled(plan, now).await?;
            }
            Ok(found)
        })
    }

    fn revoke(&self, request: Revoke, now: Timestamp) -> Reply<'_, ()> {
        let needs = Needs::of_executions(request.plan, [request.execution], now);
        self.write(needs, move |context| revoke::revoke(context, &request))
    }

    fn record_action(&self, action: NewAction, now: Timestamp) -> Reply<'_, ()> {
        self.write(Needs::of_catalogue(now), move |context| {
            audit::record(context, &action)
        })
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

    fn outage(&self) -> Option<Outage> {
        self.watch.outage().or_else(|| self.contact.silence())
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
        let swept = self.write(Needs::of_sweep(now), |context| {
            let now = context.now();
            if context.memory.prune_at <= now {
                context.rows.prune_keys(now)?;
                context.memory.prune_at = now.plus(PRUNE_EVERY);
            }
            Ok(())
        });
        Box::pin(async move {
            swept.await?;
            self.contact.note();
            for plan in self.read(|rows| rows.cancelling_plans()).await? {
                self.end_cancelled(plan, now).await?;
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
        let (id, outbox) = (self.id, Arc::clone(&self.outbox));
        Box::pin(self.readers.call(move |client| {
            let others = share_workers(client, id, &own, now)?;
            outbox.set_readers(!others.is_empty());
            Ok(others.into_iter().flatten().collect())
        }))
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.catalogue.close().await;
            self.requests.close().await;
            self.notices.stop();
            self.readers.close();
            Ok(())
        })
    }
}
