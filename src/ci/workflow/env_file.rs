//! Entries of the files that a runner reads after a step: outputs, state, variables.
//!
//! Always the form with a delimiter and always `\n`: on Linux the runner takes a `\r` for a part of the delimiter, and
//! one line that it cannot read fails the step.

use std::fmt::Write as _;

/// Why an entry cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The name is empty or would be read as something else.
    #[error("the name is empty, contains `=`, `<<` or a newline, or ends with `<`")]
    Name,
    /// The delimiter is empty or more than a line.
    #[error("the delimiter is empty or contains a newline")]
    Delimiter,
    /// The value could end the entry before its end.
    #[error("the value contains the delimiter")]
    Value,
}

/// A delimiter of random bytes: nobody who wrote the value knows it.
pub fn delimiter(random: [u8; 16]) -> String {
    random.iter().fold("end_".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An entry, with its newline. `value` may be of any number of lines and is read back as it is.
pub fn entry(name: &str, value: &str, delimiter: &str) -> Result<String, EntryError> {
    // A `<` at the end would become a part of the sign that follows.
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
    fn values_of_any_lines_are_fenced() {
        assert_eq!(entry("a", "", "D"), Ok("a<<D\n\nD\n".to_owned()));
        assert_eq!(
            entry("plan-id", "1\nb=2\r\nc<<E\nE\n", "D"),
            Ok("plan-id<<D\n1\nb=2\r\nc<<E\nE\n\nD\n".to_owned())
        );
    }

    #[test]
    fn what_would_be_read_otherwise_is_refused() {
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
    fn delimiters_are_all_of_the_random_bytes() {
        let mut random = [0; 16];
        random[15] = 0xab;
        assert_eq!(
            delimiter(random),
            format!("end_{}ab", "00".repeat(15)),
            "a line of its own"
        );
    }
}
