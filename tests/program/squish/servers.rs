//! Squish servers that are not there, go away, hang, or are wanted twice at once.

use std::time::Duration;

use rustix::process::Signal;

use super::told::told;
use crate::support::{Squish, free_port};

#[test]
fn a_squish_server_that_does_not_listen_is_named_with_a_cure() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    let port = free_port();
    let ended = squish
        .plan(&format!("server: \"127.0.0.1:{port}\""), "")
        .run()
        .code_is(3);
    let words = told(&squish)["tst_one"].words();
    for part in [
        format!("the Squish server at 127.0.0.1:{port} does not answer (connection refused)"),
        "exit code 255".to_owned(),
        format!("squishserver --port {port}"),
    ] {
        assert!(words.contains(&part), "{words:?} has no {part:?}");
    }
    assert!(ended.stderr.contains("does not answer"), "{ended}");
}

#[test]
fn a_squish_server_that_is_killed_under_a_test_is_found_out() {
    let squish = Squish::new();
    let (begun, never) = (squish.stage.path("begun"), squish.stage.path("never"));
    let script = format!("pass\ntouch {}\nwait {}", begun.display(), never.display());
    squish.suite("suite_a", &[("tst_one", &script)]);
    let mut server = squish.server("server");
    squish.plan(&format!("server: \"{}\"", server.address()), "");
    let run = squish.testplan("run").flags("--out out").start();
    crate::support::until("the test to begin", || begun.exists().then_some(()));
    server.process.kill();
    run.end().code_is(3);
    let words = told(&squish)["tst_one"].words();
    assert!(words.contains("does not answer"), "{words}");
}

#[test]
fn a_squish_server_that_never_answers_is_left_at_the_time_limit() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    let server = squish.server_with("server", &[("STAND_IN_DEAF", "1")]);
    squish
        .plan(
            &format!("server: \"{}\"", server.address()),
            "  timeout: 1s",
        )
        .run()
        .code_is(3);
    assert!(told(&squish)["tst_one"].words().contains("time limit"));
}

#[test]
fn one_suite_at_a_time_on_one_squish_server() {
    let squish = Squish::new();
    let testcases: Vec<String> = (0..8).map(|number| format!("tst_{number}")).collect();
    let testcases: Vec<_> = testcases
        .iter()
        .map(|name| (name.as_str(), "pass"))
        .collect();
    squish.suite("suite_a", &testcases);
    let server = squish.server("server");
    squish.plan(&format!("server: \"{}\"", server.address()), "");
    squish
        .testplan("run")
        .flags("--out out --workers 4")
        .run()
        .code_is(0);
    let said = server.process.stderr();
    assert_eq!(said.matches("began suite_a").count(), 8, "{said}");
    assert!(!said.contains("refused"), "{said}");
}

#[test]
fn the_wait_for_the_turn_is_no_test_s_time_and_a_stop_ends_it() {
    let squish = Squish::new();
    squish.suite(
        "suite_a",
        &[("tst_1", "hang"), ("tst_2", "hang"), ("tst_3", "hang")],
    );
    let server = squish.server("server");
    let plan = |timeout| {
        let settings = format!("server: \"{}\"", server.address());
        squish.plan(&settings, &format!("  timeout: {timeout}"));
    };
    let run = || squish.testplan("run").flags("--out out --workers 3");
    plan("1s");
    let limited = run().run().code_is(3);
    assert_eq!(squish.calls().len(), 3, "each got its turn: {limited}");
    plan("1h");
    let stopped = run().start();
    squish.stage.wait_for_lines("arguments", 4);
    stopped.send(Signal::INT);
    stopped.end_within(Duration::from_secs(6)).code_is(130);
    assert_eq!(squish.calls().len(), 4, "whoever waited began nothing");
}

#[test]
fn two_allocated_squish_servers_are_used_at_once() {
    let squish = Squish::new();
    let both = squish.stage.path("both");
    let wait = |own: &str, other: &str| {
        format!(
            "touch {}\nwait {}\npass",
            both.with_extension(own).display(),
            both.with_extension(other).display()
        )
    };
    squish.suite(
        "suite_a",
        &[("tst_a", &wait("a", "b")), ("tst_b", &wait("b", "a"))],
    );
    let (one, two) = (squish.server("one"), squish.server("two"));
    let servers = format!(
        "  timeout: 30s\nservers: [{{ host: 127.0.0.1, port: {} }}, {{ host: 127.0.0.1, port: {} }}]",
        one.port, two.port
    );
    squish.plan("", &servers);
    squish
        .testplan("run")
        .flags("--out out --workers 2")
        .run()
        .code_is(0);
    for server in [&one, &two] {
        let said = server.process.stderr();
        assert_eq!(said.matches("began suite_a").count(), 1, "{said}");
    }
}

#[test]
fn an_application_that_is_not_registered_fails_its_test() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    squish.stage.write(
        "suites/suite_a/suite.conf",
        "AUT=addressbook\nLANGUAGE=Python\nTEST_CASES=tst_one\n",
    );
    let server = squish.server("server");
    squish.plan(&format!("server: \"{}\"", server.address()), "");
    squish.run().code_is(1);
    let folder = squish.stage.folder().to_str().unwrap().to_owned();
    let added = squish.tool(
        "squishserver",
        &["--config", "addAUT", "addressbook", &folder],
    );
    assert!(added.status.success(), "{added:?}");
    squish.run().code_is(0);
}
