//! Pieces of sentences that several messages share.

use std::fmt::Display;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
