//! HTML in which foreign text stays text: as element content and between quotes of an attribute alike.

use std::fmt::Write as _;

use super::strip_escapes;
use crate::report::excerpt::prefix;

use super::console_text::visible;

/// One line made of at most `max` bytes of `text`. Nothing in it is markup, a character reference or a quote that
/// ends an attribute; invisible characters are written out (`\x07`, `\u{202e}`), line breaks as `⏎`.
pub fn html_text(text: &str, max: usize) -> String {
    let whole = strip_escapes(prefix(text, max.saturating_mul(4).saturating_add(4096)));
    let whole = whole.trim();
    let kept = prefix(whole, max);
    let line = kept.replace("\r\n", "⏎").replace(['\n', '\r'], "⏎");
    let mut safe = escaped(&visible(&line.replace('\t', " ")));
    if kept.len() < whole.len() {
        safe.push('…');
    }
    safe
}

/// The text with all its lines and spaces, for a preformatted block. Tabs become spaces, and other invisible characters are
/// written out.
pub fn html_exact(text: &str) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| escaped(&visible(&line.replace('\t', "    "))))
        .collect();
    lines.join("\n")
}

/// A path below the page's own folder as the value of a link, `None` for one that leads elsewhere. It begins with `./` and
/// has nothing but letters, digits, `-._~/` and `%` in it, so that it is never a scheme, a query or the end of an attribute.
pub fn html_path(path: &str) -> Option<String> {
    let elsewhere = path.starts_with('/')
        || path.contains('\\')
        || path.split('/').any(|part| matches!(part, "" | "." | ".."));
    if elsewhere {
        return None;
    }
    let mut link = "./".to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            link.push(char::from(byte));
        } else {
            let _ = write!(link, "%{byte:02X}");
        }
    }
    Some(link)
}

pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let table = [
            ("tests/test_api.py", "tests/test_api.py"),
            ("<b a=\"x\">&lt;'", "&lt;b a=&quot;x&quot;&gt;&amp;lt;&#39;"),
            ("a\r\nb\nc\td", "a⏎b⏎c d"),
            ("\u{202e}x\u{1b}[1m\u{85}\0", "\\u{202e}x\\x85\\x00"),
            ("👩\u{200d}🚀 עברית", "👩\u{200d}🚀 עברית"),
            ("\u{fffe}\u{ffff}", "\\u{fffe}\\u{ffff}"),
        ];
        for (text, safe) in table {
            assert_eq!(html_text(text, 1000), safe, "{text:?}");
        }
        assert_eq!(html_text("ééé", 4), "éé…");
        assert_eq!(html_text("a<b", 2), "a&lt;…");
    }

    #[test]
    fn a_path_leads_below_the_page_or_nowhere() {
        assert_eq!(
            html_path("results/1 a/ä\"#?%.png").as_deref(),
            Some("./results/1%20a/%C3%A4%22%23%3F%25.png")
        );
        assert_eq!(
            html_path("javascript:alert(1)").as_deref(),
            Some("./javascript%3Aalert%281%29")
        );
        for elsewhere in [
            "",
            "/etc/passwd",
            "//host/a",
            "../a",
            "a/../../b",
            "a//b",
            "a\\..\\b",
            ".",
        ] {
            assert_eq!(html_path(elsewhere), None, "{elsewhere}");
        }
    }
}
