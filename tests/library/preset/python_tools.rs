//! unittest, Robot Framework and behave.

use std::{ffi::OsString, path::Path};

use super::preset_project::{PresetProject, called, test};
use crate::skip;

/// A project for a tool of the folder that `TESTPLAN_PYTHON_TOOLS` names.
fn project(preset: &str, program: &str) -> Option<PresetProject> {
    let folder = std::env::var_os("TESTPLAN_PYTHON_TOOLS").filter(|path| !path.is_empty());
    let program = folder.map(|it| Path::new(&it).join(program));
    let Some(program) = program.filter(|it| it.exists()) else {
        skip::missing(&format!("no {preset} in TESTPLAN_PYTHON_TOOLS"));
        return None;
    };
    Some(PresetProject::new(preset, vec![OsString::from(program)]))
}

/// `SUITE::NAME: VERDICT` of all listed tests in one call, with the first word of the verdict.
fn verdicts(project: &PresetProject) -> (Vec<String>, i32) {
    let listing = project.list();
    let (ran, code) = project.run(&listing.tests);
    let names: Vec<String> = listing.tests.iter().map(called).collect();
    assert!(ran.keys().all(|it| names.contains(it)), "{ran:?}");
    let brief = |name: &String| {
        let verdict = ran.get(name).map_or("absent", String::as_str);
        format!("{name}: {}", verdict.split(' ').next().unwrap())
    };
    (names.iter().map(brief).collect(), code)
}

#[test]
fn unittest_lists_what_its_discovery_finds() {
    let Some(project) = project("unittest", "python") else {
        return;
    };
    project.write("pkg/__init__.py", "");
    project.write(
        "pkg/base.py",
        "import unittest\nclass Base(unittest.TestCase):\n    def test_base(self): pass\n",
    );
    project.write(
        "pkg/test_in.py",
        "import unittest\nfrom .base import Base\nclass Outer:\n    class In(unittest.TestCase):\n        def test_case(self): pass\n\
         def load_tests(loader, tests, pattern):\n    tests.addTests([Outer.In('test_case'), Outer.In('test_case')])\n    return tests\n",
    );
    project.write("test_a.py", "from pkg.base import Base\n");
    project.write("test_broken.py", "import no_such_module\n");
    project.write(
        "test_off.py",
        "import unittest\nraise unittest.SkipTest('off')\n",
    );
    project.write("not_a_package/test_hidden.py", "raise ValueError\n");
    let listing = project.list();
    assert_eq!(
        listing.tests.iter().map(called).collect::<Vec<_>>(),
        [
            "pkg/test_in.py::pkg.base.Base.test_base",
            "pkg/test_in.py::Outer.In.test_case",
            "test_a.py::pkg.base.Base.test_base",
            "test_off.py::ModuleSkipped.test_off",
        ]
    );
    assert_eq!(
        listing.duplicates,
        [test("pkg/test_in.py", "Outer.In.test_case")]
    );
    assert_eq!(listing.broken.len(), 1);
    assert!(listing.broken[0].starts_with("test_broken.py: ModuleNotFoundError"));
    // Only the files of the call are loaded.
    let (ran, code) = project.run(&[test("test_a.py", "pkg.base.Base.test_base")]);
    assert_eq!((ran.len(), code), (1, 0));
}

#[test]
fn unittest_results_are_those_of_the_tool() {
    let Some(project) = project("unittest", "python") else {
        return;
    };
    project.write(
        "test_a.py",
        "import sys, unittest
class T(unittest.TestCase):
    def test_1(self): pass
    def test_2(self): self.fail('boom')
    def test_3(self): sys.exit(0)
    @unittest.skip('why')
    def test_4(self): pass
    @unittest.expectedFailure
    def test_5(self): self.fail()
    @unittest.expectedFailure
    def test_6(self): pass
    def test_7(self):
        for i in range(3):
            with self.subTest(i=i): self.assertEqual(i, 1)
    def test_8(self):
        with self.subTest(i=1): self.skipTest('part')
    def test_9(self): self.addCleanup(lambda: 1 / 0)
    def test_case(self): pass
class Up(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise ValueError('up')
    def test_1(self): pass
class Down(unittest.TestCase):
    @classmethod
    def tearDownClass(cls): raise ValueError('down')
    def test_1(self): pass
class Off(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise unittest.SkipTest('off')
    def test_1(self): pass
",
    );
    let (verdicts, code) = verdicts(&project);
    let expected = [
        ("Down.test_1", "failed"),
        ("Off.test_1", "skipped"),
        ("T.test_1", "passed"),
        ("T.test_2", "failed"),
        ("T.test_3", "failed"),
        ("T.test_4", "skipped"),
        ("T.test_5", "passed"),
        ("T.test_6", "failed"),
        ("T.test_7", "failed"),
        ("T.test_8", "skipped"),
        ("T.test_9", "failed"),
        ("T.test_case", "passed"),
        ("Up.test_1", "failed"),
    ];
    let expected = expected.map(|(name, verdict)| format!("test_a.py::{name}: {verdict}"));
    assert_eq!((verdicts, code), (expected.to_vec(), 1));
}

#[test]
fn robot_lists_and_reports_suites_in_folders() {
    let Some(project) = project("robot", "robot") else {
        return;
    };
    project.write(
        "d/__init__.robot",
        "*** Settings ***\nSuite Setup    Set Global Variable    ${G}    1\nForce Tags    all\n",
    );
    project.write(
        "d/a.robot",
        "*** Test Cases ***\nUses G\n    Should Be Equal    ${G}    1\nOff\n    Skip    why\nBad\n    Fail    boom\n\
         Unknown\n    No Such Keyword\nTwice\n    No Operation\nTwice\n    Fail\n",
    );
    project.write(
        "down.robot",
        "*** Settings ***\nSuite Teardown    Fail    down\n*** Test Cases ***\nOne\n    No Operation\n",
    );
    project.write(
        "up.robot",
        "*** Settings ***\nSuite Setup    Fail    up\n*** Test Cases ***\nOne\n    No Operation\n",
    );
    let listing = project.list();
    assert_eq!(listing.duplicates, [test("d/a.robot", "Twice")]);
    let expected = [
        ("d/a.robot", "Uses G", "passed"),
        ("d/a.robot", "Off", "skipped"),
        ("d/a.robot", "Bad", "failed"),
        ("d/a.robot", "Unknown", "failed"),
        ("down.robot", "One", "failed"),
        ("up.robot", "One", "failed"),
    ];
    let tests = expected.map(|(suite, name, _)| test(suite, name));
    assert!(tests.iter().all(|it| listing.tests.contains(it)));
    assert_eq!(listing.tests.len(), tests.len() + 1);
    let (ran, code) = project.run(&tests);
    assert_eq!((ran.len(), code), (tests.len(), 4));
    for (test, (_, _, verdict)) in tests.iter().zip(expected) {
        assert!(ran[&called(test)].starts_with(verdict), "{ran:?}");
    }
    let (ran, code) = project.run(&[test("d/a.robot", "Gone")]);
    assert_eq!((ran.len(), code), (0, 252));
}

#[test]
fn behave_lists_and_reports_scenarios() {
    let Some(project) = project("behave", "python") else {
        return;
    };
    project.write(
        "features/steps/s.py",
        "from behave import step\n@step('ok')\ndef ok(context): pass\n@step('bad')\ndef bad(context): assert False\n\
         @step('skip')\ndef skip(context): context.scenario.skip('why')\n",
    );
    project.write(
        "features/environment.py",
        "def before_scenario(context, scenario):\n    assert 'hook' not in scenario.tags\n\
         def before_feature(context, feature):\n    assert 'hook' not in feature.tags\n",
    );
    project.write(
        "features/a.feature",
        "Feature: A\n  Scenario: one\n    Given ok\n  Scenario: two\n    Given bad\n  Scenario: three\n    Given nothing\n\
         \x20 Scenario: four\n    Given skip\n  @hook\n  Scenario: five\n    Given ok\n\
         \x20 Scenario Outline: row <x>\n    Given <x>\n    Examples:\n      | x |\n      | ok |\n      | bad |\n\
         \x20 Rule: R\n    Scenario: one\n      Given ok\n",
    );
    project.write(
        "features/b.feature",
        "@hook\nFeature: B\n  Scenario: one\n    Given ok\n",
    );
    project.write("features/broken.feature", "nothing\n");
    let listing = project.list();
    assert_eq!(listing.broken.len(), 1);
    assert!(listing.broken[0].starts_with("features/broken.feature: "));
    let (verdicts, code) = verdicts(&project);
    let expected = [
        "a.feature::one: passed",
        "a.feature::two: failed",
        "a.feature::three: failed",
        "a.feature::four: skipped",
        "a.feature::five: failed",
        "a.feature::row ok -- @1.1 : passed",
        "a.feature::row bad -- @1.2 : failed",
        "a.feature::R > one: passed",
        "b.feature::one: failed",
    ];
    let expected = expected.map(|it| format!("features/{it}"));
    assert_eq!((verdicts, code), (expected.to_vec(), 1));
    // A row that is gone is not another one.
    let (ran, code) = project.run(&[test("features/a.feature", "row ok -- @1.3 ")]);
    assert_eq!((ran.len(), code), (0, 0));
}
