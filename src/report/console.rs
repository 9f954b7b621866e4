//! Lines for people at a console or in a CI's log: one per finished execution, and all that matters again at the end.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::{
    exit_code::Conclusion,
    model::{Capabilities, Outcome, Test, TestVerdict},
};

use super::{
    EntryStatus, PlanReport, ReportEntry,
    clean::{ends_of, suffix},
    discovery,
    plan_report::counts_in_words,
    sanitise::console_line,
    span::human,
};

/// Longest name of a test or worker on a line, in bytes.
const MAX_NAME: usize = 300;
/// Longest message or output line, in bytes.
const MAX_LINE: usize = 1000;
/// Most entries of one kind in the final block; the rest is counted.
const MAX_ENTRIES: usize = 100;
/// Most lines of a failure's output; the log has the rest.
const TAIL: usize = 20;

/// Whether lines carry colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// Text alone.
    #[default]
    Plain,
    /// With escape sequences for colours.
    Colour,
}

/// The word for an attempt that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultWord {
    /// Passed.
    Pass,
    /// Failed: a result about the product.
    Fail,
    /// Skipped by the test itself.
    Skip,
    /// Could not run, or nobody knows what it said.
    Error,
    /// Its lease was lost, or given back.
    Lost,
}

impl ResultWord {
    /// The word for an outcome.
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

/// An execution that just ended.
#[derive(Clone, Copy, Debug)]
pub struct FinishedLine<'a> {
    /// How many ended so far, with this one.
    pub done: u64,
    /// How many there are, where it is known.
    pub total: Option<u64>,
    /// What became of it.
    pub word: ResultWord,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The test.
    pub test: &'a Test,
    /// The worker's name.
    pub worker: &'a str,
    /// What the execution needs or its worker offers; nothing is shown for none.
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
        human(finished.duration_ms),
        test(finished.test),
        console_line(finished.worker, MAX_NAME),
    );
    if !finished.capabilities.is_empty() {
        let labels = console_line(&finished.capabilities.to_string(), MAX_NAME);
        let _ = write!(line, ", {labels}");
    }
    line.push(')');
    line
}

/// What is said last: every failure again with its message, the end of its output and its log, then what could not
/// run, what is missing, what was recovered, the totals, and the conclusion in the last line. Ends with a newline.
pub fn final_block(report: &PlanReport, paint: Paint) -> String {
    let mut block = String::new();
    section(&mut block, report, EntryStatus::Failed, paint);
    section(&mut block, report, EntryStatus::CouldNotRun, paint);
    section(&mut block, report, EntryStatus::Missing, paint);
    if report.unnamed_missing > 0 {
        let _ = writeln!(
            block,
            "{} {} {}",
            painted("MISSING", ResultWord::Lost.style(), paint),
            report.unnamed_missing,
            if report.service_counts.is_some() {
                "without a result, by Test Center's count"
            } else {
                "more that no record names"
            }
        );
    }
    if let Some(there) = &report.service_counts {
        if there.failed > 0 {
            let _ = writeln!(
                block,
                "{} {} {}, by Test Center's count",
                painted("FAIL", ResultWord::Fail.style(), paint),
                there.failed,
                if there.failed == 1 { "test" } else { "tests" }
            );
        }
        let _ = writeln!(block, "{}", console_line(&there.sentence(), MAX_LINE));
    }
    let recovered = report.entries.iter().filter(|entry| entry.recovered);
    sentences(
        &mut block,
        &painted("RECOVERED", ResultWord::Lost.style(), paint),
        recovered.map(|entry| format!("{}: {}", test(&entry.test), reasons(entry))),
    );
    sentences(
        &mut block,
        &painted("BROKEN INVARIANT", ResultWord::Error.style(), paint),
        report.broken.iter().map(|it| console_line(it, MAX_LINE)),
    );
    sentences(
        &mut block,
        "warning:",
        report.warnings.iter().map(|it| console_line(it, MAX_LINE)),
    );
    for line in report
        .discovery
        .iter()
        .flat_map(|it| discovery::warning(it, None))
    {
        let _ = writeln!(block, "{line}");
    }
    let _ = writeln!(block, "{}", totals(report));
    if let Some(cause) = report.cause() {
        let cause = console_line(&cause.to_string(), MAX_LINE);
        let _ = writeln!(block, "incomplete because {cause}");
    }
    let _ = writeln!(block, "{}", conclusion_line(report.conclusion(), paint));
    block
}

/// `conclusion: failed (exit code 1): complete, at least one test failed; the report can be trusted`.
pub fn conclusion_line(conclusion: Conclusion, paint: Paint) -> String {
    line_of(conclusion, conclusion.meaning(), paint)
}

/// The same for the workers of one process, which do not know how the plan stands. `idle`: they ran no test.
pub fn worker_conclusion_line(conclusion: Conclusion, idle: bool, paint: Paint) -> String {
    let meaning = match conclusion {
        Conclusion::Passed if idle => {
            "no test was run here; `testplan report` has the plan's result"
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

/// The counts in words, those that are zero left out: `500 planned in 12m 40s: 497 passed, 3 failed, 2 flaky`.
pub fn totals(report: &PlanReport) -> String {
    let counts = report.counts();
    let words = counts_in_words(&[
        (counts.passed, "passed"),
        (counts.failed, "failed"),
        (counts.errors, "could not run"),
        (counts.missing, "missing"),
        (counts.skipped, "skipped"),
        (counts.flaky, "flaky"),
        (counts.recovered, "recovered"),
    ]);
    let sum = format!(
        "{} planned in {}",
        counts.total,
        human(report.duration_ms())
    );
    if words.is_empty() {
        sum
    } else {
        format!("{sum}: {words}")
    }
}

/// One clean sentence per line, and how many more there are.
fn sentences(block: &mut String, word: &str, mut sentences: impl Iterator<Item = String>) {
    for sentence in sentences.by_ref().take(MAX_ENTRIES) {
        let _ = writeln!(block, "{word} {sentence}");
    }
    let more = sentences.count();
    if more > 0 {
        let _ = writeln!(block, "{word} and {more} more");
    }
}

fn section(block: &mut String, report: &PlanReport, status: EntryStatus, paint: Paint) {
    let (word, style) = match status {
        EntryStatus::Failed => ("FAIL", ResultWord::Fail.style()),
        EntryStatus::CouldNotRun => ("ERROR", ResultWord::Error.style()),
        EntryStatus::Missing => ("MISSING", ResultWord::Lost.style()),
        EntryStatus::Passed => ("PASS", ResultWord::Pass.style()),
        EntryStatus::Skipped => ("SKIP", ResultWord::Skip.style()),
    };
    let word = painted(word, style, paint);
    let mut more = 0;
    for (index, entry) in report.with_status(status).enumerate() {
        if index >= MAX_ENTRIES {
            more += 1;
            continue;
        }
        let _ = write!(block, "{word} {}", test(&entry.test));
        if let Some(attempt) = entry.counted() {
            let worker = console_line(&attempt.worker, MAX_NAME);
            let _ = write!(block, "  (worker {worker})");
        }
        if status == EntryStatus::Missing {
            let _ = write!(block, ": {}", reasons(entry));
        }
        block.push('\n');
        words(block, entry);
    }
    if more > 0 {
        let _ = writeln!(block, "{word} and {more} more");
    }
}

/// Message, output and log of an entry, every line behind a bar so that none begins with foreign text.
fn words(block: &mut String, entry: &ReportEntry) {
    let (message, text) = entry.trouble();
    let ended = entry.counted().and_then(super::AttemptReport::ended);
    let tail = ended.map_or("", |ended| ended.output_tail.as_str());
    for part in [message.as_str(), text.as_str(), tail] {
        let end = suffix(part, 16 * MAX_LINE);
        for line in ends_of(end, TAIL / 2).lines() {
            let _ = writeln!(block, "    | {}", console_line(line, MAX_LINE));
        }
    }
    if let Some(log) = ended.and_then(|ended| ended.log.as_ref()) {
        let _ = writeln!(block, "    log: {}", console_line(log, MAX_LINE));
    }
}

fn reasons(entry: &ReportEntry) -> String {
    let reasons: Vec<String> = entry.explanations.iter().map(ToString::to_string).collect();
    console_line(&reasons.join("; "), MAX_LINE)
}

fn test(test: &Test) -> String {
    if test.suite.is_empty() {
        console_line(&test.testcase, MAX_NAME)
    } else {
        format!(
            "{} / {}",
            console_line(&test.suite, MAX_NAME),
            console_line(&test.testcase, MAX_NAME)
        )
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
            super::super::clean::strip_escapes(&coloured),
            line(&finished(&test, &none), Paint::Plain)
        );
    }
}
