//! pytest in batches.

use super::preset_project::{PresetProject, test};
use crate::skip;

#[test]
fn pytest_lists_and_selects_exactly() {
    let Some(python) = std::env::var_os("TESTPLAN_PYTEST").filter(|path| !path.is_empty()) else {
        skip::missing("no TESTPLAN_PYTEST");
        return;
    };
    let program = vec![python, "-m".into(), "pytest".into()];
    let project = PresetProject::new("pytest", program);
    project.write("pytest.ini", "[pytest]\naddopts = -q -q\n");
    project.write(
        "d/test_a.py",
        "import pytest\n@pytest.mark.parametrize('p', ['a b', 'a::b', '[x]', 'a/b', 'ü', ' lead', 'trail ', 'q\"q', \"it's\", '-x', 'a,b', '*?', 'l' * 300])\n\
         def test_p(p): pass\nclass TestC:\n    def test_m(self): pass\ndef test_late(): pass\n",
    );
    let listing = project.list();
    assert_eq!(listing.tests.len(), 15, "{listing:?}");
    assert!(
        listing
            .tests
            .contains(&test("d/test_a.py", "TestC::test_m"))
    );
    // The class name of the file has dots, and those of tests have none: compared by the last part.
    let names: Vec<_> = listing.tests.iter().map(|it| it.testcase.clone()).collect();
    for one in &listing.tests {
        let (ran, code) = project.run(std::slice::from_ref(one));
        assert_eq!((ran.len(), code), (1, 0), "{one}: {ran:?}");
        let last = one
            .testcase
            .rsplit_once("TestC::")
            .map_or(one.testcase.as_str(), |it| it.1);
        assert!(
            ran.keys().next().unwrap().ends_with(&format!("::{last}")),
            "{one}: {ran:?}"
        );
    }
    let (ran, code) = project.run(&listing.tests[1..]);
    assert_eq!((ran.len(), code), (names.len() - 1, 0));
    // One unknown name stops the call: nothing ran, so nothing passed.
    let mut gone = listing.tests[1..].to_vec();
    gone.push(test("d/test_a.py", "test_gone"));
    let (ran, code) = project.run(&gone);
    assert_eq!((ran.len(), code), (0, 4));
}
