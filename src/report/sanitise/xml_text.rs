//! Text for XML.

use std::borrow::Cow;

use super::strip_escapes;
use crate::report::excerpt::{prefix, shorten, suffix};

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

/// Whether no surface changes this character.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_has_no_forbidden_character() {
        let text = "a\tb\0c\u{8}\r\nd\re\u{85}\u{fffe}\u{ffff}f";
        assert_eq!(xml_text(text, 100), "a    bc\nd\nef");
        assert_eq!(xml_line(text, 100), "a bc d ef");
    }

    #[test]
    fn long_text_keeps_its_end() {
        assert_eq!(
            xml_text("oldé\nnew", 5),
            "… the beginning is left out …\n\nnew"
        );
    }
}
