//! An execution that reaches its time limit on a Squish server: an error that counts, and a server that rests.

use crate::support::{PlanFile, Service, Stage};

#[test]
fn hung_squish_server_cools_down_and_the_other_takes_over() {
    let stage = Stage::new();
    // The first server is the one that hangs, whatever runs on it.
    let script = "[ \"$TESTPLAN_SERVER_PORT\" = 4001 ] && hang\nexit 0";
    let test = stage.script("test.sh", script);
    PlanFile::run_with(&test)
        .numbered("s", 4)
        .runner("timeout", "1s")
        .on(&stage);
    let service = Service::start(&stage);
    for port in [4001, 4002] {
        stage
            .testplan("servers add")
            .at(&service)
            .flags(&format!("--host 127.0.0.1 --port {port}"))
            .run()
            .code_is(0);
    }
    let plan = service.start_plan(&stage);
    let ended = stage
        .testplan("work")
        .named("w")
        .at(&service)
        .on(plan)
        .flags("--workers 1 --allocate-server --out out")
        .run()
        .code_is(3);
    assert!(
        ended.stderr.contains("3 passed, 0 failed, 1 could not run"),
        "{ended}"
    );
    let hung = service.executions(plan)[0].execution_id.0;
    assert_eq!(
        service.history(plan, hung),
        ["reserved", "server-trouble", "finished"]
    );
    let list = stage.testplan("servers list").at(&service).run().code_is(0);
    let state = |port: &str| {
        let line = list.stdout.lines().find(|line| line.contains(port));
        line.unwrap_or_else(|| panic!("{list}")).to_owned()
    };
    assert!(
        state(":4001").contains("cools down until") && state(":4001").contains("(hung)"),
        "{list}"
    );
    assert!(state(":4002").contains("free"), "{list}");
}
