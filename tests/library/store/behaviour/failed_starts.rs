//! Executions that workers cannot start: others try, and they end once nobody is left.

use std::time::Duration;

use testplan::{
    model::{Capabilities, Outcome},
    store::{Granted, Heartbeat, NotStarted, Reservation, Reserve, Rules},
};

use crate::store::world::{Fresh, World, caps};

type Make = fn(Rules) -> Fresh;

fn by(worker: &str, wish: Reserve) -> Reserve {
    Reserve {
        worker: Some(worker.to_owned()),
        ..wish
    }
}

async fn not_started(world: &World, of: &Granted, reason: &str, live: &[(&str, Capabilities)]) {
    let live = live
        .iter()
        .map(|(name, offered)| (name.to_string(), offered.clone()));
    let beat = Heartbeat {
        execution: of.execution,
        timeout: Duration::from_millis(1),
        lease: Some(of.lease.clone()),
        release: true,
        alone: false,
        not_started: Some(NotStarted {
            reason: reason.to_owned(),
            live: live.collect(),
        }),
        server_trouble: None,
        principal: "alice".to_owned(),
    };
    let sent = world.store.heartbeat(beat.clone(), world.now()).await;
    sent.unwrap();
    let history = world.history().await;
    // Sent again because its answer was lost: accepted or refused, it changes nothing.
    let _ = world.store.heartbeat(beat, world.now()).await;
    assert_eq!(world.history().await, history);
}

async fn error(world: &World) -> String {
    let all = world.executions().await;
    match all[0].outcome.clone() {
        Some(Outcome::ExecutionError { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn execution_that_did_not_start_prefers_another_machine(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let first = world.reserve(by("a/1", world.wish(""))).await;
    not_started(&world, &first, "no tool", &[]).await;
    assert_eq!(world.counts().await, (2, 0, 0), "open at once");
    let same_machine = world.reserve(by("a/2", world.wish(""))).await;
    assert_ne!(same_machine.execution, first.execution);
    let other = world.reserve(by("b/1", world.wish(""))).await;
    assert_eq!(other.execution, first.execution);
    world.pass_it(&other).await.unwrap();
    assert_eq!(world.counts().await, (0, 1, 1));
}

pub(crate) async fn execution_that_three_machines_could_not_start_ends_with_their_reasons(
    make: Make,
) {
    let world = World::new(make, &[""]).await;
    for (worker, reason) in [("a/1", "no tool"), ("b", "no memory"), ("c/1", "no tool")] {
        assert_eq!(world.counts().await, (1, 0, 0), "{worker}");
        let granted = world.reserve(by(worker, world.wish(""))).await;
        not_started(&world, &granted, reason, &[]).await;
    }
    assert_eq!(world.counts().await, (0, 0, 1));
    let expected = "no worker could start it: no tool (on a, c); no memory (on b)";
    assert_eq!(error(&world).await, expected);
    let end = ["reserved", "not-started", "unstartable"];
    assert_eq!(world.history().await[4..], end);
    // Opened again, it is as new.
    let id = world.executions().await[0].id;
    world.reset(id, None).await.unwrap();
    let granted = world.reserve(by("a/1", world.wish(""))).await;
    not_started(&world, &granted, "no tool", &[]).await;
    assert_eq!(world.counts().await, (1, 0, 0));
}

pub(crate) async fn execution_ends_if_all_that_are_there_could_not_start_it(make: Make) {
    let world = World::new(make, &["OS=Linux"]).await;
    let (linux, mac) = (caps("OS=Linux"), caps("OS=macOS"));
    let live = [("a/1", linux.clone()), ("a/2", linux), ("m", mac)];
    let wish = || by("a/1", world.wish("OS=Linux"));
    let granted = world.reserve(wish()).await;
    not_started(&world, &granted, "no tool", &live).await;
    assert_eq!(
        world.counts().await,
        (1, 0, 0),
        "another one may be about to come"
    );
    let again = world.reserve(wish()).await;
    not_started(&world, &again, "no tool", &live).await;
    assert_eq!(
        error(&world).await,
        "no worker could start it: no tool (on a)"
    );
    let none = world.try_reserve(wish()).await.unwrap();
    assert!(matches!(none, Reservation::NoExecution { pending: 0 }));
}

pub(crate) async fn execution_stays_open_for_a_worker_that_has_not_tried(make: Make) {
    let world = World::new(make, &[""]).await;
    let live = [("a", caps("")), ("b", caps(""))];
    for _ in 0..3 {
        let granted = world.reserve(by("a", world.wish(""))).await;
        not_started(&world, &granted, "no tool", &live).await;
    }
    assert_eq!(world.counts().await, (1, 0, 0));
}
