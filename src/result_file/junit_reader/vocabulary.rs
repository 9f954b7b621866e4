//! What the words and element names of JUnit dialects mean for a case. Spellings were read off real writers; a word that
//! is not known could hide a failure and is an error.

use std::borrow::Cow;

/// What a word says of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VerdictWord {
    /// It passed.
    Passed,
    /// It was not run, for a reason of its own: it is switched off.
    SwitchedOff,
    /// It was not run.
    Skipped,
    /// It failed, and the tool does not count that as a failure.
    Tolerated,
    /// It failed or broke.
    Failed,
    /// Not known.
    Unknown,
}

/// Attributes of a case, and of a suite, that give a verdict.
pub(super) const VERDICTS: [&str; 3] = ["status", "result", "outcome"];
/// Attributes that answer yes or no: the second is what `no` means.
pub(super) const ANSWERS: [(&str, VerdictWord); 3] = [
    ("success", VerdictWord::Failed),
    ("passed", VerdictWord::Failed),
    ("executed", VerdictWord::Skipped),
];

/// What the value of a verdict attribute means; `None` where it says nothing.
#[expect(clippy::match_same_arms, reason = "one arm for each kind of writer")]
pub(super) fn verdict(value: &str) -> Option<VerdictWord> {
    let word = plain(value);
    Some(match word.as_ref() {
        "" => return None,
        // What a case went through, not how it ended: the children say the rest (GoogleTest, Bazel, CTest).
        "run" | "completed" | "complete" | "done" | "finished" | "executed" => VerdictWord::Passed,
        "passed" | "pass" | "ok" | "success" | "successful" | "succeeded" | "true" | "green"
        | "passedonretry" | "flaky" | "fixed" | "warning" | "warned" => VerdictWord::Passed,
        // Qt Test: a failure that was expected, and passes on its list of unstable tests.
        "xfail" | "bpass" | "bxfail" => VerdictWord::Passed,
        "bfail" | "bxpass" => VerdictWord::Tolerated,
        "notrun" | "notrunnable" | "disabled" | "suppressed" | "deactivated" => {
            VerdictWord::SwitchedOff
        }
        "skipped" | "skip" | "bskip" | "ignored" | "ignore" | "pending" | "todo" | "untested"
        | "notexecuted" | "notstarted" | "inconclusive" | "filtered" | "deselected"
        | "excluded" | "notapplicable" | "na" | "none" => VerdictWord::Skipped,
        "failed" | "fail" | "failure" | "failing" | "error" | "errored" | "broken" | "crash"
        | "crashed" | "aborted" | "abort" | "timeout" | "timedout" | "killed" | "interrupted"
        | "cancelled" | "canceled" | "hookerror" | "cleanuperror" | "undefined" | "ambiguous"
        | "xpass" | "upass" | "invalid" | "false" | "red" | "terminated" | "blocked" => {
            VerdictWord::Failed
        }
        _ => VerdictWord::Unknown,
    })
}

/// What the value of a yes-or-no attribute means, where `no` means the given word.
pub(super) fn answer(value: &str, no: VerdictWord) -> Option<VerdictWord> {
    Some(match plain(value).as_ref() {
        "" => return None,
        "true" | "yes" | "1" => VerdictWord::Passed,
        "false" | "no" | "0" => no,
        // "failed", "passed" and the like answer as well.
        _ => return verdict(value),
    })
}

/// What a child element of a case means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChildElement {
    /// `failure` and its kin.
    Failure,
    /// `error` and its kin.
    Error,
    /// `skipped` and its kin.
    Skipped,
    /// It failed before it passed.
    Flaky,
    /// One of several tries that failed; the last one is written as `failure`.
    Rerun,
    /// Says nothing of the verdict.
    Beside,
    /// Not known.
    Unknown,
}

/// What an element within a case means, by its local name.
pub(super) fn child(name: &[u8]) -> ChildElement {
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
            ChildElement::Beside
        }
        _ => ChildElement::Unknown,
    }
}

/// Without what spellings differ in: case, blanks, `-`, `_`.
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
    fn spellings_of_one_verdict_mean_the_same() {
        for (values, word) in [
            (
                &["failed", "FAILED", "Fail", " failure "][..],
                VerdictWord::Failed,
            ),
            (
                &["hook_error", "Timed Out", "timed-out", "Error", "xpass"],
                VerdictWord::Failed,
            ),
            (
                &["passed", "Passed", "PASS", "ok", "run", "completed"],
                VerdictWord::Passed,
            ),
            (
                &["notrun", "Not Run", "NOT_RUN", "suppressed", "disabled"],
                VerdictWord::SwitchedOff,
            ),
            (
                &["SKIPPED", "Ignored", "NotExecuted", "inconclusive"],
                VerdictWord::Skipped,
            ),
            (&["bfail"], VerdictWord::Tolerated),
            (&["weird", "7"], VerdictWord::Unknown),
        ] {
            for value in values {
                assert_eq!(verdict(value), Some(word), "{value:?}");
            }
        }
        assert_eq!(verdict(" "), None);
    }

    #[test]
    fn answers_say_yes_no_or_a_verdict() {
        assert_eq!(
            answer("True", VerdictWord::Failed),
            Some(VerdictWord::Passed)
        );
        assert_eq!(
            answer("False", VerdictWord::Failed),
            Some(VerdictWord::Failed)
        );
        assert_eq!(
            answer("False", VerdictWord::Skipped),
            Some(VerdictWord::Skipped)
        );
        assert_eq!(
            answer("failed", VerdictWord::Skipped),
            Some(VerdictWord::Failed)
        );
        assert_eq!(answer("", VerdictWord::Failed), None);
    }
}
