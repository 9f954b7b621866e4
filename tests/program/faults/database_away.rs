//! A service whose PostgreSQL server goes away: requests are answered 503 with the reason, and all go on once it is back.

use std::collections::BTreeSet;

use testplan::model::ExecutionState;

use crate::support::{Cluster, PlanFile, Service, Stage, until};

const TESTS: usize = 12;

#[test]
fn service_without_its_database_says_so_and_recovers() {
    let Some(cluster) = Cluster::start("", "") else {
        return;
    };
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"before=$(cat ran 2>/dev/null | wc -l)
           echo "$2" >> ran
           [ "$before" -lt 4 ] || while [ ! -e go ]; do sleep 0.05; done"#,
    );
    PlanFile::run_with(&test).numbered("s", TESTS).on(&stage);
    let url = cluster.url("postgres", "postgres");
    let service = Service::start_with(&stage, |serve| serve.flags("--database").arg(&url));
    let plan = service.start_plan(&stage);
    let worker = stage
        .testplan("work")
        .at(&service)
        .on(plan)
        .flags("--patience 60s --out out --workers 3")
        .start();
    stage.wait_for_lines("ran", 6);
    assert_eq!(service.answer("/readyz").0, 200);

    cluster.stop();
    // The tests end and their results find no database.
    stage.write("go", "");
    let (_, body) = until("a service that is not ready", || {
        Some(service.answer("/readyz")).filter(|(status, body)| {
            *status == 503 && body.contains("nothing accepts connections there")
        })
    });
    for never in ["127.0.0.1", "postgres", "SELECT"] {
        assert!(!body.contains(never), "{body}");
    }
    assert_eq!(service.answer("/healthz").0, 200);
    let paths = ["/execution/v1/status/", "/execution/v1/testplans/"];
    for path in paths {
        let (status, body) = service.answer(&format!("{path}{plan}"));
        assert_eq!(status, 503, "{body}");
        assert!(
            body.contains("the database of the service cannot be used now"),
            "{body}"
        );
    }
    let impatient = stage
        .testplan("execute")
        .at(&service)
        .flags("--template T --patience 1s")
        .run()
        .code_is(3);
    assert!(
        impatient
            .stderr
            .contains("the database of the service cannot be used now"),
        "{impatient}"
    );

    cluster.start_again();
    until("a service that is ready", || {
        (service.answer("/readyz").0 == 200).then_some(())
    });
    let worked = worker.end().code_is(0);
    assert!(
        worked.stderr.contains("cannot be used now"),
        "it says why it waits: {worked}"
    );
    let ran = stage.lines("ran");
    let each: BTreeSet<_> = ran.iter().collect();
    assert_eq!((ran.len(), each.len()), (TESTS, TESTS), "{ran:?}");
    let executions = service.executions(plan);
    assert!(
        executions
            .iter()
            .all(|it| it.state == ExecutionState::Done && it.attempts == 1),
        "{executions:?}"
    );
    let log = service.stop().code_is(0).stderr;
    let lines = |word: &str| log.lines().filter(|line| line.contains(word)).count();
    assert_eq!(lines("ERROR"), 1, "{log}");
    assert_eq!(lines("are answered 503 until"), 1, "{log}");
    assert_eq!(lines("can be used again, after"), 1, "{log}");
}

/// A transaction that was committed or not: the repetition finds out.
#[test]
fn connections_that_an_administrator_ends_cost_a_repetition() {
    let Some(cluster) = Cluster::start("", "") else {
        return;
    };
    let stage = Stage::new();
    let test = stage.script("test.sh", "true");
    PlanFile::run_with(&test).numbered("s", 60).on(&stage);
    let url = cluster.url("postgres", "postgres");
    let service = Service::start_with(&stage, |serve| serve.flags("--database").arg(&url));
    let plan = service.start_plan(&stage);
    let mut worker = stage
        .testplan("work")
        .at(&service)
        .on(plan)
        .flags("--patience 60s --out out --workers 4")
        .start();
    while !worker.has_ended() {
        cluster.sql(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'testplan'",
        );
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    worker.end().code_is(0);
    let executions = service.executions(plan);
    assert_eq!(executions.len(), 60);
    assert!(
        executions.iter().all(|it| it.state == ExecutionState::Done),
        "{executions:?}"
    );
    let ends = service
        .events(plan)
        .into_iter()
        .filter(|it| it.kind == "finished");
    assert_eq!(ends.count(), 60);
}

#[test]
fn standby_and_full_disk_are_outages_that_pass() {
    let Some(cluster) = Cluster::start("", "") else {
        return;
    };
    let stage = Stage::new();
    PlanFile::run_with(&stage.script("test.sh", "true"))
        .numbered("s", 2)
        .on(&stage);
    let url = cluster.url("postgres", "postgres");
    let service = Service::start_with(&stage, |serve| serve.flags("--database").arg(&url));
    let plan = service.start_plan(&stage);
    let unready = |reason: &str| {
        until("a service that is not ready", || {
            let (status, body) = service.answer("/readyz");
            (status == 503 && body.contains(reason)).then_some(())
        });
    };
    let ready = || {
        until("a service that is ready", || {
            (service.answer("/readyz").0 == 200).then_some(())
        });
    };
    cluster.sql(
        "postgres",
        "ALTER SYSTEM SET default_transaction_read_only = on",
    );
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    unready("it takes no changes");
    assert_eq!(service.executions(plan).len(), 2, "reads are answered");
    cluster.sql(
        "postgres",
        "ALTER SYSTEM RESET default_transaction_read_only",
    );
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    ready();
    // What the server reports when it cannot extend a file.
    cluster.sql(
        "postgres",
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
         $$BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END$$;
         CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON replicas EXECUTE FUNCTION no_room()",
    );
    unready("its disk is full");
    cluster.sql("postgres", "DROP TRIGGER no_room ON replicas");
    ready();
    let log = service.stop().code_is(0).stderr;
    assert_eq!(log.matches("are answered 503 until").count(), 2, "{log}");
    assert_eq!(log.matches("can be used again, after").count(), 2, "{log}");
}
