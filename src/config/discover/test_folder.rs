//! Absolute paths in names of tests: below the folder that tests run in they become relative, because another machine
//! has its checkout elsewhere. The rest of the name stays as it was printed.

use std::collections::HashMap;

use crate::{model::Test, runner::command_line::suite_trouble};

/// Most folders whose nature is remembered.
const MOST_KNOWN: usize = 10_000;

/// The folder that tests run in.
pub(crate) struct TestFolder<'a> {
    shown: String,
    is_it: &'a dyn Fn(&str) -> bool,
    known: HashMap<String, bool>,
    windows: bool,
}

impl<'a> TestFolder<'a> {
    /// `is_it` tells whether a path leads to the folder, through links or by another spelling too; `shown` is what
    /// messages call it.
    pub(crate) fn new(shown: String, is_it: &'a dyn Fn(&str) -> bool) -> Self {
        Self {
            shown,
            is_it,
            known: HashMap::new(),
            windows: cfg!(windows),
        }
    }

    /// Makes absolute paths below the folder relative.
    pub(crate) fn make_relative(&mut self, test: &mut Test) {
        if let Some(below) = self.below(&test.suite, true) {
            test.suite = below;
        }
        // `/users` may be the name of a test where the root is the folder.
        if let Some(below) = self.below(&test.testcase, false) {
            test.testcase = below;
        }
    }

    /// Why workers would refuse a suite of this name, if they would.
    pub(super) fn trouble(&self, suite: &str) -> Option<String> {
        let why = suite_trouble(suite)?;
        Some(format!("{why}; tests run in {}", self.shown))
    }

    fn below(&mut self, name: &str, root: bool) -> Option<String> {
        for (folder, rest) in ancestors(name, self.windows) {
            let is_root = folder.ends_with(['/', '\\']);
            if (!is_root || root) && !rest.is_empty() && self.is_the_folder(folder) {
                return Some(rest.to_owned());
            }
        }
        None
    }

    fn is_the_folder(&mut self, path: &str) -> bool {
        if let Some(known) = self.known.get(path) {
            return *known;
        }
        if self.known.len() == MOST_KNOWN {
            self.known.clear();
        }
        let is_it = (self.is_it)(path);
        self.known.insert(path.to_owned(), is_it);
        is_it
    }
}

/// The folders above an absolute path, the nearest first, each with what stands behind it; none for another name.
fn ancestors(name: &str, windows: bool) -> Vec<(&str, &str)> {
    let is_separator = |c: char| c == '/' || (windows && c == '\\');
    let bytes = name.as_bytes();
    let root = match bytes {
        [letter, b':', separator, ..]
            if windows && letter.is_ascii_alphabetic() && is_separator((*separator).into()) =>
        {
            3
        }
        [first, ..] if is_separator((*first).into()) => 1,
        _ => return Vec::new(),
    };
    let behind = |end: usize| name[end..].trim_start_matches(is_separator);
    let mut found = vec![(&name[..root], behind(root))];
    for (at, _) in name.match_indices(is_separator) {
        if at >= root && !name[..at].ends_with(is_separator) {
            found.push((&name[..at], behind(at)));
        }
    }
    found.reverse();
    found
}

impl std::fmt::Debug for TestFolder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestFolder")
            .field("folder", &self.shown)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(folder: &str, windows: bool, suite: &str, testcase: &str) -> (String, String) {
        let is_it = |path: &str| path == folder || path.eq_ignore_ascii_case("/private/link");
        let mut place = TestFolder::new(folder.to_owned(), &is_it);
        place.windows = windows;
        let mut test = Test {
            suite: suite.to_owned(),
            testcase: testcase.to_owned(),
        };
        place.make_relative(&mut test);
        (test.suite, test.testcase)
    }

    #[test]
    fn paths_below_the_folder_become_relative() {
        for (folder, windows, name, expected) in [
            ("/w", false, "/w/src/a.test.js", "src/a.test.js"),
            ("/w", false, "/w//src/a b.js ", "src/a b.js "),
            ("/w", false, "/private/link/src/a.js", "src/a.js"),
            ("/w", false, "/wx/src/a.js", "/wx/src/a.js"),
            ("/w", false, "/w", "/w"),
            ("/w", false, "/w/", "/w/"),
            ("/w", false, "w/a.js", "w/a.js"),
            ("/", false, "/src/a.js", "src/a.js"),
            ("/w", false, "\\w\\a.js", "\\w\\a.js"),
            ("C:\\w", true, "C:\\w\\src\\a.js", "src\\a.js"),
            ("C:/w", true, "C:/w/src\\a.js", "src\\a.js"),
            ("C:\\", true, "C:\\src\\a.js", "src\\a.js"),
            ("C:\\w", false, "C:\\w\\a.js", "C:\\w\\a.js"),
            ("C:", true, "C:\\w\\a.js", "C:\\w\\a.js"),
            ("C:\\w", true, "C::w", "C::w"),
            ("/w", false, "", ""),
        ] {
            let (suite, _) = settled(folder, windows, name, "t");
            assert_eq!(suite, expected, "{folder}: {name}");
        }
    }

    #[test]
    fn test_cases_become_relative_too_except_below_the_root() {
        assert_eq!(settled("/w", false, "s", "/w/a.js").1, "a.js");
        assert_eq!(settled("/", false, "s", "/users").1, "/users");
        assert_eq!(settled("/w", false, "s", "GET /w/a").1, "GET /w/a");
    }

    #[test]
    fn each_folder_is_looked_at_once() {
        let asked = std::cell::RefCell::new(Vec::new());
        let is_it = |path: &str| {
            asked.borrow_mut().push(path.to_owned());
            path == "/w"
        };
        let mut place = TestFolder::new("/w".to_owned(), &is_it);
        for case in ["/w/x/a", "/w/x/b", "/v/c"] {
            let mut test = Test {
                suite: case.to_owned(),
                testcase: "t".to_owned(),
            };
            place.make_relative(&mut test);
        }
        assert_eq!(*asked.borrow(), ["/w/x", "/w", "/v", "/"]);
    }
}
