//! How pytest names its tests, and how a plan does: the file is the suite, what follows the first `::` the test case.

use crate::model::Test;

/// The test of a pytest id; `None` if it names no file and test.
pub(crate) fn test_of(id: &str) -> Option<Test> {
    let (suite, testcase) = id.split_once("::")?;
    let test = Test {
        suite: suite.to_owned(),
        testcase: testcase.to_owned(),
    };
    (!suite.is_empty() && !testcase.is_empty()).then_some(test)
}

/// The pytest id of a test.
pub(crate) fn id_of(test: &Test) -> String {
    format!("{}::{}", test.suite, test.testcase)
}

/// The test case that stands for a file, or a class in it, that could not be collected.
const COLLECTION: &str = "(collection)";

/// The test of a file that could not be collected, by pytest's name of the file.
pub(crate) fn broken_file(file: &str) -> Test {
    let (suite, class) = match file.split_once("::") {
        Some((suite, class)) => (suite, Some(class)),
        None => (file, None),
    };
    Test {
        suite: if suite.is_empty() { "." } else { suite }.to_owned(),
        testcase: class.map_or_else(
            || COLLECTION.to_owned(),
            |class| format!("{class} {COLLECTION}"),
        ),
    }
}

/// Whether a test stands for a file that could not be collected where the tests were listed.
pub(crate) fn is_broken_file(test: &Test) -> bool {
    test.testcase.ends_with(COLLECTION)
}

/// How pytest's own JUnit files name the case of a test: class name and name.
pub(crate) fn case_of(test: &Test) -> (String, String) {
    // A parameter may hold `::` and `/`.
    let (path, parameter) = match test.testcase.split_once('[') {
        Some((path, _)) => (path, &test.testcase[path.len()..]),
        None => (test.testcase.as_str(), ""),
    };
    let mut parts: Vec<&str> = path.split("::").collect();
    let name = parts.pop().unwrap_or_default();
    let module = test.suite.strip_suffix(".py").unwrap_or(&test.suite);
    let mut class = module.replace(['/', '\\'], ".");
    for part in parts {
        class.push('.');
        class.push_str(part);
    }
    (class, format!("{name}{parameter}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_split_and_put_together_again() {
        for id in [
            "tests/test_a.py::test_b",
            "tests/test_a.py::TestC::test_d[x::y/z]",
            "README.md::README.md",
            "t.py::test_p[gr\\xfcn]",
            "t.py::test_i[ trail ]",
        ] {
            assert_eq!(id_of(&test_of(id).unwrap()), id);
        }
        assert_eq!(test_of("setup.py"), None);
        assert_eq!(test_of("a.py::"), None);
    }

    #[test]
    fn broken_files_are_tests_of_their_own() {
        let test = |suite: &str, testcase: &str| Test {
            suite: suite.to_owned(),
            testcase: testcase.to_owned(),
        };
        assert_eq!(broken_file("a/t.py"), test("a/t.py", "(collection)"));
        assert_eq!(broken_file("t.py::C"), test("t.py", "C (collection)"));
        assert_eq!(broken_file(""), test(".", "(collection)"));
        assert!(is_broken_file(&broken_file("t.py::C")));
        assert!(!is_broken_file(&test("t.py", "test_collection")));
    }

    #[test]
    fn cases_are_named_as_pytest_names_them() {
        let table = [
            ("tests/test_a.py::test_b", "tests.test_a", "test_b"),
            ("a/b.py::TestC::test_d", "a.b.TestC", "test_d"),
            ("t.py::C::test_p[a::b/c]", "t.C", "test_p[a::b/c]"),
        ];
        for (id, class, name) in table {
            let case = case_of(&test_of(id).unwrap());
            assert_eq!(case, (class.to_owned(), name.to_owned()));
        }
    }
}
