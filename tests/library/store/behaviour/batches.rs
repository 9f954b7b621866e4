//! Several executions at once: one reservation, one list of heartbeats, one list of results.

use std::time::Duration;

use testplan::{
    model::{Execution, ExecutionId, TestVerdict},
    store::{
        BatchRequest, EntryAnswers, Finish, FinishList, Granted, Heartbeat, RefusalCode,
        Reservation, Reserve, Rules,
    },
};

use crate::store::world::{Fresh, World, refused, request_for, result_of, said, template};

type Make = fn(Rules) -> Fresh;

const LINUX: &str = "OS=Linux";

/// Up to `max` executions, however long they are.
fn many(max: u32, wish: Reserve) -> Reserve {
    Reserve {
        batch: Some(BatchRequest {
            work: Some(Duration::from_secs(86_400)),
            ..BatchRequest::of(max)
        }),
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

fn of_call(entries: Vec<Finish>, start_cost: Option<u64>) -> FinishList {
    FinishList {
        entries,
        start_cost: start_cost.map(Duration::from_millis),
    }
}

fn renewal(of: &Granted, ms: u64) -> Heartbeat {
    Heartbeat {
        execution: of.execution,
        timeout: Duration::from_millis(ms),
        lease: Some(of.lease.clone()),
        alone: false,
        not_started: None,
        release: false,
        server_trouble: None,
        principal: "alice".to_owned(),
    }
}

/// Finishes an execution of `t1` in another plan, so that a duration is known.
async fn learn_something(world: &mut World) {
    let plan = world.plan;
    world.plan = world.start("other", &[""]).await.id;
    let granted = world.take().await;
    world.pass_it(&granted).await.unwrap();
    world.plan = plan;
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
    let mut world = World::new(make, &["", LINUX, "", "OS=mac", ""]).await;
    learn_something(&mut world).await;
    let batch = take(&world, many(3, world.wish(LINUX))).await;
    assert_eq!(tests(&batch), ["t2", "t1", "t3"], "in the usual order");
    for granted in &batch {
        assert_eq!(granted.attempt, 1);
        assert_eq!(granted.deadline, world.now().plus(Duration::from_secs(10)));
        assert_eq!(granted.expected, None, "no earlier run of it is known");
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

pub(crate) async fn single_reservations_have_a_prediction_too(make: Make) {
    let world = known(make, &[700, 50]).await;
    let granted = world.take().await;
    let expected = Some(Duration::from_millis(700));
    assert_eq!((granted.expected, granted.more), (expected, vec![]));
}

pub(crate) async fn listed_executions_have_the_mean_of_earlier_runs(make: Make) {
    let mut world = known(make, &[700, 0]).await;
    let listed = |executions: Vec<Execution>| -> Vec<Option<u64>> {
        executions.iter().map(|it| it.expected_ms).collect()
    };
    assert_eq!(listed(world.executions().await), [Some(700), Some(0)]);
    let granted = world.take().await;
    world
        .finish(result_of(&granted, said(TestVerdict::Passed, 100)))
        .await
        .unwrap();
    let before = listed(world.executions().await);
    assert_eq!(before, [Some(700), Some(0)], "as the plan started");
    world.plan = world.start("template", &["", "", ""]).await.id;
    let after = listed(world.executions().await);
    assert_eq!(after, [Some(400), Some(0), None]);
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
    let mut world = World::new(make, &labels).await;
    learn_something(&mut world).await;
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
        alone: false,
        not_started: None,
        release: false,
        server_trouble: None,
        principal: "alice".to_owned(),
    }
}

pub(crate) async fn repeated_batch_has_the_same_leases(make: Make) {
    let mut world = World::new(make, &["", "", "", ""]).await;
    learn_something(&mut world).await;
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
    let mut world = World::new(make, &["", "", "", ""]).await;
    learn_something(&mut world).await;
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
    let mut world = World::new(make, &["", "", "", ""]).await;
    learn_something(&mut world).await;
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
    let mut world = World::new(make, &["", "", ""]).await;
    learn_something(&mut world).await;
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
            .finish_many(world.plan, of_call(list.clone(), None), world.now());
        assert_eq!(codes(answers.await.unwrap()), expected, "also repeated");
    }
    assert_eq!(world.counts().await, (0, 0, 3));
    let plan = world.store.plan(world.plan, world.now()).await.unwrap();
    assert_eq!((plan.passes, plan.failed), (1, 1));
}

pub(crate) async fn first_batch_of_unknown_tests_is_small(make: Make) {
    let world = World::new(make, &[""; 40]).await;
    let wish = |max, live_workers| Reserve {
        batch: Some(BatchRequest {
            live_workers,
            ..BatchRequest::of(max)
        }),
        ..world.wish("")
    };
    let first = take(&world, wish(1_000, 2)).await;
    assert_eq!(first.len(), 5, "40 open, divided by 4 times 2 workers");
    assert_eq!(
        take(&world, wish(2, 2)).await.len(),
        2,
        "not more than asked"
    );
    assert_eq!(
        take(&world, many(1_000, world.wish(""))).await.len(),
        8,
        "33 / 4"
    );
    // What the first one taught sizes the next: 25 tests of 100 ms, two workers.
    world
        .finish(result_of(&first[0], said(TestVerdict::Passed, 100)))
        .await
        .unwrap();
    let second = take(&world, wish(1_000, 2)).await;
    assert_eq!(second.len(), 9, "2,500 ms / 2.6 = 961 ms");
}

pub(crate) async fn batch_is_a_share_of_the_remaining_work(make: Make) {
    let world = known(make, &[100; 26]).await;
    let wish = |live_workers| Reserve {
        batch: Some(BatchRequest {
            live_workers,
            ..BatchRequest::of(1_000)
        }),
        ..world.wish("")
    };
    let batch = take(&world, wish(2)).await;
    assert_eq!(batch.len(), 10, "2,600 ms / 2.6");
    assert_eq!(
        take(&world, wish(100)).await.len(),
        1,
        "20 ms, so one alone"
    );
    // A tool that is slow to start gets work for at least two starts. The average is of the template, over calls.
    let results = |from: usize| {
        let results = batch[from..from + 2].iter();
        let passed = results.map(|it| result_of(it, said(TestVerdict::Passed, 100)));
        passed.collect::<Vec<_>>()
    };
    for (from, cost) in [(0, 500), (2, 300)] {
        let list = of_call(results(from), Some(cost));
        let answers = world.store.finish_many(world.plan, list, world.now());
        assert_eq!(codes(answers.await.unwrap()), [None, None]);
    }
    assert_eq!(take(&world, wish(100)).await.len(), 8, "twice 400 ms");
    // A list of which nothing counts teaches nothing.
    let mut lost = results(4);
    for result in &mut lost {
        "bob".clone_into(&mut result.principal);
    }
    let list = of_call(lost, Some(1_000_000));
    let answers = world.store.finish_many(world.plan, list, world.now());
    assert!(answers.await.unwrap().iter().all(Result::is_err));
    assert_eq!(take(&world, wish(100)).await.len(), 7, "all that is left");
}

pub(crate) async fn unknown_tests_count_as_the_long_ones(make: Make) {
    let mut world = known(make, &[100, 100, 900]).await;
    world.plan = world.start("template", &[""; 6]).await.id;
    let mut wish = many(9, world.wish(""));
    wish.batch.as_mut().unwrap().work = Some(Duration::from_millis(1_900));
    let batch = take(&world, wish.clone()).await;
    assert_eq!(tests(&batch), ["t3", "t4"], "900 ms each");
    assert_eq!(batch[1].expected, None);
    assert_eq!(tests(&take(&world, wish).await), ["t5", "t6", "t1"]);
}

fn alone(of: &Granted) -> Heartbeat {
    Heartbeat {
        release: true,
        alone: true,
        not_started: None,
        ..renewal(of, 1)
    }
}

pub(crate) async fn execution_released_to_run_alone_is_handed_out_by_itself(make: Make) {
    let mut world = World::new(make, &["", "", "", "", ""]).await;
    learn_something(&mut world).await;
    let batch = take(&world, by("w1", many(3, world.wish("")))).await;
    let list = vec![alone(&batch[0]), alone(&batch[1])];
    let answers = world.store.heartbeat_many(world.plan, list, world.now());
    assert_eq!(codes(answers.await.unwrap()), [None, None]);
    let others = take(&world, by("w1", many(9, world.wish("")))).await;
    assert_eq!(tests(&others), ["t4", "t5"], "w1 released them");
    let one = take(&world, by("w2", many(9, world.wish("")))).await;
    assert_eq!(tests(&one), ["t1"]);
    // Where no other worker comes, the same one gets it, and again by itself.
    let last = take(&world, by("w1", many(9, world.wish("")))).await;
    assert_eq!(tests(&last), ["t2"]);
    world.release(&last[0]).await.unwrap();
    world.release(&others[0]).await.unwrap();
    let again = take(&world, by("w2", many(9, world.wish("")))).await;
    assert_eq!(tests(&again), ["t2"], "still by itself");
    // A reset forgets it.
    world.fail_it(&again[0]).await.unwrap();
    world.reset(again[0].execution, None).await.unwrap();
    let both = take(&world, by("w2", many(9, world.wish("")))).await;
    assert_eq!(tests(&both), ["t2", "t4"]);
}

pub(crate) async fn execution_in_lost_batches_is_handed_out_by_itself(make: Make) {
    let mut world = World::new(make, &["", "", ""]).await;
    learn_something(&mut world).await;
    for count in [3, 3, 1, 1, 1] {
        let batch = take(&world, many(9, world.wish(""))).await;
        assert_eq!(batch.len(), count, "attempt {}", batch[0].attempt);
        // One of them ends its worker each time; the neighbours pass once they are apart.
        if batch[0].test.testcase != "t2" && count == 1 {
            world.pass_it(&batch[0]).await.unwrap();
        }
        world.pass(10_000);
    }
    let none = world.try_reserve(many(9, world.wish(""))).await.unwrap();
    assert_eq!(none, Reservation::NoExecution { pending: 0 });
    assert_eq!(world.counts().await, (0, 0, 3));
    let plan = world.store.plan(world.plan, world.now()).await.unwrap();
    assert_eq!(plan.passes, 2, "only t2 is abandoned");
}

/// Tests `t1`, `t2`, … of the suites, and how long each took before.
async fn suites(make: Make, tests: &[(&str, u64)]) -> World {
    let mut world = World::new(make, &[]).await;
    let mut file = template("suites", &vec![""; tests.len()]);
    for (planned, (suite, _)) in file.executions.iter_mut().zip(tests) {
        (*suite).clone_into(&mut planned.test.suite);
    }
    let id = world.store.publish(vec![file], world.now()).await.unwrap()[0];
    world.plan = world.execute(request_for(id)).await.unwrap().id;
    for _ in tests {
        let granted = world.take().await;
        let at: usize = granted.test.testcase[1..].parse().unwrap();
        let result = said(TestVerdict::Passed, tests[at - 1].1);
        world.finish(result_of(&granted, result)).await.unwrap();
    }
    world.plan = world.execute(request_for(id)).await.unwrap().id;
    world
}

fn near(warm: &[&str], wish: Reserve) -> Reserve {
    let mut wish = wish;
    let warm = warm.iter().map(|&suite| suite.to_owned());
    let batch = wish.batch.as_mut().unwrap();
    (batch.near, batch.live_workers) = (Some(warm.collect()), 4);
    wish
}

const SUITES: [(&str, u64); 8] = [
    ("a", 100),
    ("b", 10),
    ("a", 300),
    ("c", 50),
    ("b", 510),
    ("a", 200),
    ("c", 60),
    ("c", 70),
];

pub(crate) async fn worker_gets_more_of_its_warm_suites_then_whole_suites(make: Make) {
    let world = suites(make, &SUITES).await;
    let wish = |worker, warm: &[&str], max| near(warm, by(worker, many(max, world.wish(""))));
    // The longest suite first, in the order of the plan.
    assert_eq!(tests(&take(&world, wish("w1", &[], 1)).await), ["t1"]);
    assert_eq!(tests(&take(&world, wish("w2", &[], 2)).await), ["t2", "t5"]);
    assert_eq!(
        tests(&take(&world, wish("w1", &["x", "a"], 1)).await),
        ["t3"]
    );
    // Nobody has `c` warm, though more remains of `a`.
    assert_eq!(tests(&take(&world, wish("w2", &["b"], 1)).await), ["t4"]);
    // Only suites of others are left: from the end of the longest.
    assert_eq!(tests(&take(&world, wish("w3", &[], 1)).await), ["t6"]);
    assert_eq!(tests(&take(&world, wish("w4", &[], 2)).await), ["t7", "t8"]);
    assert_eq!(
        world.try_reserve(wish("w1", &["a"], 1)).await.unwrap(),
        Reservation::NoExecution { pending: 8 }
    );
}

pub(crate) async fn suites_of_others_are_taken_from_the_end(make: Make) {
    let world = suites(make, &SUITES).await;
    let wish = |worker, max| near(&[], by(worker, many(max, world.wish(""))));
    assert_eq!(tests(&take(&world, wish("w1", 1)).await), ["t1"]);
    assert_eq!(tests(&take(&world, wish("w2", 1)).await), ["t2"]);
    let held = take(&world, wish("w3", 1)).await;
    assert_eq!(tests(&held), ["t4"]);
    // The longest that remains is `b`, then `a`; a batch stays in the order of the plan.
    assert_eq!(
        tests(&take(&world, wish("w4", 3)).await),
        ["t5", "t3", "t6"]
    );
    // What its holder finished is warm nowhere.
    world.pass_it(&held[0]).await.unwrap();
    assert_eq!(tests(&take(&world, wish("w5", 1)).await), ["t7"]);
}

pub(crate) async fn only_worker_with_warm_suites_gets_the_order_of_the_plan(make: Make) {
    let world = suites(make, &SUITES).await;
    let wish = |max| {
        let mut wish = near(&["c"], by("w1", many(max, world.wish(""))));
        wish.batch.as_mut().unwrap().live_workers = 1;
        wish
    };
    let first = take(&world, wish(2)).await;
    assert_eq!(tests(&first), ["t1", "t2"]);
    world.pass_it(&first[0]).await.unwrap();
    world.release(&first[1]).await.unwrap();
    assert_eq!(tests(&take(&world, wish(3)).await), ["t2", "t3", "t4"]);
    assert_eq!(
        tests(&take(&world, wish(9)).await),
        ["t5", "t6", "t7", "t8"]
    );
}

pub(crate) async fn order_without_near_stays_as_it_is(make: Make) {
    let world = suites(make, &SUITES).await;
    let batch = take(&world, by("w1", many(3, world.wish("")))).await;
    assert_eq!(tests(&batch), ["t5", "t3", "t6"], "longest first");
    let with_near = take(&world, near(&["a"], by("w1", many(1, world.wish(""))))).await;
    assert_eq!(tests(&with_near), ["t1"]);
    let single = world.reserve(by("w1", world.wish(""))).await;
    assert_eq!(single.test.testcase, "t8");
}

pub(crate) async fn batch_leaves_out_what_runs_alone(make: Make) {
    let world = known(make, &[900, 100, 100]).await;
    let batch = take(&world, by("w1", many(3, world.wish("")))).await;
    let list = batch.iter().map(|it| {
        let release = Heartbeat {
            release: true,
            ..renewal(it, 1)
        };
        if it.test.testcase == "t2" {
            alone(it)
        } else {
            release
        }
    });
    let answers = world
        .store
        .heartbeat_many(world.plan, list.collect(), world.now());
    assert_eq!(codes(answers.await.unwrap()), [None, None, None]);
    let others = take(&world, by("w2", many(9, world.wish("")))).await;
    assert_eq!(tests(&others), ["t1", "t3"]);
    let last = take(&world, by("w2", many(9, world.wish("")))).await;
    assert_eq!(tests(&last), ["t2"]);
}
