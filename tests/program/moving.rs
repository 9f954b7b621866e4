//! `serve migrate`: a service that moved from SQLite to PostgreSQL answers as before, and goes on.

use std::collections::BTreeMap;

use crate::support::{Ended, PlanFile, PostgresSchema, Service, Stage, until};

const FROM: &str = "sqlite:data";

/// Moves the state of the stage's service.
fn migrate(stage: &Stage, to: &str, flags: &str) -> Ended {
    let command = stage.testplan("serve").args(["migrate", "--from", FROM]);
    command.arg("--to").arg(to).flags(flags).run()
}

/// A test that fails for some cases the first time, and for some always.
fn suite(stage: &Stage) -> PlanFile {
    let test = stage.script(
        "test.sh",
        r#"echo "$2" >> ran
           tries=$(grep -c "^$2\$" ran)
           case $2 in
             wavers*) [ "$tries" -gt 1 ] ;;
             breaks*) [ "$tries" -gt 1 ] || exit 42 ;;
             fails*) exit 1 ;;
           esac"#,
    );
    PlanFile::run_with(&test)
}

/// The answer to every GET about these plans and about what all of them share.
fn answers(service: &Service, plans: &[i64]) -> BTreeMap<String, String> {
    let mut paths = vec![
        "/execution/v1/testplans?project=p&title=T".to_owned(),
        "/execution/v1/squishservers".to_owned(),
        "/testplan/v1/imports".to_owned(),
        "/testplan/v1/imports?project=p&batch=nightly".to_owned(),
    ];
    for plan in plans {
        paths.push(format!("/execution/v1/testplans/{plan}"));
        paths.push(format!("/execution/v1/status/{plan}"));
        for part in [
            "executions",
            "executions?limit=3&after=2",
            "events",
            "events?limit=5&after=4",
            "waiting",
            "discovery",
        ] {
            paths.push(format!("/testplan/v1/plans/{plan}/{part}"));
        }
    }
    let asked = paths.into_iter().map(|path| {
        let (status, body) = service.answer(&path);
        (path, format!("{status} {}", without_now(&body)))
    });
    asked.collect()
}

/// An answer without the time at which it was made.
fn without_now(body: &str) -> String {
    let Some((before, rest)) = body.split_once("\"server_dt\":") else {
        return body.to_owned();
    };
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}{}", without_now(rest))
}

#[test]
fn moved_service_answers_as_before_and_goes_on() {
    let Some(schema) = PostgresSchema::create() else {
        return;
    };
    let stage = Stage::new();
    let plan_file = suite(&stage).tests("s", ["passes", "wavers", "breaks", "fails"]);
    plan_file.on(&stage);
    let service = Service::start(&stage);
    let (first, second);
    {
        let work = |plan: i64, out: &str| {
            let command = stage.testplan("work").at(&service).on(plan);
            command.flags(&format!("--workers 2 --out {out}")).run()
        };
        first = service.start_plan(&stage);
        work(first, "out").code_is(3);
        let retry = stage.testplan("retry").at(&service).on(first);
        retry.flags("--out out --rerun 1").run().code_is(0);
        work(first, "out").code_is(1);
        // An upload, a Squish server, and another revision of the template.
        let junit =
            r#"<testsuite name="s"><testcase classname="s" name="fails" time="0.2"/></testsuite>"#;
        stage.write("results.xml", junit);
        let upload = [
            "upload",
            "results.xml",
            "--project",
            "p",
            "--batch",
            "nightly",
            "--label",
            "OS=Linux",
        ];
        service.run(&stage, &upload).code_is(0);
        let server = ["servers", "add", "--host", "lab-1", "--port", "4322"];
        service.run(&stage, &server).code_is(0);
        plan_file.clone().numbered("more", 3).on(&stage);
        service.run(&stage, &["publish"]).code_is(0);
        second = service.start_plan(&stage);
        // The tests of the first plan have had their tries.
        work(second, "out2").code_is(1);
    }
    let plans = [1, first, second];
    let in_use = migrate(&stage, &schema.url(), "").code_is(3);
    assert!(
        in_use
            .stderr
            .contains("another testplan service has it open"),
        "{in_use}"
    );
    service.stop().code_is(0);
    // What a service has heard of workers is not in its database.
    let service = Service::start(&stage);
    let before = answers(&service, &plans);
    let known = service.executions(second).into_iter();
    let known = known.map(|it| it.execution_id.0).max().unwrap();
    service.stop().code_is(0);

    let moved = migrate(&stage, &schema.url(), "").code_is(0);
    for line in [
        "plans 2",
        "templates 1",
        "executions 11",
        "imports 1",
        "Squish servers 1",
    ] {
        let found = moved.stderr.lines().any(|said| {
            said.split_whitespace().collect::<Vec<_>>().join(" ") == format!("moved {line}")
        });
        assert!(found, "{line}: {moved}");
    }
    let imports = stage.path("data/imports");
    assert!(
        moved.stderr.contains(&imports.display().to_string()),
        "{moved}"
    );
    let again = migrate(&stage, &schema.url(), "").code_is(3);
    assert!(
        again.stderr.contains("it is not empty") && again.stderr.contains("createdb"),
        "{again}"
    );

    let service = Service::start_with(&stage, |serve| serve.flags("--database").arg(schema.url()));
    let after = answers(&service, &plans);
    for (path, was) in &before {
        assert_eq!(Some(was), after.get(path), "{path}");
    }
    let third = service.start_plan(&stage);
    assert_eq!(third, second + 1);
    let started = service.executions(third);
    assert!(
        started.iter().all(|it| it.execution_id.0 > known),
        "{started:?}"
    );
    let work = stage.testplan("work").at(&service).on(third);
    work.flags("--out out3").run().code_is(1);
    let served = migrate(&stage, &schema.url(), "").code_is(3);
    assert!(served.stderr.contains("a service runs on it"), "{served}");
    assert_eq!(
        service
            .answer(&format!("/execution/v1/testplans/{first}"))
            .0,
        200
    );
}

#[test]
fn plan_with_leases_is_named_or_left_out() {
    let Some(schema) = PostgresSchema::create() else {
        return;
    };
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"echo "$2" >> ran; while [ ! -e go ]; do sleep 0.05; done"#,
    );
    PlanFile::run_with(&test).numbered("s", 2).on(&stage);
    let service = Service::start(&stage);
    let running = service.start_plan(&stage);
    let mut worker = stage
        .testplan("work")
        .at(&service)
        .on(running)
        .flags("--out out --workers 1")
        .start();
    stage.wait_for_lines("ran", 1);
    worker.kill();
    stage.write("go", "");
    service.stop().code_is(0);

    let refused = migrate(&stage, &schema.url(), "").code_is(3);
    let says = format!("plan {running} \"");
    for part in [says.as_str(), "1 reserved", "--leave-running"] {
        assert!(refused.stderr.contains(part), "{part}: {refused}");
    }
    let moved = migrate(&stage, &schema.url(), "--leave-running").code_is(0);
    assert!(
        moved.stderr.contains(&format!("left out plan {running}")),
        "{moved}"
    );
    let service = Service::start_with(&stage, |serve| serve.flags("--database").arg(schema.url()));
    assert_eq!(
        service
            .answer(&format!("/execution/v1/testplans/{running}"))
            .0,
        400
    );
    assert_eq!(service.start_plan(&stage), running + 1);
}

#[test]
fn mistakes_in_a_move_are_named() {
    let stage = Stage::new();
    let of = |from: &str, to: &str| stage.run(["serve", "migrate", "--from", from, "--to", to]);
    for (from, to, parts) in [
        (
            "data",
            "postgres://db/x",
            &["--from", "sqlite:testplan-data"][..],
        ),
        (
            "postgres://db/x",
            "postgres://db/x",
            &["sqlite:testplan-data"],
        ),
        (
            "sqlite:none",
            "postgres://db/x",
            &["none", "does not exist", "--from sqlite:DIR"],
        ),
    ] {
        let ended = of(from, to).code_is(2);
        for part in parts {
            assert!(ended.stderr.contains(part), "{part}: {ended}");
        }
    }
    PlanFile::run_with(&stage.script("test.sh", ""))
        .numbered("s", 1)
        .on(&stage);
    Service::start(&stage).stop().code_is(0);
    let ended = of(FROM, "mysql://db/x").code_is(2);
    assert!(ended.stderr.contains("help:"), "{ended}");
    let port = crate::support::free_port();
    let ended = of(FROM, &format!("postgres://nobody@127.0.0.1:{port}/x")).code_is(3);
    assert!(
        ended.stderr.contains("nothing accepts connections there"),
        "{ended}"
    );
    let both = stage.run([
        "serve", "--data", "data", "migrate", "--from", FROM, "--to", "x",
    ]);
    assert_eq!(both.code, Some(2), "{both}");
}

/// A killed move left nothing, and can be repeated.
#[test]
fn killed_move_leaves_nothing() {
    let Some(schema) = PostgresSchema::create() else {
        return;
    };
    let stage = Stage::new();
    suite(&stage).numbered("s", 4).on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let work = stage.testplan("work").at(&service).on(plan);
    work.flags("--out out").run().code_is(0);
    service.stop().code_is(0);
    // A database whose tables are made already, and that is slow to take events.
    let empty = Stage::new();
    let other = Service::start_with(&empty, |serve| serve.flags("--database").arg(schema.url()));
    other.stop().code_is(0);
    schema.run_in(
        "DELETE FROM replicas;
         CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(3); RETURN NULL; END$$;
         CREATE TRIGGER wait AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION wait()",
    );
    let mut moving = stage
        .testplan("serve")
        .args(["migrate", "--from", FROM, "--to"])
        .arg(schema.url())
        .start();
    let sleeping = || {
        schema.read(
            "SELECT count(*) FROM pg_stat_activity
             WHERE wait_event = 'PgSleep' AND query LIKE 'INSERT INTO events%'",
        )
    };
    until("the move to wait", || (sleeping() > 0).then_some(()));
    moving.kill();
    until("the move to be undone", || (sleeping() == 0).then_some(()));
    for table in ["plans", "executions", "tests", "events"] {
        let left = schema.read(&format!("SELECT count(*) FROM {table}"));
        assert_eq!(left, 0, "{table}");
    }
    schema.run_in("DROP TRIGGER wait ON events");
    migrate(&stage, &schema.url(), "").code_is(0);
    assert_eq!(schema.read("SELECT count(*) FROM executions"), 4);
}
