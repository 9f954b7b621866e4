//! Many tests in one call of a command, and what becomes of each of them.

use serde_json::json;

use super::{
    house::{House, Kind},
    reading::Junit,
};
use crate::support::{PlanFile, Stage};

/// A tool that takes many tests: it writes how many into `calls`, those that it ran into `ran`, and results as JUnit.
const TOOL: &str = r#"
results=$1; shift
echo "$#" >>calls
cases=
code=0
for test; do
    echo "$test" >>ran
    inner=
    case "$test" in
    *gone) continue ;;
    *fails) inner='<failure message="boom"/>'; code=1 ;;
    *kills) kill -9 $$ ;;
    esac
    cases="$cases<testcase classname='${test%%::*}' name='${test##*::}' time='0.01'>$inner</testcase>"
done
echo "<testsuite>$cases</testsuite>" >"$results/r.xml"
exit $code
"#;

/// The tests of a plan share calls of the tool.
fn house(kind: Kind, last: &[&str]) -> House {
    let stage = Stage::new();
    let tool = stage.script("tool", TOOL);
    let file = PlanFile::run_with(&tool)
        .runner("command", json!([tool, "{results}", "{tests}"]))
        .runner("test", "{suite}::{testcase}")
        .runner("results", json!({ "format": "junit" }))
        .numbered("s", 30)
        .tests("s", last.iter().copied());
    House::of(kind, stage, &file)
}

/// How many tests each call got.
fn calls(house: &House) -> Vec<usize> {
    let lines = house.stage.lines("calls");
    lines.iter().map(|line| line.parse().unwrap()).collect()
}

pub(crate) fn many_tests_per_call(kind: Kind) {
    let house = house(kind, &["fails"]);
    let run = house.testplan("run").flags("--workers 2 --out out");
    run.run()
        .code_is(1)
        .says("31 tests in")
        .says("FAIL s / fails");
    let junit = Junit::of(&house.stage, "out").brief();
    assert_eq!(junit.matches("=pass").count(), 30, "{junit}");
    let calls = calls(&house);
    assert_eq!(
        calls.iter().sum::<usize>(),
        31,
        "each test ran once: {calls:?}"
    );
    assert!(calls.len() < 20, "they share calls: {calls:?}");
}

pub(crate) fn vanished_test_and_a_crash_in_a_call(kind: Kind) {
    let house = house(kind, &["gone", "kills"]);
    let run = house.testplan("run").flags("--workers 2 --out out");
    run.run().code_is(3).says("32 tests in");
    let junit = Junit::of(&house.stage, "out").brief();
    assert_eq!(junit.matches("=pass").count(), 30, "{junit}");
    let summary = house.stage.read("out/summary.md");
    for word in ["30 passed", "SIGKILL", "ran no test"] {
        assert!(summary.contains(word), "{word}: {summary}");
    }
}
