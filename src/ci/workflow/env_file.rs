//! Entries of the files that a runner reads after a step: outputs, state, variables.
//!
//! Entries always have a delimiter and `\n`: on Linux the runner takes a `\r` for a part of the delimiter, and one malformed
//! line fails the step.

use std::fmt::Write as _;

/// Why an entry cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The name is empty or ambiguous.
    #[error("the name is empty, contains `=`, `<<` or a newline, or ends with `<`")]
    Name,
    /// The delimiter is empty or has several lines.
    #[error("the delimiter is empty or contains a newline")]
    Delimiter,
    /// The value contains the delimiter.
    #[error("the value contains the delimiter")]
    Value,
}

/// A delimiter of random bytes, which the author of a value cannot know.
pub fn delimiter(random: [u8; 16]) -> String {
    random.iter().fold("end_".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An entry, with its newline. `value` may have any number of lines.
pub fn entry(name: &str, value: &str, delimiter: &str) -> Result<String, EntryError> {
    // A `<` at the end would become a part of the `<<` that follows.
    let unreadable = name.contains(['=', '\n', '\r']) || name.contains("<<") || name.ends_with('<');
    if name.is_empty() || unreadable {
        return Err(EntryError::Name);
    }
    if delimiter.is_empty() || delimiter.contains(['\n', '\r']) {
        return Err(EntryError::Delimiter);
    }
    if value.contains(delimiter) {
        return Err(EntryError::Value);
    }
    Ok(format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multi_line_values_are_delimited() {
        assert_eq!(entry("a", "", "D"), Ok("a<<D\n\nD\n".to_owned()));
        assert_eq!(
            entry("plan-id", "1\nb=2\r\nc<<E\nE\n", "D"),
            Ok("plan-id<<D\n1\nb=2\r\nc<<E\nE\n\nD\n".to_owned())
        );
    }

    #[test]
    fn ambiguous_entries_are_refused() {
        for name in ["", "a=b", "a<<b", "a<", "a\nb", "a\r"] {
            assert_eq!(entry(name, "v", "D"), Err(EntryError::Name), "{name:?}");
        }
        for delimiter in ["", "D\n", "\rD"] {
            assert_eq!(entry("a", "v", delimiter), Err(EntryError::Delimiter));
        }
        for value in ["D", "x\nD\ny", "xDy"] {
            assert_eq!(entry("a", value, "D"), Err(EntryError::Value), "{value:?}");
        }
        assert!(entry("a<b", "v", "D").is_ok());
    }

    #[test]
    fn delimiter_has_all_random_bytes() {
        let mut random = [0; 16];
        random[15] = 0xab;
        assert_eq!(
            delimiter(random),
            format!("end_{}ab", "00".repeat(15)),
            "a line of its own"
        );
    }
}
