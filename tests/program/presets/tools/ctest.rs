//! `CTest`. A test that ends its process passes if it ends with 0, for the tool as well.

use crate::{
    presets::{
        tool::{Does, Tool, any, none, same, starts},
        tools::robot,
    },
    support::Stage,
};

/// Of the system.
pub(crate) static CTEST: Tool = tool(|| starts("ctest").then(|| vec!["ctest".to_owned()]));

/// Version 4.
pub(crate) static CTEST_4: Tool = tool(|| robot::python_tool("ctest"));

const fn tool(program: fn() -> Option<Vec<String>>) -> Tool {
    Tool {
        preset: "ctest",
        mode: "batch",
        suite: "ctest",
        testcase: same,
        can_have: any,
        refuses: none,
        has_stream: false,
        exit_outcome: "passed",
        refuses_unknown: false,
        program,
        run_all: &[],
        write,
    }
}

const SCRIPT: &str = r#"printf '%s\n' "$1" >> ran
case "$2" in
  fails) exit 1 ;;
  waits) until [ -e go ]; do sleep 0.05; done ;;
esac
"#;

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    let script = stage.write("t.sh", SCRIPT);
    let script = script.display();
    let add = |(name, does): &(&str, Does)| {
        let does = does.word();
        format!("add_test([==[{name}]==] /bin/sh \"{script}\" [==[{name}]==] {does})\n")
    };
    stage.write(
        "CTestTestfile.cmake",
        tests.iter().map(add).collect::<String>(),
    );
}
