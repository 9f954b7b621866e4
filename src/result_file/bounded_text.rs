//! Text of a result file, limited in length.

/// Most bytes of text kept of one element. The middle of a longer one is left out.
pub const MAX_FIELD: usize = 64 * 1024;
/// Most bytes of text kept of one file. Later text is left out. Names and messages have limits of their own.
pub const MAX_TEXT: usize = 16 * 1024 * 1024;

/// Keeps the beginning and the end of a text.
#[derive(Debug)]
pub(super) struct BoundedText {
    head: String,
    tail: String,
    dropped: usize,
    limit: usize,
}

impl Default for BoundedText {
    fn default() -> Self {
        Self::new(MAX_FIELD)
    }
}

impl BoundedText {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            head: String::new(),
            tail: String::new(),
            dropped: 0,
            limit,
        }
    }

    /// Appends a text after an empty line, unless it is blank.
    pub(super) fn join(&mut self, text: &str) {
        let text = text.trim_matches(['\r', '\n']);
        if text.trim().is_empty() {
            return;
        }
        if self.len() > 0 {
            self.push("\n\n");
        }
        self.push(text);
    }

    /// Appends a text on a line of its own.
    pub(super) fn line(&mut self, text: &str) {
        if self.len() > 0 {
            self.push("\n");
        }
        self.push(text);
    }

    /// Appends a text. Uses at most twice the limit of memory.
    pub(super) fn push(&mut self, text: &str) {
        let room = (self.limit / 2).saturating_sub(self.head.len());
        let split = if self.tail.is_empty() && self.dropped == 0 {
            floor(text, room)
        } else {
            0
        };
        self.head.push_str(&text[..split]);
        let rest = &text[split..];
        let skipped = ceiling(rest, rest.len().saturating_sub(self.limit));
        if skipped > 0 {
            self.dropped += self.tail.len() + skipped;
            self.tail.clear();
        }
        self.tail.push_str(&rest[skipped..]);
        if self.tail.len() > self.limit {
            self.cut();
        }
    }

    pub(super) fn lower_limit(&mut self, limit: usize) {
        self.limit = self.limit.min(limit);
        let keep = floor(&self.head, self.limit / 2);
        if keep < self.head.len() {
            let rest = self.head.split_off(keep);
            self.tail.insert_str(0, &rest);
        }
        self.cut();
    }

    /// The number of bytes kept.
    pub(super) fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// The text, with a note where something was left out.
    pub(super) fn into_string(mut self) -> String {
        self.cut();
        if self.dropped > 0 {
            self.head
                .extend(["\n[… ", &self.dropped.to_string(), " bytes left out …]\n"]);
        }
        self.head.push_str(&self.tail);
        self.head
    }

    fn cut(&mut self) {
        let excess = self.len().saturating_sub(self.limit);
        if excess > 0 {
            let at = ceiling(&self.tail, excess.min(self.tail.len()));
            self.tail.drain(..at);
            self.dropped += at;
        }
    }
}

/// The last character boundary at or before `at`.
pub(super) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The first character boundary at or after `at`.
fn ceiling(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// How many bytes of text may still be kept of a file.
#[derive(Debug)]
pub(super) struct TextBudget(usize);

impl Default for TextBudget {
    fn default() -> Self {
        Self(MAX_TEXT)
    }
}

impl TextBudget {
    /// Cuts a text to the budget and subtracts its length.
    pub(super) fn take(&mut self, mut text: BoundedText) -> String {
        text.lower_limit(self.0);
        self.0 -= text.len();
        text.into_string()
    }

    /// Subtracts some bytes, if there are as many left.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// The first line that is not blank, at most 1,024 bytes of it.
pub(super) fn first_line(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    clip(line)
}

/// Whether a text contains every line of a message in order, so that the message need not be put before it.
pub(super) fn repeats(text: &str, message: &str) -> bool {
    let mut lines = text.lines();
    message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .all(|wanted| lines.any(|line| line.contains(wanted)))
}

/// The first 1,024 bytes of a name.
pub(super) fn clip(name: &str) -> String {
    const MAX: usize = 1024;
    if name.len() <= MAX {
        return name.to_owned();
    }
    format!("{}…", &name[..floor(name, MAX)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_ends_are_kept() {
        let mut text = BoundedText::new(10);
        for part in ["abc", "defgh", "ijklmnop", "qrstuvwxyz"] {
            text.push(part);
        }
        assert_eq!(text.into_string(), "abcde\n[… 16 bytes left out …]\nvwxyz");
        let mut text = BoundedText::new(10);
        text.push("0123456789");
        assert_eq!(text.into_string(), "0123456789");
    }

    #[test]
    fn message_is_repeated_if_all_its_lines_are() {
        let table = [
            ("E   one\nE   two", "one\n two", true),
            ("Error: one\n\nat x", "one", true),
            ("two\none", "one\ntwo", false),
            ("one", "one\ntwo", false),
            ("", "one", false),
            ("one", " \n ", true),
        ];
        for (text, message, expected) in table {
            assert_eq!(repeats(text, message), expected, "{text:?} {message:?}");
        }
    }

    #[test]
    fn first_line_is_not_blank() {
        assert_eq!(first_line("\n  \n  boom \nmore"), "boom");
        assert_eq!(first_line(""), "");
        assert!(first_line(&"ä".repeat(5000)).len() < 1030);
    }

    proptest! {
        #[test]
        fn limit_is_never_exceeded(parts in prop::collection::vec(".{0,40}", 0..20), limit in 0usize..100, lower in 0usize..100) {
            let mut text = BoundedText::new(limit);
            for part in &parts {
                text.push(part);
            }
            text.lower_limit(lower);
            prop_assert!(text.len() <= limit.min(lower));
            let (whole, kept) = (parts.concat(), text.len());
            let dropped = text.dropped;
            let cut = text.into_string();
            prop_assert_eq!(kept + dropped, whole.len());
            prop_assert!(dropped > 0 || cut == whole);
        }
    }
}
