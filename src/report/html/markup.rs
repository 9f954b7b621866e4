//! Writes markup. Only string literals of this program are markup; all other text goes through a method that escapes it.
//! Forgetting to escape does not compile.

use std::fmt::{Display, Write as _};

use crate::{
    model::Timestamp,
    report::{
        sanitise::{html_block, html_exact, html_line, html_path, html_text},
        time_text::duration_text,
    },
};

#[derive(Debug, Default)]
pub(crate) struct Markup(String);

/// Prints as digits.
pub(crate) trait Number: Copy + Display {}
impl Number for u8 {}
impl Number for u32 {}
impl Number for u64 {}
impl Number for usize {}
impl Number for i64 {}

impl Markup {
    /// Markup of this program.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// A line of foreign text, as content or in a quoted attribute.
    pub(crate) fn text(&mut self, foreign: &str, max: usize) -> &mut Self {
        self.0.push_str(&html_text(foreign, max));
        self
    }

    /// A line of foreign text with its colours, as content.
    pub(crate) fn line(&mut self, foreign: &str, max: usize) -> &mut Self {
        self.0.push_str(&html_line(foreign, max));
        self
    }

    /// The end of foreign text with its lines and colours, for a preformatted element.
    pub(crate) fn block(&mut self, foreign: &str, max: usize) -> &mut Self {
        self.0.push_str(&html_block(foreign, max));
        self
    }

    /// Foreign text with all its white space, for a preformatted element. Its caller bounds it.
    pub(crate) fn exact(&mut self, foreign: &str) -> &mut Self {
        self.0.push_str(&html_exact(foreign));
        self
    }

    /// A link to a file below the page's folder by its name, or its path if that leads out.
    pub(crate) fn file(&mut self, path: &str, max: usize) -> &mut Self {
        self.link(path, path.rsplit('/').next().unwrap_or(path), max)
    }

    /// A link to a file below the page's folder by its path, or that path if it leads out.
    pub(crate) fn file_by_path(&mut self, path: &str, max: usize) -> &mut Self {
        self.link(path, path, max)
    }

    fn link(&mut self, path: &str, name: &str, max: usize) -> &mut Self {
        let Some(link) = html_path(path) else {
            return self.text(path, max);
        };
        self.0.extend(["<a href=\"", &link, "\">"]);
        self.text(name, max).raw("</a>")
    }

    /// The address of a file below the page's folder, in a quoted attribute; of a path that leads out, nothing.
    pub(crate) fn path(&mut self, path: &str) -> &mut Self {
        self.0.push_str(&html_path(path).unwrap_or_default());
        self
    }

    /// How large a file is, in binary units with three digits or fewer.
    pub(crate) fn size(&mut self, bytes: u64) -> &mut Self {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        let (mut whole, mut unit) = (bytes, 0);
        while whole >= 1000 && unit + 1 < units.len() {
            unit += 1;
            whole = bytes.div_ceil(1 << (10 * unit));
        }
        let _ = write!(self.0, "{whole} {}", units[unit]);
        self
    }

    /// A number without separators, for anchors and ids.
    pub(crate) fn number(&mut self, number: impl Number) -> &mut Self {
        let _ = write!(self.0, "{number}");
        self
    }

    /// A count with separated thousands.
    pub(crate) fn amount(&mut self, amount: u64) -> &mut Self {
        let digits = amount.to_string();
        for (index, digit) in digits.char_indices() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                self.0.push(',');
            }
            self.0.push(digit);
        }
        self
    }

    pub(crate) fn span(&mut self, milliseconds: u64) -> &mut Self {
        self.0.push_str(&duration_text(milliseconds));
        self
    }

    /// A percentage with three decimals; 0 of 0 is 0.
    pub(crate) fn percent(&mut self, part: u64, whole: u64) -> &mut Self {
        let thousandths = u128::from(part) * 100_000 / u128::from(whole.max(1));
        let _ = write!(self.0, "{}.{:03}%", thousandths / 1000, thousandths % 1000);
        self
    }

    /// A time for people and machines; nothing if it is outside the calendar.
    pub(crate) fn time(&mut self, time: Timestamp) -> &mut Self {
        if let Ok(time) = jiff::Timestamp::from_millisecond(time.0) {
            let _ = write!(
                self.0,
                "<time datetime=\"{}\">{}</time>",
                time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                time.strftime("%Y-%m-%d %H:%M:%S UTC")
            );
        }
        self
    }

    /// Markup written before.
    pub(crate) fn part(&mut self, part: &Self) -> &mut Self {
        self.0.push_str(&part.0);
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let mut markup = Markup::default();
        for amount in [0, 999, 1000, 200_000, 1_234_567] {
            markup.amount(amount).raw(" ");
        }
        markup
            .percent(1, 8)
            .raw(" ")
            .percent(0, 0)
            .raw(" ")
            .number(-5_i64);
        assert_eq!(markup.0, "0 999 1,000 200,000 1,234,567 12.500% 0.000% -5");
    }

    #[test]
    fn sizes_have_three_digits_or_fewer() {
        let mut markup = Markup::default();
        for bytes in [0, 1, 999, 1000, 1025, 1_000_000, 1 << 20, 5 << 30, u64::MAX] {
            markup.size(bytes).raw(", ");
        }
        assert_eq!(
            markup.0,
            "0 bytes, 1 bytes, 999 bytes, 1 KiB, 2 KiB, 977 KiB, 1 MiB, 5 GiB, 16 EiB, "
        );
    }

    #[test]
    fn a_time_that_no_calendar_has_is_left_out() {
        let mut markup = Markup::default();
        markup.time(Timestamp(i64::MAX)).time(Timestamp(0));
        assert_eq!(
            markup.0,
            "<time datetime=\"1970-01-01T00:00:00Z\">1970-01-01 00:00:00 UTC</time>"
        );
    }
}
