//! Removes terminal escape sequences.
//!
//! The length of a sequence is bounded: an unterminated one must not remove the text behind it.

/// Longest parameters of a control sequence that is taken for one, in bytes.
const MAX_CONTROL_SEQUENCE: usize = 64;
/// Longest string of an operating system command (titles, links) that is taken for one, in bytes.
const MAX_COMMAND_STRING: usize = 2048;

/// Removes terminal escape sequences: colours, cursor movements, titles, links. Of a sequence that does not end
/// within its bound, or before the end of its line, only the introducer goes.
pub fn strip_escapes(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        clean.push_str(&rest[..at]);
        rest = after_sequence(&rest[at + 1..]);
    }
    clean.push_str(rest);
    clean
}

/// What follows the sequence that an escape character introduced.
fn after_sequence(text: &str) -> &str {
    let bytes = text.as_bytes();
    let length = match bytes.first() {
        Some(b'[') => 1 + final_byte(&bytes[1..], 0x20..=0x3f, 0x40..=0x7e).unwrap_or(0),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => 1 + string_end(&bytes[1..]).unwrap_or(0),
        Some(0x20..=0x2f) => final_byte(bytes, 0x20..=0x2f, 0x30..=0x7e).unwrap_or(0),
        Some(0x30..=0x7e) => 1,
        _ => 0,
    };
    &text[length..]
}

/// How many bytes it takes through the final one, if all before it are of `middle`.
fn final_byte(
    bytes: &[u8],
    middle: std::ops::RangeInclusive<u8>,
    last: std::ops::RangeInclusive<u8>,
) -> Option<usize> {
    let length = bytes
        .iter()
        .take(MAX_CONTROL_SEQUENCE)
        .take_while(|byte| middle.contains(byte))
        .count();
    last.contains(bytes.get(length)?).then_some(length + 1)
}

/// How many bytes it takes through the terminator of a command string.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let window = &bytes[..bytes.len().min(MAX_COMMAND_STRING)];
    let end = window
        .iter()
        .position(|byte| matches!(byte, 0x07 | 0x1b | b'\n' | b'\r'))?;
    match window[end] {
        0x07 => Some(end + 1),
        0x1b if window.get(end + 1) == Some(&b'\\') => Some(end + 2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_sequences_go() {
        let table = [
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            (
                "\u{1b}]8;;https://example.org\u{7}link\u{1b}]8;;\u{1b}\\.",
                "link.",
            ),
            ("\u{1b}(Bplain \u{1b}7x", "plain x"),
            ("\u{1b}Pq data\u{1b}\\after", "after"),
        ];
        for (text, clean) in table {
            assert_eq!(strip_escapes(text), clean);
        }
    }

    #[test]
    fn an_open_sequence_swallows_nothing() {
        let table = [
            ("a\u{1b}]0;title\nnext line", "a0;title\nnext line"),
            ("a\u{1b}P the rest", "a the rest"),
            ("a\u{1b}[31", "a31"),
            ("a\u{1b}[\u{e9}", "a\u{e9}"),
            ("a\u{1b}", "a"),
            ("a\u{1b}\u{1b}[0mb", "ab"),
        ];
        for (text, clean) in table {
            assert_eq!(strip_escapes(text), clean, "{text:?}");
        }
        let long = format!("\u{1b}]{}\u{7}end", "x".repeat(MAX_COMMAND_STRING));
        assert!(strip_escapes(&long).starts_with("xxx"));
        let long = format!("\u{1b}[{}end", "1;".repeat(MAX_CONTROL_SEQUENCE));
        assert!(strip_escapes(&long).starts_with("1;1;"));
    }
}
