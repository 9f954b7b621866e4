//! Mistakes of a set-up: told before anything is reserved.

use crate::support::{Ended, Service, Squish};

fn says(ended: &Ended, parts: &[&str]) {
    for part in parts {
        assert!(ended.stderr.contains(part), "no {part:?}: {ended}");
    }
}

fn squish(settings: &str, more: &str) -> Squish {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    squish.plan(settings, more);
    squish
}

#[test]
fn a_missing_squishrunner_is_told_with_every_place_and_nothing_is_reserved() {
    let squish = squish("server: local", "");
    let service = Service::start(&squish.stage);
    let plan = service.start_plan(&squish.stage);
    let work = |prefix: &str| {
        squish
            .stage
            .testplan("work")
            .at(&service)
            .on(plan)
            .with("SQUISH_PREFIX", prefix)
            .run()
            .code_is(3)
    };
    says(
        &work(""),
        &[
            "squishrunner was not found",
            "SQUISH_PREFIX is not set",
            "in PATH",
            "help: install Squish",
        ],
    );
    says(
        &work("/nowhere"),
        &[
            "SQUISH_PREFIX is /nowhere",
            "/nowhere/bin/squishrunner is no file",
        ],
    );
    assert_eq!(service.executions(plan)[0].attempts, 0);
    squish.plan("server: local, squishrunner: prefix", "");
    says(&work(""), &["names the folder", "prefix/bin/squishrunner"]);
    squish.plan("server: local, squishrunner: prefix/bin/squishrunner", "");
    squish
        .stage
        .testplan("work")
        .at(&service)
        .on(plan)
        .run()
        .code_is(0);
}

#[test]
fn a_prefix_in_the_file_s_environment_counts() {
    let squish = squish("server: local", "");
    let prefix = squish.stage.path("prefix");
    squish.plan(
        "server: local",
        &format!("  environment: {{ SQUISH_PREFIX: {} }}", prefix.display()),
    );
    squish
        .stage
        .testplan("run")
        .with("SQUISH_PREFIX", "/nowhere")
        .run()
        .code_is(0);
}

#[test]
fn servers_that_nobody_registered_are_not_waited_for() {
    let squish = squish("", "");
    let ended = squish.run().code_is(2);
    says(
        &ended,
        &[
            "has no Squish servers to hand out",
            "server: local",
            "`servers`",
        ],
    );
    squish.plan(
        "",
        "servers: [{ host: 127.0.0.1, port: 4322, enabled: false }]",
    );
    squish.run().code_is(2);
}

#[test]
fn allocation_without_use_is_a_contradiction() {
    for server in ["local", "\"127.0.0.1:4322\""] {
        let squish = squish(&format!("server: {server}"), "");
        let ended = squish
            .testplan("run")
            .flags("--allocate-server")
            .run()
            .code_is(2);
        says(&ended, &["--allocate-server", "server: allocated"]);
    }
}

#[test]
fn the_doctor_finds_squishrunner_or_says_where_it_looked() {
    let squish = squish("server: local", "");
    let well = squish.testplan("doctor").run();
    assert!(well.stdout.contains("prefix/bin/squishrunner"), "{well}");
    let ill = squish.stage.testplan("doctor").run().code_is(3);
    assert!(ill.stdout.contains("squishrunner was not found"), "{ill}");
}
