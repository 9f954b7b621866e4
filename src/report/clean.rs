//! What every surface needs before its own rules: escape sequences gone, lengths bounded, XML's forbidden characters out.
//!
//! The rule for escape sequences is bounded on purpose: an unterminated one must not swallow the text behind it.

use std::borrow::Cow;

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

/// Characters that nobody sees but that change what is seen or compared: direction overrides, zero-width and other
/// ignorable ones. The joiners and variation selectors of scripts and emoji are not among them, see [`is_joiner`].
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// Characters without width that have a place in ordinary text.
pub fn is_joiner(c: char) -> bool {
    matches!(c,
        '\u{34f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180d}' | '\u{180f}'
        | '\u{3164}' | '\u{ffa0}')
}

/// The longest beginning of at most `max` bytes.
pub fn prefix(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The longest end of at most `max` bytes.
pub fn suffix(text: &str, max: usize) -> &str {
    let mut start = text.len().saturating_sub(max);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// At most `max` bytes; what is cut ends in `…`.
pub fn shorten(text: &str, max: usize) -> String {
    if text.len() <= max {
        text.to_owned()
    } else {
        format!("{}…", prefix(text, max.saturating_sub('…'.len_utf8())))
    }
}

/// The first and last `each` lines, with a line between them that counts the rest.
pub fn ends_of(text: &str, each: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= 2 * each {
        return lines.join("\n");
    }
    format!(
        "{}\n… {} lines left out …\n{}",
        lines[..each].join("\n"),
        lines.len() - 2 * each,
        lines[lines.len() - each..].join("\n")
    )
}

/// Text for the body of an XML element: newlines stay, tabs become spaces, other control characters and what XML
/// forbids go; the end is kept if it is longer than `max` bytes, because that is where the reason is.
pub fn xml_text(text: &str, max: usize) -> Cow<'_, str> {
    let whole = text.len() <= max;
    if whole && text.bytes().all(|byte| is_plain(byte) || byte == b'\n') {
        return Cow::Borrowed(text);
    }
    let text = strip_escapes(suffix(text, max));
    let mut clean = String::with_capacity(text.len());
    if !whole {
        clean.push_str("… the beginning is left out …\n");
    }
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\t' => clean.push_str("    "),
            '\r' | '\n' => clean.push('\n'),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    Cow::Owned(clean)
}

/// Text for an XML attribute: as [`xml_text`], but one line, as every parser reads an attribute, and cut at its end.
pub fn xml_line(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let text = strip_escapes(prefix(text, max.saturating_mul(4)));
    let clean: String = text
        .replace("\r\n", "\n")
        .chars()
        .map(|c| {
            if matches!(c, '\t' | '\n' | '\r') {
                ' '
            } else {
                c
            }
        })
        .filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect();
    Cow::Owned(shorten(&clean, max))
}

/// Whether a byte is a character that every surface shows as it is.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
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
        let long = format!("\u{1b}[{}mend", "1;".repeat(MAX_CONTROL_SEQUENCE));
        assert!(strip_escapes(&long).starts_with("1;1;"));
    }

    #[test]
    fn xml_has_no_forbidden_character() {
        let text = "a\tb\0c\u{8}\r\nd\re\u{85}\u{fffe}\u{ffff}f";
        assert_eq!(xml_text(text, 100), "a    bc\nd\nef");
        assert_eq!(xml_line(text, 100), "a bc d ef");
    }

    #[test]
    fn bounds_hold_at_character_boundaries() {
        assert_eq!(shorten("ééé", 6), "ééé");
        assert_eq!(shorten("éééé", 6), "é…");
        assert_eq!(
            xml_text("oldé\nnew", 5),
            "… the beginning is left out …\n\nnew"
        );
        assert_eq!(suffix("aé", 1), "");
    }

    #[test]
    fn both_ends_are_kept() {
        assert_eq!(ends_of("1\n2\n3\n4\n5", 1), "1\n… 3 lines left out …\n5");
        assert_eq!(ends_of("1\n2", 1), "1\n2");
    }
}
