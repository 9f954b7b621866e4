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
    for (before, _) in split_at_escapes(text) {
        clean.push_str(before);
    }
    clean
}

/// Texts, each with the sequence behind it without its escape character. Only the last has none: its sequence is empty.
pub(super) fn split_at_escapes(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some((before, after)) = text.split_once('\u{1b}') else {
            return Some((text, ""));
        };
        let (sequence, after) = after.split_at(sequence_length(after));
        rest = Some(after);
        Some((before, sequence))
    })
}

/// The place behind the sequence that contains the place `at`, or else `at`.
pub(super) fn after_open_sequence(text: &str, at: usize) -> usize {
    let mut from = at.saturating_sub(MAX_COMMAND_STRING + 2);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let Some(escape) = text[from..at].rfind('\u{1b}') else {
        return at;
    };
    let behind = from + escape + 1;
    at.max(behind + sequence_length(&text[behind..]))
}

/// How many bytes the sequence takes that an escape character introduced.
fn sequence_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(b'[') => 1 + final_byte(&bytes[1..], 0x20..=0x3f, 0x40..=0x7e).unwrap_or(0),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => 1 + string_end(&bytes[1..]).unwrap_or(0),
        Some(0x20..=0x2f) => final_byte(bytes, 0x20..=0x2f, 0x30..=0x7e).unwrap_or(0),
        Some(0x30..=0x7e) => 1,
        _ => 0,
    }
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
    fn a_place_in_a_sequence_moves_behind_it() {
        let text = "ab\u{1b}[1;31mred\u{1b}]0;t";
        let moved: Vec<usize> = (0..text.len())
            .map(|at| after_open_sequence(text, at))
            .collect();
        assert_eq!(
            moved,
            [0, 1, 2, 9, 9, 9, 9, 9, 9, 9, 10, 11, 12, 14, 14, 15, 16]
        );
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
