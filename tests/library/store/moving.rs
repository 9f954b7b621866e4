//! Moving a database from SQLite to PostgreSQL: what is refused, and what a failure midway leaves.

use std::path::{Path, PathBuf};

use testplan::{
    model::{PlanId, TestListDigest, TestVerdict},
    store::{
        ExecutePlan, RequestedTests, Rules, Store as _, StoreError,
        postgres::Target,
        transfer::{MoveError, MoveOptions, Moved, Progress, move_to_postgres},
    },
};

use super::{
    files::take,
    world::{START, Schema, has_postgres, open, request_for, result_of, said, template},
};

const OPTIONS: MoveOptions = MoveOptions {
    leave_running: false,
    now: START,
};

/// A request with a key and tests of its own.
fn first_request(of: PlanId) -> ExecutePlan {
    let mut list = template("t", &["OS=Linux"; 3]).executions;
    // Not in the order of the template, whose list is known already.
    list.reverse();
    ExecutePlan {
        key: Some("once".to_owned()),
        tests: Some(RequestedTests {
            digest: TestListDigest::of(&list),
            list: Some(list),
        }),
        ..request_for(of)
    }
}

/// A closed database with two plans: one that is done, one with `reserved` leases. Its folder and its file.
async fn database(reserved: usize) -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let template = template("t", &["OS=Linux"; 3]);
    let ids = store.publish(vec![template], START).await.unwrap();
    let first = store.execute_plan(first_request(ids[0]), START).await;
    let done = first.unwrap().id;
    for _ in 0..3 {
        let granted = take(&store, done).await;
        let result = result_of(&granted, said(TestVerdict::Passed, 5));
        store.finish(result, START).await.unwrap();
    }
    let second = store.execute_plan(request_for(ids[0]), START).await;
    let running = second.unwrap().id;
    for _ in 0..reserved {
        take(&store, running).await;
    }
    store.close().await.unwrap();
    (place, path)
}

/// Moves as a command does, on a thread that may block.
fn try_move(path: &Path, target: Target, options: MoveOptions) -> Result<Moved, MoveError> {
    let path = path.to_owned();
    let moving = move || {
        loop {
            match move_to_postgres(&path, &target, options, &mut |_: Progress| {}) {
                // Another test forked while a store here was open: its child holds the lock until it runs its program.
                Err(error) if error.to_string().contains("has it open") => {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                moved => return moved,
            }
        }
    };
    std::thread::spawn(moving).join().unwrap()
}

#[tokio::test]
async fn databases_that_cannot_be_moved_are_refused_with_the_reason() {
    if !has_postgres() {
        return;
    }
    let schema = Schema::create();
    let refused = |path: &Path| {
        let error = try_move(path, schema.target(), OPTIONS).unwrap_err();
        assert_eq!(schema.read("SELECT count(*) FROM pg_class c WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"), 0);
        error.to_string()
    };
    let (place, path) = database(0).await;
    assert!(refused(&place.path().join("none.db")).contains("there is no database"));
    let version = |version: u32| {
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch(&format!("PRAGMA user_version = {version}"))
            .unwrap();
    };
    version(99);
    let newer = refused(&path);
    assert!(
        newer.contains("a newer testplan wrote it (schema 99"),
        "{newer}"
    );
    version(9);
    let older = refused(&path);
    assert!(
        older.contains("high-water mark")
            || older.contains("an earlier version wrote it (schema 9)"),
        "{older}"
    );
    std::fs::remove_file(place.path().join("store.db.mark")).unwrap();
    let older = refused(&path);
    assert!(
        older.contains("an earlier version wrote it (schema 9)"),
        "{older}"
    );
    version(10);

    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let damaged = refused(&path);
    assert!(damaged.contains("it is damaged"), "{damaged}");
}

#[tokio::test]
async fn running_plans_are_refused_or_left_out() {
    if !has_postgres() {
        return;
    }
    let schema = Schema::create();
    let (_place, path) = database(2).await;
    let refused = try_move(&path, schema.target(), OPTIONS).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("plan 3 \"plan\" (2 reserved)"), "{text}");
    assert!(refused.advice().unwrap().contains("--leave-running"));

    let options = MoveOptions {
        leave_running: true,
        ..OPTIONS
    };
    let moved = try_move(&path, schema.target(), options).unwrap();
    assert_eq!(moved.left_out.len(), 1);
    assert_eq!((moved.count("plans"), moved.count("executions")), (1, 3));
    assert_eq!(
        (
            moved.count("test lists"),
            moved.count("tests of test lists")
        ),
        (1, 3)
    );
    let store = schema.open(Rules::default(), START);
    let plan = |id| store.plan(PlanId(id), START);
    assert_eq!(plan(2).await.unwrap().passes, 3);
    assert!(matches!(plan(3).await, Err(StoreError::Refused(_))));
    // A request that is repeated with its key started one plan, and the list of its tests is known.
    let mut repeated = first_request(PlanId(1));
    repeated.tests.as_mut().unwrap().list = None;
    let repeated = store.execute_plan(repeated, START).await;
    assert_eq!(repeated.unwrap().id, PlanId(2));
    // Numbers of what was left out are not given to something else.
    let started = store.execute_plan(request_for(PlanId(1)), START).await;
    let started = started.unwrap().id;
    assert_eq!(started, PlanId(4));
    let executions = store.executions(started, None, 0, 10, START).await.unwrap();
    let ids: Vec<i64> = executions.items.iter().map(|it| it.id.0).collect();
    assert_eq!(ids, [7, 8, 9]);
    store.close().await.unwrap();

    let again = try_move(&path, schema.target(), options).unwrap_err();
    // Either: the store above lived a moment ago.
    assert!(
        matches!(again, MoveError::InUse(_) | MoveError::NotEmpty { .. }),
        "{again}"
    );
    schema.run("DELETE FROM replicas");
    let again = try_move(&path, schema.target(), options).unwrap_err();
    let text = again.to_string();
    assert!(
        text.contains("not empty, it has templates and plans, tests"),
        "{text}"
    );
}

#[tokio::test]
async fn copy_that_is_not_the_same_counts_for_nothing() {
    if !has_postgres() {
        return;
    }
    let (_place, path) = database(0).await;
    for (table, body, says) in [
        (
            "events",
            "IF NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW",
            "rows (events)",
        ),
        (
            "executions",
            "NEW.verdict := 1; RETURN NEW",
            "the verdicts of plan 2 differ",
        ),
        (
            "counts",
            "NEW.passed := 0; RETURN NEW",
            "the counts of plan 2 differ",
        ),
        ("imports", "RETURN NEW", ""),
        (
            "executions",
            "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW",
            "lost",
        ),
    ] {
        let schema = Schema::create();
        drop(schema.open_by_its_clock(Rules::default()));
        schema.run("DELETE FROM replicas");
        schema.run(&format!(
            "CREATE FUNCTION interfere() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body}; END$$;
             CREATE TRIGGER interfere BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION interfere()"
        ));
        let moved = try_move(&path, schema.target(), OPTIONS);
        if says.is_empty() {
            moved.unwrap();
            assert_eq!(schema.read("SELECT count(*) FROM executions"), 6);
            continue;
        }
        let text = moved.unwrap_err().to_string();
        assert!(
            text.contains(says) || (says == "lost" && text.contains("57P01")),
            "{text}"
        );
        for word in ["INSERT", "SELECT", "BUG"] {
            assert!(!text.contains(word), "{text}");
        }
        for table in ["plans", "tests", "executions", "events", "history"] {
            let left = schema.read(&format!("SELECT count(*) FROM {table}"));
            assert_eq!(left, 0, "{table}: {text}");
        }
        assert_eq!(schema.read("SELECT next FROM numbers"), 1);
        assert_eq!(schema.read("SELECT nextval('plans_id_seq')"), 1);
    }
}

/// A kind of column that a migration changes must be moved as what it is.
#[tokio::test]
async fn columns_have_the_kinds_that_the_database_has() {
    if !has_postgres() {
        return;
    }
    let schema = Schema::create();
    let (_place, path) = database(0).await;
    let kinds =
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema()";
    try_move(&path, schema.target(), OPTIONS).unwrap();
    let other = schema.read(&format!(
        "{kinds} AND data_type NOT IN ('bigint', 'boolean', 'text', 'bytea')"
    ));
    assert_eq!(other, 0);
}

/// How many plans of 1,000 executions are moved to measure it; `MOVED_PLANS` is another number.
const MEASURED_PLANS: i64 = 1_000;

/// `TESTPLAN_POSTGRES=… cargo test --test library -- --ignored --nocapture moving::time_to_move`
#[tokio::test]
#[ignore = "takes minutes"]
async fn time_to_move() {
    if !has_postgres() {
        return;
    }
    let plans = std::env::var("MOVED_PLANS").map_or(MEASURED_PLANS, |it| it.parse().unwrap());
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let labels = vec!["OS=Linux"; 1_000];
    let ids = store.publish(vec![template("t", &labels)], START).await;
    let plan = store.execute_plan(request_for(ids.unwrap()[0]), START);
    let plan = plan.await.unwrap().id;
    for _ in 0..1_000 {
        let granted = take(&store, plan).await;
        let result = result_of(&granted, said(TestVerdict::Passed, 5));
        store.finish(result, START).await.unwrap();
    }
    store.close().await.unwrap();
    drop(store);
    // The same plan again and again.
    let db = rusqlite::Connection::open(&path).unwrap();
    let columns = |table: &str, replaced: &[(&str, &str)]| {
        let mut list = db
            .prepare("SELECT name FROM pragma_table_info(?1)")
            .unwrap();
        let names = list
            .query_map([table], |row| row.get::<_, String>(0))
            .unwrap();
        let values = names.map(|name| {
            let name = name.unwrap();
            let found = replaced.iter().find(|it| it.0 == name);
            found.map_or(name, |it| it.1.to_owned())
        });
        values.collect::<Vec<_>>().join(", ")
    };
    let numbers = format!(
        "(WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < {}) SELECT k FROM n)",
        plans - 1
    );
    let by = [
        ("id", "id + k"),
        ("plan", "plan + k"),
        ("first_execution", "first_execution + 1000 * k"),
    ];
    let executions = [("id", "id + 1000 * k"), ("plan", "plan + k")];
    let events = [("plan", "plan + k"), ("exec", "exec + 1000 * k")];
    db.execute_batch(&format!(
        "BEGIN;
         INSERT INTO plans SELECT {} FROM plans, {numbers} WHERE kind = 1;
         INSERT INTO counts SELECT {} FROM counts, {numbers};
         INSERT INTO executions SELECT {} FROM executions, {numbers};
         INSERT INTO events SELECT {} FROM events, {numbers};
         COMMIT; PRAGMA wal_checkpoint(TRUNCATE);",
        columns("plans", &by),
        columns("counts", &[("plan", "plan + k")]),
        columns("executions", &executions),
        columns("events", &events),
    ))
    .unwrap();
    drop(db);
    let bytes = std::fs::metadata(&path).unwrap().len();
    let schema = Schema::create();
    let began = std::time::Instant::now();
    let moved = try_move(&path, schema.target(), OPTIONS).unwrap();
    let took = began.elapsed();
    assert_eq!(moved.count("plans"), plans);
    assert_eq!(moved.count("executions"), plans * 1_000);
    let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = memory.lines().find(|line| line.starts_with("VmHWM"));
    println!(
        "{plans} plans, {} executions, {} events, {} MiB of SQLite: {:.1} s; {}",
        moved.count("executions"),
        moved.count("events"),
        bytes >> 20,
        took.as_secs_f64(),
        memory.unwrap_or_default()
    );
}
