//! Handing out: what fits, in which order, for how long, and to whom again.

use std::time::Duration;

use testplan::{
    model::{LabelCase, Outcome, PlanId, TestVerdict},
    store::{ExecutePlan, RefusalCode, Reservation, Reserve, Rules},
};

use crate::store::world::{Fresh, World, caps, refused, request_for, result_of, said, template};

type Make = fn(Rules) -> Fresh;

fn by(worker: &str, wish: Reserve) -> Reserve {
    Reserve {
        worker: Some(worker.to_owned()),
        ..wish
    }
}

pub(crate) async fn reserve_returns_fitting_executions(make: Make) {
    let world = World::new(make, &["OS=Windows", "OS=Linux"]).await;
    let granted = world.reserve(world.wish("OS=Linux browser=chrome")).await;
    assert_eq!(granted.test.testcase, "t2");
    assert_eq!(granted.required, caps("OS=Linux"));
    assert_eq!((granted.attempt, granted.batch.as_str()), (1, "batch"));
    assert_eq!(granted.deadline, world.now().plus(Duration::from_secs(10)));
    assert!(
        granted.lease.expose().len() >= 24,
        "at least 128 random bits"
    );
    assert_eq!(world.counts().await, (1, 1, 0));
    let none = world.try_reserve(world.wish("")).await.unwrap();
    assert_eq!(none, Reservation::NoExecution { pending: 0 });
}

pub(crate) async fn reserve_compares_labels_as_configured(make: Make) {
    for (label_case, fits) in [(LabelCase::Folded, true), (LabelCase::Strict, false)] {
        let rules = Rules {
            label_case,
            ..Rules::default()
        };
        let world = World::with(make, rules, &["OS=Linux"]).await;
        let answer = world.try_reserve(world.wish("os=linux")).await.unwrap();
        assert_eq!(matches!(answer, Reservation::Granted(_)), fits);
    }
}

pub(crate) async fn reserve_order_is_most_labels_then_longest(make: Make) {
    let labels = ["", "", "OS=Linux", "OS=Linux"];
    let mut world = World::new(make, &labels).await;
    for duration in [700, 10, 30, 20] {
        let granted = world.take().await;
        world
            .finish(result_of(&granted, said(TestVerdict::Passed, duration)))
            .await
            .unwrap();
    }
    // t3 and t4 took 700 and 10 ms, t1 and t2 took 30 and 20 ms.
    world.plan = world
        .start("template", &["", "", "OS=Linux", "OS=Linux"])
        .await
        .id;
    let mut order = vec![];
    for _ in labels {
        order.push(world.take().await.test.testcase);
    }
    assert_eq!(order, ["t3", "t4", "t1", "t2"]);
}

pub(crate) async fn tests_without_a_history_start_early(make: Make) {
    let mut world = World::new(make, &["", ""]).await;
    for duration in [100, 500] {
        let granted = world.take().await;
        world
            .finish(result_of(&granted, said(TestVerdict::Failed, duration)))
            .await
            .unwrap();
    }
    // Nothing is known of t3: it is placed at the 95th percentile of the others, beside t2, and after it by number.
    world.plan = world.start("template", &["", "", ""]).await.id;
    let mut order = vec![];
    for _ in 0..3 {
        order.push(world.take().await.test.testcase);
    }
    assert_eq!(order, ["t2", "t3", "t1"]);
}

pub(crate) async fn reserve_clamps_its_timeout(make: Make) {
    let world = World::new(make, &["", ""]).await;
    for (asked, given) in [(1, 1_000), (u64::MAX, 24 * 60 * 60 * 1_000)] {
        let granted = world
            .reserve(Reserve {
                timeout: Duration::from_millis(asked),
                ..world.wish("")
            })
            .await;
        assert_eq!(granted.timeout, Duration::from_millis(given));
        assert_eq!(granted.deadline, world.now().plus(granted.timeout));
    }
}

pub(crate) async fn reserve_reports_pending_executions(make: Make) {
    let world = World::new(make, &["OS=Linux", "OS=Windows"]).await;
    world.take().await;
    for (offered, pending) in [("OS=Linux", 1), ("OS=mac", 0)] {
        let answer = world.try_reserve(world.wish(offered)).await.unwrap();
        assert_eq!(answer, Reservation::NoExecution { pending });
    }
}

pub(crate) async fn nothing_is_reserved_before_the_planned_time(make: Make) {
    let mut world = World::new(make, &[]).await;
    let ids = world
        .store
        .publish(vec![template("t", &["", "OS=mac"])], world.now())
        .await
        .unwrap();
    let request = ExecutePlan {
        planned: Some(world.now().plus(Duration::from_secs(5))),
        ..request_for(ids[0])
    };
    world.plan = world.execute(request).await.unwrap().id;
    world.pass(4_999);
    let early = world.try_reserve(world.wish("")).await.unwrap();
    assert_eq!(early, Reservation::NoExecution { pending: 1 });
    world.pass(1);
    world.take().await;
}

pub(crate) async fn expired_execution_is_reserved_again(make: Make) {
    let world = World::new(make, &[""]).await;
    let first = world.take().await;
    world.pass(9_999);
    let early = world.try_reserve(world.wish("")).await.unwrap();
    assert_eq!(
        early,
        Reservation::NoExecution { pending: 1 },
        "a millisecond is left"
    );
    world.pass(1);
    let second = world.take().await;
    assert_eq!((second.execution, second.attempt), (first.execution, 2));
    assert_ne!(second.lease, first.lease);
    assert_eq!(world.counts().await, (0, 1, 0));
    assert_eq!(world.history().await, ["reserved", "expired", "reserved"]);
}

async fn lose(world: &World, worker: &str) {
    world.reserve(by(worker, world.wish(""))).await;
    world.pass(10_000);
}

pub(crate) async fn execution_with_too_many_expiries_is_abandoned(make: Make) {
    let rules = Rules {
        max_expiries: 2,
        ..Rules::default()
    };
    let world = World::with(make, rules, &["", "OS=Linux"]).await;
    for worker in ["a", "b", "c"] {
        lose(&world, worker).await;
    }
    let answer = world.try_reserve(world.wish("")).await.unwrap();
    assert_eq!(answer, Reservation::NoExecution { pending: 0 });
    assert_eq!(world.counts().await, (1, 0, 1));
    let list = world.executions().await;
    match list[0].outcome.as_ref().unwrap() {
        Outcome::ExecutionError { message, .. } => assert_eq!(
            message,
            "abandoned after 3 expired reservations (lost on worker a, b, c)"
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.history().await.last().unwrap(), "abandoned");
    // It may be tried again, from the beginning, when somebody says so.
    world.reset(list[0].id, None).await.unwrap();
    lose(&world, "d").await;
    lose(&world, "e").await;
    assert_eq!(world.reserve(world.wish("")).await.attempt, 6);
}

pub(crate) async fn zero_max_expiries_allows_any_number(make: Make) {
    let rules = Rules {
        max_expiries: 0,
        ..Rules::default()
    };
    let world = World::with(make, rules, &[""]).await;
    for _ in 0..9 {
        lose(&world, "a").await;
    }
    assert_eq!(world.take().await.attempt, 10);
}

pub(crate) async fn release_by_short_timeout_counts_no_expiry(make: Make) {
    let rules = Rules {
        max_expiries: 1,
        ..Rules::default()
    };
    let world = World::with(make, rules, &[""]).await;
    for _ in 0..4 {
        let granted = world.take().await;
        world
            .heartbeat(granted.execution, None, 1, false)
            .await
            .unwrap();
        world.pass(1);
    }
    assert_eq!(world.take().await.attempt, 5);
}

pub(crate) async fn worker_gets_an_execution_it_did_not_lose_first(make: Make) {
    let world = World::new(make, &["OS=Linux", "", "", "", ""]).await;
    let lost = world.reserve(by("a", world.wish("OS=Linux"))).await;
    assert_eq!(lost.test.testcase, "t1");
    world.pass(10_000);
    let mut order = vec![];
    for _ in 0..4 {
        order.push(
            world
                .reserve(by("a", world.wish("OS=Linux")))
                .await
                .test
                .testcase,
        );
    }
    assert_eq!(
        order,
        ["t2", "t3", "t4", "t1"],
        "three skips, then it is eligible"
    );
    // With nothing else there it is not withheld, and another worker is not bothered.
    world.pass(10_000);
    let other = world.reserve(by("b", world.wish("OS=Linux"))).await;
    assert_eq!(other.execution, lost.execution);
    let only = World::new(make, &[""]).await;
    lose(&only, "a").await;
    only.reserve(by("a", only.wish(""))).await;
}

fn with_key(wish: Reserve) -> Reserve {
    Reserve {
        key: Some("k".to_owned()),
        ..wish
    }
}

pub(crate) async fn reserve_with_the_same_key_returns_the_same_lease(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let first = world.reserve(with_key(world.wish(""))).await;
    world.pass(5_000);
    assert_eq!(world.reserve(with_key(world.wish(""))).await, first);
    assert_eq!(world.counts().await, (1, 1, 0));
    world.beat(&first, 20_000).await.unwrap();
    let longer = world.reserve(with_key(world.wish(""))).await;
    assert_eq!(
        (longer.lease, longer.timeout),
        (first.lease, Duration::from_secs(20))
    );
    let bob = Reserve {
        principal: "bob".to_owned(),
        ..with_key(world.wish(""))
    };
    assert_ne!(world.reserve(bob).await.execution, first.execution);
    // Once the lease is over, the key is as good as new.
    world.pass(20_000);
    assert_eq!(world.reserve(with_key(world.wish(""))).await.attempt, 2);
}

pub(crate) async fn reserve_refuses_a_key_of_another_request(make: Make) {
    let world = World::new(make, &["", ""]).await;
    world.reserve(with_key(world.wish(""))).await;
    let answer = world.try_reserve(with_key(world.wish("OS=Linux"))).await;
    assert_eq!(refused(answer), RefusalCode::KeyReused);
}

pub(crate) async fn reserve_refuses_malformed_requests(make: Make) {
    let world = World::new(make, &[""]).await;
    let ids = world
        .store
        .publish(vec![template("t", &[""])], world.now())
        .await
        .unwrap();
    let wish = |plan, timeout| Reserve {
        plan,
        timeout,
        ..world.wish("")
    };
    let second = Duration::from_secs(1);
    for (wish, code) in [
        (wish(world.plan, Duration::ZERO), RefusalCode::Malformed),
        (wish(ids[0], second), RefusalCode::Malformed),
        (wish(PlanId(9_999), second), RefusalCode::Unknown),
    ] {
        assert_eq!(refused(world.try_reserve(wish).await), code);
    }
}
