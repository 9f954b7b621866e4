//! Reads inside a transaction: by the connection, after everything before is written.

use std::time::Duration;

use super::PostgresRows;
use crate::{
    clock::ClockLead,
    model::{
        Capabilities, Execution, ExecutionState, Plan, PlanId, PlanKind, SquishServer,
        TestListDigest, Timestamp,
    },
    store::{
        Action, Deadline, Event, Import, PlanQuery, StoreError, TemplateDefinition,
        rows::{
            AuditReads, ExecutionPages, ImportReads, PlanReads, ServerReads, TemplateReads,
            TemplateRow, TestKey,
        },
    },
};

impl PlanReads for PostgresRows {
    fn plan_as_started(&mut self, id: PlanId) -> Result<Option<Plan>, StoreError> {
        self.client.plan_as_started(id)
    }

    fn plan_totals(&mut self, id: PlanId) -> Result<[u64; 3], StoreError> {
        self.written()?.plan_totals(id)
    }

    fn plan_kind(&mut self, id: PlanId) -> Result<Option<PlanKind>, StoreError> {
        self.client.plan_kind(id)
    }

    fn newest_plan(&mut self, query: &PlanQuery) -> Result<Option<PlanId>, StoreError> {
        self.client.newest_plan(query)
    }

    fn plan_titles(
        &mut self,
        kind: PlanKind,
        project: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        self.client.plan_titles(kind, project, limit)
    }

    fn projects(&mut self, limit: u32) -> Result<Vec<String>, StoreError> {
        self.client.projects(limit)
    }

    fn requested_tests(
        &mut self,
        id: PlanId,
    ) -> Result<(Option<TestListDigest>, Option<String>), StoreError> {
        self.client.requested_tests(id)
    }

    fn cancelling_plans(&mut self) -> Result<Vec<PlanId>, StoreError> {
        self.client.cancelling_plans()
    }

    fn planned_time(&mut self, id: PlanId) -> Result<Option<Timestamp>, StoreError> {
        self.client.planned_time(id)
    }

    fn label_set(&mut self, set: i64) -> Result<Capabilities, StoreError> {
        self.client.label_set(set)
    }
}

impl TemplateReads for PostgresRows {
    fn template(
        &mut self,
        template: &TemplateDefinition,
    ) -> Result<Option<TemplateRow>, StoreError> {
        self.client.template(template)
    }

    fn published_tests(&mut self, template: PlanId) -> Result<Vec<TestKey>, StoreError> {
        self.client.published_tests(template)
    }
}

impl ServerReads for PostgresRows {
    fn servers(
        &mut self,
        cool_down: Duration,
        now: Timestamp,
    ) -> Result<Vec<SquishServer>, StoreError> {
        self.written()?.servers(cool_down, now)
    }
}

impl AuditReads for PostgresRows {
    fn actions(&mut self, before: i64, limit: u32) -> Result<Vec<Action>, StoreError> {
        self.client.actions(before, limit)
    }
}

impl ImportReads for PostgresRows {
    fn import(&mut self, id: i64) -> Result<Option<Import>, StoreError> {
        self.client.import(id)
    }

    fn imports(
        &mut self,
        project: Option<&str>,
        batch: Option<&str>,
        page: (i64, u32),
    ) -> Result<Vec<Import>, StoreError> {
        self.client.imports(project, batch, page)
    }
}

impl ExecutionPages for PostgresRows {
    fn executions(
        &mut self,
        plan: PlanId,
        state: Option<ExecutionState>,
        page: (i64, u32),
        now: Timestamp,
    ) -> Result<Vec<Execution>, StoreError> {
        self.written()?.executions(plan, state, page, now)
    }

    fn events(&mut self, plan: PlanId, page: (i64, u32)) -> Result<Vec<Event>, StoreError> {
        self.written()?.events(plan, page)
    }

    fn next_deadline(
        &mut self,
        plan: PlanId,
        now: Timestamp,
        lead: &ClockLead,
    ) -> Result<Option<Deadline>, StoreError> {
        self.written()?.next_deadline(plan, now, lead)
    }
}
