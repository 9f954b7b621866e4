//! The stand-ins themselves: as strict as docs/squish.md says, or the other tests would prove nothing.

use crate::support::{Squish, free_port};

fn squish() -> Squish {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_pass", "pass"), ("tst_fail", "fail no")]);
    squish
}

#[test]
fn squishrunner_takes_options_in_their_order_alone() {
    let squish = squish();
    let server = squish.server("server");
    let port = server.port.to_string();
    let code = |arguments: &[&str]| {
        let ended = squish.tool("squishrunner", arguments);
        ended.status.code().unwrap()
    };
    let case = ["--testcase", "tst_pass"];
    let suite = ["--testsuite", "suites/suite_a"];
    let at = ["--port", &port];
    assert_eq!(code(&[&at[..], &suite, &case].concat()), 0);
    assert_eq!(
        code(&[&suite[..], &at, &case].concat()),
        255,
        "--port after --testsuite"
    );
    assert_eq!(
        code(&[&["--local"][..], &suite, &case].concat()),
        255,
        "--local before --testsuite"
    );
    assert_eq!(code(&[&suite[..], &case, &["--local"]].concat()), 0);
    assert_eq!(
        code(&[&at[..], &suite, &case, &["--rportgen", "null"]].concat()),
        255
    );
    assert_eq!(
        code(&[&at[..], &suite, &case, &["--reportgen", "pdf,x"]].concat()),
        255
    );
    for generator in ["xml3.4,r", "html,r", "json,r"] {
        let both = ["--reportgen", generator, "--resultdir", "shots"];
        assert_eq!(
            code(&[&at[..], &suite, &case, &both].concat()),
            255,
            "{generator}"
        );
    }
    let both = ["--reportgen", "junit,r.xml", "--resultdir", "shots"];
    assert_eq!(code(&[&at[..], &suite, &case, &both].concat()), 0);
    assert_eq!(code(&["--info", "server"]), 127, "nobody listens there");
    assert_eq!(code(&[&at[..], &["--info", "server"]].concat()), 0);
    assert_eq!(
        code(&["--port", &free_port().to_string(), suite[0], suite[1]]),
        255
    );
}

#[test]
fn squishrunner_says_a_failure_only_when_told_how() {
    let squish = squish();
    let code = |more: &[&str]| {
        let arguments = [&["--testsuite", "suites/suite_a", "--local"], more].concat();
        squish
            .tool("squishrunner", &arguments)
            .status
            .code()
            .unwrap()
    };
    assert_eq!(code(&[]), 0);
    assert_eq!(code(&["--exitCodeOnFail", "44"]), 44);
    assert_eq!(
        code(&["--exitCodeOnFail", "44", "--skip-testcase", "tst_fail"]),
        0
    );
    assert_eq!(
        code(&[
            "--exitCodeOnFail",
            "44",
            "--testcase",
            "suites/suite_a/tst_pass"
        ]),
        0
    );
}

#[test]
fn squishserver_runs_one_suite_and_stops_by_its_port() {
    let squish = squish();
    let go = squish.stage.path("go");
    squish.suite(
        "suite_b",
        &[("tst_wait", &format!("wait {}", go.display()))],
    );
    let mut server = squish.server("server");
    let port = server.port.to_string();
    let waiting = std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            squish.tool(
                "squishrunner",
                &["--port", &port, "--testsuite", "suites/suite_b"],
            )
        });
        crate::support::until("the first suite", || {
            server
                .process
                .stderr()
                .contains("began suite_b")
                .then_some(())
        });
        let second = squish.tool(
            "squishrunner",
            &["--port", &port, "--testsuite", "suites/suite_a"],
        );
        assert_eq!(second.status.code(), Some(255), "{second:?}");
        assert!(second.stderr.contains("another suite"));
        std::fs::write(&go, "").unwrap();
        first.join().unwrap()
    });
    assert_eq!(waiting.status.code(), Some(0), "{waiting:?}");
    let other = squish.tool(
        "squishserver",
        &["--stop", "--port", &free_port().to_string()],
    );
    assert!(!other.status.success());
    assert!(!server.process.has_ended());
    let stopped = squish.tool("squishserver", &["--stop", "--port", &port]);
    assert!(stopped.status.success(), "{stopped:?}");
    crate::support::until("its end", || server.process.has_ended().then_some(()));
    assert_eq!(
        squish.tool("squishserver", &["--prot", "1"]).status.code(),
        Some(1)
    );
}

#[test]
fn squishserver_goes_to_the_background_and_logs() {
    let squish = squish();
    let log = squish.stage.path("server.log");
    let begun = squish.tool(
        "squishserver",
        &[
            "--daemon",
            "--port",
            "0",
            "--logfile",
            log.to_str().unwrap(),
        ],
    );
    let said = begun.stdout;
    let port = said.trim().strip_prefix("Port: ").unwrap().to_owned();
    let ran = squish.tool(
        "squishrunner",
        &["--port", &port, "--testsuite", "suites/suite_a"],
    );
    assert!(ran.status.success(), "{ran:?}");
    let stopped = squish.tool("squishserver", &["--stop", "--port", &port]);
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(
        squish.stage.lines("server.log")[..2],
        ["began suite_a", "ended suite_a"]
    );
}
