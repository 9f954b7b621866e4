//! Imports: what uploaded results make of what was finished without a verdict.

use testplan::{
    model::{Capabilities, Outcome, Test, TestResult, TestVerdict},
    store::{Granted, Import, KeptFile, NewImport, RefusalCode, ReportedTest, Rules},
};

use crate::store::world::{Fresh, World, caps, refused, result_of, upload};

type Make = fn(Rules) -> Fresh;

const PASSED: TestVerdict = TestVerdict::Passed;
const FAILED: TestVerdict = TestVerdict::Failed;

/// An upload under `labels` that says of the plan's first test what it came to.
fn saying(folder: &str, labels: &str, verdict: TestVerdict) -> NewImport {
    let said = ReportedTest {
        test: Test {
            suite: "suite".to_owned(),
            testcase: "t1".to_owned(),
        },
        result: TestResult {
            verdict,
            duration_ms: 700,
            flaky: false,
        },
    };
    NewImport {
        labels: caps(labels),
        tests: vec![said],
        ..upload(folder)
    }
}

async fn import(world: &World, import: NewImport) -> Import {
    world.store.import(import, world.now()).await.unwrap()
}

/// It ran, and its worker does not say how.
async fn ran(world: &World, of: &Granted) {
    world.finish(result_of(of, None)).await.unwrap();
}

async fn totals(world: &World) -> (u64, u64, u64) {
    let plan = world.store.plan(world.plan, world.now()).await.unwrap();
    (plan.passes, plan.failed, plan.skipped)
}

async fn verdict(world: &World) -> Option<TestVerdict> {
    match &world.executions().await[0].outcome {
        Some(Outcome::Completed { result }) => result.map(|result| result.verdict),
        _ => None,
    }
}

pub(crate) async fn import_gives_a_verdict_to_an_execution_without_one(make: Make) {
    let world = World::new(make, &["OS=Linux"]).await;
    let granted = world.take().await;
    ran(&world, &granted).await;
    assert_eq!(
        (totals(&world).await, verdict(&world).await),
        ((0, 0, 0), None)
    );
    import(&world, saying("a", "os=linux browser=chrome", FAILED)).await;
    assert_eq!(totals(&world).await, (0, 1, 0));
    assert_eq!(verdict(&world).await, Some(FAILED));
    assert_eq!(world.executions().await[0].duration_ms, Some(700));
    assert_eq!(world.counts().await, (0, 0, 1));
    assert_eq!(world.history().await, ["reserved", "finished", "imported"]);
    // The worker may ask again whether its result counts: it is still the same result.
    ran(&world, &granted).await;
    assert_eq!(totals(&world).await, (0, 1, 0));
}

pub(crate) async fn import_before_the_result_counts(make: Make) {
    let world = World::new(make, &["OS=Linux"]).await;
    let granted = world.take().await;
    import(&world, saying("a", "OS=Linux", PASSED)).await;
    assert_eq!(totals(&world).await, (0, 0, 0), "nothing is done yet");
    assert_eq!(world.counts().await, (0, 1, 0));
    ran(&world, &granted).await;
    assert_eq!(totals(&world).await, (1, 0, 0));
    assert_eq!(world.history().await, ["reserved", "finished", "imported"]);
}

pub(crate) async fn import_counts_only_if_its_labels_cover_the_requirements(make: Make) {
    for finished_first in [false, true] {
        let world = World::new(make, &["OS=Linux browser=chrome"]).await;
        let granted = world.reserve(world.wish("OS=Linux browser=chrome")).await;
        if finished_first {
            ran(&world, &granted).await;
        }
        for (folder, labels) in [
            ("a", ""),
            ("b", "OS=Linux"),
            ("c", "OS=Windows browser=chrome"),
        ] {
            import(&world, saying(folder, labels, FAILED)).await;
        }
        import(&world, saying("d", "browser=chrome x=y OS=Linux", PASSED)).await;
        if !finished_first {
            ran(&world, &granted).await;
        }
        assert_eq!(totals(&world).await, (1, 0, 0), "{finished_first}");
    }
}

pub(crate) async fn import_never_changes_a_verdict(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    import(&world, saying("a", "", FAILED)).await;
    world.pass_it(&granted).await.unwrap();
    import(&world, saying("b", "", FAILED)).await;
    assert_eq!(totals(&world).await, (1, 0, 0));
    assert_eq!(world.history().await, ["reserved", "finished"]);

    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    let mut broke = result_of(&granted, None);
    broke.message = "broke".into();
    world.finish(broke).await.unwrap();
    import(&world, saying("a", "", PASSED)).await;
    assert_eq!(totals(&world).await, (0, 0, 0), "it could not run");
}

pub(crate) async fn first_import_after_the_reservation_counts(make: Make) {
    for finished_after in 0..3 {
        let world = World::new(make, &[""]).await;
        let granted = world.take().await;
        let uploads = [("a", PASSED), ("b", FAILED)];
        for (index, (folder, verdict)) in uploads.into_iter().enumerate() {
            if index == finished_after {
                ran(&world, &granted).await;
            }
            import(&world, saying(folder, "", verdict)).await;
        }
        if finished_after == 2 {
            ran(&world, &granted).await;
        }
        assert_eq!(totals(&world).await, (1, 0, 0), "{finished_after}");
    }
}

pub(crate) async fn import_of_an_earlier_attempt_does_not_count(make: Make) {
    let world = World::new(make, &[""]).await;
    let _lost = world.take().await;
    import(&world, saying("a", "", FAILED)).await;
    world.pass(10_000);
    let second = world.take().await;
    ran(&world, &second).await;
    assert_eq!(
        totals(&world).await,
        (0, 0, 0),
        "that was the lost attempt's"
    );
    import(&world, saying("b", "", PASSED)).await;
    assert_eq!(totals(&world).await, (1, 0, 0));
}

pub(crate) async fn import_counts_only_for_its_project_and_batch(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    ran(&world, &granted).await;
    for (folder, project, batch) in [("a", "other", "batch"), ("b", "project", "other")] {
        let elsewhere = NewImport {
            project: project.to_owned(),
            batch: batch.to_owned(),
            ..saying(folder, "", FAILED)
        };
        import(&world, elsewhere).await;
    }
    let mut unknown = saying("c", "", FAILED);
    unknown.tests[0].test.testcase = "of no plan".into();
    import(&world, unknown).await;
    assert_eq!(totals(&world).await, (0, 0, 0));
}

pub(crate) async fn failure_from_an_import_can_be_reset(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    ran(&world, &granted).await;
    assert_eq!(
        refused(world.reset(granted.execution, None).await),
        RefusalCode::NotFailed
    );
    import(&world, saying("a", "", FAILED)).await;
    world.reset(granted.execution, None).await.unwrap();
    assert_eq!(
        (totals(&world).await, world.counts().await),
        ((0, 0, 0), (1, 0, 0))
    );
    let again = world.take().await;
    ran(&world, &again).await;
    assert_eq!(totals(&world).await, (0, 0, 0), "the import is used up");
}

pub(crate) async fn upload_with_the_same_key_is_the_same_import(make: Make) {
    let world = World::new(make, &[""]).await;
    let file = KeptFile {
        name: "001-results.xml".to_owned(),
        content_type: "application/xml".to_owned(),
        bytes: 3,
        sha256: "ab".to_owned(),
        notes: vec![],
    };
    let keyed = |folder: &str, key: &str| NewImport {
        files: vec![file.clone()],
        key: Some(key.to_owned()),
        ..saying(folder, "", PASSED)
    };
    let first = import(&world, keyed("a", "k")).await;
    world.pass(60_000);
    assert_eq!(import(&world, keyed("b", "k")).await, first);
    let mut other = keyed("c", "k");
    other.files[0].sha256 = "cd".into();
    let told = world.store.import(other, world.now()).await;
    assert_eq!(refused(told), RefusalCode::KeyReused);
    assert_ne!(import(&world, keyed("d", "other")).await.id, first.id);
    let mut somebody = keyed("e", "k");
    somebody.principal = "bob".into();
    assert_ne!(import(&world, somebody).await.id, first.id);
}

pub(crate) async fn imports_are_paged(make: Make) {
    let world = World::new(make, &[""]).await;
    for folder in ["a", "b", "c"] {
        import(&world, upload(folder)).await;
    }
    let elsewhere = NewImport {
        batch: "other".to_owned(),
        ..upload("d")
    };
    import(&world, elsewhere).await;
    let list = |batch: Option<&str>, after, limit| {
        world
            .store
            .imports(None, batch.map(str::to_owned), after, limit)
    };
    let page = list(Some("batch"), 0, 2).await.unwrap();
    let folders: Vec<_> = page.items.iter().map(|it| it.folder.as_str()).collect();
    assert_eq!(folders, ["a", "b"]);
    let rest = list(Some("batch"), page.next.unwrap(), 2).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    assert_eq!(list(None, 0, 100).await.unwrap().items.len(), 4);
}

pub(crate) async fn imports_are_limited(make: Make) {
    let world = World::new(make, &[""]).await;
    let long = "x".repeat(257);
    for refused_one in [
        NewImport {
            project: String::new(),
            ..upload("a")
        },
        NewImport {
            batch: " ".to_owned(),
            ..upload("b")
        },
        NewImport {
            batch: long,
            ..upload("c")
        },
        NewImport {
            labels: (0..65)
                .map(|n| testplan::model::Capability::new(n.to_string(), "x"))
                .collect::<Capabilities>(),
            ..upload("d")
        },
    ] {
        let told = world.store.import(refused_one, world.now()).await;
        assert_eq!(refused(told), RefusalCode::Malformed);
    }
}
