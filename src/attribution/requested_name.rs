//! Recognises the requested test among the cases of a result file.
//!
//! A test has the name by which its tool selects it, a case the name that the tool's reporter writes. Both have the same
//! words with different separators, so words are compared: `tests/test_x.py::TestC::test_a` is the same test as `test_a` in
//! class `tests.test_x.TestC`.

use crate::model::{CaseResult, Test};

/// The relation of a case to the requested test, according to their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Relation {
    None,
    /// It lies in the file, class or folder that was requested.
    Within,
    /// It is the test, or a part of it such as a section, a row or a sub-test.
    Named,
}

/// A case and its words.
#[derive(Debug)]
pub(super) struct CaseWords<'a> {
    pub(super) case: &'a CaseResult,
    pub(super) name: Vec<&'a str>,
    pub(super) class: Vec<&'a str>,
    pub(super) file: Vec<&'a str>,
    /// Those of class and name.
    pub(super) full: Vec<&'a str>,
}

impl<'a> CaseWords<'a> {
    pub(super) fn new(case: &'a CaseResult) -> Self {
        let (class, name) = (words(&case.classname), words(&case.name));
        Self {
            case,
            full: [class.clone(), name.clone()].concat(),
            name,
            class,
            file: words(case.file.as_deref().unwrap_or_default()),
        }
    }
}

/// The words of a requested test.
#[derive(Debug)]
pub(super) struct RequestedName<'a> {
    testcase: &'a str,
    /// The words of the test case.
    words: Vec<&'a str>,
    /// The words of suite and test case.
    pub(super) whole: Vec<&'a str>,
    /// The words of the suite, and whether it is a file.
    pub(super) suite: Vec<&'a str>,
    suite_is_file: bool,
}

impl<'a> RequestedName<'a> {
    pub(super) fn new(test: &'a Test) -> Self {
        let (suite, words) = (words(&test.suite), words(&test.testcase));
        Self {
            testcase: &test.testcase,
            whole: [suite.clone(), words.clone()].concat(),
            words,
            suite_is_file: has_extension(&test.suite),
            suite,
        }
    }

    pub(super) fn relation(&self, case: &CaseWords<'_>) -> Relation {
        let CaseWords {
            case,
            name,
            class,
            file,
            full,
        } = case;
        if self.has_this_name(case) || self.is_named(name, full, class) || self.has_part(&case.name)
        {
            return Relation::Named;
        }
        let contains = |outer: &[&str]| {
            !self.words.is_empty()
                && outer
                    .windows(self.words.len())
                    .any(|window| window == self.words)
        };
        if contains(class) || contains(file) {
            return Relation::Within;
        }
        Relation::None
    }

    /// Whether the case is called exactly so: a name of signs alone has no words.
    fn has_this_name(&self, case: &CaseResult) -> bool {
        !self.testcase.is_empty() && case.name == self.testcase
    }

    fn is_named(&self, name: &[&str], full: &[&str], class: &[&str]) -> bool {
        if name.is_empty() || self.words.is_empty() {
            return false;
        }
        // The test has the name alone, suite and name, or part of the class and the name.
        let by_test = self.words == name
            || self.whole == name
            || self.words.len() > name.len() && full.ends_with(&self.words);
        // The class is part of the suite, or names the suite's file.
        let by_whole = full.len() >= self.words.len()
            && self.words.ends_with(name)
            && self.whole.ends_with(full);
        by_test || by_whole || self.has_titles(name, full, class)
    }

    /// Bun writes the titles of nested suites from the inside out.
    fn has_titles(&self, name: &[&str], full: &[&str], class: &[&str]) -> bool {
        if self.words.len() != full.len() || !self.words.ends_with(name) {
            return false;
        }
        let mut titles = self.words[..self.words.len() - name.len()].to_vec();
        let mut class = class.to_vec();
        titles.sort_unstable();
        class.sort_unstable();
        titles == class
    }

    /// Whether class and name are both those of the test.
    pub(super) fn is_exact(&self, case: &CaseWords<'_>) -> bool {
        !case.class.is_empty() && self.whole.ends_with(&case.full)
    }

    /// Whether the class is not in the test's names: a test with the same name in another file.
    pub(super) fn is_elsewhere(&self, case: &CaseWords<'_>) -> bool {
        let is_inside = |window: &[&str]| window == case.class;
        !case.class.is_empty() && !self.whole.windows(case.class.len()).any(is_inside)
    }

    /// How surely a case is the test, if others that ran in the same process may have a similar name; `None` if it is not.
    pub(super) fn likeness(&self, case: &CaseWords<'_>) -> Option<NameLikeness> {
        let has_part = self.has_part(&case.case.name);
        let is_named = has_part
            || self.has_this_name(case.case)
            || self.is_named(&case.name, &case.full, &case.class);
        if !is_named
            || self.is_in_another_file(case)
            || self.is_elsewhere(case) && !self.has_titles(&case.name, &case.full, &case.class)
        {
            return None;
        }
        let name = case.case.name.trim();
        let is_literal = self.testcase.ends_with(name) || name.ends_with(self.testcase.trim());
        Some(match (is_literal, self.is_exact(case)) {
            (true, true) => NameLikeness::Exact,
            (true, false) => NameLikeness::Literal,
            _ if has_part => NameLikeness::Part,
            _ => NameLikeness::Words,
        })
    }

    /// Whether the suite is a file, and the case has another one.
    fn is_in_another_file(&self, case: &CaseWords<'_>) -> bool {
        let (file, suite) = (&case.file, &self.suite);
        self.suite_is_file && !file.is_empty() && !(file.ends_with(suite) || suite.ends_with(file))
    }

    /// Whether a case that is no test has the name of the file or class that the test is in.
    pub(super) fn is_inside(&self, case: &CaseWords<'_>) -> bool {
        let is_outer =
            |words: &[&str]| words.len() < self.whole.len() && self.whole.starts_with(words);
        let covers_suite = |words: &[&str]| {
            words.len() >= self.suite.len() && is_outer(words) && !words.is_empty()
        };
        covers_suite(&case.name) || covers_suite(&case.full)
    }

    /// Whether a hook of this class and file runs for the test; one without either runs for every test.
    pub(super) fn is_behind_hook(&self, case: &CaseWords<'_>) -> bool {
        if self.is_in_another_file(case) {
            return false;
        }
        // `setUpClass (module.Class)` has the class in its name.
        let bracketed = case.case.name.split_once('(').map(|(_, rest)| words(rest));
        let is_mine = |class: &[&str]| class == case.file || self.has_window(class);
        case.class.is_empty() || is_mine(&case.class) || bracketed.is_some_and(|it| is_mine(&it))
    }

    fn has_window(&self, words: &[&str]) -> bool {
        !words.is_empty()
            && self
                .whole
                .windows(words.len())
                .any(|window| window == words)
    }

    /// Whether the name of the test is longer than that of the case: a row of a table without a case of its own, such as
    /// `row:one` of `row`, or a name behind the titles of groups, of which Node writes only the last.
    pub(super) fn is_part_of(&self, case: &CaseResult) -> bool {
        let name = words(&case.name);
        !name.is_empty() && (self.words.starts_with(&name) || self.words.ends_with(&name))
    }

    /// Whether a case is a part of the test: `secs/first` is a section of `secs`, `row(a b)` a row of `row`.
    fn has_part(&self, name: &str) -> bool {
        let rest = name.strip_prefix(self.testcase);
        rest.is_some_and(|rest| {
            rest.starts_with(['/', '(', '[', '{', '#']) || rest.starts_with("::")
        }) && !self.testcase.is_empty()
    }

    /// Whether the test is a place in a file, `a.feature:9` or `a_spec.rb[1:2]`. No case has such a name.
    pub(super) fn is_a_place(&self) -> bool {
        let text = self.testcase.trim_end_matches(']');
        let number = text.trim_end_matches(|c: char| c.is_ascii_digit());
        number.len() < text.len() && number.ends_with([':', '['])
    }
}

/// How surely a case is a requested test, the surest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NameLikeness {
    /// It has the same words with other signs between them.
    Words,
    /// It is a row or a sub-test.
    Part,
    /// It has the same name.
    Literal,
    /// It has the same name, and class or file before it.
    Exact,
}

/// Extensions of files with tests.
const EXTENSIONS: [&str; 18] = [
    "py", "js", "cjs", "mjs", "ts", "cts", "mts", "jsx", "tsx", "rb", "go", "c", "cc", "cpp",
    "php", "feature", "robot", "bats",
];

fn has_extension(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

/// The words of a name, without file extensions.
pub(super) fn words(name: &str) -> Vec<&str> {
    let is_sign = |c: char| !c.is_alphanumeric() && c != '_';
    let mut words = Vec::new();
    let mut after_dot = false;
    for piece in name.split_inclusive(is_sign) {
        let word = piece.trim_end_matches(is_sign);
        let ends_a_path = !piece.ends_with(['.', ' ', ')']);
        let is_extension = after_dot && ends_a_path && EXTENSIONS.contains(&word);
        if !word.is_empty() && !is_extension {
            words.push(word);
        }
        after_dot = piece.ends_with('.');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::requested_test::tests::{case, passed};

    fn relation(suite: &str, testcase: &str, classname: &str, name: &str) -> Relation {
        let test = Test {
            suite: suite.to_owned(),
            testcase: testcase.to_owned(),
        };
        let case = case(classname, name, passed());
        RequestedName::new(&test).relation(&CaseWords::new(&case))
    }

    #[test]
    fn names_that_tools_write_are_recognised() {
        for (suite, testcase, classname, name) in [
            ("tests/test_x.py", "test_a", "tests.test_x", "test_a"),
            (
                "tests/test_x.py",
                "TestC::test_a[1-b c]",
                "tests.test_x.TestC",
                "test_a[1-b c]",
            ),
            (
                "",
                "tests/test_x.py::TestC::test_a",
                "tests.test_x.TestC",
                "test_a",
            ),
            (
                "a.test.ts",
                "S (x) > in > a b",
                "a.test.ts",
                "S (x) > in > a b",
            ),
            ("a.test.js", "S (x) a b", "S (x) a b", "S (x) a b"),
            ("a.test.js", "S (x) in a b", "in > S (x)", "a b"),
            ("S", "a", "S", "a"),
            ("S/data", "_1", "S.data", "_1"),
            ("t", "row:one two", "T", "row(one two)"),
            ("I/P", "T/0", "I/P", "T/0"),
            ("pkg", "TestSub/c/d", "example.com/pkg", "TestSub/c/d"),
            ("c2", "secs", "c2.global", "secs/s1"),
            ("S.A", "A Test", "S.A", "A Test"),
            ("a.spec.js", "S (x) › a b", "a.spec.js", "S (x) › a b"),
            ("m", "a", "m", "m:a"),
        ] {
            assert_eq!(
                relation(suite, testcase, classname, name),
                Relation::Named,
                "{testcase} as {classname} {name}"
            );
        }
    }

    #[test]
    fn other_tests_and_containers_are_not_the_test() {
        for (suite, testcase, classname, name, expected) in [
            ("t", "b", "t", "a b", Relation::None),
            ("t", "a", "t", "a b", Relation::None),
            ("t", "gone", "a.test.ts", "S > a", Relation::None),
            ("", "a.test.ts", "a.test.ts", "S > a", Relation::Within),
            (
                "tests",
                "test_x.py",
                "tests.test_x",
                "test_a",
                Relation::Within,
            ),
            (
                "all",
                "TestC",
                "tests.test_x.TestC",
                "test_a",
                Relation::Within,
            ),
        ] {
            assert_eq!(
                relation(suite, testcase, classname, name),
                expected,
                "{testcase} as {classname} {name}"
            );
        }
    }

    #[test]
    fn places_in_files_are_recognised() {
        for (testcase, is_a_place) in [
            ("a.feature:9", true),
            ("a_spec.rb[1:2]", true),
            ("test_p[2]", true),
            ("test_a", false),
            ("T/0", false),
        ] {
            let test = Test {
                suite: String::new(),
                testcase: testcase.to_owned(),
            };
            assert_eq!(
                RequestedName::new(&test).is_a_place(),
                is_a_place,
                "{testcase}"
            );
        }
    }
}
