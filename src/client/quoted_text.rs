//! Quoted text of services and proxies, made fit for one line of a message.

use crate::text::prefix;

/// Most characters of quoted text in a message.
pub(super) const SNIPPET: usize = 200;
/// Most characters of an error message of the service.
pub(super) const MESSAGE: usize = 600;

/// The text on one line: runs of white space become one space, other control characters are escaped, the rest after
/// `most` characters is cut.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        for character in word.chars() {
            if length >= most {
                line.push('…');
                return line;
            }
            // Direction marks can make a line read other than it is.
            if character.is_control()
                || matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            {
                let escaped = character.escape_unicode().to_string();
                length += escaped.len();
                line.push_str(&escaped);
            } else {
                line.push(character);
                length += 1;
            }
        }
    }
    line
}

/// JSON, possibly torn, with the token of a lease blotted out.
pub(super) fn without_lease(json: &str) -> String {
    const MEMBER: &str = "\"lease\"";
    let mut masked = String::new();
    let mut rest = json;
    while let Some(found) = rest.find(MEMBER) {
        let (before, after) = rest.split_at(found + MEMBER.len());
        masked.push_str(before);
        let value = after.trim_start_matches([' ', ':', '\n', '\r', '\t']);
        rest = match value.strip_prefix('"') {
            Some(token) => {
                masked.push_str(":\"***");
                &token[token.find('"').unwrap_or(token.len())..]
            }
            None => after,
        };
    }
    masked + rest
}

/// The first `most` bytes of a text at a boundary of characters, without NUL, which the service refuses.
pub(super) fn bounded(text: &str, most: usize) -> String {
    prefix(text, most).replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn becomes_one_bounded_line() {
        assert_eq!(one_line(" a\r\n\tb \u{1b}[31m ", 99), "a b \\u{1b}[31m");
        assert_eq!(one_line("abc def", 4), "abc …");
        assert_eq!(one_line("äöü", 2), "äö…");
        assert_eq!(one_line("x\u{202e}y", 99), "x\\u{202e}y");
        assert_eq!(one_line("\n", 5), "");
    }

    #[test]
    fn leases_are_blotted_out_even_of_torn_json() {
        for (json, masked) in [
            (r#"{"lease":"abc","x":1}"#, r#"{"lease":"***","x":1}"#),
            (r#"{"lease" : "abc"#, r#"{"lease":"***"#),
            (
                r#"{"lease":null,"lease":"b"}"#,
                r#"{"lease":null,"lease":"***"}"#,
            ),
            (r#"{"lease"#, r#"{"lease"#),
            ("no lease", "no lease"),
        ] {
            assert_eq!(without_lease(json), masked);
        }
    }

    #[test]
    fn cuts_between_characters_and_drops_nul() {
        assert_eq!(bounded("aäb", 2), "a");
        assert_eq!(bounded("aäb", 3), "aä");
        assert_eq!(bounded("a\0b", 99), "a\u{fffd}b");
    }
}
