//! [`Store`] for SQLite: what goes through the writer, and what a reader answers.

use std::time::Duration;

use tokio::sync::watch;

use super::{
    SqliteStore, desk::Desk, finish, heartbeat, imports, keys, lapse, listing, plans, reserve,
    reset, squish_servers, standing, templates, test_lists,
};
use crate::{
    model::{
        Capabilities, Execution, ExecutionState, NewSquishServer, Plan, PlanId, PlanStatus,
        SquishServer, SquishServerChange, SquishServerId, Timestamp,
    },
    store::{
        Event, ExecutePlan, Finish, Heartbeat, Import, NewImport, Page, PlanQuery, PlanStanding,
        PlanTests, Reply, Reservation, Reserve, Reset, Store, StoreError, TemplateDefinition,
        TemplateDifference,
    },
};

/// How often idempotency keys are looked through for old ones.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

impl SqliteStore {
    /// Has the writer do something at `now`, after leases that are over by then were noticed.
    fn write<T: Send + 'static>(
        &self,
        now: Timestamp,
        work: impl FnOnce(&mut Desk) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<'_, T> {
        self.send(move |desk| {
            desk.at(now)?;
            work(desk)
        })
    }

    fn send<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> Result<T, StoreError> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(async move {
            self.queue.put(work)?.await.unwrap_or_else(|_gone| {
                Err(StoreError::Broken("BUG: the writer is gone".to_owned()))
            })
        })
    }
}

impl Store for SqliteStore {
    fn publish(
        &self,
        templates: Vec<TemplateDefinition>,
        now: Timestamp,
    ) -> Reply<'_, Vec<PlanId>> {
        self.write(now, move |desk| templates::publish(desk, &templates))
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
        self.write(now, move |desk| {
            templates::publish_on_request(desk, &templates)
        })
    }

    fn register_servers(&self, servers: Vec<NewSquishServer>, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |desk| squish_servers::register(desk, &servers))
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
        self.write(now, move |desk| plans::execute(desk, &request))
    }

    fn plan_tests(&self, plan: PlanId, _now: Timestamp) -> Reply<'_, PlanTests> {
        Box::pin(self.readers.read(move |db| test_lists::of_plan(db, plan)))
    }

    fn status(&self, plan: PlanId, filter: Capabilities, now: Timestamp) -> Reply<'_, PlanStatus> {
        let case = self.rules.label_case;
        Box::pin(
            self.readers
                .read(move |db| listing::status(db, plan, &filter, case, now)),
        )
    }

    fn standing(&self, plan: PlanId, now: Timestamp) -> Reply<'_, PlanStanding> {
        let (case, rest) = (self.rules.label_case, self.rules.cool_down);
        Box::pin(
            self.readers
                .read(move |db| standing::standing(db, plan, case, rest, now)),
        )
    }

    fn reserve(&self, request: Reserve, now: Timestamp) -> Reply<'_, Reservation> {
        self.write(now, move |desk| reserve::reserve(desk, &request))
    }

    fn heartbeat(&self, request: Heartbeat, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |desk| heartbeat::heartbeat(desk, &request))
    }

    fn finish(&self, request: Finish, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |desk| finish::finish(desk, &request))
    }

    fn reset(&self, request: Reset, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |desk| reset::reset(desk, &request))
    }

    fn import(&self, import: NewImport, now: Timestamp) -> Reply<'_, Import> {
        self.write(now, move |desk| imports::take(desk, &import))
    }

    fn imports(
        &self,
        project: Option<String>,
        batch: Option<String>,
        after: i64,
        limit: u32,
    ) -> Reply<'_, Page<Import>> {
        Box::pin(self.readers.read(move |db| {
            imports::list(db, project.as_deref(), batch.as_deref(), (after, limit))
        }))
    }

    fn squish_servers(&self, now: Timestamp) -> Reply<'_, Vec<SquishServer>> {
        let rest = self.rules.cool_down;
        Box::pin(
            self.readers
                .read(move |db| squish_servers::list(db, rest, now)),
        )
    }

    fn add_squish_server(
        &self,
        server: NewSquishServer,
        now: Timestamp,
    ) -> Reply<'_, SquishServer> {
        self.write(now, move |desk| squish_servers::add(desk, &server))
    }

    fn change_squish_server(
        &self,
        id: SquishServerId,
        change: SquishServerChange,
        now: Timestamp,
    ) -> Reply<'_, SquishServer> {
        self.write(now, move |desk| squish_servers::change(desk, id, &change))
    }

    fn remove_squish_server(&self, id: SquishServerId, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |desk| squish_servers::remove(desk, id))
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
                .read(move |db| listing::executions(db, plan, state, (after, limit), now)),
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
                .read(move |db| listing::events(db, plan, after, limit)),
        )
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    fn next_deadline(&self, plan: PlanId, now: Timestamp) -> Reply<'_, Option<Timestamp>> {
        Box::pin(
            self.readers
                .read(move |db| listing::next_deadline(db, plan, now)),
        )
    }

    fn sweep(&self, now: Timestamp) -> Reply<'_, ()> {
        self.write(now, move |desk| {
            if desk.prune_at <= desk.now {
                keys::prune(desk)?;
                desk.prune_at = desk.now.plus(PRUNE_EVERY);
            }
            Ok(())
        })
    }

    fn compensate(&self, since: Timestamp, span: Duration, now: Timestamp) -> Reply<'_, ()> {
        // Before anything is noticed as over: it is not.
        self.send(move |desk| {
            desk.advance(now);
            lapse::extend(desk, since, |_| span)?;
            lapse::notice(desk)
        })
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.readers.close().await;
            self.queue.close();
            // An error means that the writer is gone without a word: then it is over all the same.
            let _ = self.ended.clone().wait_for(|ended| *ended).await;
            Ok(())
        })
    }
}
