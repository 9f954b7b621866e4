//! The parts of the page that show more than names: headline, tables, failures with their words.

pub(super) mod names;

use std::fmt::Write as _;

use crate::{
    exit_code::Conclusion,
    model::{
        millis,
        outcome::{CaseVerdict, Trouble},
    },
    report::{
        EntryStatus, PlanReport, ReportEntry,
        clean::ends_of,
        plan_report::counts_in_words,
        sanitise::{markdown_code, markdown_text},
        service_counts::RAN_THERE,
        span::human,
    },
};

use super::{Level, page::Page};

/// Longest title in the headline, in bytes of its text.
pub(super) const MAX_TITLE: usize = 200;
/// The same where every byte counts.
pub(super) const SHORT_TITLE: usize = 60;
/// Longest name, message or cell, in bytes of its text.
const MAX_NAME: usize = 300;
const MAX_MESSAGE: usize = 1000;
/// Longest output of one execution, in bytes.
const MAX_OUTPUT: usize = 64 * 1024;
/// Most cases named of one execution that failed.
const MAX_CASES: usize = 5;

/// The heading: outcome first, in words and one symbol, without zero counts.
pub(super) fn headline(report: &PlanReport, longest_title: usize) -> String {
    let symbol = match report.conclusion() {
        Conclusion::Passed => "✅",
        Conclusion::Failed => "❌",
        Conclusion::Usage
        | Conclusion::Infrastructure
        | Conclusion::NothingToRun
        | Conclusion::Incomplete
        | Conclusion::Bug
        | Conclusion::Interrupted
        | Conclusion::Terminated => "⚠️",
    };
    let title = report
        .plan
        .as_ref()
        .map(|plan| markdown_text(&plan.title, longest_title))
        .filter(|title| !title.is_empty())
        .unwrap_or_else(|| "Test plan".to_owned());
    let counts = report.counts();
    let mut words = counts_in_words(&[
        (counts.failed, "failed"),
        (counts.errors, "could not run"),
        (counts.missing, "missing"),
        (counts.recovered, "recovered"),
        (counts.flaky, "flaky"),
        (counts.passed, "passed"),
        (counts.skipped, "skipped"),
    ]);
    if words.is_empty() {
        "nothing to run".clone_into(&mut words);
    }
    format!(
        "### {symbol} {title}: {words} in {}\n\n",
        human(report.duration_ms())
    )
}

/// The word and what it means.
pub(super) fn conclusion(report: &PlanReport) -> String {
    let conclusion = report.conclusion();
    let cause = report.cause();
    let meaning = cause.map_or_else(
        || conclusion.meaning().to_owned(),
        |cause| markdown_text(&cause.to_string(), MAX_MESSAGE),
    );
    format!(
        "**{}** (exit code {}): {meaning}.\n\n",
        conclusion.word(),
        conclusion.code(),
    )
}

/// What was run.
pub(super) fn plan(report: &PlanReport) -> String {
    let total = report.counts().total;
    match &report.plan {
        None => format!("{total} planned\n\n"),
        Some(plan) => {
            let mut parts = vec![format!("plan {}", plan.id), format!("{total} planned")];
            for (word, text) in [("project", &plan.project), ("batch", &plan.batch)] {
                if !text.is_empty() {
                    parts.push(format!("{word} {}", markdown_text(text, MAX_NAME)));
                }
            }
            let by_exit_code = report.passed_by_exit_code();
            if by_exit_code > 0 {
                parts.push(format!("{by_exit_code} passed by exit code alone"));
            }
            format!("{}\n\n", parts.join(" · "))
        }
    }
}

/// What cannot be proven, or where the results are of which only the number is known.
pub(super) fn counted_there(report: &PlanReport) -> String {
    let Some(there) = &report.service_counts else {
        let gap = report.proof.gap();
        return gap.map_or_else(String::new, |gap| format!("{gap}\n\n"));
    };
    match there.link() {
        Some(link) => format!("{RAN_THERE}: [Test Center](<{link}>)\n\n"),
        None => format!("{}\n\n", markdown_text(&there.sentence(), MAX_MESSAGE)),
    }
}

/// One row per set of required capabilities.
pub(super) fn capabilities(page: &mut Page, report: &PlanReport, rows: usize) {
    let table = report.by_capability();
    if table.is_empty() {
        return;
    }
    page.push(
        "| capability | planned | passed | failed | could not run | missing | skipped | workers | busy |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for (labels, row) in table.iter().take(rows) {
        let counts = row.counts;
        page.push(&format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            markdown_text(&labels.to_string(), MAX_NAME),
            counts.total,
            counts.passed,
            counts.failed,
            counts.errors,
            counts.missing,
            counts.skipped,
            row.workers,
            human(row.busy_ms),
        ));
    }
    more(page, table.len(), rows, "capabilities");
}

/// One row per worker.
pub(super) fn workers(page: &mut Page, report: &PlanReport, rows: usize) {
    if report.workers.is_empty() {
        return;
    }
    page.push(&format!("#### Workers ({})\n\n", report.workers.len()));
    page.push("| worker | offers | attempts | busy | there for | left |\n");
    page.push("| --- | --- | ---: | ---: | ---: | --- |\n");
    for worker in report.workers.iter().take(rows) {
        let there = millis(worker.ended.since(worker.began));
        let left = worker.left.as_deref().map_or_else(
            || "killed: its record has no end".to_owned(),
            |reason| markdown_text(reason, MAX_NAME),
        );
        page.push(&format!(
            "| {} | {} | {} | {} | {} | {left} |\n",
            markdown_text(&worker.name, MAX_NAME),
            markdown_text(&worker.capabilities.to_string(), MAX_NAME),
            worker.attempts,
            human(worker.busy_ms),
            human(there),
        ));
    }
    more(page, report.workers.len(), rows, "workers");
}

fn more(page: &mut Page, all: usize, shown: usize, what: &str) {
    if all > shown {
        page.push(&format!("\nand {} more {what}\n", all - shown));
    }
    page.push("\n");
}

/// Results about the product.
pub(super) fn failed(page: &mut Page, report: &PlanReport, level: Level) {
    troubled(page, report, EntryStatus::Failed, "Failed", 0, level);
}

/// Executions that could not run: not test failures.
pub(super) fn could_not_run(page: &mut Page, report: &PlanReport, level: Level) {
    let before = report.with_status(EntryStatus::Failed).count();
    troubled(
        page,
        report,
        EntryStatus::CouldNotRun,
        "Could not run",
        before,
        level,
    );
}

/// Whether an output that is shown is longer than the level shows.
pub(super) fn cuts_outputs(report: &PlanReport, level: Level) -> bool {
    let Some(each) = level.lines else {
        return false;
    };
    report
        .with_status(EntryStatus::Failed)
        .chain(report.with_status(EntryStatus::CouldNotRun))
        .take(level.detailed)
        .any(|entry| {
            let (_, details) = entry.trouble();
            let tail = entry
                .counted()
                .and_then(crate::report::AttemptReport::ended);
            [
                details.as_str(),
                tail.map_or("", |ended| ended.output_tail.as_str()),
            ]
            .iter()
            .any(|text| text.lines().nth(2 * each).is_some())
        })
}

/// The first ones with their words, the others by name. `before` have been shown with words already.
fn troubled(
    page: &mut Page,
    report: &PlanReport,
    status: EntryStatus,
    heading: &str,
    before: usize,
    level: Level,
) {
    let count = report.with_status(status).count();
    if count == 0 {
        return;
    }
    page.push(&format!("#### {heading} ({count})\n\n"));
    let detailed = level.detailed.saturating_sub(before);
    for entry in report.with_status(status).take(detailed) {
        if page.is_over() {
            return;
        }
        page.push(&in_words(entry, level.lines));
    }
    names::list(
        page,
        report.with_status(status).skip(detailed),
        level.names.saturating_sub(detailed),
        |entry| format!("✗ {}", name(entry)),
    );
}

fn in_words(entry: &ReportEntry, lines: Option<usize>) -> String {
    let mut block = format!("✗ **{}**", name(entry));
    let mut facts = Vec::new();
    if let Some(duration) = entry.duration_ms() {
        facts.push(human(duration));
    }
    if let Some(attempt) = entry.counted() {
        facts.push(format!(
            "worker {}",
            markdown_text(&attempt.worker, MAX_NAME)
        ));
        if let Some(host) = &attempt.squish_server {
            facts.push(format!("Squish server {}", markdown_text(host, MAX_NAME)));
        }
    }
    if entry.attempts.len() > 1 {
        facts.push(format!("{} attempts", entry.attempts.len()));
    }
    if !facts.is_empty() {
        let _ = write!(block, ": {}", facts.join(", "));
    }
    block.push_str("\n\n");
    let (message, details) = entry.trouble();
    let cases = failed_cases(entry);
    if cases.is_empty() && !message.is_empty() {
        let _ = write!(block, "> {}\n\n", markdown_text(&message, MAX_MESSAGE));
    }
    for case in &cases {
        let _ = writeln!(block, "> {case}  ");
    }
    if !cases.is_empty() {
        block.push('\n');
    }
    for explanation in &entry.explanations {
        let text = markdown_text(&explanation.to_string(), MAX_MESSAGE);
        let _ = write!(block, "⚠ {text}\n\n");
    }
    let ended = entry
        .counted()
        .and_then(crate::report::AttemptReport::ended);
    let tail = ended.map_or("", |ended| ended.output_tail.as_str());
    for (title, text) in [("Details", details.as_str()), ("End of the output", tail)] {
        let text = crate::report::clean::suffix(text, MAX_OUTPUT);
        let text = lines.map_or_else(|| text.to_owned(), |each| ends_of(text, each));
        if !text.trim().is_empty() {
            let code = markdown_code(&text, MAX_OUTPUT);
            let _ = write!(
                block,
                "<details><summary>{title}</summary>\n\n{code}\n</details>\n\n"
            );
        }
    }
    if let Some(log) = ended.and_then(|ended| ended.log.as_deref()) {
        let _ = write!(block, "log: {}\n\n", markdown_text(log, MAX_NAME));
    }
    block
}

/// The cases that did not pass, one line each: name, message, place.
fn failed_cases(entry: &ReportEntry) -> Vec<String> {
    let Some(ended) = entry
        .counted()
        .and_then(crate::report::AttemptReport::ended)
    else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for case in ended.cases.noted() {
        let (CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble)) = &case.verdict else {
            continue;
        };
        if lines.len() == MAX_CASES {
            break;
        }
        let mut line = format!(
            "{}: {}",
            markdown_text(&case.name, MAX_NAME),
            markdown_text(words_of(trouble), MAX_MESSAGE)
        );
        if let Some(file) = &case.file {
            let place = case
                .line
                .map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
            let _ = write!(line, " ({})", markdown_text(&place, MAX_NAME));
        }
        match case.attachments.len() {
            0 => {}
            1 => line.push_str(", 1 attachment"),
            count => {
                let _ = write!(line, ", {count} attachments");
            }
        }
        lines.push(line);
    }
    let more = ended.cases.counts().troubled() - lines.len();
    if more > 0 {
        lines.push(format!("and {more} more cases"));
    }
    lines
}

fn words_of(trouble: &Trouble) -> &str {
    [&trouble.message, &trouble.text, &trouble.kind]
        .into_iter()
        .find_map(|text| text.lines().find(|line| !line.trim().is_empty()))
        .unwrap_or("no message")
}

/// What records show that must never be.
pub(super) fn broken(page: &mut Page, report: &PlanReport, rows: usize) {
    sentences(page, "Broken invariants", &report.broken, rows);
}

/// What could not be read or looks odd.
pub(super) fn warnings(page: &mut Page, report: &PlanReport, rows: usize) {
    sentences(page, "Warnings", &report.warnings, rows);
}

fn sentences(page: &mut Page, heading: &str, sentences: &[String], rows: usize) {
    if sentences.is_empty() {
        return;
    }
    page.push(&format!("#### {heading} ({})\n\n", sentences.len()));
    for sentence in sentences.iter().take(rows) {
        page.push(&format!("- ⚠ {}\n", markdown_text(sentence, MAX_MESSAGE)));
    }
    if sentences.len() > rows {
        page.push(&format!("- and {} more\n", sentences.len() - rows));
    }
    page.push("\n");
}

/// Suite, case and labels.
fn name(entry: &ReportEntry) -> String {
    let mut name = markdown_text(&entry.test.testcase, MAX_NAME);
    if !entry.test.suite.is_empty() {
        name = format!("{} / {name}", markdown_text(&entry.test.suite, MAX_NAME));
    }
    if let Some(labels) = entry.required.as_ref().filter(|labels| !labels.is_empty()) {
        let labels = markdown_text(&labels.to_string(), MAX_NAME);
        name = format!("{name} ({labels})");
    }
    name
}
