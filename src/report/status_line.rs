//! The report in one line, for a commit status.

use crate::exit_code::Conclusion;

use super::{PlanReport, sanitise::console_line, time_text::duration_text};

/// Longest description of a commit status, in bytes.
const MAX: usize = 140;

/// Longest cause in it, in bytes.
const MAX_CAUSE: usize = 60;

/// `3 failed, 118 passed, 4 skipped in 12m 40s`: what decides comes first, zeros are left out. Any conclusion but passed
/// and failed comes first, followed by the cause of an incomplete plan. A plan that has a selection of the tests says so before
/// anything else. At most 140 bytes.
pub fn status_line(report: &PlanReport, conclusion: Conclusion) -> String {
    let words = report.tests().in_words();
    let counted = if words.is_empty() {
        "no tests".to_owned()
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
    let line = match report.selection() {
        Some(selection) => format!("{selection}: {line}"),
        None => line,
    };
    console_line(&line, MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DiscoveryAccount, Selection, Timestamp};

    fn report(unnamed_missing: u64) -> PlanReport {
        PlanReport {
            unnamed_missing,
            span: Some((Timestamp(0), Timestamp(760_000))),
            ..PlanReport::default()
        }
    }

    #[test]
    fn status_line_begins_with_an_unusual_conclusion() {
        let line = |missing, conclusion| status_line(&report(missing), conclusion);
        assert_eq!(line(0, Conclusion::Passed), "no tests");
        assert_eq!(
            line(0, Conclusion::NothingToRun),
            "nothing-to-run: no tests"
        );
        assert_eq!(
            line(7, Conclusion::Interrupted),
            "cancelled: 7 missing in 12m 40s"
        );
        let most = line(u64::MAX, Conclusion::Infrastructure);
        assert!(most.len() <= MAX, "{most}");
    }

    #[test]
    fn status_line_of_a_selection_says_so_first() {
        let selection = Selection {
            flags: "--only x".to_owned(),
            selected: 12,
            of: 340,
        };
        let report = PlanReport {
            discovery: Some(DiscoveryAccount {
                selection: Some(selection),
                ..DiscoveryAccount::default()
            }),
            ..report(7)
        };
        assert_eq!(
            status_line(&report, Conclusion::Failed),
            "selection of 12 of 340 tests: 7 missing in 12m 40s"
        );
    }
}
