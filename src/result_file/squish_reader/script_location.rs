//! Locations in test scripts, and the paths that reports write as URIs.

use crate::result_file::bounded_text::{clip, floor};

/// Most bytes of a URI that are read. Every message may have one.
const MAX_URI: usize = 4096;

/// A file and a line in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ScriptLocation {
    /// A path or a URI, as it is written.
    pub(super) uri: String,
    pub(super) line: Option<u32>,
}

/// The path of a URI. `x-testsuite:` is below the folder of the suite. Other schemes of Squish (`x-testcase:`, `x-results:`)
/// stand for a folder that the report does not name.
pub(super) fn path_of_uri(uri: &str, suite: &str) -> Option<String> {
    let uri = uri.trim();
    let uri = &uri[..floor(uri, MAX_URI)];
    let path = match scheme(uri) {
        None => uri.to_owned(),
        Some(("file", rest)) => {
            // A host may follow `//`.
            let rest = rest
                .strip_prefix("//localhost/")
                .or_else(|| rest.strip_prefix("///"))
                .map_or(rest, |rest| &uri[uri.len() - rest.len() - 1..]);
            let rest = decoded(rest);
            // `/C:/folder` is `C:/folder`.
            match rest.as_bytes() {
                [b'/', drive, b':', ..] if drive.is_ascii_alphabetic() => rest[1..].to_owned(),
                _ => rest,
            }
        }
        Some(("x-testsuite", rest)) if !suite.is_empty() => {
            format!("{}/{}", suite.trim_end_matches('/'), relative(rest))
        }
        Some(("x-testsuite" | "x-testcase" | "x-results", rest)) => relative(rest),
        Some(_) => return None,
    };
    Some(clip(&path)).filter(|path| !path.is_empty())
}

fn relative(rest: &str) -> String {
    decoded(rest.trim_start_matches('/'))
}

/// Splits off a scheme. One letter is no scheme but a drive of Windows.
fn scheme(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let valid = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    valid.then_some((scheme, rest))
}

/// Resolves escapes such as `%20`. A `%` without two digits stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let (b'%', Some(byte)) = (first, code) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_from_uris() {
        let table = [
            ("/lab/suite_a/tst_b/test.py", "/lab/suite_a/tst_b/test.py"),
            ("tst_b/test.py", "tst_b/test.py"),
            ("file:///lab/a%20b/test.py", "/lab/a b/test.py"),
            ("file://localhost/lab/test.py", "/lab/test.py"),
            ("file:///C:/lab/test.py", "C:/lab/test.py"),
            ("file:/lab/test.py", "/lab/test.py"),
            ("C:\\work\\test.py", "C:\\work\\test.py"),
            ("x-testsuite:/tst_b/test.py", "/lab/suite_a/tst_b/test.py"),
            ("x-testcase:/test.py", "test.py"),
            ("x-results:/failed%2520.png", "failed%20.png"),
            ("100%.py", "100%.py"),
            ("file:///100%.py", "/100%.py"),
        ];
        for (uri, expected) in table {
            assert_eq!(
                path_of_uri(uri, "/lab/suite_a/").as_deref(),
                Some(expected),
                "{uri}"
            );
        }
        assert_eq!(path_of_uri("https://example.com/x.png", ""), None);
        assert_eq!(path_of_uri("", ""), None);
    }
}
