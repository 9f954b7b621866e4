//! Annotations: few, most useful first, at the right place, and never more than there is room for.

use testplan::{
    model::{Annotation, AnnotationLevel, CaseResult, outcome::CaseVerdict},
    report::{
        PlanReport,
        annotations::{Folders, annotations},
    },
};

use crate::report::story::{
    Worker, case, case_failed, error, failed, late, nightly, passed, report, set,
};

const FOLDERS: Folders<'_> = Folders {
    workspace: "/w/app",
    working: "/w/app/gui",
};

fn of(workers: &[Worker]) -> Vec<Annotation> {
    annotations(&report(workers), FOLDERS, 50)
}

fn titles(findings: &[Annotation]) -> Vec<&str> {
    findings.iter().map(|it| it.title.as_str()).collect()
}

fn at(file: &str, line: u32, case: CaseResult) -> CaseResult {
    CaseResult {
        file: Some(file.to_owned()),
        line: Some(line),
        ..case
    }
}

fn fails(worker: Worker, id: i64, cases: Vec<CaseResult>, output: &str) -> Worker {
    worker
        .takes(id, Some(1))
        .ends_with(id, failed(), cases, output)
        .counted(id)
}

fn worker(total: u64) -> Worker {
    Worker::begins("a", &["OS=Linux"], total)
}

#[test]
fn a_night_s_troubles_come_worst_first() {
    let findings = of(&nightly());
    assert_eq!(
        titles(&findings),
        [
            "Missing",
            "Missing: suite_login / tst_killed",
            "Could not run: tests/test_api.py / test_put",
            "Failed: tests/test_api.py / test_put",
            "Flaky: tests/test_api.py / test_get",
            "Flaky: suite_login / tst_flaky",
            "Recovered: suite_login / tst_lost",
            "Recovered: suite_login / tst_late",
        ]
    );
    assert!(
        findings[..4]
            .iter()
            .all(|it| it.level == AnnotationLevel::Error)
    );
    assert!(
        findings[4..]
            .iter()
            .all(|it| it.level == AnnotationLevel::Warning)
    );
    assert_eq!(
        findings[3],
        Annotation {
            level: AnnotationLevel::Error,
            title: "Failed: tests/test_api.py / test_put".into(),
            message: "tests/test_api.py / test_put (OS=Linux)\n\
                      test_put[a|b]: expected 200 < 300 & got 500\n\
                      Traceback:\n    expected 200 < 300 & got 500"
                .into(),
            file: Some("gui/tests/test_api.py".into()),
            line: Some(42),
        }
    );
    assert_eq!(
        findings[2].message,
        "tests/test_api.py / test_put (OS=Windows)\nthe command was not found\n\
         pytest: no such file\nPATH=/usr/bin"
    );
    assert!(
        findings[5].message.ends_with("\nfirst try\nboom"),
        "{findings:?}"
    );
}

#[test]
fn a_place_comes_before_none_and_news_before_repeats() {
    let same = |file| at(file, 1, case_failed("c", "n", "got 3 of 4"));
    let mut worker = worker(5);
    worker = fails(worker, 1, vec![case_failed("c", "n", "elsewhere")], "");
    worker = fails(worker, 2, vec![same("a.py")], "");
    worker = fails(
        worker,
        3,
        vec![at("b.py", 1, case_failed("c", "n", "got 5 of 6"))],
        "",
    );
    worker = fails(
        worker,
        4,
        vec![at("../../c.py", 1, case_failed("c", "n", "outside"))],
        "",
    );
    worker = fails(
        worker,
        5,
        vec![at("d.py", 0, case_failed("c", "n", "inside"))],
        "",
    );
    let findings = of(&[worker.leaves()]);
    let places: Vec<_> = findings
        .iter()
        .map(|it| (it.title.as_str(), it.file.as_deref(), it.line))
        .collect();
    assert_eq!(
        places,
        [
            ("Failed: suite / case 2", Some("gui/a.py"), Some(1)),
            ("Failed: suite / case 5", Some("gui/d.py"), None),
            ("Failed: suite / case 1", None, None),
            ("Failed: suite / case 4", None, None),
            ("Failed: suite / case 3", Some("gui/b.py"), Some(1)),
        ]
    );
}

#[test]
fn one_finding_tells_of_all_cases_of_an_execution() {
    let cases = vec![
        case_failed("c", "first", "without a place"),
        case("c", "fine", CaseVerdict::Passed { flaky: false }),
        at("a.py", 7, case_failed("c", "second", "with one")),
        case_failed("c", "third", "x"),
    ];
    let findings = of(&[fails(worker(1), 1, cases, "").leaves()]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].line, Some(7));
    assert_eq!(
        findings[0].message,
        "suite / case 1 (OS=Linux)\nsecond: with one\nTraceback:\n    with one\n\
         and 2 more cases of it"
    );
}

#[test]
fn both_ends_of_long_texts_are_kept() {
    let output: Vec<String> = (1..=100).map(|n| format!("line {n}")).collect();
    let output = output.join("\n");
    let long = format!("begin {} end", "x".repeat(10_000));
    let mut worker = fails(worker(2), 1, Vec::new(), &output);
    worker = fails(worker, 2, vec![case_failed("c", "n", &long)], "");
    let findings = of(&[worker.leaves()]);
    assert_eq!(
        findings[0].message,
        "suite / case 1 (OS=Linux)\nline 1\nline 2\nline 3\nline 4\n… 92 lines left out …\n\
         line 97\nline 98\nline 99\nline 100"
    );
    let line = findings[1].message.lines().nth(1).unwrap();
    assert!(
        line.starts_with("n: begin x") && line.ends_with("x end"),
        "{line}"
    );
    assert!(line.len() < 300);
}

fn many(failures: i64, warnings: i64) -> PlanReport {
    let mut worker = worker(u64::try_from(failures + warnings).unwrap());
    for id in 0..failures {
        let told = case_failed(
            "c",
            "n",
            &format!("another {}", "x".repeat(usize::try_from(id).unwrap())),
        );
        worker = fails(worker, id, vec![told], "");
    }
    for id in failures..failures + warnings {
        worker = worker
            .takes(id, Some(1))
            .ends(id, passed())
            .hears(id, late())
            .runs(id, 2, passed());
    }
    report(&[worker.leaves()])
}

#[test]
fn there_are_never_more_than_fit() {
    for (failures, warnings) in [(0, 0), (1, 0), (10, 5), (11, 6), (40, 40), (0, 9)] {
        let report = many(failures, warnings);
        for limit in [0, 1, 2, 5, 9, 10, 11, 12, 15, 50] {
            let findings = annotations(&report, FOLDERS, limit);
            let of = |level| findings.iter().filter(|it| it.level == level).count();
            let errors = usize::try_from(failures).unwrap().min(10).min(limit);
            let warned = usize::try_from(warnings)
                .unwrap()
                .min(5)
                .min(limit - errors);
            assert_eq!(
                (of(AnnotationLevel::Error), of(AnnotationLevel::Warning)),
                (errors, warned),
                "{failures} and {warnings} within {limit}"
            );
            assert!(findings.is_sorted_by_key(|it| it.level));
        }
    }
}

#[test]
fn the_last_one_counts_the_others() {
    let report = many(25, 7);
    let last = |limit, level| {
        let findings = annotations(&report, FOLDERS, limit);
        findings
            .into_iter()
            .rfind(|it| it.level == level)
            .unwrap()
            .message
    };
    assert_eq!(
        last(50, AnnotationLevel::Error),
        "16 more failed or cannot be trusted: see the job summary"
    );
    assert_eq!(
        last(50, AnnotationLevel::Warning),
        "3 more quarantined, flaky or recovered: see the job summary"
    );
    assert_eq!(
        last(1, AnnotationLevel::Error),
        "25 failed or cannot be trusted: see the job summary"
    );
}

#[test]
fn broken_records_and_open_executions_are_told() {
    let mut broken = report(&[worker(1).runs(1, 1, passed()).leaves()]);
    assert_eq!(annotations(&broken, FOLDERS, 50), []);
    broken.broken.push("two results\n##[error]counted".into());
    broken.open_at_service = 2;
    let findings = annotations(&broken, FOLDERS, 50);
    assert_eq!(titles(&findings), ["Broken invariants", "Missing"]);
    assert_eq!(findings[0].message, "two results\\n##\\[error]counted");
    assert_eq!(findings[1].message, "2 not done according to the service");
}

#[test]
fn texts_are_clean_and_bounded() {
    let foul = "::error::x\r##[error]\u{1b}[1m\u{202e}".repeat(500);
    let lines = format!("{foul}\n").repeat(50);
    let told = CaseResult {
        file: Some(foul.clone()),
        name: foul.clone(),
        ..case_failed(&foul, &foul, &lines)
    };
    let mut worker = fails(worker(2), 1, vec![told], &lines).runs(2, 1, error());
    for record in &mut worker.records {
        if let testplan::model::record::RecordEvent::Reserved { test, required, .. } =
            &mut record.event
        {
            test.suite.clone_from(&foul);
            test.testcase.clone_from(&foul);
            *required = Some(set(&[&format!("a={foul}")]));
        }
    }
    let findings = of(&[worker.leaves()]);
    assert_eq!(findings.len(), 2);
    for finding in findings {
        assert!(finding.title.len() <= 250, "{}", finding.title.len());
        assert!(finding.message.len() <= 4000, "{}", finding.message.len());
        assert_eq!(finding.file, None);
        for line in finding.message.lines().chain([finding.title.as_str()]) {
            assert!(!line.contains(['\r', '\u{1b}', '\u{202e}']), "{line:?}");
            assert!(!line.starts_with("::") && !line.contains("##["), "{line:?}");
        }
    }
}
