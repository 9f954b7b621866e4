//! Tests over time: their runs in earlier plans, and the plans of a template.

use testplan::{
    model::{ExecutionId, PlanId, PlanOrigin, RunEnd, TestId, TestVerdict},
    store::{ExecutePlan, Page, PlanRunQuery, RefusalCode, Reserve, Rules, TestRuns},
};

use crate::store::world::{Fresh, World, refused, request_for, result_of, said, template};

fn origin(branch: &str, commit: &str) -> PlanOrigin {
    PlanOrigin {
        branch: branch.to_owned(),
        commit: commit.to_owned(),
        author: "ada".to_owned(),
        run_url: "https://ci.example/7".to_owned(),
    }
}

/// A template with two tests, and plans of it.
async fn plans(make: fn(Rules) -> Fresh, origins: &[(&str, &str)]) -> (World, Vec<PlanId>, PlanId) {
    let world = World::new(make, &[]).await;
    let definition = template("nightly", &["OS=Linux", ""]);
    let ids = world.store.publish(vec![definition], world.now()).await;
    let template = ids.unwrap()[0];
    let mut plans = Vec::new();
    for (branch, commit) in origins {
        let request = ExecutePlan {
            origin: origin(branch, commit),
            title: format!("of {commit}"),
            ..request_for(template)
        };
        plans.push(world.execute(request).await.unwrap().id);
        world.pass(1_000);
    }
    (world, plans, template)
}

/// Ends the next execution of a plan that fits Linux with a verdict and a message.
async fn end(world: &World, plan: PlanId, verdict: TestVerdict, why: &str) -> ExecutionId {
    let wish = Reserve {
        plan,
        worker: Some("box".to_owned()),
        ..world.wish("OS=Linux")
    };
    let granted = world.reserve(wish).await;
    let mut finish = result_of(&granted, said(verdict, 7));
    why.clone_into(&mut finish.failure);
    world.finish(finish).await.unwrap();
    granted.execution
}

async fn first_test(world: &World, plan: PlanId) -> TestId {
    let cells = world.store.run_cells(plan, 10, world.now()).await.unwrap();
    cells[0].test
}

async fn runs(world: &World, test: TestId, before: Option<ExecutionId>, limit: u32) -> TestRuns {
    let answer = world.store.test_runs(test, before, limit, world.now());
    answer.await.unwrap()
}

pub(crate) async fn runs_of_a_test_are_listed_newest_first(make: fn(Rules) -> Fresh) {
    let (world, plans, _) = plans(make, &[("main", "c1"), ("main", "c2"), ("x", "c3")]).await;
    let linux = end(&world, plans[0], TestVerdict::Passed, "").await;
    end(&world, plans[1], TestVerdict::Failed, "expected 3\ngot 4").await;
    let test = first_test(&world, plans[0]).await;
    let found = runs(&world, test, None, 10).await;
    assert_eq!(found.test.project, "project");
    assert_eq!(found.test.test.testcase, "t1");
    let ends: Vec<_> = found.runs.items.iter().map(|run| run.end).collect();
    assert_eq!(ends, [RunEnd::Open, RunEnd::Failed, RunEnd::Passed]);
    let [_, failed, passed] = &found.runs.items[..] else {
        panic!("{found:?}");
    };
    assert_eq!(failed.message, "expected 3\ngot 4");
    assert_eq!(failed.origin, origin("main", "c2"));
    assert_eq!(failed.plan_title, "of c2");
    assert_eq!(failed.worker, "box");
    assert_eq!(failed.plan_ended, (1, 0));
    assert_eq!(passed.plan_ended, (1, 1));
    assert_eq!(failed.required.to_string(), "OS=Linux");
    assert_eq!((passed.execution, passed.plan), (linux, plans[0]));
    assert_eq!((passed.duration_ms, passed.message.as_str()), (Some(7), ""));
    assert!(failed.started > passed.started);
    let Page { items, next } = runs(&world, test, None, 2).await.runs;
    assert_eq!(items.len(), 2);
    let rest = runs(&world, test, next.map(ExecutionId), 2).await.runs;
    assert_eq!((rest.items.len(), rest.next), (1, None));
    let unknown = world
        .store
        .test_runs(TestId(9_999), None, 1, world.now())
        .await;
    assert_eq!(refused(unknown), RefusalCode::Unknown);
}

pub(crate) async fn pass_after_a_reset_failure_is_flaky(make: fn(Rules) -> Fresh) {
    let (world, plans, _) = plans(make, &[("main", "c1")]).await;
    let execution = end(&world, plans[0], TestVerdict::Failed, "no").await;
    world.reset(execution, None).await.unwrap();
    end(&world, plans[0], TestVerdict::Passed, "").await;
    let test = first_test(&world, plans[0]).await;
    let run = runs(&world, test, None, 10).await.runs.items.remove(0);
    assert_eq!((run.end, run.earlier_failures), (RunEnd::Flaky, 1));
    let cells = world.store.run_cells(plans[0], 10, world.now()).await;
    let ends: Vec<_> = cells.unwrap().iter().map(|cell| cell.end).collect();
    assert_eq!(ends, [RunEnd::Flaky, RunEnd::Open]);
}

pub(crate) async fn run_that_could_not_run_is_not_flaky_after_a_reset(make: fn(Rules) -> Fresh) {
    let (world, plans, _) = plans(make, &[("main", "c1")]).await;
    let wish = Reserve {
        plan: plans[0],
        ..world.wish("OS=Linux")
    };
    let granted = world.reserve(wish).await;
    let mut finish = result_of(&granted, None);
    "no display".clone_into(&mut finish.message);
    world.finish(finish).await.unwrap();
    let test = first_test(&world, plans[0]).await;
    let run = runs(&world, test, None, 10).await.runs.items.remove(0);
    assert_eq!(
        (run.end, run.message.as_str()),
        (RunEnd::CouldNotRun, "no display")
    );
    world.reset(granted.execution, None).await.unwrap();
    end(&world, plans[0], TestVerdict::Passed, "").await;
    let run = runs(&world, test, None, 10).await.runs.items.remove(0);
    assert_eq!((run.end, run.earlier_failures), (RunEnd::Passed, 0));
}

pub(crate) async fn plans_of_a_template_are_listed_by_branch(make: fn(Rules) -> Fresh) {
    let origins = [("main", "c1"), ("x", "c2"), ("main", "c3"), ("", "c4")];
    let (world, plans, template) = plans(make, &origins).await;
    let ask = async |branch: Option<&str>, before: Option<PlanId>, limit| {
        let query = PlanRunQuery {
            template,
            branch: branch.map(str::to_owned),
            before,
        };
        let found = world.store.plan_runs(query, limit).await.unwrap();
        found.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(ask(None, None, 3).await, [plans[3], plans[2], plans[1]]);
    assert_eq!(ask(Some("main"), None, 9).await, [plans[2], plans[0]]);
    assert_eq!(ask(Some("main"), Some(plans[2]), 9).await, [plans[0]]);
    assert_eq!(ask(Some(""), None, 9).await, [plans[3]]);
    assert!(ask(Some("y"), None, 9).await.is_empty());
    let branches = world.store.branches(template, 9).await.unwrap();
    let names: Vec<_> = branches
        .iter()
        .map(|run| run.origin.branch.as_str())
        .collect();
    assert_eq!(names, ["", "main", "x"]);
    let run = world.store.plan_run(plans[0]).await.unwrap();
    assert_eq!(
        (run.template, run.size, run.is_over),
        (Some(template), 2, false)
    );
    assert_eq!(run.origin, origin("main", "c1"));
    end(&world, plans[0], TestVerdict::Passed, "").await;
    end(&world, plans[0], TestVerdict::Skipped, "").await;
    assert!(world.store.plan_run(plans[0]).await.unwrap().is_over);
    let as_plan = world.store.plan_run(template).await;
    assert_eq!(refused(as_plan), RefusalCode::Malformed);
    let names = world.store.templates(9).await.unwrap();
    let names: Vec<_> = names.iter().map(|plan| plan.title.as_str()).collect();
    assert!(names.contains(&"nightly"), "{names:?}");
}

pub(crate) async fn workers_have_the_pages_of_their_jobs(make: fn(Rules) -> Fresh) {
    let (world, plans, template) = plans(make, &[("main", "c1"), ("main", "c2")]).await;
    let note = async |plan, worker: &str, url: &str| {
        let noted =
            world
                .store
                .note_worker_job(plan, worker.to_owned(), url.to_owned(), world.now());
        noted.await
    };
    note(plans[0], "b/1", "https://ci/1").await.unwrap();
    note(plans[0], "a/1", "https://ci/2").await.unwrap();
    note(plans[0], "b/1", "https://ci/3").await.unwrap();
    let jobs = world.store.worker_jobs(plans[0], 9).await.unwrap();
    let jobs: Vec<_> = jobs
        .iter()
        .map(|(name, url)| (name.as_str(), url.as_str()))
        .collect();
    assert_eq!(jobs, [("a/1", "https://ci/2"), ("b/1", "https://ci/3")]);
    assert!(
        world
            .store
            .worker_jobs(plans[1], 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        refused(note(PlanId(999), "a", "u").await),
        RefusalCode::Unknown
    );
    assert_eq!(
        refused(note(template, "a", "u").await),
        RefusalCode::Malformed
    );
}

pub(crate) async fn names_and_labels_of_many_tests_are_read_at_once(make: fn(Rules) -> Fresh) {
    let (world, plans, _) = plans(make, &[("main", "c1")]).await;
    let cells = world
        .store
        .run_cells(plans[0], 10, world.now())
        .await
        .unwrap();
    let mut wanted: Vec<_> = cells.iter().map(|cell| cell.test).collect();
    wanted.push(TestId(9_999));
    wanted.reverse();
    let names = world.store.test_names(wanted).await.unwrap();
    let names: Vec<_> = names
        .iter()
        .map(|known| known.test.testcase.as_str())
        .collect();
    assert_eq!(names, ["t1", "t2"]);
    let sets: Vec<_> = cells.iter().map(|cell| cell.label_set).collect();
    let sets = world.store.label_sets(sets).await.unwrap();
    let sets: Vec<_> = sets.iter().map(ToString::to_string).collect();
    assert_eq!(sets, ["OS=Linux", "any"]);
    let first = world
        .store
        .run_cells(plans[0], 1, world.now())
        .await
        .unwrap();
    assert_eq!(first.len(), 1);
}
