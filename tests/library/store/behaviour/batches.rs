//! Several executions at once: one reservation, one list of heartbeats, one list of results.

use std::time::Duration;

use testplan::{
    model::{ExecutionId, TestVerdict},
    store::{
        BatchRequest, EntryAnswers, Finish, Granted, Heartbeat, RefusalCode, Reservation, Reserve,
        Rules,
    },
};

use crate::store::world::{Fresh, World, refused, result_of, said};

type Make = fn(Rules) -> Fresh;

const LINUX: &str = "OS=Linux";

fn many(max: u32, wish: Reserve) -> Reserve {
    Reserve {
        batch: Some(BatchRequest { max, work: None }),
        ..wish
    }
}

fn by(worker: &str, wish: Reserve) -> Reserve {
    Reserve {
        worker: Some(worker.to_owned()),
        ..wish
    }
}

fn all(mut granted: Granted) -> Vec<Granted> {
    let more = std::mem::take(&mut granted.more);
    std::iter::once(granted).chain(more).collect()
}

async fn take(world: &World, wish: Reserve) -> Vec<Granted> {
    all(world.reserve(wish).await)
}

fn tests(granted: &[Granted]) -> Vec<&str> {
    let tests = granted.iter();
    tests.map(|it| it.test.testcase.as_str()).collect()
}

fn codes(answers: EntryAnswers) -> Vec<Option<RefusalCode>> {
    let answers = answers.into_iter();
    answers.map(|it| it.err().map(|it| it.code)).collect()
}

fn renewal(of: &Granted, ms: u64) -> Heartbeat {
    Heartbeat {
        execution: of.execution,
        timeout: Duration::from_millis(ms),
        lease: Some(of.lease.clone()),
        release: false,
        server_trouble: None,
        principal: "alice".to_owned(),
    }
}

/// A plan whose tests took these milliseconds before.
async fn known(make: Make, durations: &[u64]) -> World {
    let labels = vec![""; durations.len()];
    let mut world = World::new(make, &labels).await;
    for duration in durations {
        let granted = world.take().await;
        world
            .finish(result_of(&granted, said(TestVerdict::Passed, *duration)))
            .await
            .unwrap();
    }
    world.plan = world.start("template", &labels).await.id;
    world
}

pub(crate) async fn batch_has_a_lease_for_each_execution(make: Make) {
    let world = World::new(make, &["", LINUX, "", "OS=mac", ""]).await;
    let batch = take(&world, many(3, world.wish(LINUX))).await;
    assert_eq!(tests(&batch), ["t2", "t1", "t3"], "in the usual order");
    for granted in &batch {
        assert_eq!(granted.attempt, 1);
        assert_eq!(granted.deadline, world.now().plus(Duration::from_secs(10)));
        assert_eq!(granted.expected, None, "no earlier run is known");
    }
    assert_ne!(batch[0].lease, batch[1].lease);
    assert_eq!(world.counts().await, (2, 3, 0));
    world.release(&batch[1]).await.unwrap();
    world.pass_it(&batch[2]).await.unwrap();
    assert_eq!(
        world.counts().await,
        (3, 1, 1),
        "each lease ends on its own"
    );
    let rest = take(&world, many(9, world.wish(LINUX))).await;
    assert_eq!(tests(&rest), ["t1", "t5"]);
    let none = world.try_reserve(many(9, world.wish(LINUX))).await.unwrap();
    assert_eq!(none, Reservation::NoExecution { pending: 3 });
}

pub(crate) async fn batch_ends_at_the_wanted_work(make: Make) {
    let world = known(make, &[700, 50, 300, 250, 200]).await;
    let work = |ms| {
        let mut wish = many(9, world.wish(""));
        wish.batch.as_mut().unwrap().work = Some(Duration::from_millis(ms));
        wish
    };
    let batch = take(&world, work(600)).await;
    assert_eq!(tests(&batch), ["t1"], "longer than the wanted work");
    assert_eq!(batch[0].expected, Some(Duration::from_millis(700)));
    let batch = take(&world, work(600)).await;
    assert_eq!(tests(&batch), ["t3", "t4"], "750 ms would be too much");
    assert_eq!(batch[1].expected, Some(Duration::from_millis(250)));
    assert_eq!(tests(&take(&world, work(600)).await), ["t5", "t2"]);
}

pub(crate) async fn single_reservations_have_no_prediction(make: Make) {
    let world = known(make, &[700, 50]).await;
    let granted = world.take().await;
    assert_eq!((granted.expected, granted.more), (None, vec![]));
}

pub(crate) async fn batch_with_a_squish_server_is_one(make: Make) {
    let world = World::new(make, &["", ""]).await;
    world.squish_server(4322, LINUX).await;
    world.squish_server(4323, LINUX).await;
    let batch = take(&world, many(2, world.wish_with_server())).await;
    assert_eq!(tests(&batch), ["t1"]);
    assert!(batch[0].server.is_some());
    assert_eq!(world.counts().await, (1, 1, 0));
}

pub(crate) async fn batch_sizes_are_limited(make: Make) {
    let labels = vec![""; 1_001];
    let world = World::new(make, &labels).await;
    for max in [0, 1_001, u32::MAX] {
        let answer = world.try_reserve(many(max, world.wish(""))).await;
        assert_eq!(refused(answer), RefusalCode::Malformed);
    }
    assert_eq!(take(&world, many(1_000, world.wish(""))).await.len(), 1_000);
    let beat = |_| renewal_of_nothing();
    for count in [0, 1_001] {
        let list = (0..count).map(beat).collect();
        let answer = world.store.heartbeat_many(world.plan, list, world.now());
        assert_eq!(refused(answer.await), RefusalCode::Malformed);
    }
}

fn renewal_of_nothing() -> Heartbeat {
    Heartbeat {
        execution: ExecutionId(1),
        timeout: Duration::from_secs(1),
        lease: None,
        release: false,
        server_trouble: None,
        principal: "alice".to_owned(),
    }
}

pub(crate) async fn repeated_batch_has_the_same_leases(make: Make) {
    let world = World::new(make, &["", "", "", ""]).await;
    let wish = Reserve {
        key: Some("key".to_owned()),
        ..many(3, world.wish(""))
    };
    let batch = take(&world, wish.clone()).await;
    assert_eq!(take(&world, wish.clone()).await, batch);
    let other = Reserve {
        batch: None,
        ..wish.clone()
    };
    assert_eq!(
        refused(world.try_reserve(other).await),
        RefusalCode::KeyReused
    );
    // What ended meanwhile is not handed out a second time under the key.
    world.pass_it(&batch[0]).await.unwrap();
    assert_eq!(take(&world, wish.clone()).await, batch[1..]);
    // Leases that live on keep their key when old keys are deleted.
    world.beat(&batch[2], 3_600_000).await.unwrap();
    world.pass(120_000);
    world.store.sweep(world.now()).await.unwrap();
    let again = take(&world, wish).await;
    assert_eq!(tests(&again), ["t3"]);
    assert_eq!(again[0].lease, batch[2].lease);
}

pub(crate) async fn batch_leaves_out_what_the_worker_lost(make: Make) {
    let world = World::new(make, &["", "", "", ""]).await;
    let lost = take(&world, by("w1", many(2, world.wish("")))).await;
    assert_eq!(tests(&lost), ["t1", "t2"]);
    world.pass(10_000);
    let batch = take(&world, by("w1", many(9, world.wish("")))).await;
    assert_eq!(tests(&batch), ["t3", "t4"], "others first");
    let batch = take(&world, by("w1", many(9, world.wish("")))).await;
    assert_eq!(tests(&batch), ["t1", "t2"], "nothing else is left");
    assert_eq!(batch[0].attempt, 2);
}

pub(crate) async fn list_of_heartbeats_answers_each_entry(make: Make) {
    let world = World::new(make, &["", "", "", ""]).await;
    let batch = take(&world, many(4, world.wish(""))).await;
    world.pass_it(&batch[1]).await.unwrap();
    world.release(&batch[2]).await.unwrap();
    let other = world.take_from_another_plan().await;
    let release = Heartbeat {
        release: true,
        ..renewal(&batch[3], 1)
    };
    let list = vec![
        renewal(&batch[0], 60_000),
        renewal(&batch[1], 60_000),
        renewal(&batch[2], 60_000),
        renewal(&other, 60_000),
        release.clone(),
        renewal(&batch[3], 60_000),
    ];
    let answers = world.store.heartbeat_many(world.plan, list, world.now());
    assert_eq!(
        codes(answers.await.unwrap()),
        [
            None,
            None,
            Some(RefusalCode::ReservationLost),
            Some(RefusalCode::Unknown),
            None,
            Some(RefusalCode::ReservationLost),
        ]
    );
    assert_eq!(world.counts().await, (2, 1, 1));
    world.pass(59_999);
    assert_eq!(world.counts().await, (2, 1, 1), "the first was renewed");
    let unknown = world
        .store
        .heartbeat_many(testplan::model::PlanId(99), vec![release], world.now())
        .await;
    assert_eq!(refused(unknown), RefusalCode::Unknown);
}

pub(crate) async fn list_of_results_counts_each_entry(make: Make) {
    let world = World::new(make, &["", "", ""]).await;
    let batch = take(&world, many(3, world.wish(""))).await;
    let passed = |of| result_of(of, said(TestVerdict::Passed, 5));
    let other = world.take_from_another_plan().await;
    let could_not_run = Finish {
        message: "broke".to_owned(),
        result: None,
        ..passed(&batch[2])
    };
    let list = vec![
        passed(&batch[0]),
        passed(&batch[0]),
        result_of(&batch[0], said(TestVerdict::Failed, 5)),
        passed(&other),
        result_of(&batch[1], said(TestVerdict::Failed, 5)),
        could_not_run,
    ];
    let expected = [
        None,
        None,
        Some(RefusalCode::OtherResult),
        Some(RefusalCode::Unknown),
        None,
        None,
    ];
    for _ in 0..2 {
        let answers = world
            .store
            .finish_many(world.plan, list.clone(), world.now());
        assert_eq!(codes(answers.await.unwrap()), expected, "also repeated");
    }
    assert_eq!(world.counts().await, (0, 0, 3));
    let plan = world.store.plan(world.plan, world.now()).await.unwrap();
    assert_eq!((plan.passes, plan.failed), (1, 1));
}
