//! Text with the colours and emphasis of its escape sequences, as HTML in which it stays text.

use std::ops::Range;

use super::{
    console_text::visible,
    escape_sequences::{after_open_sequence, split_at_escapes},
    html_text::escaped,
    text_style::TextStyle,
};
use crate::report::excerpt::{prefix, suffix};

/// Longest line of a block, in bytes.
const MAX_LINE: usize = 2000;
/// Most changes of style in one text; the rest of it is plain.
const MAX_CHANGES: usize = 1000;
/// How far back the style at the beginning of an excerpt is looked for, in bytes.
const MAX_LOOK_BACK: usize = 64 * 1024;

/// Text without escape sequences, and where its style changes.
#[derive(Debug, Default)]
struct StyledText {
    plain: String,
    changes: Vec<(usize, TextStyle)>,
}

impl StyledText {
    fn parse(text: &str, first: TextStyle) -> Self {
        let mut styled = Self::default();
        let mut style = TextStyle::default();
        let mut next = first;
        for (before, sequence) in split_at_escapes(text) {
            if !before.is_empty() && next != style {
                if styled.changes.len() == MAX_CHANGES {
                    next = TextStyle::default();
                }
                if styled.changes.len() <= MAX_CHANGES {
                    styled.changes.push((styled.plain.len(), next));
                }
                style = next;
            }
            styled.plain.push_str(before);
            next = next.after(sequence);
        }
        styled
    }

    /// Writes parts of the text, in order, between `start` and `end` of each; a style lasts until it changes.
    fn html(&self, parts: &[(Range<usize>, &'static str)]) -> String {
        let mut page = Spans::default();
        let mut changes = self.changes.iter().peekable();
        for (range, end) in parts {
            let mut from = range.start;
            while from < range.end {
                while let Some((_, style)) = changes.next_if(|(at, _)| *at <= from) {
                    page.next = *style;
                }
                let until = changes
                    .peek()
                    .map_or(range.end, |(at, _)| range.end.min(*at));
                page.text(&self.plain[from..until]);
                from = until;
            }
            page.end(end);
        }
        page.finish()
    }
}

/// Markup with at most one span open.
#[derive(Debug, Default)]
struct Spans {
    html: String,
    open: TextStyle,
    next: TextStyle,
}

impl Spans {
    fn text(&mut self, text: &str) {
        if self.open != self.next {
            self.close();
            let classes = self.next.classes();
            if !classes.is_empty() {
                self.html.extend(["<span class=\"", &classes, "\">"]);
                self.open = self.next;
            }
        }
        self.html
            .push_str(&escaped(&visible(&text.replace('\t', "    "))));
    }

    /// Markup of ours behind a part; line breaks go into the span.
    fn end(&mut self, end: &'static str) {
        self.html.push_str(end);
    }

    fn close(&mut self) {
        if !self.open.classes().is_empty() {
            self.html.push_str("</span>");
        }
        self.open = TextStyle::default();
    }

    fn finish(mut self) -> String {
        self.close();
        self.html
    }
}

/// One line made of at most `max` bytes of `text`, as content of an element: like [`super::html_text()`], with colours and
/// emphasis as `<span class="…">`.
pub fn html_line(text: &str, max: usize) -> String {
    let bounded = prefix(text, max.saturating_mul(4).saturating_add(4096));
    let styled = StyledText::parse(bounded, TextStyle::default());
    let plain = styled.plain.trim_end();
    let mut at = plain.len() - plain.trim_start().len();
    let whole = plain.trim_start();
    let kept = prefix(whole, max);
    let mut parts: Vec<(Range<usize>, &'static str)> = Vec::new();
    for piece in kept.split_inclusive(['\n', '\r']) {
        let line = piece.trim_end_matches(['\n', '\r']);
        // The second half of a Windows line end.
        let is_half = piece == "\n" && kept[..at - (plain.len() - whole.len())].ends_with('\r');
        let end = if line.len() < piece.len() && !is_half {
            "⏎"
        } else {
            ""
        };
        parts.push((at..at + line.len(), end));
        at += piece.len();
    }
    if kept.len() < whole.len() {
        parts.push((at..at, "…"));
    }
    styled.html(&parts)
}

/// The lines of the last `max` bytes of `text`, for a preformatted block: the end is where the reason is.
///
/// Colours and emphasis become `<span class="…">`; all other escape sequences are removed. Of a line that overwrote
/// itself after carriage returns, the last state is shown. Tabs become spaces, and invisible characters are written
/// out. Ends without a newline.
pub fn html_block(text: &str, max: usize) -> String {
    let cut = after_open_sequence(text, text.len() - suffix(text, max).len());
    let styled = StyledText::parse(&text[cut..], style_at(text, cut));
    let mut parts: Vec<(Range<usize>, &'static str)> = Vec::new();
    let mut at = 0;
    for line in styled.plain.trim_end().split('\n') {
        let state = last_state(line);
        let shown = prefix(&line[state.clone()], MAX_LINE).len();
        let end = if shown < state.len() { "…\n" } else { "\n" };
        parts.push((at + state.start..at + state.start + shown, end));
        at += line.len() + 1;
    }
    if let Some((_, end)) = parts.last_mut() {
        *end = end.trim_end();
    }
    let html = styled.html(&parts);
    if text.len() > max {
        format!("… the beginning is left out …\n{html}")
    } else {
        html
    }
}

/// The style that the sequences before a place set.
fn style_at(text: &str, at: usize) -> TextStyle {
    let before = suffix(&text[..at], MAX_LOOK_BACK);
    let sequences = split_at_escapes(before).map(|(_, sequence)| sequence);
    sequences.fold(TextStyle::default(), TextStyle::after)
}

/// What a line shows after its last carriage return that something visible follows.
fn last_state(line: &str) -> Range<usize> {
    let end = line.trim_end_matches('\r').len();
    let mut until = end;
    while let Some(at) = line[..until].rfind('\r') {
        if !line[at..until].trim().is_empty() {
            return at + 1..until;
        }
        until = at;
    }
    0..until
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sanitise::{html_text, strip_escapes};

    #[test]
    fn colours_become_classes_and_other_sequences_go() {
        assert_eq!(
            html_block(
                "\u{1b}[31m<b>\u{1b}[0m \u{1b}[2Kx\u{1b}]0;t\u{7}\n\u{1b}[1my\n\u{1b}[m",
                100
            ),
            "<span class=\"fg-1\">&lt;b&gt;</span> x\n<span class=\"bold\">y</span>"
        );
        assert_eq!(
            html_line("\u{1b}[1mE\u{1b}[0m\r\nassert \u{1b}[31m1\n\u{1b}[m", 100),
            "<span class=\"bold\">E⏎</span>assert <span class=\"fg-1\">1</span>"
        );
    }

    #[test]
    fn a_style_without_end_ends_with_the_text_and_one_without_text_is_left_out() {
        assert_eq!(
            html_block("a\u{1b}[31mb", 100),
            "a<span class=\"fg-1\">b</span>"
        );
        assert_eq!(html_block("a\u{1b}[31m\u{1b}[0mb\u{1b}[0m", 100), "ab");
        assert_eq!(html_block("\u{1b}[31m", 100), "");
        assert_eq!(
            html_block("\u{1b}[32ma\nb\u{1b}[39mc", 100),
            "<span class=\"fg-2\">a\nb</span>c"
        );
    }

    #[test]
    fn an_excerpt_keeps_the_style_and_drops_half_a_sequence() {
        let text = "long beginning \u{1b}[31mred and \u{1b}[1;32mgreen";
        let cut = "… the beginning is left out …\n";
        assert_eq!(
            html_block(text, 19),
            format!(
                "{cut}<span class=\"fg-1\">ed and </span><span class=\"fg-2 bold\">green</span>"
            )
        );
        assert_eq!(
            html_block(text, 9),
            format!("{cut}<span class=\"fg-2 bold\">green</span>")
        );
        // What a record cut before is text.
        assert_eq!(html_block("31mred", 100), "31mred");
    }

    #[test]
    fn a_progress_line_shows_its_last_state() {
        let table = [
            ("10 %\r50 %\r100 %\nend", "100 %\nend"),
            ("10 %\r100 %\r\n", "100 %"),
            ("10 %\r100 %\r\u{1b}[K\r\nend", "100 %\nend"),
            ("a\r\nb\r\r\nc", "a\nb\nc"),
            (
                "\u{1b}[32mok\r\u{1b}[31mbad\u{1b}[0m",
                "<span class=\"fg-1\">bad</span>",
            ),
            ("\u{1b}[32mok\rgood", "<span class=\"fg-2\">good</span>"),
            ("\r\r", ""),
        ];
        for (text, expected) in table {
            assert_eq!(html_block(text, 100), expected, "{text:?}");
        }
    }

    #[test]
    fn a_block_keeps_lines_and_the_end() {
        assert_eq!(
            html_block("a\r\n\tb<\n\u{7}\n\n", 100),
            "a\n    b&lt;\n\\x07"
        );
        assert_eq!(
            html_block("begin end", 3),
            "… the beginning is left out …\nend"
        );
        let long = html_block(&"x".repeat(5000), 10_000);
        assert_eq!((long.chars().count(), long.ends_with('…')), (2001, true));
    }

    #[test]
    fn a_line_without_sequences_is_that_of_an_attribute() {
        for text in [
            "a\r\nb\nc\rd\n\re",
            "  x <y> 'z' ",
            "\u{202e}\0",
            "",
            "\r\n",
            "é",
        ] {
            for max in [1, 2, 3, 100] {
                assert_eq!(html_line(text, max), html_text(text, max), "{text:?} {max}");
            }
        }
    }

    #[test]
    fn spans_are_bounded_and_the_text_stays() {
        let text = "\u{1b}[31mx\u{1b}[32mx".repeat(10_000);
        let html = html_block(&text, text.len());
        assert_eq!(html.matches("<span").count(), MAX_CHANGES);
        assert_eq!(html.matches("</span>").count(), MAX_CHANGES);
        assert!(html.len() < 60_000, "{}", html.len());
        let styled = StyledText::parse(&text, TextStyle::default());
        assert_eq!(styled.plain, strip_escapes(&text));
    }
}
