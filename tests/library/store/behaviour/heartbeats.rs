//! Keeping, reviving and giving back.

use std::time::Duration;

use testplan::{
    model::{ExecutionId, LeaseToken},
    store::{Heartbeat, RefusalCode, Reservation, Rules},
};

use crate::store::world::{Fresh, World, refused, result_of};

type Make = fn(Rules) -> Fresh;

pub(crate) async fn heartbeat_extends_and_shortens_the_lease(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    world.pass(9_000);
    world.beat(&granted, 10_000).await.unwrap();
    world.pass(9_999);
    assert_eq!(world.counts().await, (0, 1, 0));
    world.beat(&granted, 10).await.unwrap();
    world.pass(9);
    assert_eq!(world.counts().await, (0, 1, 0));
    world.pass(1);
    assert_eq!(
        world.counts().await,
        (1, 0, 0),
        "over at exactly its deadline"
    );
}

pub(crate) async fn heartbeat_revives_at_and_after_the_deadline(make: Make) {
    for (late, swept) in [(0, false), (0, true), (60_000, false), (60_000, true)] {
        let world = World::new(make, &[""]).await;
        let granted = world.take().await;
        world.pass(10_000 + late);
        if swept {
            world.store.sweep(world.now()).await.unwrap();
        }
        world.beat(&granted, 10_000).await.unwrap();
        assert_eq!(world.counts().await, (0, 1, 0));
        assert_eq!(world.executions().await[0].attempts, 1, "the same epoch");
        assert_eq!(world.history().await, ["reserved", "expired", "heartbeat"]);
        world.pass_it(&granted).await.unwrap();
    }
}

pub(crate) async fn heartbeat_of_a_lost_lease_is_refused(make: Make) {
    let world = World::new(make, &[""]).await;
    let lost = world.take().await;
    world.pass(10_000);
    let second = world.take().await;
    assert_eq!(
        refused(world.beat(&lost, 10_000).await),
        RefusalCode::ReservationLost
    );
    world.pass(10_000);
    assert_eq!(
        refused(world.beat(&lost, 10_000).await),
        RefusalCode::ReservationLost
    );
    world.pass_it(&second).await.unwrap();
    assert_eq!(
        refused(world.beat(&lost, 10_000).await),
        RefusalCode::ReservationLost
    );
}

pub(crate) async fn heartbeat_after_reset_is_refused(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    world.fail_it(&granted).await.unwrap();
    world.reset(granted.execution, None).await.unwrap();
    assert_eq!(
        refused(world.beat(&granted, 10_000).await),
        RefusalCode::ReservationLost
    );
}

pub(crate) async fn heartbeat_after_its_own_finish_succeeds(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    world.pass_it(&granted).await.unwrap();
    world.beat(&granted, 10_000).await.unwrap();
    world.release(&granted).await.unwrap();
    assert_eq!(world.counts().await, (0, 0, 1));
}

pub(crate) async fn heartbeat_of_an_unknown_execution_is_refused(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    for lease in [None, Some(granted.lease)] {
        let answer = world
            .heartbeat(ExecutionId(9_999), lease, 10_000, false)
            .await;
        assert_eq!(refused(answer), RefusalCode::Unknown);
    }
}

pub(crate) async fn heartbeat_by_others_is_refused(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let (first, second) = (world.take().await, world.take().await);
    let beat = |lease: Option<LeaseToken>, principal: &str| Heartbeat {
        execution: first.execution,
        timeout: Duration::from_secs(60),
        lease,
        alone: false,
        not_started: None,
        release: false,
        server_trouble: None,
        principal: principal.to_owned(),
    };
    for (beat, code) in [
        (
            beat(Some(second.lease.clone()), "alice"),
            RefusalCode::ReservationLost,
        ),
        (
            beat(Some(LeaseToken::new("nonsense")), "alice"),
            RefusalCode::ReservationLost,
        ),
        (
            beat(Some(first.lease.clone()), "bob"),
            RefusalCode::NotHolder,
        ),
        (beat(None, "bob"), RefusalCode::NotHolder),
    ] {
        assert_eq!(
            refused(world.store.heartbeat(beat, world.now()).await),
            code
        );
    }
    world.pass(10_000);
    assert_eq!(
        world.counts().await,
        (2, 0, 0),
        "none of them made it longer"
    );
}

pub(crate) async fn heartbeat_without_lease_is_checked_by_principal(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    world
        .heartbeat(granted.execution, None, 20_000, false)
        .await
        .unwrap();
    world.pass(20_000);
    world
        .heartbeat(granted.execution, None, 5_000, false)
        .await
        .unwrap();
    assert_eq!(world.counts().await, (0, 1, 0), "revived");
}

pub(crate) async fn heartbeat_without_lease_needs_a_reservation(make: Make) {
    let world = World::new(make, &[""]).await;
    let id = world.executions().await[0].id;
    let beat = || world.heartbeat(id, None, 10_000, false);
    assert_eq!(refused(beat().await), RefusalCode::NotReserved);
    let granted = world.take().await;
    world.release(&granted).await.unwrap();
    assert_eq!(refused(beat().await), RefusalCode::NotReserved);
    let granted = world.take().await;
    world.pass_it(&granted).await.unwrap();
    assert_eq!(refused(beat().await), RefusalCode::NotReserved);
}

pub(crate) async fn leases_can_be_required(make: Make) {
    let rules = Rules {
        require_lease: true,
        ..Rules::default()
    };
    let world = World::with(make, rules, &[""]).await;
    let granted = world.take().await;
    let beat = world
        .heartbeat(granted.execution, None, 10_000, false)
        .await;
    assert_eq!(refused(beat), RefusalCode::NotHolder);
    let mut result = result_of(&granted, None);
    result.lease = None;
    assert_eq!(
        refused(world.finish(result).await),
        RefusalCode::CannotFinish
    );
    world.beat(&granted, 10_000).await.unwrap();
    world.pass_it(&granted).await.unwrap();
}

pub(crate) async fn heartbeat_clamps_its_timeout(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    let next = || world.store.next_deadline(world.plan, world.now());
    for (asked, given) in [(0, 1), (u64::MAX, 24 * 60 * 60 * 1_000)] {
        world.beat(&granted, asked).await.unwrap();
        let expected = world.now().plus(Duration::from_millis(given));
        assert_eq!(next().await.unwrap().unwrap().at, expected);
    }
}

pub(crate) async fn release_opens_the_execution_at_once(make: Make) {
    let rules = Rules {
        max_expiries: 1,
        ..Rules::default()
    };
    let world = World::with(make, rules, &[""]).await;
    for late in [0, 0, 0, 10_000] {
        let granted = world.take().await;
        world.pass(late);
        world.release(&granted).await.unwrap();
        assert_eq!(world.counts().await, (1, 0, 0));
    }
    assert_eq!(world.take().await.attempt, 5, "no expiry was counted");
}

pub(crate) async fn release_needs_the_lease(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    let answer = world.heartbeat(granted.execution, None, 1, true).await;
    assert_eq!(refused(answer), RefusalCode::NotHolder);
    assert_eq!(world.counts().await, (0, 1, 0));
}

pub(crate) async fn release_can_be_repeated(make: Make) {
    let world = World::new(make, &[""]).await;
    let first = world.take().await;
    world.release(&first).await.unwrap();
    world.release(&first).await.unwrap();
    let beat = world.beat(&first, 10_000).await;
    assert_eq!(
        refused(beat),
        RefusalCode::ReservationLost,
        "given back is given back"
    );
    world.take().await;
    assert_eq!(
        refused(world.release(&first).await),
        RefusalCode::ReservationLost
    );
    assert_eq!(world.counts().await, (0, 1, 0));
}

pub(crate) async fn leases_survive_a_suspended_service(make: Make) {
    let world = World::new(make, &["", "", ""]).await;
    let long_over = world.take().await;
    world.pass(10_000);
    world.store.sweep(world.now()).await.unwrap();
    let (held, noticed) = (world.take().await, world.take().await);
    let since = world.now();
    // The machine slept a minute; one request got in before the service made up for it.
    world.pass(60_000);
    world.beat(&noticed, 10_000).await.unwrap();
    let minute = Duration::from_secs(60);
    world
        .store
        .compensate(since, minute, world.now())
        .await
        .unwrap();
    assert_eq!(
        world.counts().await,
        (1, 2, 0),
        "{long_over:?} was over before"
    );
    world.pass(9_999);
    assert_eq!(world.counts().await.1, 2);
    world.pass(1);
    assert_eq!(
        world.counts().await.1,
        1,
        "the revived one got the minute on top of its beat"
    );
    assert!(world.history().await.contains(&"extended".to_owned()));
    let answer = world.try_reserve(world.wish("")).await.unwrap();
    assert!(matches!(answer, Reservation::Granted(_)), "{held:?}");
}
