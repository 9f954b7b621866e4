//! An upload by our client to our service, over a socket: files are kept as they were, and the plan counts them.

use std::time::Duration;

use testplan::{
    client::{Client, Reservation, ReserveOptions},
    model::{Capability, Outcome, Plan},
};

use super::stage::{JUNIT, Served, file, import};

/// Takes an execution and ends it as a client of the vendor's API does: it ran, and nobody says how.
async fn run_one(client: &Client, plan: &Plan) {
    let options = ReserveOptions {
        offered: [Capability::new("OS", "Linux")].into_iter().collect(),
        lease: Duration::from_secs(60),
        allocate_server: false,
        wait: Duration::ZERO,
    };
    let reservation = client.reserve(plan.id, &options, "w").await.unwrap();
    let Reservation::Granted(granted) = reservation else {
        panic!("nothing granted: {reservation:?}");
    };
    let ran = Outcome::Completed { result: None };
    client
        .finish(granted.execution, granted.lease.as_ref(), &ran)
        .await
        .unwrap();
}

async fn counts(client: &Client, plan: &Plan) -> (u64, u64, u64, u64) {
    let plan = client.plan(plan.id).await.unwrap();
    (plan.passes, plan.failed, plan.skipped, plan.count)
}

#[tokio::test]
async fn what_was_finished_without_a_verdict_gets_it_from_an_import() {
    let served = Served::start().await;
    let client = served.client();
    let plan = served.plan().await;
    for _ in 0..2 {
        run_one(&client, &plan).await;
    }
    assert_eq!(counts(&client, &plan).await, (0, 0, 0, 2));
    let folder = tempfile::tempdir().unwrap();
    let results = file(folder.path(), "results.xml", JUNIT.as_bytes());
    let labels = ["os=linux", ".git.branch=main"];
    let imported = client
        .import(&import(&labels, vec![results]))
        .await
        .unwrap();
    assert_eq!(counts(&client, &plan).await, (1, 1, 0, 2));
    assert_eq!((imported.files, imported.bytes), (1, JUNIT.len() as u64));
    let answer = imported.answer.unwrap();
    assert_eq!((answer.id, answer.cases), (1, 2));
    assert_eq!(answer.project, "example");
    assert_eq!(answer.batch, "nightly 7");
    assert_eq!(answer.labels.len(), 2);
    assert_eq!(answer.files[0].content_type, "application/xml");
    let kept = served.place.path().join("imports").join(&answer.folder);
    let kept = std::fs::read(kept.join(&answer.files[0].name)).unwrap();
    assert_eq!(kept, JUNIT.as_bytes());
}

#[tokio::test]
async fn labels_that_do_not_cover_what_is_needed_count_for_nothing() {
    let served = Served::start().await;
    let client = served.client();
    let plan = served.plan().await;
    run_one(&client, &plan).await;
    let folder = tempfile::tempdir().unwrap();
    let results = || vec![file(folder.path(), "results.xml", JUNIT.as_bytes())];
    for labels in [&[][..], &["OS=Windows"]] {
        client.import(&import(labels, results())).await.unwrap();
        assert_eq!(counts(&client, &plan).await, (0, 0, 0, 2), "{labels:?}");
    }
    client
        .import(&import(&["OS=Linux"], results()))
        .await
        .unwrap();
    assert_eq!(counts(&client, &plan).await, (1, 0, 0, 2));
}

#[tokio::test]
async fn a_batch_that_nobody_named_is_made_up_and_a_project_is_the_default_one() {
    let served = Served::start().await;
    let client = served.client();
    let folder = tempfile::tempdir().unwrap();
    let mut nameless = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    (nameless.project, nameless.batch) = (String::new(), String::new());
    nameless.key = Some("the same upload".to_owned());
    let first = client.import(&nameless).await.unwrap().answer.unwrap();
    assert_eq!(first.project, "default");
    assert!(first.batch.starts_with("Import "), "{}", first.batch);
    let again = client.import(&nameless).await.unwrap().answer.unwrap();
    assert_eq!(again, first, "the same key is the same import");
    assert_eq!(served.kept().len(), 1, "and its files are kept once");
    nameless.labels = vec![".reference.url=https://ci.example.com/8".parse().unwrap()];
    let elsewhere = client.import(&nameless).await.unwrap().answer.unwrap();
    assert_eq!(
        elsewhere, first,
        "also when another job of the CI makes it good"
    );
    nameless.labels = vec!["OS=Linux".parse().unwrap()];
    let error = client.import(&nameless).await.unwrap_err();
    assert!(!error.may_have_happened, "{error}");
    (nameless.key, nameless.labels) = (None, Vec::new());
    let other = client.import(&nameless).await.unwrap().answer.unwrap();
    assert_ne!(other.batch, first.batch);
}
