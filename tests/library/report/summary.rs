//! The summary: never too long, always whole, and honest about what it leaves out.

use testplan::{
    exit_code::Conclusion,
    report::{
        PlanReport,
        summary::{DEFAULT_BUDGET, render},
    },
};

use crate::report::story::{
    Worker, case_failed, case_passed, error, failed, nightly, passed, report, skipped,
};

/// Reads Markdown as far as it takes to see whether it holds together: fences, details, tables.
pub(crate) fn check(markdown: &str) {
    assert!(markdown.starts_with("### "), "{:?}", markdown.get(..80));
    let mut fence: Option<usize> = None;
    let mut details = 0_i32;
    let mut columns: Option<usize> = None;
    for line in markdown.lines() {
        if let Some(open) = fence {
            let ticks = line.chars().take_while(|c| *c == '`').count();
            if ticks >= open && line[ticks..].trim().is_empty() {
                fence = None;
            }
            continue;
        }
        let ticks = line.chars().take_while(|c| *c == '`').count();
        if ticks >= 3 {
            assert!(!line[ticks..].contains('`'));
            fence = Some(ticks);
            continue;
        }
        details += i32::from(line.starts_with("<details>"));
        details -= i32::from(line.starts_with("</details>"));
        assert!((0..=1).contains(&details), "details at {line:?}");
        let own = line
            .replace("<!-- -->", "")
            .replace("<details>", "")
            .replace("</details>", "")
            .replace("<summary>", "")
            .replace("</summary>", "");
        assert!(!own.contains('<'), "HTML in {line:?}");
        assert!(!bare(&own, '`'), "code in {line:?}");
        assert!(!bare(&own, '['), "link in {line:?}");
        if let Some(at) = line.find('@') {
            assert!(line[at..].starts_with("@<!-- -->"), "mention in {line:?}");
        }
        if line.starts_with('|') {
            let cells = cells(line);
            assert_eq!(*columns.get_or_insert(cells), cells, "table row {line:?}");
        } else {
            columns = None;
            assert!(!bare(line, '|'), "stray cell in {line:?}");
        }
    }
    assert_eq!(fence, None, "a fence is open");
    assert_eq!(details, 0, "details are open");
}

/// Whether a character stands without a backslash that makes it text.
fn bare(line: &str, wanted: char) -> bool {
    let mut escaped = false;
    line.chars().any(|c| {
        let found = c == wanted && !escaped;
        escaped = c == '\\' && !escaped;
        found
    })
}

fn cells(line: &str) -> usize {
    let mut escaped = false;
    line.chars()
        .filter(|c| {
            let found = *c == '|' && !escaped;
            escaped = *c == '\\' && !escaped;
            found
        })
        .count()
}

pub(crate) const HOSTILE: &str = "| ` ``` </details> <script> @team #12 ##[error]x ::error::y \u{202e}z\r\n::set-output\u{1b}]0; **b** [l](https://e.org)";

/// So many executions on three workers, with every fifth in trouble.
fn large(size: u32, text: &str) -> PlanReport {
    let lines = if size > 1_000 { 3 } else { 30 };
    let labels = |worker: u32| vec![format!("OS=os{worker}{text}")];
    let workers: Vec<Worker> = (0..3)
        .map(|number| {
            let labels = labels(number);
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let mut worker =
                Worker::begins(&format!("worker {number} {text}"), &labels, u64::from(size));
            for id in (0..size).filter(|id| id % 3 == number) {
                let (outcome, cases) = match id % 25 {
                    0 | 20 => (
                        failed(),
                        vec![
                            case_failed(text, &format!("{id}{text}"), text),
                            case_passed(text, text),
                        ],
                    ),
                    5 => (failed(), Vec::new()),
                    10 => (error(), Vec::new()),
                    15 => (skipped(), Vec::new()),
                    _ => (passed(), Vec::new()),
                };
                let id = i64::from(id);
                worker = worker
                    .takes(id, Some(1))
                    .ends_with(
                        id,
                        outcome,
                        cases,
                        &format!("{text}\n{text}\n").repeat(lines),
                    )
                    .counted(id);
            }
            worker
        })
        .collect();
    report(&workers)
}

#[test]
fn never_over_budget_and_always_whole() {
    let small: &[usize] = &[2 * 1024, 10 * 1024, 65_000, DEFAULT_BUDGET];
    let tight: &[usize] = &[2 * 1024, DEFAULT_BUDGET];
    for (size, budgets) in [(0, small), (1, small), (1_000, small), (20_000, tight)] {
        for text in ["plain", HOSTILE] {
            let report = large(size, text);
            for budget in budgets {
                let page = render(&report, *budget);
                assert!(page.len() <= *budget, "{} > {budget}", page.len());
                check(&page);
            }
        }
    }
}

#[test]
fn every_budget_gives_a_whole_page() {
    let report = report(&nightly());
    let mut longest = 0;
    for budget in (2_048..8_000).step_by(7) {
        let page = render(&report, budget);
        assert!(page.len() <= budget);
        check(&page);
        assert!(page.len() >= longest.min(1_000), "more room gives more");
        longest = page.len();
    }
}

#[test]
fn a_tiny_budget_is_kept_too() {
    let report = report(&nightly());
    for budget in [0, 1, 50, 200, 500] {
        assert!(render(&report, budget).len() <= budget);
    }
}

#[test]
fn says_what_it_leaves_out() {
    let large = large(20_000, "plain");
    let last = |budget| render(&large, budget).lines().last().unwrap().to_owned();
    assert_eq!(
        last(DEFAULT_BUDGET),
        "Left out to fit into 900 KiB: the list of passed tests. \
         The JUnit file and the records have all of it."
    );
    assert_eq!(
        last(65_000),
        "Left out to fit into 63 KiB: the list of passed tests; messages and output of 3150 tests; \
         the timeline; 2200 names. The JUnit file and the records have all of it."
    );
    let all = render(&report(&nightly()), DEFAULT_BUDGET);
    assert!(!all.contains("Left out"));
}

#[test]
fn everything_that_matters_has_its_section() {
    let page = render(&report(&nightly()), DEFAULT_BUDGET);
    let headings: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("####"))
        .collect();
    assert_eq!(
        headings,
        [
            "#### Failed (1)",
            "#### Could not run (1)",
            "#### Missing (2)",
            "#### Flaky (2)",
            "#### Recovered (2)",
            "#### Slowest (5)",
            "#### Workers (3)",
        ]
    );
    let headline = render(&large(3, "plain"), DEFAULT_BUDGET);
    let headline = headline.lines().next().unwrap();
    assert!(
        headline.ends_with(": 1 failed, 3 passed in 6.2s"),
        "{headline}"
    );
}

#[test]
fn attachments_of_failed_cases_are_counted() {
    let broken = |name: &str, count: usize| {
        let mut broken = case_failed("group", name, "no");
        broken.attachments = (0..count).map(|n| format!("results/{n}.png")).collect();
        broken
    };
    let cases = vec![broken("none", 0), broken("one", 1), broken("two", 2)];
    let worker = Worker::begins("a", &["OS=Linux"], 1)
        .takes(1, Some(1))
        .ends_with(1, failed(), cases, "")
        .counted(1)
        .leaves();
    let page = render(&report(&[worker]), DEFAULT_BUDGET);
    check(&page);
    for line in [
        "> none: no  \n",
        "> one: no, 1 attachment  \n",
        "> two: no, 2 attachments  \n",
    ] {
        assert!(page.contains(line), "{line:?} in {page}");
    }
}

#[test]
fn a_stopped_run_says_so() {
    let page = render(
        &report(&nightly()).stopped_by(Conclusion::Interrupted),
        DEFAULT_BUDGET,
    );
    assert!(page.contains("**cancelled** (exit code 130): stopped by SIGINT."));
}
