//! Two replicas on one PostgreSQL database that work on one plan at the same time.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use testplan::{
    clock::wall,
    model::{Capabilities, ExecutionId, ExecutionState, PlanId, TestVerdict},
    store::{Reservation, Reserve, Rules, Store as _, postgres::PostgresStore},
};

use super::world::{Schema, caps, has_postgres, request_for, result_of, said, template};

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
    for store in &stores {
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
