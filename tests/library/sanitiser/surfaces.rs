//! Every way of foreign text to a log: whole lines as they are printed, and what the runner makes of them.

use testplan::{
    ci::workflow::{
        command::{MAX_MESSAGE, annotation_line, mask},
        env_file::{delimiter, entry},
    },
    model::{
        Annotation, AnnotationLevel, Capabilities, Capability, CaseResult, DiscoveryAccount,
        ExecutionId, LeftOut, Outcome, Selection, Test, TestResult, TestVerdict, Timestamp,
        outcome::{CaseVerdict, Trouble},
    },
    report::{
        AttemptEnd, AttemptReport, Cases, Counting, EntryStatus, Explanation, PlanReport,
        ReportEntry,
        annotations::{Folders, annotations},
        console::{FinishedLine, Paint, ResultWord, final_block, line},
        report_entry::EndedAttempt,
        sanitise::{console_json, console_line, console_text, markdown_code, markdown_text},
    },
};

use super::hostile::Hostile;
use crate::runner_commands::{Command, all_commands, commands};

/// Where a text can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    /// A line of its own.
    Line,
    /// Lines as the command line puts them together.
    Joined,
    /// The line of an execution that ended.
    Finished,
    /// The last words on a plan.
    FinalBlock,
    /// Text of a summary that is printed.
    MarkdownText,
    /// A code block of one.
    MarkdownCode,
    /// What nobody cleaned, through the writer of stderr.
    Writer,
    /// JSON on stdout.
    Json,
    /// An annotation of any text.
    Annotation,
    /// The annotations of a report.
    Findings,
    /// Commands with data alone.
    Data,
    /// An entry of an env file.
    EnvFile,
}

/// All of them and how often each, in 506. A report costs as much as a hundred lines.
const WEIGHTS: [(Surface, usize); 12] = [
    (Surface::Line, 160),
    (Surface::Joined, 72),
    (Surface::Finished, 64),
    (Surface::MarkdownText, 32),
    (Surface::MarkdownCode, 32),
    (Surface::Writer, 64),
    (Surface::Json, 16),
    (Surface::Annotation, 32),
    (Surface::Data, 16),
    (Surface::EnvFile, 16),
    (Surface::FinalBlock, 1),
    (Surface::Findings, 1),
];

impl Surface {
    /// Any of them.
    pub(crate) fn any(hostile: &mut Hostile) -> Self {
        let mut left = hostile.below(WEIGHTS.iter().map(|(_, weight)| weight).sum());
        for (surface, weight) in WEIGHTS {
            if left < weight {
                return surface;
            }
            left -= weight;
        }
        unreachable!("the weights add up")
    }
}

type Judgement = Result<(), String>;

/// Puts a text there, and finds what a runner makes of it.
pub(crate) fn judge(surface: Surface, hostile: &mut Hostile) -> Judgement {
    match surface {
        Surface::Line => {
            let (text, max) = hostile.cut_text(&[3, 8, 40, 300, 1000]);
            let line = console_line(&text, max);
            if line.len() > max || line.chars().any(char::is_control) {
                return Err(format!("{text:?} became {line:?} within {max}"));
            }
            none(&line, &text)
        }
        Surface::Joined => {
            let (a, max) = hostile.cut_text(&[8, 300, 1000]);
            let b = hostile.text();
            let line = joined(
                hostile.below(7),
                &console_line(&a, max),
                &console_line(&b, max),
            );
            none(&line, &[a, b].concat())
        }
        Surface::Finished => finished(hostile),
        Surface::FinalBlock => {
            let report = report(hostile);
            let paint = hostile.one_of(&[Paint::Plain, Paint::Colour]);
            none(&final_block(&report, paint), "a report")
        }
        Surface::MarkdownText => {
            let (text, max) = hostile.cut_text(&[8, 300, 1000]);
            none(&markdown_text(&text, max), &text)
        }
        Surface::MarkdownCode => {
            let (text, max) = hostile.cut_text(&[8, 300, 2000]);
            none(&markdown_code(&text, max), &text)
        }
        Surface::Writer => {
            let (a, b) = (hostile.text(), hostile.text());
            let text = joined(hostile.below(7), &a, &b);
            none(&console_text(&text), &text)
        }
        Surface::Json => {
            let text = hostile.text();
            let value = serde_json::json!({ "suite": text, "cases": [text] });
            let json = console_json(&value.to_string());
            match serde_json::from_str::<serde_json::Value>(&json) {
                Ok(read) if read == value => none(&json, &text),
                read => Err(format!("{json} is read as {read:?}")),
            }
        }
        Surface::Annotation => {
            let [title, message, file] = [hostile.text(), hostile.text(), hostile.text()];
            let annotation = Annotation {
                level: hostile.one_of(&[
                    AnnotationLevel::Error,
                    AnnotationLevel::Warning,
                    AnnotationLevel::Notice,
                ]),
                title,
                message,
                file: Some(file),
                line: Some(7),
            };
            told(
                &annotation,
                &commands(annotation_line(&annotation).as_bytes()),
            )
        }
        Surface::Findings => findings(hostile),
        Surface::Data => {
            let text = hostile.text();
            if let Some(line) = mask(&text) {
                let [Command { name, data, .. }] = &commands(line.as_bytes())[..] else {
                    return Err(format!("{line:?} is not one command"));
                };
                if name != "add-mask" || *data != text {
                    return Err(format!("{line:?} masks {data:?}"));
                }
            }
            Ok(())
        }
        Surface::EnvFile => env_file(hostile),
    }
}

/// The runner finds nothing.
fn none(printed: &str, text: &str) -> Judgement {
    let found = all_commands(format!("{printed}\n").as_bytes());
    if found.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{text:?}\nis printed as {printed:?}\nwith {found:?}"
        ))
    }
}

/// As the commands of the command line do it.
fn joined(way: usize, a: &str, b: &str) -> String {
    match way {
        0 => format!("error: {a}: {b}\nhelp: {b}"),
        1 => format!("{a} / {b}"),
        2 => format!("    | {a}\n    | {b}\n    log: {a}"),
        3 => format!("not counted: {a}: {b}"),
        4 => format!("running: {a}, {b} and 3 more"),
        5 => format!("\u{1b}[1m\u{1b}[31mFAIL\u{1b}[0m {a}\n\u{1b}[33m{b}\u{1b}[0m"),
        _ => format!("{a}\n{b}"),
    }
}

fn finished(hostile: &mut Hostile) -> Judgement {
    let [suite, worker, label] = [hostile.text(), hostile.text(), hostile.text()];
    let (testcase, _) = hostile.cut_text(&[300]);
    let word = hostile.one_of(&[
        ResultWord::Pass,
        ResultWord::Fail,
        ResultWord::Skip,
        ResultWord::Error,
        ResultWord::Lost,
    ]);
    let paint = hostile.one_of(&[Paint::Plain, Paint::Colour]);
    let printed = line(
        &FinishedLine {
            done: 1,
            total: Some(2),
            word,
            duration_ms: 3,
            test: &Test {
                suite: suite.clone(),
                testcase: testcase.clone(),
            },
            worker: &worker,
            capabilities: &[Capability::new(&label, &worker)].into_iter().collect(),
        },
        paint,
    );
    none(&printed, &[suite, testcase, worker, label].concat())
}

/// What a runner has of an annotation is what was put in.
fn told(annotation: &Annotation, found: &[Command]) -> Judgement {
    let error = || Err(format!("{annotation:?} became {found:?}"));
    let [
        Command {
            name,
            properties,
            data,
            ..
        },
    ] = found
    else {
        return error();
    };
    let message = &annotation.message;
    let whole = message.encode_utf16().count() <= MAX_MESSAGE;
    let told = if whole {
        data == message
    } else {
        let kept = data.strip_suffix('…');
        kept.is_some_and(|kept| message.starts_with(kept))
            && (MAX_MESSAGE - 1..=MAX_MESSAGE).contains(&data.encode_utf16().count())
    };
    let level = match annotation.level {
        AnnotationLevel::Error => "error",
        AnnotationLevel::Warning => "warning",
        AnnotationLevel::Notice => "notice",
    };
    let keys = properties
        .keys()
        .all(|key| ["file", "line", "title"].contains(&key.as_str()));
    // Equals signs before a value are lost; so is white space behind the last one.
    let same = |key: &str, value: &str| {
        let odd = value.is_empty() || value.starts_with('=') || value.trim_end() != value;
        odd || properties.get(key).is_some_and(|read| {
            read == value
                || read
                    .strip_suffix('…')
                    .is_some_and(|kept| value.starts_with(kept))
        })
    };
    let file = annotation.file.as_deref().unwrap_or_default();
    if told && keys && name == level && same("title", &annotation.title) && same("file", file) {
        Ok(())
    } else {
        error()
    }
}

fn findings(hostile: &mut Hostile) -> Judgement {
    let report = report(hostile);
    let folders = Folders {
        workspace: "/w",
        working: "/w/gui",
    };
    for annotation in annotations(&report, folders, 50) {
        let line = annotation_line(&annotation);
        told(&annotation, &commands(line.as_bytes()))?;
        // Not even hidden in it: another CI may look for other marks.
        told(&annotation, &all_commands(line.as_bytes()))?;
    }
    Ok(())
}

/// The file as the runner reads it: up to the line that is the delimiter.
fn env_file(hostile: &mut Hostile) -> Judgement {
    let delimiter = delimiter([7; 16]);
    let (name, value) = (hostile.text(), hostile.text());
    let Ok(text) = entry(&name, &value, &delimiter) else {
        let refused = name.is_empty()
            || ["=", "<<", "\n", "\r"].iter().any(|it| name.contains(it))
            || name.ends_with('<')
            || value.contains(&delimiter);
        return if refused {
            Ok(())
        } else {
            Err(format!("{name:?} is refused"))
        };
    };
    let read = text.split_once("<<").and_then(|(key, rest)| {
        let (end, rest) = rest.split_once('\n')?;
        let mut lines = Vec::new();
        let mut rest = rest.strip_suffix('\n')?.split('\n');
        for line in rest.by_ref() {
            if line == end {
                return (rest.next().is_none() && !key.contains('='))
                    .then(|| (key.to_owned(), lines.join("\n")));
            }
            lines.push(line);
        }
        None
    });
    if read.as_ref().is_some_and(|read| *read == (name, value)) {
        Ok(())
    } else {
        Err(format!("{text:?} is read as {read:?}"))
    }
}

/// A report with foreign text wherever there can be some.
fn report(hostile: &mut Hostile) -> PlanReport {
    let entries = (0..4)
        .zip([
            EntryStatus::Failed,
            EntryStatus::CouldNotRun,
            EntryStatus::Missing,
            EntryStatus::Passed,
        ])
        .map(|(id, status)| one(ExecutionId(id), status, hostile))
        .collect();
    PlanReport {
        total: 4,
        entries,
        warnings: vec![hostile.text()],
        broken: vec![hostile.text()],
        discovery: Some(DiscoveryAccount {
            listed: 3,
            taken: 1,
            left_out_lines: 1,
            suspicious_lines: 1,
            left_out: vec![LeftOut {
                line: hostile.text(),
                number: 1,
                reason: hostile.text(),
                suspicious: true,
            }],
            duplicate_lines: 1,
            duplicates: vec![Test {
                suite: hostile.text(),
                testcase: hostile.text(),
            }],
            selection: Some(Selection {
                flags: hostile.text(),
                selected: 4,
                of: 9,
            }),
        }),
        ..PlanReport::default()
    }
}

fn one(execution: ExecutionId, status: EntryStatus, hostile: &mut Hostile) -> ReportEntry {
    let worker = hostile.text();
    let capabilities: Capabilities = [Capability::new(hostile.text(), hostile.text())]
        .into_iter()
        .collect();
    let trouble = Trouble {
        message: hostile.cut_text(&[240]).0,
        kind: hostile.text(),
        text: hostile.text(),
        is_expected: false,
    };
    let case = CaseResult {
        classname: hostile.text(),
        name: hostile.text(),
        verdict: CaseVerdict::Failed(trouble),
        duration_ms: None,
        file: Some(hostile.text()),
        line: Some(1),
        output: String::new(),
        attachments: vec![hostile.text()],
    };
    let result = |verdict| Outcome::Completed {
        result: Some(TestResult {
            verdict,
            duration_ms: 1,
            flaky: false,
        }),
    };
    let outcome = match status {
        EntryStatus::CouldNotRun => Outcome::ExecutionError {
            message: hostile.text(),
            details: hostile.text(),
        },
        EntryStatus::Missing => Outcome::LeaseLost,
        EntryStatus::Passed => result(TestVerdict::Passed),
        EntryStatus::Failed | EntryStatus::Skipped => result(TestVerdict::Failed),
    };
    let cases = if hostile.below(2) == 0 {
        vec![case]
    } else {
        Vec::new()
    };
    let attempt = AttemptReport {
        worker: worker.clone(),
        capabilities: capabilities.clone(),
        squish_server: Some(hostile.text()),
        number: Some(1),
        lease: None,
        reserved: Timestamp(0),
        started: None,
        end: AttemptEnd::Ended(Box::new(EndedAttempt {
            at: Timestamp(1),
            outcome,
            duration_ms: 1,
            cases: Cases::of(&cases),
            not_kept: testplan::model::CaseCounts::default(),
            log: Some(hostile.text()),
            output_tail: hostile.text(),
        })),
        server_trouble: None,
        confirmation: None,
        confirmed: None,
        counting: if status == EntryStatus::Missing {
            Counting::Not
        } else {
            Counting::Counts
        },
        results: Some(hostile.text()),
        not_uploaded: Some(hostile.text()),
    };
    ReportEntry {
        execution,
        test: Test {
            suite: hostile.text(),
            testcase: hostile.text(),
        },
        required: (hostile.below(2) == 0).then_some(capabilities),
        attempts: vec![attempt],
        status,
        service_only: None,
        flaky: false,
        recovered: status == EntryStatus::Passed,
        explanations: vec![Explanation::LateResult {
            worker,
            status,
            reason: hostile.text(),
        }],
        ruling: testplan::report::deciding::Ruling::default(),
    }
}
