//! The workflow in steps: execute, several workers, wait, report.

use super::{
    house::{House, Kind},
    reading::Junit,
};
use crate::support::{PlanFile, Stage};

pub(crate) fn three_steps(kind: Kind) {
    let stage = Stage::new();
    let test = stage.script("test.sh", r#"echo "$2 $TESTPLAN_CAPABILITY_OS" >> ran"#);
    let file = PlanFile::run_with(&test)
        .numbered("s", 3)
        .on_each(&["OS=Linux", "OS=Windows"]);
    let house = House::of(kind, stage, &file);

    let execute = house.testplan("execute").flags("--format json");
    let sets = ["OS=Linux: ubuntu-latest", "OS=Windows: windows-latest"];
    let execute = sets
        .iter()
        .fold(execute, |execute, set| execute.flags("--runs-on").arg(set));
    let started = execute.run().code_is(0).json();
    let plan = started["plan_id"].as_i64().unwrap();
    assert_eq!(started["open"], 6);
    assert_eq!(started["workers"], 2);
    // Nobody but our own service says what executions need.
    assert_eq!(
        started["uncovered"],
        kind.pick(serde_json::Value::Null, 0.into())
    );

    let wait = house
        .testplan("wait")
        .on(plan)
        .flags("--format json")
        .start();
    let work = |name: &str, offered: &str| {
        let work = house.testplan("work").named(name).on(plan);
        work.flags(&format!("--workers 1 --out {name} --capability {offered}"))
            .start()
    };
    let workers = [work("one", "OS=Linux"), work("two", "os=windows")];
    for worker in workers {
        worker.end().code_is(0).says("3 passed");
    }
    let status = wait.end().code_is(0).json();
    assert_eq!(
        (&status["open"], &status["reserved"], &status["done"]),
        (&0.into(), &0.into(), &6.into())
    );
    let report = house
        .testplan("report")
        .on(plan)
        .flags("--format json --out report --records one/records two/records")
        .run()
        .code_is(0)
        .json();
    for (word, count) in [("total", 6), ("passed", 6), ("missing", 0)] {
        assert_eq!(report[word], count, "{word}");
    }
    assert_eq!(Junit::of(&house.stage, "report").counts, (6, 0, 0));
    house.all_done_once(plan, 6);

    // The same with a part of the records only: what is not shown is not green.
    let part = house.testplan("report").on(plan);
    let part = part
        .flags("--format json --out part --records one/records")
        .run();
    let part = part.code_is(5).json();
    assert_eq!(part["missing"], 3, "{part}");
}
