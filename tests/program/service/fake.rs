//! A store in memory that is good enough to answer, can be held at named points, and can be broken.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use testplan::{
    model::{
        Capabilities, Capability, Execution, ExecutionId, ExecutionState, LabelCase, LeaseToken,
        NewSquishServer, Outcome, Plan, PlanId, PlanKind, PlanStatus, SquishServer,
        SquishServerChange, SquishServerId, Test, TestId, Timestamp,
    },
    store::{
        Event, ExecutePlan, Finish, Granted, Heartbeat, Import, NewImport, Page, PlanQuery,
        PlanStanding, PlanTests, Refusal, RefusalCode, Reply, Reservation, Reserve, Reset, Store,
        StoreError, TemplateDefinition, TemplateDifference,
    },
};
use tokio::sync::watch;

/// The lease that the fake gives out.
pub(super) const LEASE: &str = "lease-of-the-fake-0123456789";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Broken,
    Busy,
    Panic,
}

#[derive(Debug)]
pub(super) struct Fake {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
    /// Names of the points that calls came by.
    trace: watch::Sender<Vec<&'static str>>,
    held: watch::Sender<HashMap<&'static str, bool>>,
    fault: Mutex<Option<Fault>>,
}

#[derive(Debug, Default)]
struct State {
    plans: BTreeMap<PlanId, Plan>,
    executions: BTreeMap<ExecutionId, (PlanId, Execution, Timestamp)>,
    servers: BTreeMap<SquishServerId, SquishServer>,
    finished: Vec<Finish>,
    reserved: Vec<Reserve>,
    started: Vec<ExecutePlan>,
    imports: Vec<Import>,
    /// Unknown ids mean plan 105 and its executions.
    any_id: bool,
}

fn refuse<T>(code: RefusalCode, message: &str) -> Result<T, StoreError> {
    let message = message.to_owned();
    Err(Refusal { code, message }.into())
}

fn labels(pairs: &[(&str, &str)]) -> Capabilities {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| Capability::new(*key, *value))
        .collect()
}

impl Fake {
    /// As the vendor's page has it: template 64, the next plan is 105, the next execution 3339, Squish servers 1 and 2.
    pub(super) fn of_the_page() -> Arc<Self> {
        let mut state = State::default();
        let template = |id, title: &str| Plan {
            id: PlanId(id),
            kind: PlanKind::Template,
            project: "MyProject".into(),
            title: title.into(),
            description: String::new(),
            batch: String::new(),
            tags: Vec::new(),
            repositories: Vec::new(),
            planned: None,
            server_time: Timestamp(0),
            passes: 0,
            failed: 0,
            skipped: 0,
            count: 0,
        };
        state
            .plans
            .insert(PlanId(64), template(64, "CI-Tests-master"));
        let server = |id, host: &str, port: &str, enabled, offers: &[_]| SquishServer {
            id: SquishServerId(id),
            enabled,
            host: host.into(),
            port: port.into(),
            labels: labels(offers),
            busy_with: None,
            busy_test: None,
            cooling: None,
        };
        for server in [
            server(
                1,
                "127.0.0.1",
                "4322",
                true,
                &[("OS", "Linux"), ("browser", "Chrome")],
            ),
            server(
                2,
                "192.168.1.100",
                "4323",
                false,
                &[("OS", "Windows"), ("browser", "firefox")],
            ),
        ] {
            state.servers.insert(server.id, server);
        }
        Arc::new(Self {
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
            trace: watch::Sender::default(),
            held: watch::Sender::default(),
            fault: Mutex::new(None),
        })
    }

    /// With plan 105 started: execution 3339 requires Linux and chrome, 3340 Windows.
    pub(super) fn with_plan() -> Arc<Self> {
        let fake = Self::of_the_page();
        fake.state.lock().unwrap().start(ExecutePlan {
            template: PlanId(64),
            title: "Nightly Regression Run".into(),
            batch: "Nightly_Tests_2025".into(),
            planned: None,
            repositories: Vec::new(),
            tests: None,
            discovery: None,
            principal: "ci".into(),
            key: None,
        });
        fake
    }

    /// The same where every unknown id means this plan and its executions.
    pub(super) fn with_any_id() -> Arc<Self> {
        let fake = Self::with_plan();
        fake.state.lock().unwrap().any_id = true;
        fake
    }

    /// With the plan, and execution 3339 reserved until `deadline`.
    pub(super) fn with_reservation(deadline: Timestamp) -> Arc<Self> {
        let fake = Self::with_plan();
        fake.reserve_first(deadline);
        fake
    }

    pub(super) fn reserve_first(&self, deadline: Timestamp) {
        let mut state = self.state.lock().unwrap();
        let (_, execution, until) = state.executions.get_mut(&ExecutionId(3339)).unwrap();
        (execution.state, execution.attempts, *until) = (ExecutionState::Reserved, 1, deadline);
    }

    /// Sets the state of an execution as somebody else's call would, and tells.
    pub(super) fn set(&self, execution: i64, state: ExecutionState) {
        self.set_silently(execution, state);
        self.changes.send_modify(|version| *version += 1);
    }

    pub(super) fn set_silently(&self, execution: i64, state: ExecutionState) {
        let mut all = self.state.lock().unwrap();
        all.executions
            .get_mut(&ExecutionId(execution))
            .unwrap()
            .1
            .state = state;
    }

    pub(super) fn finished(&self) -> Vec<Finish> {
        self.state.lock().unwrap().finished.clone()
    }

    pub(super) fn reserved(&self) -> Vec<Reserve> {
        self.state.lock().unwrap().reserved.clone()
    }

    pub(super) fn started(&self) -> Vec<ExecutePlan> {
        self.state.lock().unwrap().started.clone()
    }

    pub(super) fn fail(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Calls stop at a point from now on: `finish` before it is done, `finish answered` after.
    pub(super) fn hold(&self, point: &'static str) {
        self.held.send_modify(|held| {
            held.insert(point, true);
        });
    }

    pub(super) fn release(&self, point: &'static str) {
        self.held.send_modify(|held| {
            held.remove(point);
        });
    }

    /// Waits until calls came by a point `times` times in all.
    pub(super) async fn reached(&self, point: &str, times: usize) {
        let came = |trace: &Vec<&str>| trace.iter().filter(|name| **name == point).count();
        let mut trace = self.trace.subscribe();
        super::support::soon(trace.wait_for(|trace| came(trace) >= times))
            .await
            .unwrap();
    }

    pub(super) fn trace(&self) -> Vec<&'static str> {
        self.trace.borrow().clone()
    }

    async fn pass(&self, point: &'static str) {
        self.trace.send_modify(|trace| trace.push(point));
        let mut held = self.held.subscribe();
        held.wait_for(|held| !held.contains_key(point))
            .await
            .unwrap();
    }

    fn reply<'a, T: Send + 'a>(
        &'a self,
        points: (&'static str, &'static str),
        tell: bool,
        answer: impl FnOnce(&mut State) -> Result<T, StoreError> + Send + 'a,
    ) -> Reply<'a, T> {
        Box::pin(async move {
            self.pass(points.0).await;
            let fault = *self.fault.lock().unwrap();
            match fault {
                Some(Fault::Broken) => return Err(StoreError::Broken("disk on fire".into())),
                Some(Fault::Busy) => return Err(StoreError::Busy),
                Some(Fault::Panic) => panic!("the fake was told to panic"),
                None => {}
            }
            let answer = answer(&mut self.state.lock().unwrap());
            if tell && answer.is_ok() {
                self.changes.send_modify(|version| *version += 1);
            }
            self.pass(points.1).await;
            answer
        })
    }
}

impl State {
    fn start(&mut self, request: ExecutePlan) -> Plan {
        let id = PlanId(
            self.plans
                .keys()
                .last()
                .map_or(105, |id| (id.0 + 1).max(105)),
        );
        let plan = Plan {
            id,
            kind: PlanKind::Instance,
            title: request.title.clone(),
            batch: request.batch.clone(),
            planned: request.planned,
            repositories: request.repositories.clone(),
            count: 2,
            ..self.plans[&PlanId(64)].clone()
        };
        self.started.push(request);
        self.plans.insert(id, plan.clone());
        let first = self.executions.keys().last().map_or(3339, |id| id.0 + 1);
        let needs = [
            &[("OS", "Linux"), ("browser", "chrome")][..],
            &[("OS", "Windows")],
        ];
        for (number, required) in (first..).zip(needs) {
            let execution = Execution {
                id: ExecutionId(number),
                test: Test {
                    suite: "suite_example".into(),
                    testcase: "tst_example".into(),
                },
                test_id: TestId(508_832),
                required: labels(required),
                state: ExecutionState::Open,
                attempts: 0,
                generation: 0,
                outcome: None,
                duration_ms: None,
            };
            let row = (id, execution, Timestamp(0));
            self.executions.insert(ExecutionId(number), row);
        }
        plan
    }

    fn plan(&self, id: PlanId, now: Timestamp) -> Result<Plan, StoreError> {
        let stand_in = self.any_id && !self.plans.contains_key(&id);
        let id = if stand_in { PlanId(105) } else { id };
        let Some(plan) = self.plans.get(&id) else {
            return refuse(RefusalCode::Unknown, "no such plan");
        };
        let server_time = now;
        Ok(Plan {
            server_time,
            ..plan.clone()
        })
    }

    fn execution(
        &mut self,
        id: ExecutionId,
    ) -> Result<(&mut Execution, &mut Timestamp), StoreError> {
        let stand_in = self.any_id && !self.executions.contains_key(&id);
        let id = if stand_in {
            ExecutionId(3339 + (id.0 & 1))
        } else {
            id
        };
        match self.executions.get_mut(&id) {
            Some((_, execution, until)) => Ok((execution, until)),
            None => refuse(RefusalCode::Unknown, "no such execution"),
        }
    }

    fn of(&self, plan: PlanId) -> impl Iterator<Item = &(PlanId, Execution, Timestamp)> {
        self.executions.values().filter(move |row| row.0 == plan)
    }

    fn expire(&mut self, now: Timestamp) {
        for (_, execution, until) in self.executions.values_mut() {
            if execution.state == ExecutionState::Reserved && *until <= now {
                execution.state = ExecutionState::Open;
            }
        }
    }

    fn reserve(&mut self, request: Reserve, now: Timestamp) -> Result<Reservation, StoreError> {
        let plan = self.plan(request.plan, now)?;
        self.expire(now);
        let fits = |execution: &Execution| {
            request
                .offered
                .covers(&execution.required, LabelCase::Folded)
        };
        let pending = |states: &[ExecutionState]| {
            let of = self.of(plan.id);
            of.filter(|row| fits(&row.1) && states.contains(&row.1.state))
                .count() as u64
        };
        let open = self.of(plan.id);
        let open = open
            .map(|row| &row.1)
            .find(|it| fits(it) && it.state == ExecutionState::Open);
        let Some(id) = open.map(|execution| execution.id) else {
            let pending = pending(&[ExecutionState::Reserved]);
            return Ok(Reservation::NoExecution { pending });
        };
        let mut server = None;
        if request.allocate_server {
            let free = self.servers.values().find(|server| {
                server.enabled && server.labels.covers(&request.offered, LabelCase::Folded)
            });
            let Some(free) = free else {
                let pending = pending(&[ExecutionState::Open, ExecutionState::Reserved]);
                return Ok(Reservation::NoServer { pending });
            };
            server = Some(free.clone());
        }
        let deadline = now.plus(request.timeout);
        let (execution, until) = self.execution(id)?;
        (execution.state, *until) = (ExecutionState::Reserved, deadline);
        execution.attempts += 1;
        let granted = Granted {
            execution: id,
            project: plan.project,
            batch: plan.batch,
            test: execution.test.clone(),
            test_id: execution.test_id,
            required: execution.required.clone(),
            attempt: execution.attempts,
            lease: LeaseToken::new(LEASE),
            deadline,
            timeout: request.timeout,
            server,
        };
        self.reserved.push(request);
        Ok(Reservation::Granted(Box::new(granted)))
    }
}

impl Store for Fake {
    fn publish(&self, _: Vec<TemplateDefinition>, _: Timestamp) -> Reply<'_, Vec<PlanId>> {
        self.reply(("publish", "published"), true, |state| {
            Ok(state.plans.keys().copied().collect())
        })
    }

    fn publish_templates(
        &self,
        _: Vec<TemplateDefinition>,
        _: bool,
        _: Timestamp,
    ) -> Reply<'_, Vec<TemplateDifference>> {
        self.reply(("publish", "published"), true, |_| Ok(Vec::new()))
    }

    fn register_servers(&self, _: Vec<NewSquishServer>, _: Timestamp) -> Reply<'_, ()> {
        self.reply(("register", "registered"), true, |_| Ok(()))
    }

    fn find_plan(&self, query: PlanQuery, now: Timestamp) -> Reply<'_, Plan> {
        self.reply(("find", "found"), false, move |state| {
            let mut plans = state.plans.values().rev();
            let found = plans.find(|plan| {
                (&plan.project, &plan.title, plan.kind)
                    == (&query.project, &query.title, query.kind)
            });
            let Some(found) = found else {
                return refuse(RefusalCode::Unknown, "no such title; near: CI-Tests-master");
            };
            state.plan(found.id, now)
        })
    }

    fn plan(&self, id: PlanId, now: Timestamp) -> Reply<'_, Plan> {
        self.reply(("plan", "plan answered"), false, move |state| {
            state.plan(id, now)
        })
    }

    fn execute_plan(&self, request: ExecutePlan, now: Timestamp) -> Reply<'_, Plan> {
        self.reply(("execute", "executed"), true, move |state| {
            state.plan(request.template, now)?;
            let plan = state.start(request);
            state.plan(plan.id, now)
        })
    }

    fn plan_tests(&self, plan: PlanId, now: Timestamp) -> Reply<'_, PlanTests> {
        self.reply(("plan tests", "plan tests answered"), false, move |state| {
            state.plan(plan, now).map(|_| PlanTests::default())
        })
    }

    fn status(&self, plan: PlanId, filter: Capabilities, now: Timestamp) -> Reply<'_, PlanStatus> {
        self.reply(("status", "status answered"), false, move |state| {
            let plan = state.plan(plan, now)?.id;
            state.expire(now);
            let mut counts = PlanStatus::default();
            for (_, execution, _) in state.of(plan) {
                if execution.required.covers(&filter, LabelCase::Folded) {
                    match execution.state {
                        ExecutionState::Open => counts.open += 1,
                        ExecutionState::Reserved => counts.reserved += 1,
                        ExecutionState::Done => counts.done += 1,
                    }
                }
            }
            Ok(counts)
        })
    }

    fn standing(&self, plan: PlanId, now: Timestamp) -> Reply<'_, PlanStanding> {
        self.reply(("standing", "standing answered"), false, move |state| {
            let plan = state.plan(plan, now)?;
            state.expire(now);
            let mut needs: BTreeMap<Capabilities, PlanStatus> = BTreeMap::new();
            for (_, execution, _) in state.of(plan.id) {
                let counts = needs.entry(execution.required.clone()).or_default();
                match execution.state {
                    ExecutionState::Open => counts.open += 1,
                    ExecutionState::Reserved => counts.reserved += 1,
                    ExecutionState::Done => counts.done += 1,
                }
            }
            let squish_servers = state.servers.values();
            Ok(PlanStanding {
                due: plan.planned.filter(|due| now < *due),
                needs: needs.into_iter().collect(),
                squish_servers: squish_servers.cloned().collect(),
                label_case: LabelCase::Folded,
            })
        })
    }

    fn reserve(&self, request: Reserve, now: Timestamp) -> Reply<'_, Reservation> {
        self.reply(("reserve", "reserve answered"), false, move |state| {
            state.reserve(request, now)
        })
    }

    fn heartbeat(&self, request: Heartbeat, now: Timestamp) -> Reply<'_, ()> {
        self.reply(("heartbeat", "heartbeat answered"), false, move |state| {
            let (execution, until) = state.execution(request.execution)?;
            if execution.state != ExecutionState::Reserved {
                return refuse(RefusalCode::NotReserved, "not reserved");
            }
            *until = now.plus(request.timeout);
            if request.release {
                execution.state = ExecutionState::Open;
            }
            Ok(())
        })
    }

    fn finish(&self, request: Finish, _: Timestamp) -> Reply<'_, ()> {
        self.reply(("finish", "finish answered"), true, move |state| {
            let (execution, _) = state.execution(request.execution)?;
            if execution.state == ExecutionState::Open {
                return refuse(RefusalCode::CannotFinish, "never reserved");
            }
            execution.state = ExecutionState::Done;
            execution.outcome = Some(if request.message.is_empty() {
                Outcome::Completed {
                    result: request.result,
                }
            } else {
                Outcome::ExecutionError {
                    message: request.message.clone(),
                    details: request.details.clone(),
                }
            });
            state.finished.push(request);
            Ok(())
        })
    }

    fn reset(&self, request: Reset, _: Timestamp) -> Reply<'_, ()> {
        self.reply(("reset", "reset answered"), true, move |state| {
            let (execution, _) = state.execution(request.execution)?;
            if execution.state != ExecutionState::Done {
                return refuse(RefusalCode::InProgress, "in progress");
            }
            execution.state = ExecutionState::Open;
            execution.generation += 1;
            execution.outcome = None;
            Ok(())
        })
    }

    fn import(&self, import: NewImport, now: Timestamp) -> Reply<'_, Import> {
        self.reply(("import", "imported"), true, move |state| {
            let import = Import {
                id: i64::try_from(state.imports.len()).unwrap() + 1,
                project: import.project,
                batch: import.batch,
                labels: import.labels,
                folder: import.folder,
                files: import.files,
                cases: import.cases,
                at: now,
            };
            state.imports.push(import.clone());
            Ok(import)
        })
    }

    fn imports(
        &self,
        _: Option<String>,
        _: Option<String>,
        _: i64,
        _: u32,
    ) -> Reply<'_, Page<Import>> {
        self.reply(("imports", "imports answered"), false, |state| {
            Ok(Page {
                items: state.imports.clone(),
                next: None,
            })
        })
    }

    fn squish_servers(&self, _: Timestamp) -> Reply<'_, Vec<SquishServer>> {
        self.reply(("servers", "servers answered"), false, |state| {
            Ok(state.servers.values().cloned().collect())
        })
    }

    fn add_squish_server(&self, new: NewSquishServer, _: Timestamp) -> Reply<'_, SquishServer> {
        self.reply(("add", "added"), true, move |state| {
            let id = SquishServerId(state.servers.keys().last().map_or(1, |id| id.0 + 1));
            let server = SquishServer {
                id,
                enabled: new.enabled,
                host: new.host().to_owned(),
                port: new.port.to_string(),
                labels: new.labels,
                busy_with: None,
                busy_test: None,
                cooling: None,
            };
            state.servers.insert(id, server.clone());
            Ok(server)
        })
    }

    fn change_squish_server(
        &self,
        id: SquishServerId,
        change: SquishServerChange,
        _: Timestamp,
    ) -> Reply<'_, SquishServer> {
        self.reply(("change", "changed"), true, move |state| {
            let Some(server) = state.servers.get_mut(&id) else {
                return refuse(RefusalCode::Unknown, "no such Squish server");
            };
            server.host = change.host.unwrap_or(server.host.clone());
            server.port = change
                .port
                .map_or(server.port.clone(), |port| port.to_string());
            server.enabled = change.enabled.unwrap_or(server.enabled);
            server.labels = change.labels.unwrap_or(server.labels.clone());
            Ok(server.clone())
        })
    }

    fn remove_squish_server(&self, id: SquishServerId, _: Timestamp) -> Reply<'_, ()> {
        self.reply(("remove", "removed"), true, move |state| {
            match state.servers.remove(&id) {
                Some(_) => Ok(()),
                None => refuse(RefusalCode::Unknown, "no such Squish server"),
            }
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
        self.reply(("executions", "executions answered"), false, move |all| {
            let plan = all.plan(plan, now)?.id;
            let all = all.of(plan).map(|row| row.1.clone());
            let mut items: Vec<_> = all
                .filter(|it| it.id.0 > after && state.is_none_or(|state| it.state == state))
                .collect();
            let more = items.len() > limit as usize;
            items.truncate(limit as usize);
            let next = items.last().filter(|_| more).map(|last| last.id.0);
            Ok(Page { items, next })
        })
    }

    fn events(&self, plan: PlanId, after: i64, _: u32, now: Timestamp) -> Reply<'_, Page<Event>> {
        self.reply(("events", "events answered"), false, move |state| {
            state.plan(plan, now)?;
            let event = Event {
                id: 1,
                execution: ExecutionId(3339),
                attempt: 1,
                kind: "reserved".into(),
                at: now,
                principal: "ci".into(),
                detail: String::new(),
            };
            let items = if after < 1 { vec![event] } else { Vec::new() };
            Ok(Page { items, next: None })
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn next_deadline(&self, plan: PlanId, now: Timestamp) -> Reply<'_, Option<Timestamp>> {
        self.reply(("deadline", "deadline answered"), false, move |state| {
            let reserved = state.of(plan);
            let reserved = reserved.filter(|row| row.1.state == ExecutionState::Reserved);
            Ok(reserved.map(|row| row.2).filter(|until| *until > now).min())
        })
    }

    fn sweep(&self, _: Timestamp) -> Reply<'_, ()> {
        self.reply(("sweep", "swept"), false, |_| Ok(()))
    }

    fn compensate(&self, _: Timestamp, _: Duration, _: Timestamp) -> Reply<'_, ()> {
        self.reply(("compensate", "compensated"), false, |_| Ok(()))
    }

    fn close(&self) -> Reply<'_, ()> {
        self.reply(("close", "closed"), false, |_| Ok(()))
    }
}
