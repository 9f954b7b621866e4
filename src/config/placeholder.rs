//! The placeholders of a runner's command, as far as a file can be checked for them.

use super::suggest;

/// What stands between braces, apart from `capability.KEY`.
pub(super) const NAMES: [&str; 9] = [
    "suite",
    "testcase",
    "results",
    "execution.id",
    "plan.id",
    "project",
    "batch",
    "server.host",
    "server.port",
];

/// A word in braces that is not a placeholder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown<'a> {
    /// The word without its braces.
    pub(super) name: &'a str,
    /// What was probably meant.
    pub(super) near: Option<&'static str>,
}

/// The words in braces of an argument. `${…}` belongs to somebody's shell and braces around anything but a word to
/// somebody's JSON: both stay as they are.
pub(super) fn words(argument: &str) -> impl Iterator<Item = &str> {
    argument.match_indices('{').filter_map(move |(at, _)| {
        if argument[..at].ends_with('$') {
            return None;
        }
        let inner = &argument[at + 1..];
        let word = &inner[..inner.find(['{', '}'])?];
        let closed = inner[word.len()..].starts_with('}');
        let begins = word.starts_with(|c: char| c.is_ascii_alphabetic());
        let rest = word.starts_with("capability.")
            || word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        (closed && begins && rest).then_some(word)
    })
}

/// Whether a word is a placeholder.
pub(super) fn is_known(word: &str) -> bool {
    NAMES.contains(&word)
        || word
            .strip_prefix("capability.")
            .is_some_and(|key| !key.trim().is_empty())
}

/// The first word of an argument that looks like a placeholder and is none.
pub(super) fn unknown(argument: &str) -> Option<Unknown<'_>> {
    words(argument).find(|word| !is_known(word)).map(|name| {
        let tail = |known: &'static str| known.rsplit('.').next() == Some(name);
        let near = suggest::nearest(name, NAMES.into_iter().chain(["capability.KEY"]))
            .or_else(|| NAMES.into_iter().find(|known| tail(known)));
        Unknown { name, near }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_placeholders_and_names_the_near_ones() {
        let table = [
            ("{suite}::{testcase}", None),
            ("--junitxml={results}/junit.xml", None),
            ("{capability.OS}-{capability.my key}", None),
            ("{\"a\": {\"b\": 1}}", None),
            ("{}{ }{1}", None),
            ("${HOME}", None),
            ("{", None),
            ("{suite", None),
            ("{test-case}", Some(("test-case", Some("testcase")))),
            (
                "a{execution_id}b",
                Some(("execution_id", Some("execution.id"))),
            ),
            ("{host}", Some(("host", Some("server.host")))),
            ("{SUITE}", Some(("SUITE", Some("suite")))),
            (
                "{capability.}",
                Some(("capability.", Some("capability.KEY"))),
            ),
            (
                "{capabilty.OS}",
                Some(("capabilty.OS", Some("capability.KEY"))),
            ),
            ("{commit}", Some(("commit", None))),
            ("{suite}{nope}", Some(("nope", None))),
        ];
        for (argument, expected) in table {
            let found = unknown(argument).map(|u| (u.name, u.near));
            assert_eq!(found, expected, "{argument}");
        }
    }
}
