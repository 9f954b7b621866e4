//! prove and bats.

use std::path::Path;

use super::preset_project::{PresetProject, brief_verdicts, called, test};
use crate::skip;

#[test]
fn prove_lists_and_reports_files() {
    let Some(project) = PresetProject::installed("prove", "perl") else {
        return;
    };
    for (name, text) in [
        ("bad", "print qq{1..2\\nok 1\\nnot ok 2\\n}"),
        ("dies", "print qq{1..1\\nok 1\\n}; exit 3"),
        ("early", "print qq{1..2\\nok 1\\n}; exit 0"),
        ("good", "print qq{1..1\\nok 1\\n}"),
        ("killed", "$| = 1; print qq{1..1\\nok 1\\n}; kill 9, $$"),
        ("none", "print qq{nothing\\n}"),
        ("off", "print qq{1..0 # SKIP why\\n}"),
        ("todo", "print qq{1..1\\nnot ok 1 # TODO later\\n}"),
    ] {
        project.write(&format!("t/{name}.t"), text);
    }
    let (verdicts, code) = brief_verdicts(&project);
    let expected = [
        "bad.t: failed",
        "dies.t: failed",
        "early.t: failed",
        "good.t: passed",
        "killed.t: failed",
        "none.t: failed",
        "off.t: skipped",
        "todo.t: passed",
    ];
    let expected = expected.map(|it| format!("t::{it}"));
    assert_eq!((verdicts, code), (expected.to_vec(), 1));
    // Without a file, prove would run all of them.
    let (ran, code) = project.run(&[test("t", "gone.t")]);
    assert_eq!((ran.len(), code), (0, 0));
}

#[test]
fn bats_lists_and_reports_tests() {
    let folder = std::env::var_os("TESTPLAN_JS_TOOLS").filter(|path| !path.is_empty());
    let program = folder.map(|it| Path::new(&it).join("current/node_modules/bats/bin/bats"));
    let Some(program) = program.filter(|it| it.exists()) else {
        skip::missing("no bats in TESTPLAN_JS_TOOLS");
        return;
    };
    let project = PresetProject::new("bats", vec![program.into()]);
    project.write(
        "a.bats",
        "@test \"one\" { true; }\n@test \"two\" {\n  echo 'ok 4 four'\n  false\n}\n@test 'off' { skip 'why # x'; }\n\
         @test \"four\" {\n  echo 'ok 2 two' >&3\n}\n@test \"in 5ms # skip\" { true; }\n\
         again() { # @test\n  BATS_TEST_RETRIES=1\n  [ -e \"$BATS_FILE_TMPDIR/x\" ] || { touch \"$BATS_FILE_TMPDIR/x\"; false; }\n}\n",
    );
    project.write(
        "up.bats",
        "setup_file() { false; }\n@test 'one' { true; }\n@test 'two' { true; }\n",
    );
    assert_eq!(project.list().tests.len(), 8);
    let (verdicts, code) = brief_verdicts(&project);
    let expected = [
        "a.bats::again: passed",
        "a.bats::four: passed",
        "a.bats::in 5ms # skip: passed",
        "a.bats::off: skipped",
        "a.bats::one: passed",
        "a.bats::two: failed",
        "up.bats::one: failed",
        "up.bats::two: failed",
    ];
    assert_eq!((verdicts, code), (expected.map(str::to_owned).to_vec(), 1));
    // The name of a test in another file selects it as well.
    let (ran, _) = project.run(&[test("a.bats", "one"), test("up.bats", "two")]);
    assert_eq!(ran[&called(&test("a.bats", "one"))], "passed");
    let (ran, code) = project.run(&[test("a.bats", "gone")]);
    assert_eq!((ran.len(), code), (0, 0));
}
