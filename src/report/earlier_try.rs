//! The failure of an earlier try, in the output of a case that passed in the end.

use crate::model::EARLIER_TRY;

/// Why a case failed before it passed, according to the test tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EarlierTry<'a> {
    pub(super) message: &'a str,
    /// The message and what follows it.
    pub(super) text: &'a str,
}

impl<'a> EarlierTry<'a> {
    /// The first one in an output; `None` if the tool did not report why.
    pub(super) fn of_output(output: &'a str) -> Option<Self> {
        let starts = output.match_indices(EARLIER_TRY);
        let mut starts = starts.map(|(start, _)| start);
        let start = starts.find(|it| *it == 0 || output[..*it].ends_with('\n'))?;
        let text = output[start + EARLIER_TRY.len()..].trim_end();
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        let message = first.trim();
        // Tools repeat the message before the stack.
        let text = if rest.starts_with(first) { rest } else { text };
        (!message.is_empty()).then_some(Self { message, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_stands_where_a_line_begins_with_the_words() {
        let output = "an Earlier try: no\nEarlier try: timed out\n at line 5\n";
        let found = EarlierTry::of_output(output).unwrap();
        assert_eq!(found.message, "timed out");
        assert_eq!(found.text, "timed out\n at line 5");
        let repeated = EarlierTry::of_output("Earlier try: no\nno\n at line 5").unwrap();
        assert_eq!((repeated.message, repeated.text), ("no", "no\n at line 5"));
        assert_eq!(EarlierTry::of_output("Earlier try: \n\n"), None);
        assert_eq!(EarlierTry::of_output("it printed this"), None);
    }
}
