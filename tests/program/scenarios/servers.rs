//! Squish servers allocated with executions.

use super::{
    house::{Held, House, Kind},
    reading::Junit,
};
use crate::support::{PlanFile, Stage, until};

/// One Squish server, two workers: they take turns, and none is handed out twice.
pub(crate) fn busy_ones(kind: Kind) {
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"mkdir busy || exit 42
           echo "$TESTPLAN_SERVER_HOST:$TESTPLAN_SERVER_PORT" >> at
           until [ -e go ]; do sleep 0.1; done
           rmdir busy"#,
    );
    let file = PlanFile::run_with(&test)
        .numbered("s", 3)
        .on_each(&["OS=linux"])
        .squish_server(4322, Some("OS=Linux"));
    let house = House::of(kind, stage, &file);
    let run = house.testplan("run").flags("--workers 2 --out out");
    let run = run.flags("--allocate-server --capability OS=linux").start();
    house.stage.wait_for_lines("at", 1);
    until("the second worker to be told that none is free", || {
        (house.count("POST /execution/v1/reserve/") >= 2).then_some(())
    });
    let plan = kind.pick(105, 2);
    let reserved = house
        .held(plan)
        .values()
        .filter(|it| it.state == "reserved")
        .count();
    assert_eq!(reserved, 1, "none without a Squish server");
    house.stage.write("go", "");
    run.end().code_is(0).says("3 passed");

    assert_eq!(house.stage.lines("at"), ["127.0.0.1:4322"; 3]);
    for (name, held) in house.held(plan) {
        assert_eq!(held, Held::done(1), "{name}");
    }
    let listed = house.testplan("servers list").flags("--format json").run();
    let listed = listed.code_is(0).stdout;
    assert!(!listed.contains("3339"), "it is free again: {listed}");
    assert_eq!(Junit::of(&house.stage, "out").counts, (3, 0, 0));
}
