//! Restarts of the service and steps of the wall clock: what they do to leases, planned starts and times that are shown.

use std::time::Duration;

use testplan::{
    clock::{ServiceClock, wall},
    model::{Capabilities, PlanId, Timestamp},
    store::{
        ExecutePlan, Granted, Heartbeat, Reservation, Reserve, Rules, Store as _,
        sqlite::{Durability, SqliteStore},
    },
};

use super::world::{START, caps, open, template};

/// A plan with two executions.
async fn start(store: &SqliteStore, due: Option<Timestamp>, now: Timestamp) -> PlanId {
    let ids = store.publish(vec![template("t", &["", ""])], now).await;
    let request = ExecutePlan {
        template: ids.unwrap()[0],
        title: "plan".to_owned(),
        batch: "batch".to_owned(),
        planned: due,
        repositories: vec![],
        tests: None,
        discovery: None,
        origin: testplan::model::PlanOrigin::default(),
        principal: "alice".to_owned(),
        key: None,
    };
    store.execute_plan(request, now).await.unwrap().id
}

/// A lease of ten seconds.
fn wish(plan: PlanId) -> Reserve {
    Reserve {
        plan,
        offered: caps("OS=Linux"),
        timeout: Duration::from_secs(10),
        allocate_server: false,
        principal: "alice".to_owned(),
        worker: None,
        key: None,
        batch: None,
    }
}

fn granted(answer: Reservation) -> Granted {
    match answer {
        Reservation::Granted(granted) => *granted,
        other => panic!("{other:?}"),
    }
}

fn renewal(of: &Granted) -> Heartbeat {
    Heartbeat {
        execution: of.execution,
        timeout: of.timeout,
        lease: Some(of.lease.clone()),
        release: false,
        alone: false,
        not_started: None,
        server_trouble: None,
        principal: "alice".to_owned(),
    }
}

#[tokio::test]
async fn clock_does_not_go_back_by_the_drift_of_two_clocks() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let late = START.plus(Duration::from_secs(5));
    let store = open(&path, Rules::default(), START);
    store.sweep(late).await.unwrap();
    drop(store);
    let (store, opened) =
        SqliteStore::open(&path, Durability::Normal, Rules::default(), START).unwrap();
    assert_eq!((opened.high_water, opened.downtime), (late, Duration::ZERO));
    let plan = start(&store, None, START).await;
    let held = granted(store.reserve(wish(plan), START).await.unwrap());
    assert_eq!(
        held.deadline,
        late.plus(held.timeout),
        "stamped before, taken as of now"
    );
}

#[tokio::test]
async fn clock_that_was_ahead_follows_the_wall_clock_and_takes_the_leases_along() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let wrong = START.plus(Duration::from_secs(3_600));
    let store = open(&path, Rules::default(), wrong);
    let plan = start(&store, None, wrong).await;
    let request = Reserve {
        key: Some("key".to_owned()),
        ..wish(plan)
    };
    let held = granted(store.reserve(request.clone(), wrong).await.unwrap());
    drop(store);

    let (store, opened) =
        SqliteStore::open(&path, Durability::Normal, Rules::default(), START).unwrap();
    assert_eq!((opened.high_water, opened.extended_leases), (START, 1));
    assert_eq!(opened.downtime, Duration::ZERO);
    let end = START.plus(held.timeout + Duration::from_secs(10));
    let next = store.next_deadline(plan, START).await.unwrap();
    assert_eq!(next.map(|next| next.at), Some(end));
    // The key of the reservation moved along too.
    let again = granted(store.reserve(request, START).await.unwrap());
    assert_eq!((again.execution, again.expires), (held.execution, end));
    let other = granted(store.reserve(wish(plan), START).await.unwrap());
    let usual = START.plus(other.timeout);
    assert_eq!((other.deadline, other.expires), (usual, usual));
}

const RESTARTS: usize = 30;

/// The service starts again and again, and nobody renews the lease of ten seconds. How late it ends, in time that really passed.
/// `step` is what the wall clock is set by before a start.
async fn lateness(step: impl Fn(usize) -> i64) -> Duration {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let wall = |real: Duration, starts: usize| {
        let set: i64 = (0..=starts).map(&step).sum();
        Timestamp(START.0 + set * 1_000).plus(real)
    };
    let (up, down) = (Duration::from_millis(400), Duration::from_millis(300));
    let mut real = Duration::ZERO;
    let mut store = open(&path, Rules::default(), wall(real, 0));
    let plan = start(&store, None, wall(real, 0)).await;
    let held = granted(store.reserve(wish(plan), wall(real, 0)).await.unwrap());
    for starts in 1..=RESTARTS {
        real += up;
        store.sweep(wall(real, starts - 1)).await.unwrap();
        drop(store);
        real += down;
        let now = wall(real, starts);
        store = open(&path, Rules::default(), now);
        let counts = store
            .status(plan, Capabilities::default(), now)
            .await
            .unwrap();
        if counts.reserved == 0 {
            return real.saturating_sub(held.timeout);
        }
    }
    let now = wall(real, RESTARTS);
    let end = store.next_deadline(plan, now).await.unwrap().unwrap();
    (real + end.at.since(now)).saturating_sub(held.timeout)
}

#[tokio::test]
async fn restarts_in_a_row_keep_no_abandoned_lease_alive() {
    let late = lateness(|_| 0).await;
    assert!(late <= Duration::from_secs(11), "{late:?}");
    assert!(late >= Duration::from_secs(9), "the grace counts: {late:?}");
}

#[tokio::test]
async fn steps_of_the_wall_clock_between_restarts_neither_keep_nor_end_a_lease() {
    for (first, second) in [(3_600, -3_600), (-3_600, 3_600)] {
        for at in [1, 9, 15] {
            let late = lateness(|restart| match restart {
                it if it == at => first,
                it if it == at + 7 => second,
                _ => 0,
            })
            .await;
            assert!(late <= Duration::from_secs(20), "{first} at {at}: {late:?}");
            assert!(late >= Duration::from_secs(5), "{first} at {at}: {late:?}");
        }
    }
}

#[tokio::test]
async fn renewed_lease_is_compensated_again() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let mut now = START;
    let mut store = open(&path, Rules::default(), now);
    let plan = start(&store, None, now).await;
    let held = granted(store.reserve(wish(plan), now).await.unwrap());
    for _ in 0..3 {
        store.heartbeat(renewal(&held), now).await.unwrap();
        drop(store);
        now = now.plus(Duration::from_secs(2));
        store = open(&path, Rules::default(), now);
        // The whole lease and the grace.
        let left = Duration::from_secs(20);
        let end = store.next_deadline(plan, now).await.unwrap();
        assert_eq!(end.map(|end| end.at), Some(now.plus(left)));
    }
}

#[tokio::test]
async fn planned_start_and_shown_ends_follow_a_wall_clock_that_was_set_back() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let hour = Duration::from_secs(3_600);
    // An hour ahead when the service starts.
    let service = START.plus(hour);
    let store = open(&path, Rules::default(), service);
    let due = START.plus(Duration::from_secs(60));
    let plan = start(&store, Some(due), service).await;
    store.clock_lead().compare(service, START);
    let waiting = store.reserve(wish(plan), service).await.unwrap();
    assert!(
        matches!(waiting, Reservation::NoExecution { .. }),
        "{waiting:?}"
    );
    assert_eq!(store.demand(plan, service).await.unwrap().due, Some(due));
    let next = store.next_deadline(plan, service).await.unwrap();
    assert_eq!(
        next.map(|it| it.at),
        Some(due.plus(hour)),
        "by the clock of the service"
    );
    let later = service.plus(Duration::from_secs(60));
    let got = granted(store.reserve(wish(plan), later).await.unwrap());
    assert_eq!(got.deadline, got.expires.plus(hour));
}

#[tokio::test]
async fn lease_is_no_part_of_a_millisecond_short() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), wall());
    let clock = ServiceClock::starting_at(wall()).leading(store.clock_lead());
    let plan = start(&store, None, clock.now()).await;
    let now = clock.now();
    let held = granted(store.reserve(wish(plan), now).await.unwrap());
    let whole = held.timeout + Duration::from_millis(1);
    assert_eq!(held.deadline, now.plus(whole), "the reading was cut");
    let now = clock.now();
    store.heartbeat(renewal(&held), now).await.unwrap();
    let end = store.next_deadline(plan, now).await.unwrap();
    assert_eq!(end.map(|end| end.at), Some(now.plus(whole)));
}
