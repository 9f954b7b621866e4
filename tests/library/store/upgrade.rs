//! Databases of earlier releases: their digests are still recognised.

use std::{path::Path, time::Duration};

use testplan::{
    model::{PlanId, TestVerdict},
    store::{
        BatchRequest, ExecutePlan, Finish, FinishList, Granted, NewImport, RefusalCode,
        Reservation, Reserve, Rules, Store as _,
        protocol::{Digested, StoredDigest, payload::RequestKey},
        sqlite::SqliteStore,
    },
};

use super::world::{START, caps, open, refused, request_for, result_of, said, template, upload};

fn wish(plan: PlanId) -> Reserve {
    Reserve {
        plan,
        offered: caps("OS=Linux"),
        timeout: Duration::from_secs(600),
        allocate_server: false,
        principal: "alice".to_owned(),
        worker: Some("worker \"1\"".to_owned()),
        key: Some("reserve".to_owned()),
        batch: None,
    }
}

async fn reserve(store: &SqliteStore, wish: Reserve) -> Granted {
    match store.reserve(wish, START).await.unwrap() {
        Reservation::Granted(granted) => *granted,
        other => panic!("{other:?}"),
    }
}

/// Takes back what versions 6 to 13 of the schema added.
fn undo_batches(db: &rusqlite::Connection) {
    db.execute_batch(
        "DROP INDEX executions_by_suite;
         DROP INDEX executions_by_test;
         DROP TABLE worker_jobs;
         DROP INDEX plans_by_template;
         DROP INDEX plans_by_branch;
         ALTER TABLE executions DROP COLUMN earlier_failures;
         ALTER TABLE plans DROP COLUMN branch;
         ALTER TABLE plans DROP COLUMN commit_id;
         ALTER TABLE plans DROP COLUMN author;
         ALTER TABLE plans DROP COLUMN run_url;
         DROP INDEX executions_notable;
         DROP INDEX events_notable;
         DROP INDEX plans_cancelling;
         ALTER TABLE plans DROP COLUMN cancelled;
         ALTER TABLE plans DROP COLUMN cancelled_by;
         ALTER TABLE plans DROP COLUMN cancelling;
         ALTER TABLE squish_servers DROP COLUMN note;
         DROP TABLE audit;
         ALTER TABLE plans DROP COLUMN started_by;
         ALTER TABLE executions DROP COLUMN reserved_at;
         DROP TABLE plan_suites;
         DROP TABLE start_costs;
         ALTER TABLE executions DROP COLUMN start_failures;
         ALTER TABLE executions DROP COLUMN suite;
         ALTER TABLE executions DROP COLUMN alone;
         ALTER TABLE executions DROP COLUMN compensated_ms;
         ALTER TABLE plans DROP COLUMN template;
         ALTER TABLE executions DROP COLUMN is_estimated;
         ALTER TABLE keys DROP COLUMN more;
         ALTER TABLE service DROP COLUMN store_id;
         ALTER TABLE service DROP COLUMN acknowledged;
         ALTER TABLE service DROP COLUMN in_use;
         PRAGMA user_version = 5;",
    )
    .unwrap();
}

/// Stores what a release before versioned digests would have stored.
fn downgrade(path: &Path, values: &[(&str, Vec<u8>, Vec<u8>)]) {
    let db = rusqlite::Connection::open(path).unwrap();
    for (sql, digest, legacy) in values {
        let rows = db.execute(sql, [legacy, digest]).unwrap();
        assert_eq!(rows, 1, "{sql}");
    }
    let versioned: i64 = db
        .query_row(
            "SELECT (SELECT count(*) FROM keys WHERE length(hash) > 32 OR length(digest) > 32)
               + (SELECT count(*) FROM executions WHERE length(digest) > 32)
               + (SELECT count(*) FROM plans WHERE max(length(definition), length(file_definition)) > 32)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(versioned, 0, "every digest was replaced");
    undo_batches(&db);
    db.execute_batch("PRAGMA user_version = 4").unwrap();
    std::fs::remove_file(path.with_file_name("store.db.mark")).unwrap();
}

fn of<T: Digested>(sql: &'static str, value: &T) -> (&'static str, Vec<u8>, Vec<u8>) {
    let digest = StoredDigest::of(value).bytes().to_vec();
    (sql, digest, value.legacy().to_vec())
}

#[tokio::test]
async fn digests_of_the_release_before_are_recognised() {
    const KEY: &str = "UPDATE keys SET hash = ?1 WHERE hash = ?2";
    const REQUEST: &str = "UPDATE keys SET digest = ?1 WHERE digest = ?2";
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let file = template("t", &["", "", ""]);
    let id = store.publish(vec![file.clone()], START).await.unwrap()[0];
    let published = template("t", &["", ""]);
    let request = vec![published.clone()];
    store
        .publish_templates(request, false, START)
        .await
        .unwrap();
    let execute = ExecutePlan {
        key: Some("execute".to_owned()),
        ..request_for(id)
    };
    let plan = store.execute_plan(execute.clone(), START).await.unwrap();
    let import = NewImport {
        key: Some("import".to_owned()),
        ..upload("a")
    };
    let imported = store.import(import.clone(), START).await.unwrap();
    let granted = reserve(&store, wish(plan.id)).await;
    let other = Reserve {
        key: None,
        ..wish(plan.id)
    };
    let ended = reserve(&store, other).await;
    let passed = result_of(&ended, said(TestVerdict::Passed, 7));
    store.finish(passed.clone(), START).await.unwrap();
    store.close().await.unwrap();

    let key = |purpose, principal, key| RequestKey {
        purpose,
        principal,
        key,
    };
    downgrade(
        &path,
        &[
            of(KEY, &key("execute", &execute.principal, "execute")),
            of(KEY, &key("import", &import.principal, "import")),
            of(KEY, &key("reserve", "alice", "reserve")),
            of(REQUEST, &execute),
            of(REQUEST, &import),
            of(REQUEST, &wish(plan.id)),
            of(
                "UPDATE executions SET digest = ?1 WHERE digest = ?2",
                &passed,
            ),
            of(
                "UPDATE plans SET definition = ?1 WHERE definition = ?2",
                &published,
            ),
            of(
                "UPDATE plans SET file_definition = ?1 WHERE file_definition = ?2",
                &file,
            ),
        ],
    );

    let store = open(&path, Rules::default(), START);
    let same = store.execute_plan(execute.clone(), START).await.unwrap();
    assert_eq!(same.id, plan.id);
    let same = store.import(import.clone(), START).await.unwrap();
    assert_eq!(same, imported);
    let same = reserve(&store, wish(plan.id)).await;
    assert_eq!(
        (same.execution, &same.lease),
        (granted.execution, &granted.lease)
    );
    store.finish(passed.clone(), START).await.unwrap();

    let other = ExecutePlan {
        title: "other".to_owned(),
        ..execute
    };
    assert_eq!(
        refused(store.execute_plan(other, START).await),
        RefusalCode::KeyReused
    );
    let other = NewImport {
        batch: "other".to_owned(),
        ..import
    };
    assert_eq!(
        refused(store.import(other, START).await),
        RefusalCode::KeyReused
    );
    let other = Reserve {
        worker: None,
        ..wish(plan.id)
    };
    assert_eq!(
        refused(store.reserve(other, START).await),
        RefusalCode::KeyReused
    );
    let failed = Finish {
        result: said(TestVerdict::Failed, 7),
        ..passed
    };
    assert_eq!(
        refused(store.finish(failed, START).await),
        RefusalCode::OtherResult
    );

    // The unchanged file does not undo what the request published.
    assert_eq!(store.publish(vec![file], START).await.unwrap(), [id]);
    assert_eq!(store.plan(id, START).await.unwrap().count, 2);
    let again = store.publish_templates(vec![published], true, START).await;
    assert!(!again.unwrap()[0].is_changed);
}

#[tokio::test]
async fn plan_of_the_release_before_batches_is_reserved_in_batches() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let file = template("t", &["", "", "", ""]);
    let id = store.publish(vec![file], START).await.unwrap()[0];
    let plan = store.execute_plan(request_for(id), START).await.unwrap();
    let held = reserve(&store, wish(plan.id)).await;
    store.close().await.unwrap();
    undo_batches(&rusqlite::Connection::open(&path).unwrap());
    std::fs::remove_file(path.with_file_name("store.db.mark")).unwrap();

    let store = open(&path, Rules::default(), START);
    let same = reserve(&store, wish(plan.id)).await;
    let lease = |of: &Granted| (of.execution, of.lease.clone());
    assert_eq!(
        lease(&same),
        lease(&held),
        "the key of a single reservation"
    );
    let batch = Reserve {
        key: Some("batch".to_owned()),
        batch: Some(BatchRequest {
            near: Some(vec!["suite".to_owned()]),
            ..BatchRequest::of(2)
        }),
        ..wish(plan.id)
    };
    let granted = reserve(&store, batch.clone()).await;
    assert_eq!(granted.more.len(), 0, "a first batch is small");
    assert_eq!(granted.expected, None, "nothing is known of its tests");
    assert_eq!(reserve(&store, batch).await, granted);
    let results = [held, granted];
    let results = results
        .iter()
        .map(|of| result_of(of, said(TestVerdict::Passed, 7)));
    let list = FinishList {
        entries: results.collect(),
        start_cost: Some(Duration::from_secs(1)),
    };
    let answers = store.finish_many(plan.id, list, START).await;
    assert_eq!(answers.unwrap(), [Ok(()), Ok(())]);
    let batch = Reserve {
        key: None,
        batch: Some(BatchRequest {
            work: Some(Duration::from_secs(1)),
            ..BatchRequest::of(9)
        }),
        ..wish(plan.id)
    };
    let rest = reserve(&store, batch).await;
    assert_eq!(rest.more.len(), 1, "by what the first two taught");
}
