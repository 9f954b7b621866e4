//! A pattern that names tests.

use std::{fmt, str::FromStr};

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::Test;

/// A glob on `suite/testcase`. `*` matches `/` too. It also matches a test whose name or suite is exactly its text, because
/// names such as `test_a[1]` hold characters of globs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TestPattern {
    text: String,
    glob: GlobMatcher,
}

impl TestPattern {
    /// Whether it names this test.
    pub fn matches(&self, test: &Test) -> bool {
        let name = if test.suite.is_empty() {
            test.testcase.clone()
        } else {
            format!("{}/{}", test.suite, test.testcase)
        };
        name == self.text
            || test.suite == self.text
            || self.glob.is_match(&name)
            || self.glob.is_match(&test.suite)
    }
}

impl FromStr for TestPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("an empty pattern matches no test".to_owned());
        }
        let built = GlobBuilder::new(text)
            .literal_separator(false)
            .backslash_escape(true)
            .build();
        match built {
            Ok(glob) => Ok(Self {
                text: text.to_owned(),
                glob: glob.compile_matcher(),
            }),
            Err(error) => Err(format!(
                "{}: write [[] for a bracket and [{{] for a brace of a name",
                error.kind()
            )),
        }
    }
}

impl TryFrom<String> for TestPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TestPattern> for String {
    fn from(pattern: TestPattern) -> Self {
        pattern.text
    }
}

impl fmt::Display for TestPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for TestPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for TestPattern {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_matches_names_suites_and_literal_brackets() {
        let test = |suite: &str, testcase: &str| Test {
            suite: suite.to_owned(),
            testcase: testcase.to_owned(),
        };
        for (pattern, suite, testcase, expected) in [
            ("suite/*", "suite", "a", true),
            ("suite/*", "suite2", "a", false),
            ("tests/*", "tests/test_api.py", "test_get", true),
            ("*test_get", "tests/test_api.py", "test_get", true),
            ("suite", "suite", "a", true),
            ("s/test_a[1]", "s", "test_a[1]", true),
            ("s/test_a[1]", "s", "test_a1", true),
            ("alone", "", "alone", true),
            ("a*", "", "b", false),
        ] {
            let found = pattern.parse::<TestPattern>().expect("a pattern");
            let test = test(suite, testcase);
            assert_eq!(found.matches(&test), expected, "{pattern} and {test}");
        }
        assert!(" ".parse::<TestPattern>().is_err());
        assert!("a[".parse::<TestPattern>().is_err());
    }
}
