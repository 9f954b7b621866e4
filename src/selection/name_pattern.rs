//! A pattern of `--only`.

use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

use super::test_names::full_name;
use crate::model::Test;

/// A glob on `suite/testcase`, or on the suite. `*` matches `/` too. Names such as `test_a[1]` hold characters of globs, so a
/// text that is exactly a name or suite matches it as well, and one that is no glob is nothing but a name.
#[derive(Clone, Debug)]
pub(crate) struct NamePattern {
    text: String,
    glob: Option<GlobMatcher>,
}

impl NamePattern {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn matches(&self, test: &Test) -> bool {
        let name = full_name(test);
        // Reports and progress lines have blanks around the slash.
        let is_name = [&name, &test.suite, &test.to_string()].contains(&&self.text);
        let matches = |glob: &GlobMatcher| glob.is_match(&name) || glob.is_match(&test.suite);
        is_name || self.glob.as_ref().is_some_and(matches)
    }
}

impl FromStr for NamePattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err("an empty pattern matches no test");
        }
        let glob = GlobBuilder::new(text)
            .literal_separator(false)
            .backslash_escape(true)
            .build();
        Ok(Self {
            text: text.to_owned(),
            glob: glob.ok().map(|glob| glob.compile_matcher()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_matches_name_or_suite() {
        let test = Test {
            suite: "tests/ui/login.py".to_owned(),
            testcase: "test_name[a-1]".to_owned(),
        };
        let matches = |text: &str| text.parse::<NamePattern>().unwrap().matches(&test);
        for text in [
            "tests/ui/login.py/test_name[a-1]",
            "tests/ui/login.py / test_name[a-1]",
            "tests/ui/login.py",
            "*login*",
            "tests/*",
            "**/login.py/*",
            "*/test_name[[]a-?]",
            "tests/{api,ui}/*",
        ] {
            assert!(matches(text), "{text}");
        }
        for text in [
            "login.py",
            "test_name*",
            "tests/ui",
            "*LOGIN*",
            "tests/ui/log?.py",
        ] {
            assert!(!matches(text), "{text}");
        }
    }

    #[test]
    fn empty_pattern_is_refused() {
        for text in ["", "  "] {
            assert!(text.parse::<NamePattern>().is_err(), "{text}");
        }
    }
}
