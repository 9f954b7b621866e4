//! Where in a test script something happened, and the paths that reports write as URIs.

use crate::result_file::bounded_text::{clip, floor};

/// Most bytes of a URI that are looked at: every message of a file may have one.
const MAX_URI: usize = 4096;

/// A file and a line in it, as far as a report says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ScriptLocation {
    /// As it is written: a path or a URI.
    pub(super) uri: String,
    pub(super) line: Option<u32>,
}

impl ScriptLocation {
    /// Takes what is not known yet from another.
    pub(super) fn or(&mut self, other: &Self) {
        if self.uri.is_empty() {
            self.clone_from(other);
        }
    }
}

/// The path that a URI means. `x-testsuite:` is below the folder of the suite, which its own location names; other
/// schemes of Squish (`x-testcase:`, `x-results:`) stand for a folder that only the reader of the path can know.
pub(super) fn path(uri: &str, suite: &str) -> Option<String> {
    let uri = uri.trim();
    let uri = &uri[..floor(uri, MAX_URI)];
    let path = match scheme(uri) {
        None => uri.to_owned(),
        Some(("file", rest)) => {
            // Behind `//` there may be a host.
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

/// A scheme has more letters than the drives of Windows.
fn scheme(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let valid = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    valid.then_some((scheme, rest))
}

/// Resolves `%20` and its like; what is none stands as it is.
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
                path(uri, "/lab/suite_a/").as_deref(),
                Some(expected),
                "{uri}"
            );
        }
        assert_eq!(path("https://example.com/x.png", ""), None);
        assert_eq!(path("", ""), None);
    }
}
