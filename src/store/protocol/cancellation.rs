//! The words of a cancelled plan: the error of the executions that the cancel ended.

use crate::model::{Outcome, outcome::CANCELLED_BY};

/// The error of the executions that a cancel ends.
pub(crate) fn error(who: &str, reason: &str) -> String {
    if reason.is_empty() {
        format!("{CANCELLED_BY}{who}")
    } else {
        format!("{CANCELLED_BY}{who}: {reason}")
    }
}

/// Who cancelled an execution and why, if its outcome says so.
pub(crate) fn of_outcome(outcome: Option<&Outcome>) -> Option<String> {
    outcome.and_then(Outcome::cancelled).map(str::to_owned)
}

/// A reason or a name in one line: of each run of spaces, line breaks and control characters one space is left.
pub fn in_one_line(text: &str) -> String {
    let spaced = text.replace(char::is_control, " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_names_who_and_why() {
        assert_eq!(
            error("Ann", "wrong branch"),
            "cancelled by Ann: wrong branch"
        );
        assert_eq!(error("ci", ""), "cancelled by ci");
    }

    #[test]
    fn reason_has_one_line() {
        assert_eq!(
            in_one_line(" wrong\r\n branch\u{7} \u{1b}[1m"),
            "wrong branch [1m"
        );
    }
}
