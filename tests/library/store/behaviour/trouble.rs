//! Squish servers that vanish or hang: told, rested, not given out in a tight loop.

use testplan::{
    model::{
        CoolingReason, NewSquishServer, Port, ServerTrouble, SquishServer, SquishServerChange,
        TestVerdict,
    },
    store::{Granted, Heartbeat, Reservation, Rules, StoreError},
};

use crate::store::world::{Fresh, World, caps, refused, result_of, said};

type Make = fn(Rules) -> Fresh;

use ServerTrouble::{Hung, Unreachable};

async fn give_back(world: &World, of: &Granted, trouble: ServerTrouble) -> Result<(), StoreError> {
    let beat = Heartbeat {
        execution: of.execution,
        timeout: std::time::Duration::from_millis(1),
        lease: Some(of.lease.clone()),
        alone: false,
        not_started: None,
        release: true,
        server_trouble: Some(trouble),
        principal: "alice".to_owned(),
    };
    world.store.heartbeat(beat, world.now()).await
}

async fn only(world: &World) -> SquishServer {
    let list = world.store.squish_servers(world.now()).await.unwrap();
    <[SquishServer; 1]>::try_from(list).unwrap()[0].clone()
}

/// How many seconds the only machine rests from now on.
async fn rests(world: &World) -> u64 {
    let rest = only(world).await.cooling;
    rest.map_or(0, |rest| rest.until.since(world.now()).as_secs())
}

async fn no_server(world: &World) -> bool {
    let answer = world.try_reserve(world.wish_with_server()).await.unwrap();
    matches!(answer, Reservation::NoServer { .. })
}

pub(crate) async fn server_with_trouble_cools_down_and_its_execution_opens(make: Make) {
    let world = World::new(make, &[""]).await;
    world.squish_server(4322, "OS=Linux").await;
    let granted = world.reserve(world.wish_with_server()).await;
    give_back(&world, &granted, Unreachable).await.unwrap();
    assert_eq!(world.counts().await, (1, 0, 0), "open at once");
    world.pass(29_999);
    assert!(no_server(&world).await, "it rests");
    let end = world.store.next_deadline(world.plan, world.now());
    let end = end.await.unwrap().unwrap();
    assert!(!end.ends_lease);
    assert_eq!(
        end.at.since(world.now()).as_millis(),
        1,
        "who waits is woken"
    );
    world.pass(1);
    let again = world.reserve(world.wish_with_server()).await;
    assert_eq!((again.execution, again.attempt), (granted.execution, 2));
    world.pass_it(&again).await.unwrap();
    let expected = [
        "reserved",
        "server-trouble",
        "released",
        "reserved",
        "finished",
    ];
    assert_eq!(world.history().await, expected);
    let events = world.store.events(world.plan, 0, 10, world.now());
    let told = events.await.unwrap().items.swap_remove(1).detail;
    assert_eq!(
        told,
        "Squish server 127.0.0.1:4322 unreachable; it cools down for 30 s"
    );
}

pub(crate) async fn cool_downs_double_until_an_execution_ends_without_trouble(make: Make) {
    let rules = Rules {
        max_expiries: 1,
        ..Rules::default()
    };
    let world = World::with(make, rules, &["", "", ""]).await;
    world.squish_server(4322, "OS=Linux").await;
    // More often than leases may expire: none of them did.
    for expected in [30, 60, 120, 240, 480, 600, 600] {
        let granted = world.reserve(world.wish_with_server()).await;
        give_back(&world, &granted, Unreachable).await.unwrap();
        assert_eq!(rests(&world).await, expected);
        world.pass(expected * 1_000);
    }
    let granted = world.reserve(world.wish_with_server()).await;
    // Given back for another reason: that says nothing of the machine.
    world.release(&granted).await.unwrap();
    let granted = world.reserve(world.wish_with_server()).await;
    give_back(&world, &granted, Unreachable).await.unwrap();
    assert_eq!(rests(&world).await, 600);
    world.pass(600_000);
    let granted = world.reserve(world.wish_with_server()).await;
    world.fail_it(&granted).await.unwrap();
    assert_eq!(
        rests(&world).await,
        0,
        "a failed test is no trouble of machines"
    );
    let granted = world.reserve(world.wish_with_server()).await;
    give_back(&world, &granted, Unreachable).await.unwrap();
    assert_eq!(rests(&world).await, 30);
}

pub(crate) async fn result_with_trouble_counts_and_the_server_cools_down(make: Make) {
    let world = World::new(make, &["", ""]).await;
    world.squish_server(4322, "OS=Linux").await;
    let granted = world.reserve(world.wish_with_server()).await;
    let mut finish = result_of(&granted, None);
    "it reached its time limit".clone_into(&mut finish.message);
    finish.server_trouble = Some(Hung);
    world.finish(finish.clone()).await.unwrap();
    world.pass(5_000);
    world.finish(finish).await.unwrap();
    assert_eq!(world.counts().await, (1, 0, 1));
    assert_eq!(rests(&world).await, 25, "the repetition changed nothing");
    assert!(no_server(&world).await);
}

pub(crate) async fn trouble_reported_twice_counts_once(make: Make) {
    let world = World::new(make, &[""]).await;
    world.squish_server(4322, "OS=Linux").await;
    let granted = world.reserve(world.wish_with_server()).await;
    give_back(&world, &granted, Unreachable).await.unwrap();
    world.pass(10_000);
    give_back(&world, &granted, Unreachable).await.unwrap();
    assert_eq!(rests(&world).await, 20);
    world.pass(20_000);
    let granted = world.reserve(world.wish_with_server()).await;
    give_back(&world, &granted, Unreachable).await.unwrap();
    assert_eq!(
        rests(&world).await,
        60,
        "the second in a row, not the third"
    );
}

pub(crate) async fn execution_with_trouble_prefers_another_server(make: Make) {
    let world = World::new(make, &["", "OS=Linux"]).await;
    let plain = world.squish_server(4322, "OS=Linux").await;
    let granted = world.reserve(world.wish_with_server()).await;
    assert_eq!(granted.server.as_ref().unwrap().id, plain.id);
    give_back(&world, &granted, Unreachable).await.unwrap();
    let rich = world.squish_server(4323, "OS=Linux browser=chrome").await;
    world.pass(30_000);
    let again = world.reserve(world.wish_with_server()).await;
    assert_eq!(again.execution, granted.execution);
    assert_eq!(
        again.server.as_ref().unwrap().id,
        rich.id,
        "not the same again"
    );
    let other = world.reserve(world.wish_with_server()).await;
    assert_eq!(other.server.unwrap().id, plain.id, "the others take it");
    world.release(&again).await.unwrap();
    let change = SquishServerChange {
        enabled: Some(false),
        ..SquishServerChange::default()
    };
    let changed = world
        .store
        .change_squish_server(rich.id, change, world.now());
    changed.await.unwrap();
    assert!(no_server(&world).await);
}

pub(crate) async fn trouble_of_a_server_with_another_lease_is_ignored(make: Make) {
    let world = World::new(make, &["OS=Linux", ""]).await;
    world.squish_server(4322, "OS=Linux").await;
    let zombie = world.reserve(world.wish_with_server()).await;
    world.pass(20_000);
    let mut wish = world.wish_with_server();
    wish.offered = caps("");
    let other = world.reserve(wish).await;
    give_back(&world, &zombie, Unreachable).await.unwrap();
    let machine = only(&world).await;
    assert_eq!(
        (machine.busy_with, machine.cooling),
        (Some(other.execution), None)
    );
    world.pass_it(&other).await.unwrap();
    assert_eq!(
        world
            .history()
            .await
            .iter()
            .filter(|k| *k == "server-trouble")
            .count(),
        0
    );
}

pub(crate) async fn registering_or_enabling_ends_a_cool_down(make: Make) {
    let world = World::new(make, &[""]).await;
    let machine = world.squish_server(4322, "OS=Linux").await;
    let change = |change: SquishServerChange| {
        world
            .store
            .change_squish_server(machine.id, change, world.now())
    };
    for turn in 0..4 {
        let granted = world.reserve(world.wish_with_server()).await;
        give_back(&world, &granted, Unreachable).await.unwrap();
        assert_eq!(rests(&world).await, 30, "the first again");
        let labels = SquishServerChange {
            labels: Some(caps("OS=Linux x=y")),
            ..SquishServerChange::default()
        };
        change(labels).await.unwrap();
        assert_eq!(rests(&world).await, 30, "labels say nothing of it");
        match turn {
            0 => drop(world.squish_server(4322, "OS=Linux").await),
            1 => {
                let on = SquishServerChange {
                    enabled: Some(true),
                    ..SquishServerChange::default()
                };
                change(on).await.unwrap();
            }
            _ => {
                let moved = SquishServerChange {
                    host: Some(format!("host-{turn}")),
                    ..SquishServerChange::default()
                };
                change(moved).await.unwrap();
            }
        }
        assert_eq!(rests(&world).await, 0);
    }
    // From a file that a service starts with: nobody looked after the machine.
    let granted = world.reserve(world.wish_with_server()).await;
    give_back(&world, &granted, Unreachable).await.unwrap();
    let file = NewSquishServer {
        host: Some("host-3".to_owned()),
        port: Port::new(4322).unwrap(),
        enabled: true,
        labels: caps("OS=Linux"),
    };
    let known = world.store.register_servers(vec![file], world.now());
    known.await.unwrap();
    assert_eq!(rests(&world).await, 30);
}

pub(crate) async fn listed_server_shows_why_it_cools_down(make: Make) {
    for swept in [false, true] {
        let world = World::new(make, &["", "", ""]).await;
        world.squish_server(4322, "OS=Linux").await;
        let why = || async { only(&world).await.cooling.map(|it| it.because) };
        assert_eq!(why().await, None);
        let granted = world.reserve(world.wish_with_server()).await;
        let busy = only(&world).await;
        assert_eq!(busy.busy_test.unwrap(), granted.test);
        world.pass(10_000);
        if swept {
            world.store.sweep(world.now()).await.unwrap();
        }
        assert_eq!(why().await, Some(CoolingReason::Expired));
        assert_eq!(rests(&world).await, 10);
        assert_eq!(only(&world).await.busy_test, None);
        give_back(&world, &granted, Hung).await.unwrap();
        assert_eq!(why().await, Some(CoolingReason::Hung));
        world.pass(30_000);
        assert_eq!(why().await, None);
        let granted = world.reserve(world.wish_with_server()).await;
        world
            .finish(result_of(&granted, said(TestVerdict::Passed, 5)))
            .await
            .unwrap();
        let late = give_back(&world, &granted, Hung).await;
        assert!(late.is_ok(), "done: nothing to give back");
        assert_eq!(why().await, None);
        let _ = refused(world.reset(granted.execution, None).await);
    }
}
