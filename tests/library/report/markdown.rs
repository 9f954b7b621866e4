//! Summaries of any size and of any text, read by a Markdown parser: within their limit, whole, and with no structure
//! but ours.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use testplan::{
    model::{
        Capabilities, Capability, CaseResult, DiscoveryAccount, ExecutionId, LeftOut, Outcome,
        PlanId, Selection, Test, TestResult, TestVerdict, Timestamp,
        outcome::{CaseVerdict, Trouble},
    },
    report::{
        AttemptEnd, AttemptReport, Cases, Counting, EntryStatus, Explanation, PlanReport,
        ReportEntry,
        plan_report::{PlanFacts, Proof, WorkerReport},
        report_entry::EndedAttempt,
        summary::render,
    },
};

use crate::sanitiser::hostile::Hostile;

/// What Markdown, HTML or GitHub give a meaning to.
const MARKUP: [&str; 64] = [
    "|",
    "||",
    "\\|",
    "\\",
    "\\\\",
    "`",
    "``",
    "```",
    "````",
    "~~~",
    "~~",
    "*",
    "**",
    "_",
    "__",
    "***",
    "- ",
    "-",
    "+ ",
    "* ",
    "1. ",
    "1) ",
    "0. x",
    "---",
    "- - -",
    "===",
    "# ",
    "#### ",
    ">",
    "> ",
    "    ",
    "\t",
    "[",
    "]",
    "[x](https://e.org)",
    "![x](https://e.org/x.png)",
    "[x]",
    "[x]: https://e.org",
    "[ ] ",
    "[^1]",
    "<",
    "</",
    "<details>",
    "</details>",
    "</summary>",
    "<script>",
    "<img src=x onerror=y>",
    "<!--",
    "-->",
    "<https://e.org>",
    "&lt;",
    "&#60;",
    "&amp;",
    "@team",
    "#12",
    "GH-7",
    "https://e.org",
    "http://e",
    "ftp://e.org",
    "www.e.org",
    "a@e.org",
    "$x$",
    "$$",
    ":+1:",
];

/// Foreign text: pieces of markup, of commands, and of words.
fn text(hostile: &mut Hostile) -> String {
    let mut text = String::new();
    for _ in 0..hostile.below(8) {
        match hostile.below(6) {
            0..3 => text.push_str(hostile.one_of(&MARKUP)),
            3 => {
                text.push_str(hostile.one_of(&["a", " ", "suite", "\n", "\r\n", "\n\n", "é", "1"]));
            }
            4 => text.push_str(&hostile.cut_text(&[300]).0),
            _ => text.push_str(&hostile.text()),
        }
    }
    text
}

/// Fails where the page is not one of ours.
fn check(page: &str) {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH
        | Options::ENABLE_GFM;
    let mut whole = Whole::default();
    for (event, range) in Parser::new_ext(page, options).into_offset_iter() {
        if let Err(why) = whole.read(page, &event, range.clone()) {
            let around = page.get(range).unwrap_or_default();
            let around: String = around.chars().take(600).collect();
            panic!("{why}: {event:?} in {around:?}");
        }
    }
    assert_eq!((whole.details, whole.lists), (0, 0), "something is open");
    links(page, &whole.code);
    for (at, _) in page.match_indices("\n|") {
        let inside = |parts: &[Range<usize>]| parts.iter().any(|it| it.contains(&(at + 1)));
        assert!(
            inside(&whole.tables) || inside(&whole.code),
            "a row without a table"
        );
    }
}

/// What a page has so far.
#[derive(Default)]
struct Whole {
    details: i32,
    lists: usize,
    columns: usize,
    tables: Vec<Range<usize>>,
    code: Vec<Range<usize>>,
}

impl Whole {
    fn read(&mut self, page: &str, event: &Event<'_>, range: Range<usize>) -> Result<(), String> {
        let source = &page[range.clone()];
        let fail = |why: &str| Err(why.to_owned());
        match event {
            Event::Html(html) | Event::InlineHtml(html) => return self.html(html),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                self.code.push(range);
                if !["text", "mermaid"].contains(&&**language) {
                    return fail("a fence that is not ours");
                }
                let open = source.chars().take_while(|c| *c == '`').count();
                let last = source
                    .trim_end_matches('\n')
                    .lines()
                    .last()
                    .unwrap_or_default();
                if open < 3 || last.len() < open || last.chars().any(|c| c != '`') {
                    return fail("a fence is open");
                }
            }
            Event::Start(Tag::Heading { level, .. }) => {
                let ours = matches!(level, HeadingLevel::H3 | HeadingLevel::H4);
                if !ours || !source.starts_with("###") {
                    return fail("a heading that is not ours");
                }
            }
            Event::Start(Tag::List(number)) => {
                self.lists += 1;
                if number.is_some() || self.lists > 1 {
                    return fail("a list that is not ours");
                }
            }
            Event::End(TagEnd::List(_)) => self.lists -= 1,
            Event::Start(Tag::Table(columns)) => {
                self.columns = columns.len();
                self.tables.push(range);
            }
            Event::Start(Tag::TableHead | Tag::TableRow) => {
                let mut escaped = false;
                let pipes = source.chars().filter(|c| {
                    let pipe = *c == '|' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    pipe
                });
                if pipes.count() != self.columns + 1 {
                    return fail("a row of another table");
                }
            }
            Event::Start(Tag::BlockQuote(kind)) if kind.is_some() => return fail("an alert"),
            Event::Start(
                Tag::Paragraph
                | Tag::BlockQuote(_)
                | Tag::Item
                | Tag::TableCell
                | Tag::Strong
                | Tag::HtmlBlock,
            )
            | Event::End(_)
            | Event::Text(_)
            | Event::SoftBreak
            | Event::HardBreak => {}
            Event::Start(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::Rule
            | Event::TaskListMarker(_) => return fail("structure of a test's making"),
        }
        Ok(())
    }

    fn html(&mut self, html: &str) -> Result<(), String> {
        self.details += i32::try_from(html.matches("<details>").count()).expect("few");
        self.details -= i32::try_from(html.matches("</details>").count()).expect("few");
        let mut rest = html.to_owned();
        for ours in [
            "<details>",
            "</details>",
            "<summary>",
            "</summary>",
            "<!-- -->",
        ] {
            rest = rest.replace(ours, "");
        }
        let rest = rest.trim();
        let titles = ["", "Details", "End of the output", "Worker timeline"];
        let passed = rest
            .strip_prefix("Passed (")
            .and_then(|rest| rest.strip_suffix(')'))
            .is_some_and(|count| count.chars().all(|c| c.is_ascii_digit()));
        if !(0..=1).contains(&self.details) {
            return Err("details are open or closed twice".to_owned());
        }
        if titles.contains(&rest) || passed {
            Ok(())
        } else {
            Err(format!("HTML that is not ours: {rest:?}"))
        }
    }
}

/// GitHub makes links of bare addresses, names and numbers after Markdown is done; only a break in the source stops it.
fn links(page: &str, code: &[Range<usize>]) {
    let found = |at: usize, why: &str| {
        let around: String = page[at..].chars().take(80).collect();
        assert!(code.iter().any(|it| it.contains(&at)), "{why}: {around:?}");
    };
    let follows = |at: usize, wanted: fn(char) -> bool| page[at..].starts_with(wanted);
    let lower = page.to_ascii_lowercase();
    for start in ["http://", "https://", "ftp://", "www.", "mailto:", "xmpp:"] {
        for (at, _) in lower.match_indices(start) {
            // These two link nothing without an at sign, of which there is none.
            if !start.ends_with("o:") && !start.ends_with("p:") {
                found(at, "a bare address");
            }
        }
    }
    for (at, _) in page.match_indices('@') {
        if !page[at + 1..].starts_with("<!-- -->") {
            found(at, "a mention");
        }
    }
    for (at, _) in page.match_indices('#') {
        if follows(at + 1, |c| c.is_ascii_digit()) {
            found(at, "an issue");
        }
    }
    for (at, _) in lower.match_indices("gh-") {
        if follows(at + 3, |c| c.is_ascii_digit()) {
            found(at, "an issue");
        }
    }
}

/// So many executions, and everything else that a summary shows, with texts of others wherever there can be some.
fn report(size: usize, texts: &[String]) -> PlanReport {
    let mut turn = 0;
    let mut next = || {
        turn += 1;
        // Strides that have no divisor in common with the number of texts bring all combinations.
        texts[turn * 7919 % texts.len()].clone()
    };
    let entries = (0..size).map(|id| one(id, &mut next)).collect();
    let workers = (0..size.min(300))
        .map(|_| WorkerReport {
            name: next(),
            capabilities: [Capability::new(next(), next())].into_iter().collect(),
            began: Timestamp(0),
            ended: Timestamp(5_000),
            left: Some(next()),
            attempts: 7,
            busy_ms: 1_000,
        })
        .collect();
    PlanReport {
        other_plans: Vec::new(),
        checkouts: std::collections::BTreeSet::new(),
        plan: Some(PlanFacts {
            id: PlanId(7),
            title: next(),
            project: next(),
            batch: next(),
            page_url: None,
        }),
        total: size as u64,
        entries,
        unnamed_missing: 3,
        open_at_service: 0,
        not_uploaded: 0,
        service_counts: None,
        proof: Proof::default(),
        workers,
        discovery: Some(DiscoveryAccount {
            listed: 3,
            taken: 1,
            left_out_lines: 1,
            suspicious_lines: 1,
            left_out: vec![LeftOut {
                line: next(),
                number: 1,
                reason: next(),
                suspicious: true,
            }],
            duplicate_lines: 1,
            duplicates: vec![Test {
                suite: next(),
                testcase: next(),
            }],
            selection: Some(Selection {
                flags: next(),
                selected: size as u64,
                of: size as u64 + 7,
            }),
        }),
        warnings: (0..size.min(50)).map(|_| next()).collect(),
        broken: (0..size.min(50)).map(|_| next()).collect(),
        span: Some((Timestamp(0), Timestamp(1_000_000))),
        stopped: None,
        recorded_policy: testplan::report::deciding::RecordedPolicy::default(),
        verdict_notes: testplan::report::deciding::VerdictNotes::default(),
    }
}

fn one(id: usize, next: &mut impl FnMut() -> String) -> ReportEntry {
    let status = match id % 25 {
        0 | 1 => EntryStatus::Failed,
        2 => EntryStatus::CouldNotRun,
        3 => EntryStatus::Missing,
        4 => EntryStatus::Skipped,
        _ => EntryStatus::Passed,
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
            message: next(),
            details: next(),
        },
        EntryStatus::Missing => Outcome::LeaseLost,
        EntryStatus::Passed => result(TestVerdict::Passed),
        EntryStatus::Skipped => result(TestVerdict::Skipped),
        EntryStatus::Failed => result(TestVerdict::Failed),
    };
    let case = |next: &mut dyn FnMut() -> String| CaseResult {
        classname: next(),
        name: next(),
        verdict: CaseVerdict::Failed(Trouble {
            message: next(),
            kind: next(),
            text: next(),
            is_expected: false,
        }),
        duration_ms: None,
        file: Some(next()),
        line: Some(1),
        output: String::new(),
        attachments: Vec::new(),
    };
    let troubled = matches!(status, EntryStatus::Failed | EntryStatus::CouldNotRun);
    let cases = if troubled {
        (0..id % 4).map(|_| case(next)).collect()
    } else {
        Vec::new()
    };
    let time = i64::try_from(id).expect("few") * 5;
    let capabilities: Capabilities = [Capability::new("OS", format!("{}{}", id % 3, next()))]
        .into_iter()
        .collect();
    let attempt = AttemptReport {
        worker: format!("{} {}", id % 40, texts_of(id, next)),
        capabilities: capabilities.clone(),
        squish_server: id.is_multiple_of(2).then(&mut *next),
        number: Some(1),
        lease: None,
        reserved: Timestamp(time),
        results: None,
        not_uploaded: id.is_multiple_of(3).then(&mut *next),
        started: None,
        end: AttemptEnd::Ended(Box::new(EndedAttempt {
            at: Timestamp(time + 4),
            outcome,
            duration_ms: 4,
            cases: Cases::of(&cases),
            not_kept: testplan::model::CaseCounts::default(),
            log: troubled.then(&mut *next),
            output_tail: if troubled {
                [next(), next(), next()].join("\n")
            } else {
                String::new()
            },
        })),
        server_trouble: None,
        confirmation: None,
        confirmed: None,
        counting: if status == EntryStatus::Missing {
            Counting::Not
        } else {
            Counting::Counts
        },
    };
    ReportEntry {
        execution: ExecutionId(i64::try_from(id).expect("few")),
        test: Test {
            suite: if id.is_multiple_of(7) {
                String::new()
            } else {
                next()
            },
            testcase: next(),
        },
        required: id.is_multiple_of(2).then_some(capabilities),
        attempts: vec![attempt],
        status,
        service_only: None,
        flaky: id % 11 == 5,
        recovered: id % 13 == 5,
        explanations: vec![Explanation::LateResult {
            worker: next(),
            status,
            reason: next(),
        }],
        ruling: testplan::report::deciding::Ruling::default(),
    }
}

/// The same worker has the same name.
fn texts_of(id: usize, next: &mut impl FnMut() -> String) -> String {
    if id < 40 { next() } else { String::new() }
}

fn texts(seed: u64) -> Vec<String> {
    (0..211)
        .map(|index| text(&mut Hostile::new(seed, index)))
        .collect()
}

const BUDGETS: [usize; 14] = [
    2 << 10,
    3 << 10,
    4 << 10,
    6 << 10,
    8 << 10,
    12 << 10,
    16 << 10,
    24 << 10,
    32 << 10,
    65_000,
    128 << 10,
    256 << 10,
    512 << 10,
    900 << 10,
];

fn check_all(report: &PlanReport, budgets: &[usize]) {
    for budget in budgets {
        let page = render(report, *budget);
        assert!(page.len() <= *budget, "{} > {budget}", page.len());
        check(&page);
    }
}

#[test]
fn any_text_of_any_execution_stays_text() {
    for seed in 0..60 {
        let report = report(1 + usize::try_from(seed).expect("few") % 30, &texts(seed));
        check_all(&report, &[2 << 10, 16 << 10, 900 << 10]);
    }
}

#[test]
fn every_size_fits_every_budget() {
    for (size, budgets) in [(1, &BUDGETS[..]), (1_000, &BUDGETS)] {
        check_all(&report(size, &texts(7)), budgets);
    }
}

/// The processor time that this thread took so far; other load on the machine does not count. `None` where the system
/// does not show it.
fn processor_seconds() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
    // In hundredths of a second, behind the name of the program: user time is the 14th field, system time the 15th.
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(11).take(2);
    Some(times.map(|it| it.parse::<u64>().unwrap()).sum::<u64>() / 100)
}

/// Several times what it takes without optimisation. Work for each pair of executions would take far longer.
const PROCESSOR_SECONDS: u64 = 120;

#[test]
fn two_hundred_thousand_executions_fit_every_budget_in_time() {
    let report = report(200_000, &texts(3));
    let before = processor_seconds();
    for budget in [900 << 10, 2 << 10, 65_000] {
        let page = render(&report, budget);
        assert!(page.len() <= budget);
        check(&page);
    }
    if let (Some(before), Some(after)) = (before, processor_seconds()) {
        assert!(after - before < PROCESSOR_SECONDS, "{} s", after - before);
    }
}
