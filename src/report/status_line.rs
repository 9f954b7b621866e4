//! The report in one line, for a place that shows no more.

use crate::exit_code::Conclusion;

use super::{PlanReport, sanitise::console_line, time_text::duration_text};

/// What a commit status has room for, in bytes.
const MAX: usize = 140;

/// How much of it is for what was lacking, in bytes.
const MAX_CAUSE: usize = 60;

/// `3 failed, 118 passed, 4 skipped in 12m 40s`: what decides comes first, zeroes are left out. What came to another
/// end than passed or failed begins with its word, and with what was lacking where that is known. At most 140 bytes.
pub fn status_line(report: &PlanReport, conclusion: Conclusion) -> String {
    let words = report.counts().in_words();
    let counted = if words.is_empty() {
        "no executions".to_owned()
    } else {
        format!("{words} in {}", duration_text(report.duration_ms()))
    };
    let line = match conclusion {
        Conclusion::Passed | Conclusion::Failed => counted,
        _ => match report
            .incomplete_cause()
            .filter(|_| conclusion == Conclusion::Incomplete)
        {
            Some(cause) => {
                let cause = console_line(cause.short(), MAX_CAUSE);
                format!("{}: {cause}: {counted}", conclusion.word())
            }
            None => format!("{}: {counted}", conclusion.word()),
        },
    };
    console_line(&line, MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn report(unnamed_missing: u64) -> PlanReport {
        PlanReport {
            unnamed_missing,
            span: Some((Timestamp(0), Timestamp(760_000))),
            ..PlanReport::default()
        }
    }

    #[test]
    fn says_what_it_came_to() {
        let line = |missing, conclusion| status_line(&report(missing), conclusion);
        assert_eq!(line(0, Conclusion::Passed), "no executions");
        assert_eq!(
            line(0, Conclusion::NothingToRun),
            "nothing-to-run: no executions"
        );
        assert_eq!(
            line(7, Conclusion::Interrupted),
            "cancelled: 7 missing in 12m 40s"
        );
        let most = line(u64::MAX, Conclusion::Infrastructure);
        assert!(most.len() <= MAX, "{most}");
    }
}
