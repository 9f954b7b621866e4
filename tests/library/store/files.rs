//! What is SQLite's own: the file, its lock and versions, crashes, groups, and what does not grow with a plan.

use std::{fs, path::Path, sync::Arc, time::Duration};

use testplan::{
    model::{Capabilities, PlanId, PlannedTest, Test, TestListDigest, TestVerdict},
    store::{
        ExecutePlan, Finish, Granted, NewImport, RefusalCode, ReportedTest, RequestedTests,
        Reservation, Reserve, Rules, Store as _, StoreError,
        sqlite::{Durability, SqliteStore},
    },
};

use super::world::{START, caps, open, refused, request_for, said, template, upload};

pub(super) async fn start(store: &SqliteStore, executions: usize) -> PlanId {
    let labels = vec![""; executions];
    let ids = store
        .publish(vec![template("t", &labels)], START)
        .await
        .unwrap();
    let request = ExecutePlan {
        template: ids[0],
        title: "plan".to_owned(),
        batch: "batch".to_owned(),
        planned: None,
        repositories: vec![],
        tests: None,
        discovery: None,
        origin: testplan::model::PlanOrigin::default(),
        principal: "alice".to_owned(),
        key: None,
    };
    store.execute_plan(request, START).await.unwrap().id
}

pub(super) async fn take(store: &SqliteStore, plan: PlanId) -> Granted {
    let wish = Reserve {
        plan,
        offered: caps("OS=Linux"),
        timeout: Duration::from_secs(20),
        allocate_server: false,
        principal: "alice".to_owned(),
        worker: None,
        key: None,
        batch: None,
    };
    match store.reserve(wish, START).await.unwrap() {
        Reservation::Granted(granted) => *granted,
        other => panic!("{other:?}"),
    }
}

pub(super) fn result(of: &Granted) -> Finish {
    Finish {
        execution: of.execution,
        lease: Some(of.lease.clone()),
        message: "could not run".to_owned(),
        details: String::new(),
        result: None,
        server_trouble: None,
        principal: "alice".to_owned(),
        failure: String::new(),
    }
}

fn broken(answer: Result<impl Sized, StoreError>) -> String {
    match answer {
        Err(StoreError::Broken(text)) => text,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("opened"),
    }
}

fn try_open(path: &Path) -> Result<(), StoreError> {
    SqliteStore::open(path, Durability::Full, Rules::default(), START).map(drop)
}

/// What a power loss or `kill -9` leaves: the files as they are now, without the writer's last words.
pub(super) fn crash_image(path: &Path) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for file in fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), place.path().join(file.file_name())).unwrap();
    }
    place
}

#[tokio::test]
async fn answered_result_survives_a_crash() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let plan = start(&store, 3).await;
    let (first, second) = (take(&store, plan).await, take(&store, plan).await);
    store.finish(result(&first), START).await.unwrap();
    let image = crash_image(&path);
    store.finish(result(&second), START).await.unwrap();

    let after = open(&image.path().join("store.db"), Rules::default(), START);
    let status = after
        .status(plan, Capabilities::default(), START)
        .await
        .unwrap();
    assert_eq!((status.open, status.reserved, status.done), (1, 1, 1));
    // The lease is still good, and the same result is recognised.
    after.finish(result(&first), START).await.unwrap();
    after.finish(result(&second), START).await.unwrap();
}

#[tokio::test]
async fn answered_changes_survive_dropping_the_store() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let plan = start(&store, 1).await;
    let granted = take(&store, plan).await;
    store.finish(result(&granted), START).await.unwrap();
    drop(store);
    let store = open(&path, Rules::default(), START);
    let status = store
        .status(plan, Capabilities::default(), START)
        .await
        .unwrap();
    assert_eq!(status.done, 1);
}

#[tokio::test]
async fn downtime_expires_no_lease() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let plan = start(&store, 2).await;
    take(&store, plan).await;
    let sign_of_life = START.plus(Duration::from_secs(4));
    store.sweep(sign_of_life).await.unwrap();
    drop(store);

    let back = START.plus(Duration::from_secs(604));
    let (store, opened) =
        SqliteStore::open(&path, Durability::Normal, Rules::default(), back).unwrap();
    assert_eq!((opened.high_water, opened.extended_leases), (back, 1));
    assert_eq!(opened.downtime, Duration::from_secs(600));
    // 16 s were left, and 10 s of grace come on top.
    let end = back.plus(Duration::from_secs(26));
    let deadline = store.next_deadline(plan, back).await.unwrap();
    assert_eq!(deadline.unwrap().at, end);
}

#[tokio::test]
async fn second_service_on_a_file_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let text = broken(try_open(&path));
    assert!(text.contains("another testplan service"), "{text}");
    drop(store);
    try_open(&path).unwrap();
}

#[tokio::test]
async fn newer_schema_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    try_open(&path).unwrap();
    // The version stands in the header of the file, four bytes from 60 on.
    let mut bytes = fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&77_u32.to_be_bytes());
    overwrite(&path, &bytes);
    let text = broken(try_open(&path));
    assert!(
        text.contains("newer testplan") && text.contains("77"),
        "{text}"
    );
}

/// As the first version left it: one test that ran without a verdict, one at work, one open, one failed.
fn first_version(path: &Path) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch(include_str!(
        "../../../src/store/sqlite/migrations/1_plans_and_executions.sql"
    ))
    .unwrap();
    db.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO service VALUES (1, zeroblob(32), 1800000000000);
         INSERT INTO plans VALUES
           (1, 0, 'project', 't', 'about', '', '[]', '[]', NULL, 1, 4, 0, 0, NULL),
           (2, 1, 'project', 'plan', 'about', 'batch', '[]', '[]', NULL, 1, 4, 1, 0, NULL);
         INSERT INTO tests VALUES (1, 'project', 'suite', 't1'), (2, 'project', 'suite', 't2'),
           (3, 'project', 'suite', 't3'), (4, 'project', 'suite', 't4');
         INSERT INTO label_sets VALUES (1, '[]');
         INSERT INTO counts VALUES (2, 1, 1, 1, 2, 0, 1, 0);
         INSERT INTO executions (id, plan, test, label_set, expected_ms, state, epoch, verdict, duration_ms, deadline, timeout_ms)
           VALUES (1, 2, 1, 1, 0, 3, 1, NULL, NULL, NULL, NULL), (2, 2, 2, 1, 0, 2, 1, NULL, NULL, 1800000060000, 60000),
             (3, 2, 3, 1, 0, 0, 0, NULL, NULL, NULL, NULL), (4, 2, 4, 1, 0, 3, 1, 1, 70, NULL, NULL);
         INSERT INTO squish_servers VALUES (1, 'win-1', '4322', 1, 1, NULL, NULL, NULL, 0);",
    )
    .unwrap();
    db
}

#[tokio::test]
async fn database_of_the_first_release_is_migrated() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    drop(first_version(&path));
    for again in [false, true] {
        let store = open(&path, Rules::default(), START);
        let plan = store.plan(PlanId(2), START).await.unwrap();
        let passes = u64::from(again);
        assert_eq!((plan.passes, plan.failed, plan.count), (passes, 1, 4));
        let none = Capabilities::default();
        let status = store.status(PlanId(2), none.clone(), START).await.unwrap();
        assert_eq!((status.open, status.reserved, status.done), (1, 1, 2));
        let executions = store.executions(PlanId(2), None, 0, 10, START).await;
        assert_eq!(executions.unwrap().items.len(), 4);
        let squish_servers = store.squish_servers(START).await.unwrap();
        assert_eq!(squish_servers.len(), 1);
        assert!(squish_servers[0].enabled && squish_servers[0].cooling.is_none());
        // What ran before there were uploads gets its verdict from one.
        let import = NewImport {
            tests: vec![ReportedTest {
                test: Test {
                    suite: "suite".to_owned(),
                    testcase: "t1".to_owned(),
                },
                result: said(TestVerdict::Passed, 5).unwrap(),
            }],
            ..upload(if again { "b" } else { "a" })
        };
        store.import(import, START).await.unwrap();
        let plan = store.plan(PlanId(2), START).await.unwrap();
        assert_eq!((plan.passes, plan.failed), (1, 1), "counted once");
        store.close().await.unwrap();
        let db = rusqlite::Connection::open(&path).unwrap();
        let version: u32 = db
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap();
        assert_eq!(version, 13);
    }
}

/// Not quadratic: each test of an upload costs the same, however large the plan is.
#[tokio::test]
async fn large_upload_into_a_large_plan_takes_seconds() {
    const EXECUTIONS: u32 = 100_000;
    const CASES: u32 = 20_000;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let db = first_version(&path);
    db.execute_batch(&format!(
        "BEGIN;
         WITH RECURSIVE n (n) AS (SELECT 5 UNION ALL SELECT n + 1 FROM n WHERE n < {EXECUTIONS})
           INSERT INTO tests SELECT n, 'project', 'suite', 't' || n FROM n;
         INSERT INTO executions (id, plan, test, label_set, expected_ms, state, epoch)
           SELECT id, 2, id, 1, 0, 3, 1 FROM tests WHERE id > 4;
         UPDATE counts SET done = done + {EXECUTIONS} - 4;
         COMMIT;"
    ))
    .unwrap();
    drop(db);
    let store = open(&path, Rules::default(), START);
    let tests = (5..5 + CASES).map(|number| ReportedTest {
        test: Test {
            suite: "suite".to_owned(),
            testcase: format!("t{number}"),
        },
        result: said(TestVerdict::Passed, 5).unwrap(),
    });
    let import = NewImport {
        tests: tests.collect(),
        ..upload("a")
    };
    let began = testplan::clock::monotonic();
    store.import(import, START).await.unwrap();
    let took = began.elapsed();
    let plan = store.plan(PlanId(2), START).await.unwrap();
    assert_eq!(plan.passes, u64::from(CASES));
    println!("{CASES} cases into {EXECUTIONS} executions: {took:?}");
    // A scan of the plan for each would be two thousand million rows.
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[tokio::test]
async fn first_request_of_a_key_is_known_over_restarts_until_its_lease_is_over() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let plan = start(&store, 1).await;
    let wish = |key: &str| Reserve {
        plan,
        offered: caps("OS=Linux"),
        timeout: Duration::from_secs(20),
        allocate_server: false,
        principal: "alice".to_owned(),
        worker: None,
        key: Some(key.to_owned()),
        batch: None,
    };
    let (granted, refused) = (wish("granted"), wish("nothing open"));
    assert!(store.is_first(&granted) && store.is_first(&refused));
    for request in [&granted, &refused] {
        store.reserve(request.clone(), START).await.unwrap();
    }
    assert!(!store.is_first(&granted));
    assert!(store.is_first(&refused), "it may get something next time");
    drop(store);

    let store = open(&path, Rules::default(), START);
    assert!(!store.is_first(&granted) && store.is_first(&refused));
    let after_expiry = START.plus(Duration::from_secs(100));
    store.sweep(after_expiry).await.unwrap();
    assert!(!store.is_first(&granted), "its lease may still be revived");
    let other = store.reserve(wish("other"), after_expiry).await.unwrap();
    assert!(matches!(other, Reservation::Granted(_)));
    store
        .sweep(START.plus(Duration::from_secs(200)))
        .await
        .unwrap();
    assert!(store.is_first(&granted), "it was deleted");
    assert!(!store.is_first(&wish("other")));
}

fn requested(template: PlanId, tests: &[PlannedTest], is_sent: bool) -> ExecutePlan {
    ExecutePlan {
        tests: Some(RequestedTests {
            digest: TestListDigest::of(tests),
            list: is_sent.then(|| tests.to_vec()),
        }),
        ..request_for(template)
    }
}

/// A template that was published before there were digests gets one when its file is read again.
#[tokio::test]
async fn list_survives_restarts_and_crashes() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    drop(first_version(&path));
    let store = open(&path, Rules::default(), START);
    let old = template("t", &["", "", "", ""]);
    let first = store.publish(vec![old.clone()], START).await.unwrap()[0];
    assert_eq!(first, PlanId(1));
    let request = requested(first, &old.executions, false);
    assert_eq!(store.execute_plan(request, START).await.unwrap().count, 4);

    let tests = template("t", &["", "OS=Linux"]).executions;
    let before = crash_image(&path);
    let request = requested(first, &tests, true);
    let plan = store.execute_plan(request, START).await.unwrap();
    let after = crash_image(&path);
    drop(store);
    // Killed before the plan was started, the list is not there either: one transaction makes both.
    let place = before.path().join("store.db");
    let without = open(&place, Rules::default(), START);
    let request = requested(first, &tests, false);
    let answer = without.execute_plan(request.clone(), START).await;
    assert_eq!(refused(answer), RefusalCode::UnknownTests);
    let there = without.plan(plan.id, START).await;
    assert_eq!(refused(there), RefusalCode::Unknown);
    let place = after.path().join("store.db");
    let with = open(&place, Rules::default(), START);
    let kept = with.plan_tests(plan.id, START).await.unwrap();
    assert_eq!(kept.digest, Some(TestListDigest::of(&tests)));
    assert_eq!(with.execute_plan(request, START).await.unwrap().count, 2);
}

#[tokio::test]
async fn list_of_a_hundred_thousand_tests_takes_seconds() {
    const TESTS: usize = 100_000;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let ids = store.publish(vec![template("t", &[""])], START).await;
    let tests = template("t", &vec!["OS=Linux"; TESTS]).executions;
    let began = testplan::clock::monotonic();
    let request = requested(ids.unwrap()[0], &tests, true);
    let plan = store.execute_plan(request.clone(), START).await.unwrap();
    let took = began.elapsed();
    assert_eq!(plan.count, TESTS as u64);
    println!("{TESTS} tests: {took:?}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    // The next plan of the list writes its executions and nothing else.
    let pages = || fs::metadata(&path).unwrap().len();
    store.close().await.unwrap();
    drop(store);
    let first = pages();
    let store = open(&path, Rules::default(), START);
    let again = ExecutePlan {
        tests: requested(request.template, &tests, false).tests,
        ..request
    };
    store.execute_plan(again, START).await.unwrap();
    store.close().await.unwrap();
    let second = pages() - first;
    assert!(second < first * 2 / 3, "{second} more after {first}");
}

#[tokio::test]
async fn damaged_file_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    start(&store, 2_000).await;
    store.close().await.unwrap();
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xa5);
    overwrite(&path, &bytes);
    let text = broken(try_open(&path));
    assert!(text.contains("store.db"), "{text}");
}

fn overwrite(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

#[tokio::test]
async fn close_removes_the_side_files() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let plan = start(&store, 1).await;
    store.plan(plan, START).await.unwrap();
    store.close().await.unwrap();
    store.close().await.unwrap();
    let mut names: Vec<_> = fs::read_dir(place.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["store.db", "store.db.lock", "store.db.mark"]);
    assert!(matches!(store.sweep(START).await, Err(StoreError::Busy)));
    assert!(matches!(
        store.plan(plan, START).await,
        Err(StoreError::Busy)
    ));
}

#[tokio::test]
async fn waiting_requests_share_a_commit() {
    let place = tempfile::tempdir().unwrap();
    let store = Arc::new(open(
        &place.path().join("store.db"),
        Rules::default(),
        START,
    ));
    let plan = start(&store, 200).await;
    let before = store.commits();
    take(&store, plan).await;
    assert_eq!(
        store.commits(),
        before + 1,
        "a lone request is not kept waiting for others"
    );

    // The writer is busy with a large plan while 100 requests queue up behind it.
    let large = template("large", &vec![""; 20_000]);
    let before = store.commits();
    let publishing = store.publish(vec![large], START);
    let waiting = (0..100).map(|_| {
        let store = Arc::clone(&store);
        async move { take(&store, plan).await.execution }
    });
    let (_, taken) = tokio::join!(publishing, futures_util::future::join_all(waiting));
    let mut distinct = taken.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 100);
    let commits = store.commits() - before;
    assert!(
        (1..=3).contains(&commits),
        "{commits} commits for 101 requests"
    );
}

#[tokio::test]
async fn broken_request_does_not_affect_its_group() {
    let place = tempfile::tempdir().unwrap();
    let store = open(&place.path().join("store.db"), Rules::default(), START);
    let plan = start(&store, 3).await;
    let bad = Reserve {
        plan: PlanId(9_999),
        offered: caps(""),
        timeout: Duration::from_secs(1),
        allocate_server: false,
        principal: "alice".to_owned(),
        worker: None,
        key: None,
        batch: None,
    };
    let (first, refused, second) = tokio::join!(
        take(&store, plan),
        store.reserve(bad, START),
        take(&store, plan)
    );
    assert!(matches!(refused, Err(StoreError::Refused(_))));
    assert_ne!(first.execution, second.execution);
}

#[tokio::test]
async fn request_completes_after_its_caller_left() {
    let place = tempfile::tempdir().unwrap();
    let store = open(&place.path().join("store.db"), Rules::default(), START);
    let plan = start(&store, 1).await;
    let granted = take(&store, plan).await;
    let finish = store.finish(result(&granted), START);
    // Polled once, it stands in the queue; then its client disconnects.
    drop(futures_util::future::poll_immediate(finish).await);
    store.sweep(START).await.unwrap();
    let status = store
        .status(plan, Capabilities::default(), START)
        .await
        .unwrap();
    assert_eq!(status.done, 1);
}
