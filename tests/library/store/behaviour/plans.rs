//! Templates, plans, status and lists.

use std::sync::{Arc, Mutex, Weak};

use testplan::{
    model::{ExecutionState, PlanId, PlanKind, PlanStatus, plan::LinkedRepository},
    store::{
        ChangeListener, Changes, Deadline, ExecutePlan, PlanQuery, RefusalCode, Rules, StoreError,
    },
};

use crate::store::world::{Fresh, START, World, caps, refused, request_for, template};

type Make = fn(Rules) -> Fresh;

pub(crate) async fn execute_opens_all_executions(make: Make) {
    let world = World::new(make, &["OS=Linux", "", "OS=Linux"]).await;
    let plan = world.store.plan(world.plan, world.now()).await.unwrap();
    assert_eq!((plan.kind, plan.count), (PlanKind::Instance, 3));
    assert_eq!(
        (plan.project.as_str(), plan.batch.as_str()),
        ("project", "batch")
    );
    assert_eq!(
        (plan.tags, plan.description.as_str()),
        (vec!["tag".to_owned()], "about")
    );
    assert_eq!((plan.passes, plan.failed, plan.skipped), (0, 0, 0));
    assert_eq!(world.counts().await, (3, 0, 0));
    let names: Vec<_> = world
        .executions()
        .await
        .into_iter()
        .map(|e| (e.test.testcase, e.state, e.attempts, e.generation))
        .collect();
    let expected = ["t1", "t2", "t3"].map(|t| (t.to_owned(), ExecutionState::Open, 0, 0));
    assert_eq!(names, expected);
}

pub(crate) async fn execute_requires_a_template_title_and_batch(make: Make) {
    let world = World::new(make, &[""]).await;
    let template = world
        .store
        .publish(vec![template("t", &[])], world.now())
        .await
        .unwrap()[0];
    let good = request_for(template);
    let with = |change: fn(&mut ExecutePlan)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    for (request, code) in [
        (with(|r| r.title.clear()), RefusalCode::Malformed),
        (
            with(|r| r.batch.replace_range(.., " ")),
            RefusalCode::Malformed,
        ),
        (with(|r| r.title.push('\0')), RefusalCode::Malformed),
        (with(|r| r.template = PlanId(9_999)), RefusalCode::Unknown),
        (
            ExecutePlan {
                template: world.plan,
                ..good.clone()
            },
            RefusalCode::Unknown,
        ),
    ] {
        assert_eq!(refused(world.execute(request).await), code);
    }
    assert_eq!(
        world.execute(good).await.unwrap().count,
        0,
        "an empty template makes an empty plan"
    );
}

fn keyed(template: PlanId) -> ExecutePlan {
    ExecutePlan {
        key: Some("k".to_owned()),
        repositories: vec![LinkedRepository {
            id: 4,
            branch: "main".to_owned(),
        }],
        ..request_for(template)
    }
}

pub(crate) async fn execute_with_the_same_key_returns_the_same_plan(make: Make) {
    let world = World::new(make, &[""]).await;
    let ids = world
        .store
        .publish(vec![template("t", &["", ""])], world.now())
        .await
        .unwrap();
    let first = world.execute(keyed(ids[0])).await.unwrap();
    world.pass(1_000);
    assert_eq!(
        world.execute(keyed(ids[0])).await.unwrap(),
        first,
        "the same body"
    );
    let other = ExecutePlan {
        principal: "bob".to_owned(),
        ..keyed(ids[0])
    };
    assert_ne!(
        world.execute(other).await.unwrap().id,
        first.id,
        "keys are per principal"
    );
}

pub(crate) async fn execute_refuses_a_key_of_another_request(make: Make) {
    let world = World::new(make, &[""]).await;
    let ids = world
        .store
        .publish(vec![template("t", &[""])], world.now())
        .await
        .unwrap();
    world.execute(keyed(ids[0])).await.unwrap();
    let other = ExecutePlan {
        title: "another".to_owned(),
        ..keyed(ids[0])
    };
    assert_eq!(refused(world.execute(other).await), RefusalCode::KeyReused);
}

pub(crate) async fn execute_keys_expire_after_a_week(make: Make) {
    const WEEK: u64 = 7 * 24 * 60 * 60 * 1_000;
    let world = World::new(make, &[""]).await;
    let ids = world
        .store
        .publish(vec![template("t", &[""])], world.now())
        .await
        .unwrap();
    let first = world.execute(keyed(ids[0])).await.unwrap();
    world.pass(WEEK);
    world.store.sweep(world.now()).await.unwrap();
    assert_eq!(world.execute(keyed(ids[0])).await.unwrap().id, first.id);
    world.pass(1);
    assert_ne!(world.execute(keyed(ids[0])).await.unwrap().id, first.id);
}

pub(crate) async fn published_templates_keep_their_numbers(make: Make) {
    let world = World::new(make, &[""]).await;
    let both = vec![template("a", &[""]), template("b", &["", ""])];
    let ids = world.store.publish(both, world.now()).await.unwrap();
    let running = world.execute(request_for(ids[1])).await.unwrap();
    let changed = vec![template("b", &["OS=Linux"]), template("a", &[""])];
    let again = world.store.publish(changed, world.now()).await.unwrap();
    assert_eq!(again, [ids[1], ids[0]]);
    assert_eq!(world.execute(request_for(ids[1])).await.unwrap().count, 1);
    let before = world.store.plan(running.id, world.now()).await.unwrap();
    assert_eq!(
        before.count, 2,
        "a running plan keeps what it was started with"
    );
    let twice = vec![template("a", &[]), template("a", &[""])];
    assert_eq!(
        refused(world.store.publish(twice, world.now()).await),
        RefusalCode::Malformed
    );
}

pub(crate) async fn templates_removed_from_their_file_are_hidden(make: Make) {
    let world = World::new(make, &[""]).await;
    let ids = world
        .store
        .publish(vec![template("a", &[""])], world.now())
        .await
        .unwrap();
    world
        .store
        .publish(vec![template("b", &[""])], world.now())
        .await
        .unwrap();
    assert_eq!(
        refused(world.execute(request_for(ids[0])).await),
        RefusalCode::Unknown
    );
    let query = PlanQuery {
        project: "project".to_owned(),
        title: "a".to_owned(),
        kind: PlanKind::Template,
    };
    let found = world.store.find_plan(query.clone(), world.now()).await;
    assert_eq!(refused(found), RefusalCode::Unknown);
    assert_eq!(
        world.store.plan(ids[0], world.now()).await.unwrap().title,
        "a"
    );
    world
        .store
        .publish(vec![template("a", &[""])], world.now())
        .await
        .unwrap();
    assert_eq!(
        world.store.find_plan(query, world.now()).await.unwrap().id,
        ids[0]
    );
}

pub(crate) async fn newest_plan_of_a_title_is_found(make: Make) {
    let world = World::new(make, &[""]).await;
    let second = world.start("template", &[""]).await;
    let query = PlanQuery {
        project: "project".to_owned(),
        title: "plan".to_owned(),
        kind: PlanKind::Instance,
    };
    world.pass(7);
    let found = world.store.find_plan(query, world.now()).await.unwrap();
    assert_eq!(found.id, second.id);
    assert_eq!(found.server_time, world.now());
}

pub(crate) async fn unknown_names_list_similar_ones(make: Make) {
    let world = World::new(make, &[""]).await;
    world
        .store
        .publish(vec![template("CI Tests master", &[])], START)
        .await
        .unwrap();
    for (project, title, hint) in [
        ("project", "CI Test master", "CI Tests master"),
        ("projet", "CI Tests master", "\"project\""),
    ] {
        let query = PlanQuery {
            project: project.to_owned(),
            title: title.to_owned(),
            kind: PlanKind::Template,
        };
        match world.store.find_plan(query, world.now()).await {
            Err(StoreError::Refused(refusal)) => {
                assert_eq!(refusal.code, RefusalCode::Unknown);
                assert!(refusal.message.contains(hint), "{}", refusal.message);
            }
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn status_counts_by_requirement(make: Make) {
    let world = World::new(
        make,
        &["OS=Linux", "OS=Linux browser=chrome", "OS=Windows", ""],
    )
    .await;
    world.reserve(world.wish("os=linux")).await;
    for (filter, open, reserved) in [
        ("", 3, 1),
        ("os=linux", 1, 1),
        ("OS=Linux browser=chrome", 1, 0),
        ("OS=mac", 0, 0),
    ] {
        let status = world
            .store
            .status(world.plan, caps(filter), world.now())
            .await
            .unwrap();
        let expected = PlanStatus {
            open,
            reserved,
            done: 0,
        };
        assert_eq!(status, expected, "{filter:?}");
    }
    world.pass(9_999);
    assert_eq!(world.counts().await, (3, 1, 0));
    world.pass(1);
    assert_eq!(
        world.counts().await,
        (4, 0, 0),
        "over at its deadline, swept or not"
    );
    world.store.sweep(world.now()).await.unwrap();
    assert_eq!(world.counts().await, (4, 0, 0));
    let unknown = world
        .store
        .status(PlanId(9_999), caps(""), world.now())
        .await;
    assert_eq!(refused(unknown), RefusalCode::Unknown);
}

pub(crate) async fn lists_are_paged(make: Make) {
    let world = World::new(make, &["", "", "", "", ""]).await;
    world.start("template", &["", ""]).await;
    let first = world.take().await;
    let page = |state, after, limit| {
        world
            .store
            .executions(world.plan, state, after, limit, world.now())
    };
    let two = page(None, 0, 2).await.unwrap();
    assert_eq!(two.items.len(), 2);
    let rest = page(None, two.next.unwrap(), 3).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (3, None));
    let reserved = page(Some(ExecutionState::Reserved), 0, 9).await.unwrap();
    assert_eq!(reserved.items[0].id, first.execution);
    assert_eq!((reserved.items.len(), reserved.items[0].attempts), (1, 1));
    assert_eq!(
        page(Some(ExecutionState::Open), 0, 9)
            .await
            .unwrap()
            .items
            .len(),
        4
    );
    world.pass(10_000);
    let open = world
        .store
        .executions(world.plan, Some(ExecutionState::Open), 0, 9, world.now());
    assert_eq!(open.await.unwrap().items.len(), 5);

    world.take().await;
    let events = world
        .store
        .events(world.plan, 0, 2, world.now())
        .await
        .unwrap();
    assert_eq!(
        (events.items.len(), events.next),
        (2, Some(events.items[1].id))
    );
    let last = world
        .store
        .events(world.plan, events.items[1].id, 2, world.now())
        .await
        .unwrap();
    assert_eq!((last.items.len(), last.next), (1, None));
    assert_eq!((last.items[0].attempt, last.items[0].at), (2, world.now()));
}

pub(crate) async fn limits_are_enforced(make: Make) {
    let world = World::new(make, &[""]).await;
    let many: Vec<String> = (0..65).map(|n| format!("k{n}=v")).collect();
    let long = format!("k={}", "v".repeat(257));
    for offered in [many.join(" "), long] {
        let answer = world.try_reserve(world.wish(&offered)).await;
        assert_eq!(refused(answer), RefusalCode::Malformed);
    }
    world.reserve(world.wish(&many[..64].join(" "))).await;
}

/// Keeps what it hears.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<Changes>>);

impl ChangeListener for Heard {
    fn changed(&self, changes: &Changes) {
        self.0.lock().unwrap().push(changes.clone());
    }
}

impl Heard {
    /// What opened and what was drained in the plan since the last call, and how many servers became free.
    fn take(&self, plan: PlanId) -> (Vec<(String, usize)>, Vec<String>, usize) {
        let (mut opened, mut drained, mut servers) = (Vec::new(), Vec::new(), 0);
        for changes in self.0.lock().unwrap().drain(..) {
            servers += changes.free_servers;
            for (of, changes) in changes.plans {
                assert_eq!(of, plan);
                opened.extend(
                    changes
                        .opened
                        .iter()
                        .map(|it| (it.required.to_string(), it.count)),
                );
                drained.extend(changes.drained.iter().map(ToString::to_string));
            }
        }
        (opened, drained, servers)
    }
}

pub(crate) async fn listener_hears_what_opened_and_what_is_drained(make: Make) {
    let world = World::new(make, &["OS=Linux", "OS=Linux", ""]).await;
    let heard = Arc::new(Heard::default());
    let listener: Weak<Heard> = Arc::downgrade(&heard);
    world.store.listen(listener);
    let silence = (vec![], vec![], 0);
    let linux = |count| (vec![("OS=Linux".to_owned(), count)], vec![], 0);

    let first = world.reserve(world.wish("OS=Linux")).await;
    world.beat(&first, 10_000).await.unwrap();
    assert_eq!(heard.take(world.plan), silence, "nothing opens");
    world.fail_it(&first).await.unwrap();
    assert_eq!(heard.take(world.plan), silence, "another one is open");
    world.reset(first.execution, None).await.unwrap();
    assert_eq!(heard.take(world.plan), linux(1), "reset");
    let first = world.reserve(world.wish("OS=Linux")).await;
    world.release(&first).await.unwrap();
    assert_eq!(heard.take(world.plan), linux(1), "release");

    for _ in 0..2 {
        world.reserve(world.wish("OS=Linux")).await;
    }
    world.pass(10_000);
    world.store.sweep(world.now()).await.unwrap();
    assert_eq!(heard.take(world.plan), linux(2), "two leases expired");
    for _ in 0..2 {
        let granted = world.reserve(world.wish("OS=Linux")).await;
        world.pass_it(&granted).await.unwrap();
    }
    let drained = (vec![], vec!["OS=Linux".to_owned()], 0);
    assert_eq!(heard.take(world.plan), drained);

    world.squish_server(4322, "OS=Linux").await;
    assert_eq!(heard.take(world.plan).2, 1, "a new server");
    let last = world.reserve(world.wish_with_server()).await;
    assert_eq!(heard.take(world.plan), silence);
    world.pass_it(&last).await.unwrap();
    assert_eq!(heard.take(world.plan).2, 1, "its lease is over");
}

pub(crate) async fn dropped_listener_is_forgotten(make: Make) {
    let world = World::new(make, &[""]).await;
    let heard = Arc::new(Heard::default());
    let listener: Weak<Heard> = Arc::downgrade(&heard);
    world.store.listen(listener.clone());
    drop(heard);
    let granted = world.take().await;
    world.pass_it(&granted).await.unwrap();
    assert_eq!(listener.strong_count(), 0);
}

pub(crate) async fn next_deadline_includes_the_planned_time(make: Make) {
    let mut world = World::new(make, &["", ""]).await;
    let next = || world.store.next_deadline(world.plan, world.now());
    let lease = |at| {
        Some(Deadline {
            at,
            ends_lease: true,
        })
    };
    assert_eq!(next().await.unwrap(), None);
    let first = world.take().await;
    world.pass(5);
    world.take().await;
    assert_eq!(next().await.unwrap(), lease(first.deadline));
    world.pass(9_995);
    assert_eq!(
        next().await.unwrap(),
        lease(first.deadline.plus(std::time::Duration::from_millis(5)))
    );
    let ids = world
        .store
        .publish(vec![template("x", &[""])], world.now())
        .await
        .unwrap();
    let due = world.now().plus(std::time::Duration::from_secs(60));
    let request = ExecutePlan {
        planned: Some(due),
        ..request_for(ids[0])
    };
    world.plan = world.execute(request).await.unwrap().id;
    assert_eq!(
        world
            .store
            .next_deadline(world.plan, world.now())
            .await
            .unwrap(),
        Some(Deadline {
            at: due,
            ends_lease: false
        })
    );
    assert_eq!(
        world.store.next_deadline(world.plan, due).await.unwrap(),
        None
    );
}
