//! Markdown with a limit. Beyond the limit it takes no more: the page is thrown away.

#[derive(Debug)]
pub(super) struct MarkdownPage {
    text: String,
    budget: usize,
    over: bool,
}

impl MarkdownPage {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            text: String::new(),
            budget,
            over: false,
        }
    }

    /// Appends a whole block, or nothing if it does not fit.
    pub(super) fn push(&mut self, block: &str) {
        self.over |= self.text.len().saturating_add(block.len()) > self.budget;
        if !self.over {
            self.text.push_str(block);
        }
    }

    /// Heading of a section with so many items.
    pub(super) fn heading(&mut self, heading: &str, count: impl std::fmt::Display) {
        self.push(&format!("#### {heading} ({count})\n\n"));
    }

    /// Whether something did not fit: loops may end here.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// The text, if all of it fits.
    pub(super) fn fitting(self) -> Option<String> {
        (!self.over).then_some(self.text)
    }

    /// As many whole lines as fit into `budget`.
    pub(super) fn cut_to(self, budget: usize) -> String {
        let mut kept = String::new();
        for line in self.text.split_inclusive('\n') {
            if kept.len() + line.len() > budget {
                break;
            }
            kept.push_str(line);
        }
        kept
    }
}
