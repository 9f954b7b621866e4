//! Lines of a console or a CI log, where some texts are orders to the machine that reads along.

use std::fmt::Write as _;

use super::{is_hidden, is_joiner, strip_escapes};
use crate::report::excerpt::{prefix, shorten};

/// One line of at most `max` bytes that no terminal and no CI takes for more than text.
///
/// Escape sequences are removed; newlines, other control characters and hidden ones are shown as escapes (`\n`,
/// `\x07`, `\u{202e}`). Workflow commands are broken by a visible backslash: `::` at the start, `##[`, `##vso[` and
/// the like anywhere, and the `%0A` forms that a command's data would decode to them.
pub fn console_line(text: &str, max: usize) -> String {
    let bounded = prefix(text, max.saturating_mul(4).saturating_add(4096));
    shorten(&without_commands(&visible(&strip_escapes(bounded))), max)
}

/// Lines of ours with text of others in them, as they were put together: the last thing done to all that a console or
/// log gets. No line of it is a command, even if a caller forgot to clean a text.
///
/// Newlines, tabs and colours stay; other control characters and hidden ones are shown as escapes. What is clean
/// already does not change.
pub fn console_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 4);
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            safe.push('\n');
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut shown = String::with_capacity(line.len());
        for (at, c) in line.char_indices() {
            match c {
                '\t' => shown.push(c),
                '\u{1b}' if is_colour(&line[at + 1..]) => shown.push(c),
                c => show(c, &mut shown),
            }
        }
        safe.push_str(&without_form(&shown, Data::Kept));
    }
    safe
}

/// JSON of the same value in which no line is a command: of two number signs the second is written as an escape.
///
/// Only for JSON on one line, and so without white space to begin with.
pub fn console_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    let mut hash = false;
    for c in json.chars() {
        match c {
            '#' if hash => safe.push_str("\\u0023"),
            c => safe.push(c),
        }
        hash = c == '#' || hash && (is_joiner(c) || is_hidden(c) || c.is_control());
    }
    safe
}

/// Whether an escape character before this begins a colour.
fn is_colour(after: &str) -> bool {
    after.strip_prefix('[').is_some_and(|parameters| {
        parameters
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == ';')
            .starts_with('m')
    })
}

/// The text with everything that cannot be seen written out.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        show(c, &mut shown);
    }
    shown
}

fn show(c: char, shown: &mut String) {
    match c {
        ' '..='~' => shown.push(c),
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        c if c.is_control() && (c as u32) < 0x100 => {
            let _ = write!(shown, "\\x{:02x}", c as u32);
        }
        c if c.is_control() || is_hidden(c) => {
            let _ = write!(shown, "\\u{{{:x}}}", c as u32);
        }
        c => shown.push(c),
    }
}

/// What becomes of the codes that a command's data is decoded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    /// They stay: they mean nothing where nothing is a command, and much in an address.
    Kept,
    /// They are broken too, for a reader that puts the line into a command of its own.
    Broken,
}

/// The line with every command in it broken, and what could be decoded to one.
pub(super) fn without_commands(line: &str) -> String {
    without_form(line, Data::Broken)
}

/// Joiners are looked through: some comparisons ignore them.
fn without_form(line: &str, data: Data) -> String {
    let mut safe = String::with_capacity(line.len() + 4);
    let start = line.trim_start_matches(|c: char| c.is_whitespace() || is_joiner(c));
    if let Some(rest) = start.strip_prefix(':')
        && rest.trim_start_matches(is_joiner).starts_with(':')
    {
        safe.push('\\');
    }
    let (mut hashes, mut named) = (0, false);
    for (at, c) in line.char_indices() {
        if c == '[' && hashes >= 2 {
            safe.push('\\');
        }
        match c {
            '#' if !named => hashes += 1,
            '#' => (hashes, named) = (1, false),
            c if is_joiner(c) => {}
            c if hashes >= 2 && c.is_ascii_alphanumeric() => named = true,
            _ => (hashes, named) = (0, false),
        }
        safe.push(c);
        if c == '%' && data == Data::Broken && decodes(&line[at + 1..]) {
            safe.push('\\');
        }
    }
    safe
}

/// Whether these two digits after a percent sign are one of those that a CI decodes.
fn decodes(after: &str) -> bool {
    after.get(..2).is_some_and(|digits| {
        ["0A", "0D", "25", "2C", "3A", "3B", "5D"]
            .iter()
            .any(|code| code.eq_ignore_ascii_case(digits))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_hidden_characters_show() {
        let table = [
            ("a\nb\r\tc\u{7}", "a\\nb\\r\\tc\\x07"),
            ("\u{1b}[31mred\u{1b}[0m \u{1b}", "red "),
            (
                "\u{202e}abc\u{2066}\u{200b}",
                "\\u{202e}abc\\u{2066}\\u{200b}",
            ),
            ("👩\u{200d}🚀 ok", "👩\u{200d}🚀 ok"),
        ];
        for (text, line) in table {
            assert_eq!(console_line(text, 1000), line);
        }
    }

    #[test]
    fn commands_are_broken_visibly() {
        let table = [
            ("::error::x", "\\::error::x"),
            ("  ::error::x", "\\  ::error::x"),
            ("\u{200d}:\u{200d}:error::x", "\\\u{200d}:\u{200d}:error::x"),
            ("std::vec", "std::vec"),
            ("a ##[error]b", "a ##\\[error]b"),
            ("###[error]", "###\\[error]"),
            ("#\u{200d}#[x]", "#\u{200d}#\\[x]"),
            ("##vso[task.setvariable]", "##vso\\[task.setvariable]"),
            ("##teamcity[x]", "##teamcity\\[x]"),
            ("##a#[x]", "##a#[x]"),
            ("## a [x]", "## a [x]"),
            ("100%0a%3A %20", "100%\\0a%\\3A %20"),
        ];
        for (text, line) in table {
            assert_eq!(console_line(text, 1000), line, "{text:?}");
        }
    }

    #[test]
    fn whole_texts_keep_lines_and_colours() {
        let table = [
            ("error: a\r\n::add-mask::b\n", "error: a\n\\::add-mask::b\n"),
            ("a\r::error::b", "a\\r::error::b"),
            (
                "\u{1b}[1;31mFAIL\u{1b}[0m a##[b]",
                "\u{1b}[1;31mFAIL\u{1b}[0m a##\\[b]",
            ),
            ("\u{1b}[2J\u{1b}]0;x\u{7}\ty", "\\x1b[2J\\x1b]0;x\\x07\ty"),
            ("https://x/?a=%2Cb", "https://x/?a=%2Cb"),
        ];
        for (text, safe) in table {
            assert_eq!(console_text(text), safe, "{text:?}");
            assert_eq!(console_text(safe), safe, "again");
        }
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"##[a]": "#b ###[c] #\u{200d}#\u{ad}#[d] #"});
        let json = console_json(&value.to_string());
        assert!(
            !json.contains("##") && json.contains("#b #\\u0023\\u0023[c]"),
            "{json}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&json).unwrap(),
            value
        );
    }

    #[test]
    fn length_is_bounded() {
        let line = console_line(&"\u{202e}".repeat(100_000), 50);
        assert!(line.len() <= 50 && line.ends_with('…'), "{line}");
    }
}
