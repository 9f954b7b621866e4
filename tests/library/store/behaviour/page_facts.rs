//! What the pages for people read.

use std::time::Duration;

use testplan::{
    model::{Execution, PlanId, Test, TestResult, TestVerdict},
    store::{ExecutionFilter, Finish, RefusalCode, RemainingWork, Rules, WorkerResults},
};

use crate::store::world::{Fresh, World, caps, refused, request_for, result_of, said};

type Make = fn(Rules) -> Fresh;

/// A plan with an execution of each kind of end, one under a lease of `w1`, and one open.
async fn mixed(make: Make) -> World {
    let world = World::new(
        make,
        &[
            "OS=Linux", "OS=Linux", "OS=Linux", "OS=Linux", "OS=Linux", "OS=Linux", "OS=Linux",
            "OS=Mac",
        ],
    )
    .await;
    let result = |verdict, flaky| {
        Some(TestResult {
            verdict,
            duration_ms: 5,
            flaky,
        })
    };
    for result in [
        result(TestVerdict::Passed, false),
        result(TestVerdict::Failed, false),
        result(TestVerdict::Passed, true),
        result(TestVerdict::Skipped, false),
        None,
    ] {
        let taken = world.take().await;
        world.finish(result_of(&taken, result)).await.unwrap();
    }
    let taken = world.take().await;
    let error = Finish {
        message: "no licence".to_owned(),
        details: "long".to_owned(),
        ..result_of(&taken, None)
    };
    world.finish(error).await.unwrap();
    world.pass(1_000);
    let mut wish = world.wish("OS=Linux");
    wish.worker = Some("w1".to_owned());
    world.reserve(wish).await;
    world
}

fn names(executions: &[Execution]) -> Vec<&str> {
    let names = executions.iter().map(|it| it.test.testcase.as_str());
    names.collect()
}

pub(crate) async fn recent_plans_are_newest_first_with_their_counts(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let first = world.plan;
    let second = world.start("template", &["", "OS=Mac"]).await.id;
    world.start("another", &[""]).await;
    let page = world
        .store
        .recent_plans(None, 2, world.now())
        .await
        .unwrap();
    let titles: Vec<PlanId> = page.items.iter().map(|it| it.plan.id).collect();
    assert_eq!((titles.len(), titles[1]), (2, second));
    let rest = world
        .store
        .recent_plans(page.next.map(PlanId), 2, world.now());
    let rest = rest.await.unwrap();
    assert_eq!((rest.items[0].plan.id, rest.next), (first, None));

    let taken = world.take().await;
    world.fail_it(&taken).await.unwrap();
    world.take().await;
    let detail = world.store.plan_detail(first, world.now()).await.unwrap();
    let found = &detail.overview;
    assert_eq!(
        found.plan,
        world.store.plan(first, world.now()).await.unwrap()
    );
    assert_eq!((found.counts.reserved, found.counts.done), (1, 1));
    assert_eq!((found.plan.failed, found.could_not_run()), (1, 0));
    assert_eq!(
        (found.started_by.as_str(), found.created),
        ("alice", world.now())
    );
    assert_eq!((found.last_event_id(), found.ended()), (3, None));
    world.pass(10_000);
    let expired = world.store.plan_detail(first, world.now()).await.unwrap();
    assert_eq!(expired.overview.counts.open, 1, "its lease is over");
    assert_eq!(expired.capabilities[0].counts.open, 1);
    let unknown = world.store.plan_detail(PlanId(99), world.now()).await;
    assert_eq!(refused(unknown), RefusalCode::Unknown);
}

pub(crate) async fn plan_detail_counts_each_kind_of_end(make: Make) {
    let world = mixed(make).await;
    let detail = world.store.plan_detail(world.plan, world.now());
    let detail = detail.await.unwrap();
    let found = detail.overview;
    assert_eq!((found.unjudged, found.could_not_run()), (1, 1));
    assert_eq!((found.plan.passes, found.plan.failed), (2, 1));
    assert_eq!(found.plan.skipped, 1);
    let linux = &detail.capabilities[0];
    assert_eq!(linux.required, caps("OS=Linux"));
    assert_eq!(
        (linux.passed, linux.could_not_run(), linux.unjudged),
        (2, 1, 1)
    );
    assert_eq!(detail.capabilities[1].counts.open, 1);
}

pub(crate) async fn results_are_counted_by_worker(make: Make) {
    let world = mixed(make).await;
    let mut wish = world.wish("OS=Mac");
    wish.worker = Some("mac-1".to_owned());
    let taken = world.reserve(wish).await;
    let result = result_of(&taken, said(TestVerdict::Passed, 700));
    world.finish(result).await.unwrap();
    let results = world.store.worker_results(world.plan, 9, world.now());
    let results = results.await.unwrap();
    let counts = |it: &WorkerResults| {
        [
            it.passed,
            it.failed,
            it.skipped,
            it.could_not_run,
            it.unjudged,
        ]
    };
    let sum = results.iter().map(counts).fold([0; 5], |sum, it| {
        std::array::from_fn(|index| sum[index] + it[index])
    });
    assert_eq!(sum, [3, 1, 1, 1, 1]);
    let mac = results.iter().find(|it| it.worker == "mac-1").unwrap();
    assert_eq!(counts(mac), [1, 0, 0, 0, 0]);
    assert_eq!(mac.test_time, Duration::from_millis(700));
    let workers: Vec<_> = results.iter().map(|it| it.worker.as_str()).collect();
    assert!(workers.is_sorted() && !workers.contains(&""), "{workers:?}");
    let first = world.store.worker_results(world.plan, 1, world.now());
    assert_eq!(first.await.unwrap(), results[..1]);
    let unknown = world.store.worker_results(PlanId(9_999), 1, world.now());
    assert_eq!(refused(unknown.await), RefusalCode::Unknown);
}

pub(crate) async fn filters_find_their_executions(make: Make) {
    let world = mixed(make).await;
    let table: [(ExecutionFilter, &[&str]); 9] = [
        (
            ExecutionFilter::All,
            &["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"],
        ),
        (ExecutionFilter::Failed, &["t2"]),
        (ExecutionFilter::CouldNotRun, &["t6"]),
        (ExecutionFilter::NoVerdict, &["t5"]),
        (ExecutionFilter::Flaky, &["t3"]),
        (ExecutionFilter::Running, &["t7"]),
        (ExecutionFilter::Open, &["t8"]),
        (ExecutionFilter::Passed, &["t1", "t3"]),
        (ExecutionFilter::Skipped, &["t4"]),
    ];
    let find = |filter, after, limit| {
        world
            .store
            .filtered_executions(world.plan, filter, after, limit, world.now())
    };
    for (filter, expected) in table {
        let page = find(filter, 0, 100).await.unwrap();
        assert_eq!(names(&page.items), expected, "{filter:?}");
        assert_eq!(page.next, None);
    }
    let first = find(ExecutionFilter::Passed, 0, 1).await.unwrap();
    let second = find(ExecutionFilter::Passed, first.next.unwrap(), 1);
    assert_eq!(names(&second.await.unwrap().items), ["t3"]);
    world.pass(10_000);
    assert_eq!(
        find(ExecutionFilter::Running, 0, 9).await.unwrap().items,
        []
    );
}

pub(crate) async fn running_executions_name_worker_and_start(make: Make) {
    let world = mixed(make).await;
    let since = world.now();
    world.pass(2_000);
    let running = world.store.running(world.plan, 10, world.now());
    let running = running.await.unwrap();
    assert_eq!(running.len(), 1);
    assert_eq!(
        (running[0].worker.as_str(), running[0].since),
        ("w1", since)
    );
    assert_eq!(running[0].execution.test.testcase, "t7");
    assert_eq!(running[0].squish_server, None);
}

pub(crate) async fn history_of_an_execution_is_apart_from_others(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let lost = world.take().await;
    let other = world.take().await;
    world.release(&lost).await.unwrap();
    let again = world.take().await;
    assert_eq!(again.execution, lost.execution);
    world
        .finish(result_of(&again, said(TestVerdict::Failed, 9)))
        .await
        .unwrap();
    let read = |execution, limit| {
        world
            .store
            .execution_history(world.plan, execution, limit, world.now())
    };
    let history = read(lost.execution, 100).await.unwrap();
    let kinds: Vec<_> = history
        .events
        .iter()
        .map(|it| (it.kind.as_str(), it.attempt))
        .collect();
    let expected = [
        ("reserved", 1),
        ("released", 1),
        ("reserved", 2),
        ("finished", 2),
    ];
    assert_eq!((kinds.as_slice(), history.is_cut), (&expected[..], false));
    assert_eq!(history.execution.attempts, 2);
    let cut = read(lost.execution, 1).await.unwrap();
    assert_eq!(
        (cut.events[0].kind.as_str(), cut.is_cut),
        ("finished", true)
    );
    assert_eq!(read(other.execution, 100).await.unwrap().events.len(), 1);

    let notable = world.store.notable_events(world.plan, 10, world.now());
    let notable = notable.await.unwrap();
    assert_eq!((notable.len(), notable[0].kind.as_str()), (1, "released"));

    let elsewhere = world.take_from_another_plan().await;
    assert_eq!(
        refused(read(elsewhere.execution, 1).await),
        RefusalCode::Unknown
    );
}

pub(crate) async fn changes_after_an_event_are_found(make: Make) {
    let world = World::new(make, &["", "", ""]).await;
    let first = world.take().await;
    world.take().await;
    world.pass_it(&first).await.unwrap();
    let changed = |after, limit| {
        world
            .store
            .changed_executions(world.plan, after, limit, world.now())
    };
    let all = changed(0, 10).await.unwrap();
    assert_eq!((names(&all.executions).len(), all.is_complete), (2, true));
    let last = changed(2, 10).await.unwrap();
    let test = Test {
        suite: "suite".to_owned(),
        testcase: last.executions[0].test.testcase.clone(),
    };
    assert_eq!((last.executions.len(), &test), (1, &first.test));
    let too_many = changed(0, 2).await.unwrap();
    assert_eq!(
        (too_many.executions.len(), too_many.is_complete),
        (0, false)
    );
}

pub(crate) async fn remaining_work_has_durations_and_results(make: Make) {
    let world = World::new(make, &["", "", "OS=Linux"]).await;
    let ended = |duration, labels| {
        let world = &world;
        async move {
            let taken = world.reserve(world.wish(labels)).await;
            let result = result_of(&taken, said(TestVerdict::Passed, duration));
            world.finish(result).await.unwrap();
        }
    };
    ended(700, "OS=Linux").await;
    ended(300, "").await;
    let remaining = |plan, limits| world.store.remaining_work(plan, limits, world.now());
    let now = remaining(world.plan, (5, 5)).await.unwrap();
    let open: Vec<_> = now.open.iter().map(|it| (&it.required, it.known)).collect();
    assert_eq!(open, [(&caps(""), 0)], "one without a history is open");
    let took = |ms| (Some(Duration::from_millis(ms)), None);
    let results = |of: &RemainingWork| -> Vec<_> {
        of.results
            .iter()
            .map(|it| (it.duration, it.expected))
            .collect()
    };
    assert_eq!(results(&now), [took(300), took(700)], "newest first");
    assert!(now.results[0].at >= now.results[1].at);
    assert_eq!(now.results[0].worker, now.results[1].worker);
    let newest = remaining(world.plan, (5, 1)).await.unwrap();
    assert_eq!(results(&newest), [took(300)]);

    let template = world.store.find_plan(
        testplan::store::PlanQuery {
            project: "project".to_owned(),
            title: "template".to_owned(),
            kind: testplan::model::PlanKind::Template,
        },
        world.now(),
    );
    let template = template.await.unwrap().id;
    let plan = world.execute(request_for(template)).await.unwrap().id;
    let mut work = remaining(plan, (5, 5)).await.unwrap();
    work.open.sort_by(|a, b| a.required.cmp(&b.required));
    let span = Duration::from_millis;
    let known: Vec<_> = work
        .open
        .iter()
        .map(|it| (it.required.clone(), it.longest.clone(), it.known, it.total))
        .collect();
    assert_eq!(
        known,
        [
            (caps(""), vec![span(300)], 1, span(300)),
            (caps("OS=Linux"), vec![span(700)], 1, span(700))
        ],
        "the second test without labels is not known"
    );
    assert_eq!(work.results, []);
}
