//! What the words and element names of JUnit dialects mean for a case. The spellings are those of real tools. An unknown
//! word could hide a failure, so it is an error.

use std::borrow::Cow;

/// The verdict that a word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusWord {
    Passed,
    /// Not run because it is switched off.
    SwitchedOff,
    /// Not run.
    Skipped,
    /// It failed, but the tool does not count that as a failure.
    Tolerated,
    /// It failed or had an error.
    Failed,
    Unknown,
}

/// Attributes of a case or suite that have a verdict.
pub(super) const VERDICTS: [&str; 3] = ["status", "result", "outcome"];
/// Attributes whose value is yes or no, and what `no` means.
pub(super) const ANSWERS: [(&str, StatusWord); 3] = [
    ("success", StatusWord::Failed),
    ("passed", StatusWord::Failed),
    ("executed", StatusWord::Skipped),
];

/// The verdict in the value of an attribute; `None` if it is empty.
#[expect(clippy::match_same_arms, reason = "one arm for each kind of writer")]
pub(super) fn verdict(value: &str) -> Option<StatusWord> {
    let word = plain(value);
    Some(match word.as_ref() {
        "" => return None,
        // GoogleTest, Bazel and CTest write whether a case ran; its child elements have the verdict.
        "run" | "completed" | "complete" | "done" | "finished" | "executed" => StatusWord::Passed,
        "passed" | "pass" | "ok" | "success" | "successful" | "succeeded" | "true" | "green"
        | "passedonretry" | "flaky" | "fixed" | "warning" | "warned" => StatusWord::Passed,
        // Qt Test: an expected failure, and passes on its list of unstable tests.
        "xfail" | "bpass" | "bxfail" => StatusWord::Passed,
        "bfail" | "bxpass" => StatusWord::Tolerated,
        "notrun" | "notrunnable" | "disabled" | "suppressed" | "deactivated" => {
            StatusWord::SwitchedOff
        }
        "skipped" | "skip" | "bskip" | "ignored" | "ignore" | "pending" | "todo" | "untested"
        | "notexecuted" | "notstarted" | "inconclusive" | "filtered" | "deselected"
        | "excluded" | "notapplicable" | "na" | "none" => StatusWord::Skipped,
        "failed" | "fail" | "failure" | "failing" | "error" | "errored" | "broken" | "crash"
        | "crashed" | "aborted" | "abort" | "timeout" | "timedout" | "killed" | "interrupted"
        | "cancelled" | "canceled" | "hookerror" | "cleanuperror" | "undefined" | "ambiguous"
        | "xpass" | "upass" | "invalid" | "false" | "red" | "terminated" | "blocked" => {
            StatusWord::Failed
        }
        _ => StatusWord::Unknown,
    })
}

/// The verdict in the value of a yes-or-no attribute, where `no` stands for the given verdict.
pub(super) fn answer(value: &str, no: StatusWord) -> Option<StatusWord> {
    Some(match plain(value).as_ref() {
        "" => return None,
        "true" | "yes" | "1" => StatusWord::Passed,
        "false" | "no" | "0" => no,
        // Some tools write "failed" or "passed" here.
        _ => return verdict(value),
    })
}

/// What a child element of a case stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChildElement {
    Failure,
    Error,
    Skipped,
    /// It failed before it passed.
    Flaky,
    /// One of several tries that failed; the last one is written as `failure`.
    Rerun,
    /// Has no influence on the verdict.
    Neutral,
    Unknown,
}

/// Reads the local name of a child element.
pub(super) fn child_element(name: &[u8]) -> ChildElement {
    let name = String::from_utf8_lossy(name);
    match plain(&name).as_ref() {
        "failure" | "failures" | "failed" | "fail" | "assertionfailure" => ChildElement::Failure,
        "error" | "errors" | "errored" | "exception" | "crash" | "crashed" | "timeout"
        | "timedout" | "aborted" | "abort" | "broken" | "fatal" | "unexpectedsuccess" => {
            ChildElement::Error
        }
        "skipped" | "skip" | "disabled" | "ignored" | "ignore" | "pending" | "todo" | "notrun" => {
            ChildElement::Skipped
        }
        "flakyfailure" | "flakyerror" => ChildElement::Flaky,
        "rerunfailure" | "rerunerror" => ChildElement::Rerun,
        "success" | "passed" | "systemout" | "systemerr" | "stdout" | "stderr" | "output"
        | "log" | "logs" | "properties" | "property" | "metadata" | "attachments"
        | "attachment" | "categories" | "category" | "traits" | "trait" | "tags" | "tag"
        | "labels" | "label" | "description" | "doc" | "documentation" | "comment" | "comments"
        | "links" | "link" | "requirements" | "requirement" | "parameters" | "parameter"
        | "arguments" | "argument" | "steps" | "step" | "measurements" | "measurement"
        | "benchmark" | "benchmarks" | "testcase" | "testsuite" | "warning" | "warnings"
        | "deprecation" | "notice" | "source" | "duration" | "time" | "reruns" => {
            ChildElement::Neutral
        }
        _ => ChildElement::Unknown,
    }
}

/// The word in lower case, without blanks, `-` and `_`, in which spellings differ.
fn plain(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if word.chars().all(is_plain) {
        return Cow::Borrowed(word);
    }
    let kept = word
        .chars()
        .filter(|c| !matches!(c, '-' | '_') && !c.is_whitespace());
    Cow::Owned(kept.flat_map(char::to_lowercase).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_verdict_are_equal() {
        for (values, word) in [
            (
                &["failed", "FAILED", "Fail", " failure "][..],
                StatusWord::Failed,
            ),
            (
                &["hook_error", "Timed Out", "timed-out", "Error", "xpass"],
                StatusWord::Failed,
            ),
            (
                &["passed", "Passed", "PASS", "ok", "run", "completed"],
                StatusWord::Passed,
            ),
            (
                &["notrun", "Not Run", "NOT_RUN", "suppressed", "disabled"],
                StatusWord::SwitchedOff,
            ),
            (
                &["SKIPPED", "Ignored", "NotExecuted", "inconclusive"],
                StatusWord::Skipped,
            ),
            (&["bfail"], StatusWord::Tolerated),
            (&["weird", "7"], StatusWord::Unknown),
        ] {
            for value in values {
                assert_eq!(verdict(value), Some(word), "{value:?}");
            }
        }
        assert_eq!(verdict(" "), None);
    }

    #[test]
    fn answers_are_yes_no_or_a_verdict() {
        assert_eq!(answer("True", StatusWord::Failed), Some(StatusWord::Passed));
        assert_eq!(
            answer("False", StatusWord::Failed),
            Some(StatusWord::Failed)
        );
        assert_eq!(
            answer("False", StatusWord::Skipped),
            Some(StatusWord::Skipped)
        );
        assert_eq!(
            answer("failed", StatusWord::Skipped),
            Some(StatusWord::Failed)
        );
        assert_eq!(answer("", StatusWord::Failed), None);
    }
}
