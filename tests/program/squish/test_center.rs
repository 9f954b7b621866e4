//! Squish suites for Test Center: servers that it hands out, results that it gets, and a Squish server that goes away.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use serde_json::json;

use super::told::told;
use crate::support::{
    Squish, SquishServer, TestCenter, Testplan, free_port,
    test_center::{Dialect, Import, State, TOKEN},
    until,
};

/// A Test Center with template `T` of all test cases of `suite_a`, and these Squish servers.
fn center(squish: &Squish, testcases: &[&str], ports: &[u16]) -> TestCenter {
    let servers = ports.iter().map(|port| {
        json!({ "host": "127.0.0.1", "port": port.to_string(), "labels": { "OS": "Linux" } })
    });
    let file = json!({
        "project": "p",
        "runner": { "squish": { "suites": ["suites"] } },
        "templates": [{ "title": "T", "tests": [{ "suite": "suite_a", "testcases": testcases }] }],
        "servers": servers.collect::<Vec<_>>(),
    });
    let file = file.to_string();
    squish.stage.write("testplan.yml", &file);
    TestCenter::start(&file, Dialect::default())
}

fn run(squish: &Squish, center: &TestCenter) -> Testplan {
    let token = squish.stage.write("token", TOKEN);
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    squish
        .testplan("run")
        .at_url(&center.url, &token)
        .flags("--template T --capability OS=Linux --out out")
}

#[test]
fn every_result_of_a_suite_gets_in_and_counts() {
    let squish = Squish::new();
    let testcases = [
        ("tst_pass", "pass\nxfail known"),
        ("tst_fail", "screenshot shots/end.png\nfail 3 rows"),
        ("tst_xpass", "xpass not known any more"),
        ("tst_skip", "skip not here"),
        ("tst_crash", "abort"),
    ];
    squish.suite("suite_a", &testcases);
    let servers = [squish.server("one"), squish.server("two")];
    let center = center(
        &squish,
        &testcases.map(|(name, _)| name),
        &[servers[0].port, servers[1].port],
    );
    let ended = run(&squish, &center).flags("--workers 2").run().code_is(3);
    let counts = "2 failed, 1 could not run, 1 passed, 1 skipped";
    assert!(ended.stderr.contains(counts), "{ended}");
    assert!(
        !ended.stderr.contains("Test Center shows"),
        "nothing is amiss: {ended}"
    );
    let suites = |server: &SquishServer| server.process.stderr().matches("began suite_a").count();
    assert_eq!(servers.iter().map(suites).sum::<usize>(), 5);

    let world = center.world();
    let plan = &world.plans[0];
    assert_eq!((plan.passes, plan.failed, plan.skipped), (1, 2, 1));
    assert_eq!(world.imports.len(), 4, "one that crashed left no report");
    for Import {
        project,
        batch,
        labels,
        files,
    } in &world.imports
    {
        assert_eq!((project.as_str(), batch), ("p", &plan.batch));
        assert_eq!(*labels, ["OS=Linux"]);
        let [(name, kind, content)] = &files[..] else {
            panic!("{files:?}")
        };
        if content.starts_with(b"PK") {
            assert_eq!(kind, "application/zip", "{name}");
            let zip = zip::ZipArchive::new(std::io::Cursor::new(content)).unwrap();
            let mut names: Vec<_> = zip.file_names().map(Result::unwrap).collect();
            names.sort_unstable();
            assert_eq!(names, ["squish/results.xml", "squish/shots/end.png"]);
        } else {
            assert_eq!(
                (name.as_str(), kind.as_str()),
                ("squish-results.xml", "application/xml")
            );
        }
    }
    let zipped = world.imports.iter().filter(|it| it.files[0].2[0] == b'P');
    assert_eq!(zipped.count(), 1, "the one with a screenshot");
    for execution in &world.executions {
        assert!(
            matches!(execution.state, State::Done { .. }),
            "{execution:?}"
        );
        assert_eq!((execution.reservations, execution.server), (1, None));
    }
    drop(world);
    // Results are there before anybody hears that the test is over.
    let calls = center.calls();
    let first = |begin: &str| calls.iter().position(|call| call.line.starts_with(begin));
    assert!(first("POST /import") < first("POST /execution/v1/finished"));

    let junit = squish.stage.read("out/junit.xml");
    for part in [
        "type=\"XPASS\"",
        "shots/end.png]]",
        "<skipped",
        "XFAIL: known",
        "squish-server",
    ] {
        assert!(junit.contains(part), "{part}: {junit}");
    }
}

/// Three tests whose first one says that it began and waits.
fn begun(squish: &Squish) -> [(&'static str, String); 3] {
    let (begun, never) = (squish.stage.path("begun"), squish.stage.path("go"));
    let wait = format!("touch {}\nwait {}\npass", begun.display(), never.display());
    [
        ("tst_1", wait),
        ("tst_2", "pass".to_owned()),
        ("tst_3", "pass".to_owned()),
    ]
}

#[test]
fn when_a_squish_server_goes_away_another_one_does_the_rest() {
    let squish = Squish::new();
    let testcases = begun(&squish);
    squish.suite(
        "suite_a",
        &testcases.each_ref().map(|(name, it)| (*name, it.as_str())),
    );
    let (mut dies, lives) = (squish.server("dies"), squish.server("lives"));
    let center = center(
        &squish,
        &["tst_1", "tst_2", "tst_3"],
        &[dies.port, lives.port],
    );
    let mut run = run(&squish, &center).start();
    until("the first test", || {
        squish.stage.path("begun").exists().then_some(())
    });
    dies.process.kill();
    run.wait_for_word("the execution goes back to the plan");
    // Somebody looks after it, as people do who are told.
    center.world().servers[0].enabled = false;
    squish.stage.write("go", "");
    let ended = run.end().code_is(0);
    let address = format!("Squish server {} unreachable", dies.address());
    assert!(ended.stderr.contains(&address), "{ended}");
    assert!(ended.stderr.contains("3 passed"), "{ended}");
    let world = center.world();
    assert_eq!(world.plans[0].passes, 3);
    assert_eq!(world.imports.len(), 3, "a released execution has no result");
    assert_eq!(
        world.executions[0].reservations, 2,
        "released and handed out once more"
    );
}

#[test]
fn when_the_only_squish_server_is_gone_it_ends_after_pauses_and_says_so() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_1", "pass"), ("tst_2", "pass")]);
    let port = free_port();
    let center = center(&squish, &["tst_1", "tst_2"], &[port]);
    let ended = run(&squish, &center)
        .flags("--workers 1")
        .start()
        .end_within(Duration::from_secs(40))
        .code_is(5);
    let told_so = format!("Squish server 127.0.0.1:{port} unreachable, 3 times in a row");
    assert!(ended.stderr.contains(&told_so), "{ended}");
    let asked = center.count("POST /execution/v1/reserve");
    assert_eq!(asked, 3, "the first, and two after pauses");
    let released = center.count("POST /execution/v1/heartbeat");
    assert!(released >= 2, "given back each time");
    let finished = center.count("POST /execution/v1/finished");
    assert_eq!(finished, 1, "the last one ends with an error");
    assert!(
        told(&squish)
            .values()
            .any(|it| it.words().contains("does not answer"))
    );
    assert!(center.world().imports.is_empty());
}
