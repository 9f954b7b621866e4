//! Two replicas on one PostgreSQL database that work on one plan at the same time.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use testplan::{
    clock::{monotonic, wall},
    model::{Capabilities, ExecutionId, ExecutionState, PlanId, TestVerdict},
    store::{
        ChangeListener, Changes, Reservation, Reserve, Reset, Rules, Store as _,
        postgres::PostgresStore,
    },
};

use super::world::{
    Schema, caps, has_postgres, postgres_url, request_for, result_of, said, template,
};
use crate::pgbouncer::PgBouncer;

const EXECUTIONS: usize = 400;
/// Of each replica.
const CLIENTS: usize = 8;

fn wish(plan: PlanId, key: String) -> Reserve {
    Reserve {
        plan,
        offered: caps("OS=Linux"),
        timeout: Duration::from_secs(60),
        allocate_server: false,
        principal: "alice".to_owned(),
        worker: None,
        key: Some(key),
        batch: None,
    }
}

/// Reserves and finishes until nothing is left; returns what it got.
async fn work(store: Arc<PostgresStore>, plan: PlanId, name: String) -> Vec<ExecutionId> {
    let mut got = Vec::new();
    loop {
        let request = wish(plan, format!("{name}-{}", got.len()));
        match store.reserve(request, wall()).await.unwrap() {
            Reservation::Granted(granted) => {
                got.push(granted.execution);
                let result = result_of(&granted, said(TestVerdict::Passed, 1));
                store.finish(result, wall()).await.unwrap();
            }
            Reservation::NoExecution { .. } => return got,
            Reservation::NoServer { .. } => panic!("no server was asked for"),
        }
    }
}

/// Pages through the events of a plan while they come; returns how many it saw.
async fn read_events(store: Arc<PostgresStore>, plan: PlanId, is_over: Arc<AtomicBool>) -> usize {
    let (mut after, mut seen) = (0, 0);
    loop {
        let was_over = is_over.load(Ordering::Acquire);
        let page = store.events(plan, after, 50, wall()).await.unwrap();
        for event in &page.items {
            assert_eq!(event.id, after + 1, "an event was missed");
            after = event.id;
        }
        seen += page.items.len();
        if page.items.is_empty() && was_over {
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_work_on_one_plan_at_once_and_readers_miss_no_event() {
    if !has_postgres() {
        return;
    }
    let schema = Schema::create();
    let stores = [(); 2].map(|()| Arc::new(schema.open_by_its_clock(Rules::default())));
    share_a_plan(&stores).await;
}

/// Sixteen calls in flight share three sessions of a pooler, also with a replica that has sessions of its own.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_sessions_of_a_pooler() {
    if !has_postgres() {
        return;
    }
    let Some(pooler) = PgBouncer::start(&postgres_url(), 3) else {
        return;
    };
    let schema = Schema::create();
    let open = || schema.at(&pooler.url(&postgres_url()));
    share_a_plan(&[(); 2].map(|()| Arc::new(open()))).await;
    let direct = schema.open_by_its_clock(Rules::default());
    share_a_plan(&[Arc::new(open()), Arc::new(direct)]).await;
}

/// What a store reports.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<Changes>>);

impl ChangeListener for Heard {
    fn changed(&self, changes: &Changes) {
        self.0.lock().unwrap().push(changes.clone());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replica_hears_what_another_one_changed() {
    if !has_postgres() {
        return;
    }
    let schema = Schema::create();
    let [here, there] = [(); 2].map(|()| schema.open_by_its_clock(Rules::default()));
    let ids = here.publish(vec![template("t", &["OS=Linux"])], wall());
    let plan = here.execute_plan(request_for(ids.await.unwrap()[0]), wall());
    let plan = plan.await.unwrap().id;
    let heard = Arc::new(Heard::default());
    let listener: Weak<Heard> = Arc::downgrade(&heard);
    there.listen(listener);
    let is_done = |changes: &Changes| {
        let of_plan = changes.plans.get(&plan);
        of_plan.is_some_and(|it| it.drained.iter().any(|it| **it == caps("OS=Linux")))
    };
    let began = monotonic();
    let mut attempt = 0;
    loop {
        // As housekeeping does: a replica that knows of no other one says nothing.
        here.share_workers(vec![], wall()).await.unwrap();
        there.share_workers(vec![], wall()).await.unwrap();
        let key = format!("key-{attempt}");
        let Reservation::Granted(granted) = here.reserve(wish(plan, key), wall()).await.unwrap()
        else {
            panic!("it is open");
        };
        let result = result_of(&granted, said(TestVerdict::Passed, 1));
        here.finish(result, wall()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        if heard.0.lock().unwrap().iter().any(is_done) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{heard:?}");
        // Its connection for notices was not there yet.
        let reset = Reset {
            execution: granted.execution,
            generation: None,
            principal: "alice".to_owned(),
        };
        here.reset(reset, wall()).await.unwrap();
        attempt += 1;
    }
}

/// Clients of both replicas work on one plan, while its events are read.
async fn share_a_plan(stores: &[Arc<PostgresStore>; 2]) {
    let labels = vec!["OS=Linux"; EXECUTIONS];
    let ids = stores[0]
        .publish(vec![template("t", &labels)], wall())
        .await;
    let plan = stores[0].execute_plan(request_for(ids.unwrap()[0]), wall());
    let plan = plan.await.unwrap().id;
    let is_over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(read_events(
        Arc::clone(&stores[1]),
        plan,
        Arc::clone(&is_over),
    ));
    let got = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for (replica, store) in stores.iter().enumerate() {
        for client in 0..CLIENTS {
            let (store, got) = (Arc::clone(store), Arc::clone(&got));
            tasks.push(tokio::spawn(async move {
                let mine = work(store, plan, format!("{replica}-{client}")).await;
                got.lock().unwrap().extend(mine);
            }));
        }
    }
    for task in tasks {
        task.await.unwrap();
    }
    is_over.store(true, Ordering::Release);
    assert_eq!(reader.await.unwrap(), 2 * EXECUTIONS);
    let got = got.lock().unwrap().clone();
    let each: BTreeSet<_> = got.iter().collect();
    assert_eq!((got.len(), each.len()), (EXECUTIONS, EXECUTIONS));
    for store in stores {
        let status = store.status(plan, Capabilities::default(), wall());
        let status = status.await.unwrap();
        assert_eq!(
            (status.open, status.reserved, status.done),
            (0, 0, EXECUTIONS as u64)
        );
        assert!(store.commits() > 0, "both took part");
    }
    let listed = stores[0].executions(plan, Some(ExecutionState::Done), 0, 1_000, wall());
    let listed = listed.await.unwrap().items;
    assert!(listed.iter().all(|it| it.attempts == 1));
}
