//! GitHub-flavoured Markdown in which foreign text stays text.

use super::{is_hidden, strip_escapes};
use crate::report::excerpt::{prefix, suffix};

use super::console_text::{visible, without_commands};

/// Longest run of backticks that is kept; a fence has to be longer.
const MAX_BACKTICKS: usize = 32;
/// Longest line of a code block, in bytes.
const MAX_LINE: usize = 2000;

/// Running text or the content of a table cell, made of at most `max` bytes of `text`, on one line.
///
/// Nothing in it is markup, HTML, a link, a mention, an issue number, a formula or a workflow command. Not for the
/// inside of an HTML element: there Markdown's backslashes would show.
pub fn markdown_text(text: &str, max: usize) -> String {
    let whole = strip_escapes(prefix(text, max.saturating_mul(4).saturating_add(4096)));
    let whole = whole.trim();
    let kept = prefix(whole, max);
    let mut safe = String::with_capacity(kept.len() + kept.len() / 4);
    let mut before = ' ';
    for (at, c) in kept.char_indices() {
        let after = kept[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        match c {
            '\r' if after == '\n' => {}
            '\n' | '\r' => safe.push('⏎'),
            '\t' => safe.push(' '),
            // At the start of a line these begin lists, rules and headings.
            '-' | '+' | '=' if at == 0 => safe.extend(['\\', c]),
            '.' | ')' if at > 0 && kept[..at].bytes().all(|it| it.is_ascii_digit()) => {
                safe.extend(['\\', c]);
            }
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            // A comment parts the sign from the name: neither a backslash nor an entity stops a mention.
            '@' => safe.push_str("@<!-- -->"),
            '#' if after.is_ascii_digit() => safe.push_str("\\#<!-- -->"),
            '-' if after.is_ascii_digit() && before.eq_ignore_ascii_case(&'h') => {
                safe.push_str("-<!-- -->");
            }
            '_' if before.is_alphanumeric() && after.is_alphanumeric() => safe.push('_'),
            '.' if ends_with_www(&kept[..at]) => safe.push_str("\\."),
            ':' if at > 0 && before != ':' && !matches!(after, ':' | '/') => safe.push(':'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '$' | ':' => {
                safe.push('\\');
                safe.push(c);
            }
            c if c.is_control() || is_hidden(c) => {
                safe.push_str(&visible(c.encode_utf8(&mut [0; 4])).replace(['\\', '{', '}'], "·"));
            }
            c => safe.push(c),
        }
        before = c;
    }
    if kept.len() < whole.len() {
        safe.push('…');
    }
    safe
}

fn ends_with_www(text: &str) -> bool {
    text.len() >= 3
        && text
            .get(text.len() - 3..)
            .is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

/// A fenced code block of the last `max` bytes of `text`, with a fence longer than any in it. Ends with a newline.
///
/// A reader that prints it to a CI's log runs no command by that.
pub fn markdown_code(text: &str, max: usize) -> String {
    let mut body = String::new();
    for line in strip_escapes(suffix(text, max)).lines() {
        let line = line.trim_end_matches('\r').replace('\t', "    ");
        body.push_str(&without_long_runs(&without_commands(&visible(prefix(
            &line, MAX_LINE,
        )))));
        body.push_str(if line.len() > MAX_LINE { "…\n" } else { "\n" });
    }
    let longest = body
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}text\n{body}{fence}\n")
}

fn without_long_runs(line: &str) -> String {
    let mut short = String::with_capacity(line.len());
    let mut run = 0;
    for c in line.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        match run {
            0..=MAX_BACKTICKS => short.push(c),
            _ if run == MAX_BACKTICKS + 1 => short.push('…'),
            _ => {}
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let table = [
            ("tests/test_api.py", "tests/test_api.py"),
            ("a|b`c", "a\\|b\\`c"),
            ("<img src=x>&lt;", "&lt;img src=x&gt;&amp;lt;"),
            (
                "hi @team, see #12 and GH-7",
                "hi @<!-- -->team, see \\#<!-- -->12 and GH-<!-- -->7",
            ),
            ("a\r\nb\nc", "a⏎b⏎c"),
            ("[x](https://e.org)", "\\[x\\](https\\://e.org)"),
            ("www.e.org view.py", "www\\.e.org view.py"),
            ("OS=Linux, host:4322", "OS=Linux, host:4322"),
            ("##[error]x", "\\#\\#\\[error\\]x"),
            ("_a_b_ **c**", "\\_a_b\\_ \\*\\*c\\*\\*"),
            ("\u{202e}x\u{1b}[1m", "·u·202e·x"),
            ("::error::", "\\:\\:error\\:\\:"),
            ("- a", "\\- a"),
            ("--- - +", "\\--- - +"),
            ("12. a 1. b", "12\\. a 1. b"),
            ("1) a", "1\\) a"),
        ];
        for (text, safe) in table {
            assert_eq!(markdown_text(text, 1000), safe, "{text:?}");
        }
        assert_eq!(markdown_text("ééé", 4), "éé…");
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        assert_eq!(
            markdown_code("a\n````\nb", 100),
            "`````text\na\n````\nb\n`````\n"
        );
        let run = markdown_code(&"`".repeat(500), 1000);
        assert_eq!(
            run.lines().next().map(str::len),
            Some(MAX_BACKTICKS + 1 + 4)
        );
        assert_eq!(
            markdown_code("::error::x\r\n##[y]", 100),
            "```text\n\\::error::x\n##\\[y]\n```\n"
        );
    }

    #[test]
    fn the_end_of_an_output_is_kept() {
        assert_eq!(markdown_code("begin end", 3), "```text\nend\n```\n");
    }
}
