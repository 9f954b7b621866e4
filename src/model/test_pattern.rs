//! A pattern that names tests.

use std::{fmt, str::FromStr};

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::Test;

/// A glob on `suite/testcase`, or on the suite. `*` matches `/` too. Names such as `test_a[1]` hold characters of globs, so a
/// text that is exactly a name or suite matches it as well.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TestPattern {
    text: String,
    /// `None` if the text is no glob: then it is nothing but a name.
    glob: Option<GlobMatcher>,
}

impl TestPattern {
    /// A glob, or else a name, as people type them.
    pub fn glob_or_name(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("an empty pattern matches no test".to_owned());
        }
        Ok(Self {
            text: text.to_owned(),
            glob: glob(text).ok(),
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it names this test.
    pub fn matches(&self, test: &Test) -> bool {
        let name = if test.suite.is_empty() {
            test.testcase.clone()
        } else {
            format!("{}/{}", test.suite, test.testcase)
        };
        // Reports and progress lines have blanks around the slash.
        let is_name = [&name, &test.suite, &test.to_string()].contains(&&self.text);
        let matches = |glob: &GlobMatcher| glob.is_match(&name) || glob.is_match(&test.suite);
        is_name || self.glob.as_ref().is_some_and(matches)
    }
}

fn glob(text: &str) -> Result<GlobMatcher, globset::Error> {
    let built = GlobBuilder::new(text)
        .literal_separator(false)
        .backslash_escape(true)
        .build();
    built.map(|glob| glob.compile_matcher())
}

/// In files, where a mistake must not become a name that matches nothing.
impl FromStr for TestPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pattern = Self::glob_or_name(text)?;
        match glob(text) {
            Ok(_) => Ok(pattern),
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
            ("suite / a", "suite", "a", true),
            ("tests/{api,ui}/*", "tests/ui/login.py", "a", true),
            ("*/test_name[[]a-?]", "s", "test_name[a-1]", true),
            ("*LOGIN*", "login", "a", false),
            ("tests/ui/log?.py", "tests/ui/login.py", "a", false),
            ("alone", "", "alone", true),
            ("a*", "", "b", false),
        ] {
            let found = pattern.parse::<TestPattern>().expect("a pattern");
            let test = test(suite, testcase);
            assert_eq!(found.matches(&test), expected, "{pattern} and {test}");
        }
        assert!(" ".parse::<TestPattern>().is_err());
        assert!("a[".parse::<TestPattern>().is_err());
        let name = TestPattern::glob_or_name("a[").expect("a name");
        assert!(name.matches(&test("a[", "b")) && !name.matches(&test("a", "b")));
        assert!(TestPattern::glob_or_name(" ").is_err());
    }
}
