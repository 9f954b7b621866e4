//! Pieces of sentences that several messages share, and parts of texts that are too long.

use std::{
    fmt::{Display, Write as _},
    time::Duration,
};

/// Units of a duration, largest first, in milliseconds.
pub(crate) const DURATION_UNITS: [(&str, u128); 4] =
    [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// `1 test`, `2 tests`.
pub(crate) fn counted<N: Copy + Display + From<u8> + PartialEq>(count: N, noun: &str) -> String {
    let s = plural(&count, "", "s");
    format!("{count} {noun}{s}")
}

/// `one` or `several`, whichever agrees with the count.
pub(crate) fn plural<'a, N: From<u8> + PartialEq>(
    count: &N,
    one: &'a str,
    several: &'a str,
) -> &'a str {
    if *count == N::from(1) { one } else { several }
}

/// `3 failed, 2 flaky`: the counts with their words, zeros left out. Empty if all are zero.
pub(crate) fn nonzero_counts(counts: &[(u64, &str)]) -> String {
    let nonzero = counts.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = nonzero
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    words.join(", ")
}

/// The first ten digits of a commit's hash.
pub(crate) fn short_commit(hash: &str) -> &str {
    hash.get(..10).unwrap_or(hash)
}

/// The longest beginning of at most `max` bytes, cut between two characters.
pub fn prefix(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The longest end of at most `max` bytes, cut between two characters.
pub fn suffix(text: &str, max: usize) -> &str {
    let mut start = text.len().saturating_sub(max);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// A duration in its shortest form in the syntax of `testplan.yml`: `1h 30m`, `12m 40s`, `500ms`, `0s`. Time below a
/// millisecond is dropped.
pub fn format_duration(duration: Duration) -> String {
    let mut left = duration.as_millis();
    let mut parts = Vec::new();
    for (unit, millis) in DURATION_UNITS {
        if left >= millis {
            parts.push(format!("{}{unit}", left / millis));
            left %= millis;
        }
    }
    if parts.is_empty() {
        return "0s".to_owned();
    }
    parts.join(" ")
}

/// Percent-encodes everything but letters, digits and `-._~`. Not form encoding: a service that does not take `+` for
/// a space would look for another title.
pub(crate) fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Longest link, in bytes.
const LONGEST_LINK: usize = 800;

/// The text if it is an address of the web that opens nothing else, and that cannot end the link of a Markdown text.
pub(crate) fn web_address(text: &str) -> Option<&str> {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|it| text.strip_prefix(it))?;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"()<>[]\\\"".contains(&byte);
    (!rest.is_empty() && text.len() <= LONGEST_LINK && rest.bytes().all(is_plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_are_links() {
        for (text, expected) in [
            ("https://ci.example/runs/7?a=b", true),
            ("http://ci.example", true),
            ("javascript:alert(1)", false),
            ("https://", false),
            ("https://a b", false),
            ("https://a/)[x](http://b", false),
            (" https://a", false),
            ("", false),
        ] {
            assert_eq!(web_address(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn only_one_is_singular() {
        let texts = [0_u64, 1, 2].map(|count| counted(count, "test"));
        assert_eq!(texts, ["0 tests", "1 test", "2 tests"]);
        assert_eq!(plural(&1_usize, "is", "are"), "is");
        assert_eq!(plural(&0_usize, "is", "are"), "are");
    }

    #[test]
    fn commits_are_cut_after_ten_digits() {
        assert_eq!(short_commit("0123456789abcdef"), "0123456789");
        assert_eq!(short_commit("0123"), "0123");
    }

    #[test]
    fn encodes_a_space_as_no_plus() {
        assert_eq!(percent_encoded("CI Tests+ä&"), "CI%20Tests%2B%C3%A4%26");
    }

    #[test]
    fn a_name_is_one_value_of_a_query() {
        assert_eq!(
            percent_encoded("gui / ä&b=c#d"),
            "gui%20%2F%20%C3%A4%26b%3Dc%23d"
        );
    }
}
