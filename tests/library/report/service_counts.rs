//! Plans that Test Center ran itself: only numbers are known, and no surface makes more or less of them.

use testplan::{
    exit_code::Conclusion,
    model::{Plan, PlanId, PlanKind, PlanStatus, Timestamp},
    report::{PlanReport, html, json, junit, status_line::status_line, summary},
};

/// A plan of these executions, with so many passed, failed and skipped.
pub(crate) fn counted(
    executions: (u64, u64, u64),
    results: (u64, u64, u64),
    url: &str,
) -> PlanReport {
    let (open, reserved, done) = executions;
    let (passes, failed, skipped) = results;
    let plan = Plan {
        id: PlanId(105),
        kind: PlanKind::Instance,
        project: "p".to_owned(),
        title: "T".to_owned(),
        description: String::new(),
        batch: "b".to_owned(),
        tags: Vec::new(),
        repositories: Vec::new(),
        planned: Some(Timestamp(1)),
        server_time: Timestamp(1),
        passes,
        failed,
        skipped,
        // Never a number of executions.
        count: 0,
        page_url: None,
    };
    let status = PlanStatus {
        open,
        reserved,
        done,
    };
    PlanReport::of_counts(plan, status, url.to_owned())
}

const URL: &str = "https://tc.example.com/tc";

#[test]
fn the_verdict_is_that_of_the_counts() {
    use Conclusion::{Failed, Incomplete, NothingToRun, Passed};
    for (executions, results, expected) in [
        ((0, 0, 3), (3, 0, 0), Passed),
        ((0, 0, 3), (2, 0, 1), Passed),
        ((0, 0, 3), (0, 0, 3), NothingToRun),
        ((0, 0, 3), (2, 1, 0), Failed),
        ((0, 0, 3), (2, 0, 0), Incomplete),
        ((0, 0, 3), (0, 2, 0), Incomplete),
        ((0, 0, 3), (0, 0, 0), Incomplete),
        ((1, 0, 2), (2, 0, 0), Incomplete),
        // It is still running, whatever is counted.
        ((0, 1, 2), (3, 0, 0), Incomplete),
        ((0, 0, 0), (0, 0, 0), NothingToRun),
        // Several results of one execution.
        ((0, 0, 2), (3, 0, 0), Passed),
        ((0, 0, 2), (3, 1, 0), Failed),
    ] {
        let report = counted(executions, results, URL);
        assert_eq!(report.conclusion(), expected, "{executions:?} {results:?}");
        let counts = report.executions();
        assert_eq!(counts.total, report.total, "{executions:?} {results:?}");
        let sum = counts.passed + counts.failed + counts.skipped + counts.errors + counts.missing;
        assert_eq!(sum, counts.total);
        let short = expected == Incomplete && executions.1 == 0;
        let told = report
            .warnings
            .iter()
            .any(|it| it.contains("have no result"));
        assert_eq!(told, short, "{executions:?} {results:?}");
    }
}

#[test]
fn every_count_is_a_case_and_the_file_is_valid() {
    for (results, cases) in [
        ((0, 0, 0), "missing executions"),
        ((9, 0, 0), "tests that passed in Test Center"),
        (
            (5, 2, 1),
            "tests that passed in Test Center, tests that failed in Test Center, tests that skipped in Test Center, \
             missing executions",
        ),
    ] {
        let report = counted((0, 0, 9), results, URL);
        for profile in [junit::Profile::Default, junit::Profile::Strict] {
            let xml = junit::render(&report, profile).unwrap();
            let root = crate::report::junit::parse(&xml);
            crate::report::junit::check(&root);
            let names: Vec<String> = root
                .all("testcase")
                .iter()
                .map(|case| case.get("name").to_owned())
                .collect();
            assert_eq!(names.join(", "), cases);
            if profile == junit::Profile::Strict {
                crate::report::junit::validate(&xml);
            }
        }
    }
}

#[test]
fn each_surface_says_where_the_results_are() {
    let report = counted((0, 0, 9), (5, 2, 1), URL);
    let summary = summary::render(&report, summary::DEFAULT_BUDGET);
    assert!(
        summary.contains("2 failed, 1 missing, 5 passed, 1 skipped"),
        "{summary}"
    );
    assert!(
        summary.contains("[Test Center](<https://tc.example.com/tc>)"),
        "{summary}"
    );
    let page = html::render(&report, &html::HtmlOptions::default());
    let page = String::from_utf8(page).unwrap();
    assert!(page.contains("<a href=\"https://tc.example.com/tc\">Test Center</a>"));
    assert!(page.contains("from Test Center’s counts"));
    let strict = junit::render(&report, junit::Profile::Strict).unwrap();
    let strict = String::from_utf8_lossy(&strict).into_owned();
    let block =
        testplan::report::console::final_block(&report, testplan::report::console::Paint::Plain);
    for surface in [&summary, &page, &strict, &block] {
        // There are no records of such a plan, and nobody could have given a list.
        let surface = surface.to_lowercase();
        assert!(!surface.contains("no record names"), "{surface}");
    }
    let json = json(&report);
    assert_eq!(json["service_counts"]["url"], URL);
    assert_eq!(
        (&json["total"], &json["proof"]),
        (&9.into(), &"counts".into())
    );
    let line = status_line(&report, report.conclusion());
    assert!(
        line.starts_with("incomplete: 2 failed, 1 missing, 5 passed"),
        "{line}"
    );
}

/// An address is somebody's text as well.
#[test]
fn only_an_address_becomes_a_link() {
    for url in [
        "javascript:alert(1)",
        "https://x.example/><script>",
        "https://x.example/a b",
        "https://x.example/\"onmouseover=\"x",
    ] {
        let report = counted((0, 0, 1), (1, 0, 0), url);
        let summary = summary::render(&report, summary::DEFAULT_BUDGET);
        assert!(!summary.contains("]("), "{summary}");
        let page = html::render(&report, &html::HtmlOptions::default());
        let page = String::from_utf8(page).unwrap();
        assert!(!page.contains("\">Test Center</a>"), "{url}");
        assert!(!page.contains(url) || !url.contains(['<', '"']), "{url}");
    }
}
