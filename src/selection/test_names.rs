//! Names of tests, as patterns see them and as people write them.

use crate::model::Test;

/// What patterns are compared with: `suite/testcase`.
pub(super) fn full_name(test: &Test) -> String {
    format!("{}/{}", test.suite, test.testcase)
}

/// A text as a word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_one_word_of_a_shell() {
        assert_eq!(quoted("a/b.py::c"), "a/b.py::c");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
