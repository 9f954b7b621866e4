//! Lines for a console or a CI log: one per finished execution, and a final block that repeats what matters.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::{
    exit_code::Conclusion,
    model::{Capabilities, Outcome, Test, TestVerdict},
    text::counted,
};

use super::{
    PlanReport, ReportEntry, discovery_text,
    excerpt::{ends_of, suffix},
    failure_details::FailureDetails,
    report_entry::test_name,
    sanitise::console_line,
    time_text::duration_text,
    view::{ReportView, SectionKind},
};

/// Longest name of a test or worker on a line, in bytes.
const MAX_NAME: usize = 300;
/// Longest message or output line, in bytes.
const MAX_LINE: usize = 1000;
/// Most entries of one kind in the final block; more are counted.
const MAX_ENTRIES: usize = 100;
/// Most lines of a failure's output; the log has all of them.
const TAIL: usize = 20;

/// Whether lines carry colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    #[default]
    Plain,
    Colour,
}

/// The word for an attempt that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultWord {
    Pass,
    /// A failure of the product.
    Fail,
    /// The test skipped itself.
    Skip,
    /// Could not run, or ended without a verdict.
    Error,
    /// Its lease was lost or released.
    Lost,
}

impl ResultWord {
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Completed {
                result: Some(result),
            } => match result.verdict {
                TestVerdict::Passed => Self::Pass,
                TestVerdict::Failed => Self::Fail,
                TestVerdict::Skipped => Self::Skip,
            },
            Outcome::Completed { result: None } | Outcome::ExecutionError { .. } => Self::Error,
            Outcome::LeaseLost | Outcome::Cancelled => Self::Lost,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Skip => "SKIP",
            Self::Error => "ERROR",
            Self::Lost => "LOST",
        }
    }

    fn style(self) -> Style {
        let style = Style::new().bold();
        style.fg_color(Some(
            match self {
                Self::Pass => AnsiColor::Green,
                Self::Fail => AnsiColor::Red,
                Self::Skip => AnsiColor::Cyan,
                Self::Error => AnsiColor::Magenta,
                Self::Lost => AnsiColor::Yellow,
            }
            .into(),
        ))
    }
}

/// An execution that ended, for its line.
#[derive(Clone, Copy, Debug)]
pub struct FinishedLine<'a> {
    /// How many executions ended, this one included.
    pub done: u64,
    /// How many executions there are, if known.
    pub total: Option<u64>,
    pub word: ResultWord,
    pub duration_ms: u64,
    pub test: &'a Test,
    pub worker: &'a str,
    /// The required capabilities, or those of the worker.
    pub capabilities: &'a Capabilities,
}

/// One counted line, without a newline: `[ 12/500] PASS   3.2s  suite / case  (worker 2, OS=Linux)`.
pub fn line(finished: &FinishedLine<'_>, paint: Paint) -> String {
    let total = finished
        .total
        .map_or_else(|| "?".to_owned(), |total| total.to_string());
    let width = total.len().max(3);
    let mut line = format!(
        "[{:>width$}/{total}] {} {:>5}  {}  (worker {}",
        finished.done,
        painted(
            &format!("{:<5}", finished.word.text()),
            finished.word.style(),
            paint
        ),
        duration_text(finished.duration_ms),
        console_line(&test_name(finished.test), 2 * MAX_NAME),
        console_line(finished.worker, MAX_NAME),
    );
    if !finished.capabilities.is_empty() {
        let labels = console_line(&finished.capabilities.to_string(), MAX_NAME);
        let _ = write!(line, ", {labels}");
    }
    line.push(')');
    line
}

/// The last lines of a run: each failure with its message, the end of its output and its log, then executions that could
/// not run, are missing or were recovered, the totals, and the conclusion. Ends with a newline.
pub fn final_block(report: &PlanReport, paint: Paint) -> String {
    let view = ReportView::of(report);
    let mut block = String::new();
    for section in &view.sections {
        let (label, style) = match section.kind {
            SectionKind::Failed => ("FAIL", ResultWord::Fail.style()),
            SectionKind::CouldNotRun => ("ERROR", ResultWord::Error.style()),
            SectionKind::Missing => ("MISSING", ResultWord::Lost.style()),
            SectionKind::Quarantined => ("QUARANTINED", ResultWord::Lost.style()),
            SectionKind::Flaky => ("FLAKY", ResultWord::Lost.style()),
            SectionKind::Recovered => ("RECOVERED", ResultWord::Lost.style()),
            _ => continue,
        };
        let label = painted(label, style, paint);
        let entries = section.entries.iter().map(|entry| match section.kind {
            SectionKind::Flaky if entry.explanations.is_empty() => name(entry),
            SectionKind::Flaky | SectionKind::Recovered => {
                format!("{}: {}", name(entry), explained(entry))
            }
            kind => in_detail(entry, kind),
        });
        items(&mut block, &label, entries);
        if let Some(sentence) = section.unnamed_sentence() {
            let _ = writeln!(block, "{label} {}", console_line(&sentence, MAX_LINE));
        }
    }
    if let Some(there) = &report.service_counts {
        let _ = writeln!(block, "{}", console_line(&there.sentence(), MAX_LINE));
    }
    let broken = painted("BROKEN INVARIANT", ResultWord::Error.style(), paint);
    for (label, list) in [
        (broken.as_str(), view.broken()),
        ("note:", view.verdict_notes()),
        ("warning:", view.warnings()),
    ] {
        let sentences = list.sentences.iter();
        items(
            &mut block,
            label,
            sentences.map(|it| console_line(it, MAX_LINE)),
        );
    }
    for line in report
        .discovery
        .iter()
        .flat_map(|it| discovery_text::warning(it, None))
    {
        let _ = writeln!(block, "{line}");
    }
    let counts = report.tests();
    let words = counts.in_words();
    let colon = if words.is_empty() { "" } else { ": " };
    if let Some(selection) = report.selection() {
        let line = format!("{selection} ({})", selection.flags);
        let _ = writeln!(block, "{}", console_line(&line, MAX_LINE));
    }
    let duration = duration_text(report.duration_ms());
    let _ = writeln!(
        block,
        "{} in {duration}{colon}{words}",
        counted(counts.total, "test")
    );
    if report.incomplete_cause().is_some() {
        let cause = console_line(&view.meaning, MAX_LINE);
        let _ = writeln!(block, "incomplete because {cause}");
    } else if !report.cancels().is_empty() {
        let _ = writeln!(block, "{}", console_line(&view.meaning, MAX_LINE));
    }
    let meaning = match view.conclusion {
        Conclusion::Passed | Conclusion::Failed => &console_line(&view.meaning, MAX_LINE),
        other => other.meaning(),
    };
    let _ = writeln!(block, "{}", line_of(view.conclusion, meaning, paint));
    block
}

/// `conclusion: failed (exit code 1): complete, at least one test failed; the report can be trusted`.
pub fn conclusion_line(conclusion: Conclusion, paint: Paint) -> String {
    line_of(conclusion, conclusion.meaning(), paint)
}

/// What the workers of one process did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkDone {
    /// They ran no test.
    Nothing,
    /// They ran tests, and none failed.
    Tests,
    /// They ran tests, and some failed.
    WithFailures,
}

/// The conclusion of the workers of one process, which do not know the plan's result.
pub fn worker_conclusion_line(conclusion: Conclusion, done: WorkDone, paint: Paint) -> String {
    let meaning = match conclusion {
        Conclusion::Passed if done == WorkDone::Nothing => {
            "no test was run here; `testplan report` has the plan's result"
        }
        Conclusion::Passed if done == WorkDone::WithFailures => {
            "only tests in quarantine failed here; `testplan report` has the plan's result"
        }
        Conclusion::Failed if done == WorkDone::Tests => {
            "a flaky test counts as failed here; `testplan report` has the plan's result"
        }
        Conclusion::Passed => "no test failed here; `testplan report` has the plan's result",
        Conclusion::Failed => {
            "at least one test failed here; `testplan report` has the plan's result"
        }
        other => other.meaning(),
    };
    line_of(conclusion, meaning, paint)
}

fn line_of(conclusion: Conclusion, meaning: &str, paint: Paint) -> String {
    let style = match conclusion {
        Conclusion::Passed => ResultWord::Pass,
        Conclusion::Failed => ResultWord::Fail,
        Conclusion::NothingToRun | Conclusion::Incomplete => ResultWord::Lost,
        Conclusion::Usage
        | Conclusion::Infrastructure
        | Conclusion::Bug
        | Conclusion::Interrupted
        | Conclusion::Terminated => ResultWord::Error,
    }
    .style();
    format!(
        "conclusion: {} (exit code {}): {}",
        painted(conclusion.word(), style, paint),
        conclusion.code(),
        meaning
    )
}

/// Writes the first items, and how many more there are.
fn items(block: &mut String, label: &str, mut items: impl ExactSizeIterator<Item = String>) {
    for item in items.by_ref().take(MAX_ENTRIES) {
        let _ = writeln!(block, "{label} {item}");
    }
    if items.len() > 0 {
        let _ = writeln!(block, "{label} and {} more", items.len());
    }
}

/// Name, message, output and log of an execution. A bar before each line keeps foreign text from starting a line.
fn in_detail(entry: &ReportEntry, kind: SectionKind) -> String {
    let mut block = name(entry);
    if let Some(attempt) = entry.counted() {
        let worker = console_line(&attempt.worker, MAX_NAME);
        let _ = write!(block, "  (worker {worker})");
    }
    if kind == SectionKind::Missing {
        let _ = write!(block, ": {}", explained(entry));
    }
    if let Some(quarantine) = entry.ruling.quarantine.as_ref() {
        let text = console_line(&quarantine.to_string(), MAX_LINE);
        let _ = write!(block, "\n    {text}");
    }
    let problem = FailureDetails::of_entry(entry);
    for part in [problem.message(), problem.details(), problem.output] {
        let end = suffix(part, 16 * MAX_LINE);
        for line in ends_of(end, TAIL / 2).lines() {
            let _ = write!(block, "\n    | {}", console_line(line, MAX_LINE));
        }
    }
    if let Some(log) = problem.log {
        let _ = write!(block, "\n    log: {}", console_line(log, MAX_LINE));
    }
    block
}

fn explained(entry: &ReportEntry) -> String {
    console_line(&entry.explained(), MAX_LINE)
}

fn name(entry: &ReportEntry) -> String {
    let name = console_line(&entry.name(), 2 * MAX_NAME);
    match entry.tests_in_words() {
        Some(tests) => format!("{name} ({tests})"),
        None => name,
    }
}

fn painted(text: &str, style: Style, paint: Paint) -> String {
    match paint {
        Paint::Plain => text.to_owned(),
        Paint::Colour => format!("{style}{text}{style:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Capability;

    fn finished<'a>(test: &'a Test, capabilities: &'a Capabilities) -> FinishedLine<'a> {
        FinishedLine {
            done: 12,
            total: Some(500),
            word: ResultWord::Pass,
            duration_ms: 3_249,
            test,
            worker: "2",
            capabilities,
        }
    }

    #[test]
    fn a_line_is_counted() {
        let test = Test {
            suite: "suite".into(),
            testcase: "case".into(),
        };
        let linux: Capabilities = [Capability::new("OS", "Linux")].into_iter().collect();
        assert_eq!(
            line(&finished(&test, &linux), Paint::Plain),
            "[ 12/500] PASS   3.2s  suite / case  (worker 2, OS=Linux)"
        );
        let unknown = FinishedLine {
            total: None,
            word: ResultWord::Error,
            ..finished(&test, &linux)
        };
        assert_eq!(
            line(&unknown, Paint::Plain),
            "[ 12/?] ERROR  3.2s  suite / case  (worker 2, OS=Linux)"
        );
    }

    #[test]
    fn colours_change_nothing_else() {
        let test = Test {
            suite: "s".into(),
            testcase: "##[error]\u{1b}[31m::".into(),
        };
        let none = Capabilities::default();
        let coloured = line(&finished(&test, &none), Paint::Colour);
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(
            crate::report::sanitise::strip_escapes(&coloured),
            line(&finished(&test, &none), Paint::Plain)
        );
    }
}
