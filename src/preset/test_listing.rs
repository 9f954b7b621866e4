//! What a tool lists: tests, those that it would not run, and names of several tests.

use std::collections::HashSet;

use crate::model::Test;

/// The tests of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolListing {
    /// In the tool's order, each once.
    pub tests: Vec<Test>,
    /// Names that several tests have; a call runs all of them, and all count.
    pub duplicates: Vec<Test>,
    /// What the tool could not load, in its own words.
    pub broken: Vec<String>,
}

impl ToolListing {
    /// Sorts out names that come more than once.
    pub(super) fn of(tests: impl IntoIterator<Item = Test>) -> Self {
        let mut listing = Self::default();
        let mut seen = HashSet::new();
        let mut repeated = HashSet::new();
        for test in tests {
            if seen.insert(test.clone()) {
                listing.tests.push(test);
            } else if repeated.insert(test.clone()) {
                listing.duplicates.push(test);
            }
        }
        listing
    }
}

/// Why a listing cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadListing(pub(super) String);

/// Reads JSON that may follow other output, such as warnings, on lines of their own.
pub(super) fn json<T: serde::de::DeserializeOwned>(
    listing: &[u8],
    opens: u8,
) -> Result<T, BadListing> {
    let text = String::from_utf8_lossy(listing);
    let mut first = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_start().as_bytes().first() == Some(&opens) {
            let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter();
            match values.next() {
                Some(Ok(value)) => return Ok(value),
                Some(Err(error)) => {
                    first.get_or_insert(error.to_string());
                }
                None => {}
            }
        }
        start += line.len();
    }
    Err(BadListing(match first {
        Some(why) => format!("the listing is not what this tool is known to write: {why}"),
        None => "the listing has no JSON".to_owned(),
    }))
}

/// Reads what testplan's own files for a tool write: `{"tests": [{"suite": "…", "testcase": "…"}], "broken": ["…"]}`.
pub(super) fn own_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    #[derive(serde::Deserialize)]
    struct Listed {
        tests: Vec<Test>,
        #[serde(default)]
        broken: Vec<String>,
    }
    let listed: Listed = json(listing, b'{')?;
    Ok(ToolListing {
        broken: listed.broken,
        ..ToolListing::of(listed.tests)
    })
}

/// Reads `SUITE<tab>NAME` on each line; without a suite, what could not be listed.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all presets")]
pub(super) fn listed_lines(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let text = String::from_utf8_lossy(listing);
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    let (broken, tests): (Vec<_>, Vec<_>) = lines.partition(|(suite, _)| suite.is_empty());
    Ok(ToolListing {
        broken: broken.into_iter().map(|(_, why)| why.to_owned()).collect(),
        ..ToolListing::of(tests.into_iter().map(|(suite, name)| test(suite, name)))
    })
}

/// A path below the folder without it, with `/`.
pub(super) fn relative(path: &str, folder: &str) -> String {
    let path = if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    };
    let folder = if cfg!(windows) {
        folder.replace('\\', "/")
    } else {
        folder.to_owned()
    };
    match path.strip_prefix(folder.trim_end_matches('/')) {
        Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/').to_owned(),
        _ => path,
    }
}

/// A test by its two names.
pub(super) fn test(suite: impl Into<String>, testcase: impl Into<String>) -> Test {
    Test {
        suite: suite.into(),
        testcase: testcase.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_listed_is_named() {
        let text = b"src/lib.rs\ta::b\n\ttests/x.rs: its program ended with exit code 1\n";
        let listing = listed_lines(text, "").unwrap();
        assert_eq!(listing.tests, [test("src/lib.rs", "a::b")]);
        assert_eq!(
            listing.broken,
            ["tests/x.rs: its program ended with exit code 1"]
        );
    }
}
