//! Squish servers: binding, rest, revival, and what their list may do meanwhile.

use std::time::Duration;

use testplan::{
    model::{Capabilities, NewSquishServer, PlanStatus, Port, SquishServerChange, SquishServerId},
    store::{RefusalCode, Reservation, Rules},
};

use crate::store::world::{Fresh, World, caps, refused, request_for, template};

type Make = fn(Rules) -> Fresh;

async fn busy(world: &World) -> Vec<Option<i64>> {
    let list = world.store.squish_servers(world.now()).await.unwrap();
    list.into_iter().map(|s| s.busy_with.map(|e| e.0)).collect()
}

pub(crate) async fn reserve_allocates_a_squish_server(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let rich = world.squish_server(4322, "OS=Linux browser=chrome").await;
    let plain = world.squish_server(4323, "OS=Linux").await;
    let first = world.reserve(world.wish_with_server()).await;
    assert_eq!(first.server.unwrap().id, plain.id, "rarer ones stay free");
    let second = world.reserve(world.wish_with_server()).await;
    assert_eq!(second.server.unwrap().id, rich.id);
    assert_eq!(
        busy(&world).await,
        [Some(second.execution.0), Some(first.execution.0)]
    );
}

pub(crate) async fn missing_server_is_reported_apart_from_missing_execution(make: Make) {
    let world = World::new(make, &["", "", "OS=mac"]).await;
    let none = world.try_reserve(world.wish_with_server()).await.unwrap();
    assert_eq!(none, Reservation::NoServer { pending: 2 });
    world.squish_server(4322, "OS=Linux").await;
    world.reserve(world.wish_with_server()).await;
    let none = world.try_reserve(world.wish_with_server()).await.unwrap();
    assert_eq!(none, Reservation::NoServer { pending: 2 });
    assert_eq!(world.counts().await, (2, 1, 0), "nothing was handed out");
    world.take().await;
    let none = world.try_reserve(world.wish_with_server()).await.unwrap();
    assert_eq!(none, Reservation::NoExecution { pending: 2 });
}

pub(crate) async fn server_must_offer_all_requested_labels(make: Make) {
    let world = World::new(make, &[""]).await;
    world.squish_server(4322, "OS=Windows").await;
    world.squish_server(4323, "browser=chrome").await;
    let none = world.try_reserve(world.wish_with_server()).await.unwrap();
    assert_eq!(none, Reservation::NoServer { pending: 1 });
    let fit = world.squish_server(4324, "os=linux browser=x").await;
    let granted = world.reserve(world.wish_with_server()).await;
    assert_eq!(granted.server.unwrap().id, fit.id);
}

pub(crate) async fn server_cools_down_after_an_expiry(make: Make) {
    for swept in [false, true] {
        let world = World::new(make, &["", ""]).await;
        world.squish_server(4322, "OS=Linux").await;
        world.reserve(world.wish_with_server()).await;
        world.pass(10_000);
        if swept {
            world.store.sweep(world.now()).await.unwrap();
        }
        assert_eq!(busy(&world).await, [None]);
        world.pass(9_999);
        let early = world.try_reserve(world.wish_with_server()).await.unwrap();
        assert_eq!(early, Reservation::NoServer { pending: 2 }, "it rests");
        let end = world
            .store
            .next_deadline(world.plan, world.now())
            .await
            .unwrap();
        assert_eq!(end.unwrap().at.since(world.now()).as_millis(), 1);
        world.pass(1);
        world.reserve(world.wish_with_server()).await;
    }
}

pub(crate) async fn server_is_free_after_finish_and_release(make: Make) {
    let world = World::new(make, &["", "", "", ""]).await;
    world.squish_server(4322, "OS=Linux").await;
    let first = world.reserve(world.wish_with_server()).await;
    world.pass_it(&first).await.unwrap();
    let second = world.reserve(world.wish_with_server()).await;
    world.release(&second).await.unwrap();
    let third = world.reserve(world.wish_with_server()).await;
    // Even past its end: who speaks as the holder is done with it.
    world.pass(10_000);
    world.store.sweep(world.now()).await.unwrap();
    world.pass_it(&third).await.unwrap();
    world.reserve(world.wish_with_server()).await;
}

pub(crate) async fn revived_lease_keeps_its_server(make: Make) {
    for (late, swept) in [(0, false), (5_000, true), (60_000, true)] {
        let world = World::new(make, &["", ""]).await;
        world.squish_server(4322, "OS=Linux").await;
        let granted = world.reserve(world.wish_with_server()).await;
        world.pass(10_000 + late);
        if swept {
            world.store.sweep(world.now()).await.unwrap();
        }
        world.beat(&granted, 60_000).await.unwrap();
        assert_eq!(busy(&world).await, [Some(granted.execution.0)]);
        world.pass(20_000);
        let none = world.try_reserve(world.wish_with_server()).await.unwrap();
        assert_eq!(
            none,
            Reservation::NoServer { pending: 2 },
            "bound again, not resting"
        );
    }
}

pub(crate) async fn lease_whose_server_was_taken_is_refused(make: Make) {
    let world = World::new(make, &["OS=Linux", ""]).await;
    world.squish_server(4322, "OS=Linux").await;
    let zombie = world.reserve(world.wish_with_server()).await;
    world.pass(20_000);
    // Somebody without the label for it takes the other execution, and the machine with it.
    let mut wish = world.wish_with_server();
    wish.offered = caps("");
    let other = world.reserve(wish).await;
    assert_ne!(other.execution, zombie.execution);
    assert_eq!(
        refused(world.beat(&zombie, 10_000).await),
        RefusalCode::ServerLost
    );
    let vendor = world.heartbeat(zombie.execution, None, 10_000, false).await;
    assert_eq!(refused(vendor), RefusalCode::ServerLost);
    world.pass_it(&zombie).await.unwrap();
    assert_eq!(
        busy(&world).await,
        [Some(other.execution.0)],
        "not freed by the zombie"
    );
}

pub(crate) async fn disabled_server_keeps_its_lease(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let machine = world.squish_server(4322, "OS=Linux").await;
    let granted = world.reserve(world.wish_with_server()).await;
    let change = SquishServerChange {
        enabled: Some(false),
        ..SquishServerChange::default()
    };
    let changed = world
        .store
        .change_squish_server(machine.id, change, world.now());
    assert!(!changed.await.unwrap().enabled);
    world.beat(&granted, 10_000).await.unwrap();
    assert_eq!(busy(&world).await, [Some(granted.execution.0)]);
    world.pass_it(&granted).await.unwrap();
    let none = world.try_reserve(world.wish_with_server()).await.unwrap();
    assert_eq!(none, Reservation::NoServer { pending: 1 });
    let again = SquishServerChange {
        enabled: Some(true),
        labels: Some(caps("OS=Linux x=y")),
        host: Some("host".to_owned()),
        port: Port::new(1),
        ..SquishServerChange::default()
    };
    world
        .store
        .change_squish_server(machine.id, again, world.now())
        .await
        .unwrap();
    let server = world
        .reserve(world.wish_with_server())
        .await
        .server
        .unwrap();
    assert_eq!(
        (server.id, server.host.as_str(), server.port.as_str()),
        (machine.id, "host", "1")
    );
}

pub(crate) async fn removed_server_keeps_its_lease(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let machine = world.squish_server(4322, "OS=Linux").await;
    let granted = world.reserve(world.wish_with_server()).await;
    world
        .store
        .remove_squish_server(machine.id, world.now())
        .await
        .unwrap();
    assert!(busy(&world).await.is_empty());
    world.pass(10_000);
    world.beat(&granted, 10_000).await.unwrap();
    // Registered again, it is as busy as it was: it is the same machine.
    let again = world.squish_server(4322, "OS=Linux").await;
    assert_eq!(
        (again.id, again.busy_with),
        (machine.id, Some(granted.execution))
    );
    let none = world.try_reserve(world.wish_with_server()).await.unwrap();
    assert_eq!(none, Reservation::NoServer { pending: 2 });
    world
        .store
        .remove_squish_server(machine.id, world.now())
        .await
        .unwrap();
    world.pass_it(&granted).await.unwrap();
    let none = world.try_reserve(world.wish_with_server()).await.unwrap();
    assert_eq!(none, Reservation::NoServer { pending: 1 });
}

pub(crate) async fn unknown_servers_are_refused(make: Make) {
    let world = World::new(make, &[]).await;
    let gone = world.squish_server(4322, "").await;
    world
        .store
        .remove_squish_server(gone.id, world.now())
        .await
        .unwrap();
    for id in [gone.id, SquishServerId(9_999)] {
        let change = SquishServerChange::default();
        let answer = world
            .store
            .change_squish_server(id, change, world.now())
            .await;
        assert_eq!(refused(answer), RefusalCode::Unknown);
        let answer = world.store.remove_squish_server(id, world.now()).await;
        assert_eq!(refused(answer), RefusalCode::Unknown);
    }
}

pub(crate) async fn server_is_registered_once_by_host_and_port(make: Make) {
    let world = World::new(make, &[]).await;
    let first = world.squish_server(4322, "OS=Linux").await;
    let again = world.squish_server(4322, "OS=mac").await;
    assert_eq!((again.id, &again.labels), (first.id, &caps("OS=mac")));
    let other = world.squish_server(4323, "").await;
    let change = SquishServerChange {
        port: Port::new(4322),
        ..SquishServerChange::default()
    };
    let answer = world
        .store
        .change_squish_server(other.id, change, world.now())
        .await;
    assert_eq!(refused(answer), RefusalCode::Malformed);
}

pub(crate) async fn servers_of_a_file_are_registered_once(make: Make) {
    let world = World::new(make, &[]).await;
    let file = |labels: &str| {
        [4322, 4323].map(|port| NewSquishServer {
            host: Some("127.0.0.1".to_owned()),
            port: Port::new(port).unwrap(),
            enabled: true,
            labels: caps(labels),
        })
    };
    world
        .store
        .register_servers(file("").to_vec(), world.now())
        .await
        .unwrap();
    let off = SquishServerChange {
        enabled: Some(false),
        ..SquishServerChange::default()
    };
    let list = world.store.squish_servers(world.now()).await.unwrap();
    world
        .store
        .change_squish_server(list[0].id, off, world.now())
        .await
        .unwrap();
    world
        .store
        .register_servers(file("OS=mac").to_vec(), world.now())
        .await
        .unwrap();
    let list = world.store.squish_servers(world.now()).await.unwrap();
    let told: Vec<_> = list
        .into_iter()
        .map(|s| (s.port, s.enabled, s.labels))
        .collect();
    let expected = [("4322", false), ("4323", true)];
    assert_eq!(
        told,
        expected.map(|(p, e)| (p.to_owned(), e, caps("OS=mac")))
    );
}

pub(crate) async fn standing_lists_requirements_and_servers(make: Make) {
    let world = World::new(make, &["OS=Linux", "OS=Linux", "OS=mac"]).await;
    world.squish_server(4322, "OS=Linux").await;
    let demand = async || {
        let demand = world.store.demand(world.plan, world.now()).await;
        demand.unwrap()
    };
    let counts = |needs: &[(Capabilities, PlanStatus)], of: &str| {
        let found = needs.iter().find(|(required, _)| *required == caps(of));
        let status = found.unwrap().1;
        (status.open, status.reserved, status.done)
    };
    let granted = world.reserve(world.wish_with_server()).await;
    let at_work = demand().await;
    assert_eq!(counts(&at_work.needs, "OS=Linux"), (1, 1, 0));
    assert_eq!(counts(&at_work.needs, "OS=mac"), (1, 0, 0));
    assert_eq!(at_work.due, None);
    let machine = &at_work.squish_servers[0];
    assert_eq!(machine.busy_with, Some(granted.execution));
    assert_eq!(machine.busy_test, Some(granted.test.clone()));
    assert_eq!(machine.cooling, None);

    world.pass(10_000);
    world.store.sweep(world.now()).await.unwrap();
    let lapsed = demand().await;
    assert_eq!(counts(&lapsed.needs, "OS=Linux"), (2, 0, 0));
    let machine = &lapsed.squish_servers[0];
    assert_eq!((machine.busy_with, &machine.busy_test), (None, &None));
    let rest = machine.cooling.unwrap().until.since(world.now());
    assert_eq!(rest, Rules::default().cool_down);
    world.pass(10_000);
    assert_eq!(demand().await.squish_servers[0].cooling, None);

    let mut later = request_for(world.plan);
    later.template = world
        .store
        .publish(vec![template("later", &[""])], world.now())
        .await
        .unwrap()[0];
    later.planned = Some(world.now().plus(Duration::from_secs(60)));
    let plan = world.execute(later.clone()).await.unwrap();
    let not_due = world.store.demand(plan.id, world.now()).await.unwrap();
    assert_eq!(not_due.due, later.planned);
    world.pass(60_000);
    let due = world.store.demand(plan.id, world.now()).await.unwrap();
    assert_eq!(due.due, None, "at its time it is due");
    let of_template = world.store.demand(later.template, world.now()).await;
    assert_eq!(refused(of_template), RefusalCode::Malformed);
}
