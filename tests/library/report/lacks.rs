//! What nobody could take is named with what was lacking, on every surface.

use testplan::{
    exit_code::Conclusion,
    model::{ExecutionState, record::RecordEvent},
    report::{
        Evidence, PlanReport,
        console::{Paint, final_block},
        html, json,
        junit::{Profile, render},
        merge,
        status_line::status_line,
        summary,
    },
};

use crate::report::story::{Worker, evidence, listed, passed, report, said, set};

const LINUX: &[&str] = &["OS=Linux"];
const MAC: &[&str] = &["OS=macOS"];

fn linux(name: &str) -> Worker {
    let plan: &[(i64, &str, &str, &[&str])] = &[(1, "s", "a", LINUX), (2, "s", "b", MAC)];
    Worker::begins(name, LINUX, 2)
        .plans(plan)
        .runs(1, 1, passed())
}

/// As the service lists it: the second is open and was never taken.
fn heard(workers: &[Worker], attempts: u32) -> PlanReport {
    let mut mac = listed(2, ExecutionState::Open, None, attempts);
    mac.required = set(MAC);
    let done = listed(1, ExecutionState::Done, Some(passed()), 1);
    merge(Evidence {
        executions: Some(vec![done, mac]),
        ..evidence(workers)
    })
    .unwrap()
}

const CAUSE: &str = "1 execution needs OS=macOS, which no worker offered";

#[test]
fn every_surface_names_the_label() {
    let windows = Worker::begins("w", &["OS=Windows"], 2).leaves();
    let report = heard(&[linux("l").leaves(), windows], 0);
    let sentence = "needs OS=macOS; no worker offered it (workers offered OS=Linux; OS=Windows)";
    assert_eq!(said(&report, 2), [sentence]);
    assert_eq!(report.conclusion(), Conclusion::Incomplete);
    assert_eq!(report.incomplete_cause().unwrap().to_string(), CAUSE);
    let summary = summary::render(&report, summary::DEFAULT_BUDGET);
    assert!(
        summary.contains(&format!("**incomplete** (exit code 5): {CAUSE}.")),
        "{summary}"
    );
    assert!(summary.contains(sentence), "{summary}");
    let console = final_block(&report, Paint::Plain);
    assert!(
        console.contains(&format!("\nincomplete because {CAUSE}\n")),
        "{console}"
    );
    let junit = String::from_utf8(render(&report, Profile::Default).unwrap()).unwrap();
    assert!(
        junit.contains(&format!("no counted result: {sentence}")),
        "{junit}"
    );
    let html = String::from_utf8(html::render(&report, &html::HtmlOptions::default())).unwrap();
    assert!(html.contains(CAUSE) && html.contains(sentence), "{html}");
    assert_eq!(json(&report)["cause"], CAUSE);
    assert_eq!(
        status_line(&report, report.conclusion()),
        "incomplete: no worker offered OS=macOS: 1 missing, 1 passed in 8.2s"
    );
}

#[test]
fn what_the_service_does_not_confirm_is_said_with_care() {
    let alone = report(&[linux("l").leaves()]);
    let care = "no worker in the given records ran it";
    let sentence = "needs OS=macOS; no worker offered it (workers offered OS=Linux)";
    assert_eq!(said(&alone, 2), [care, sentence]);
    // Somebody took it, of whom there is no record.
    let taken = heard(&[linux("l").leaves()], 1);
    assert_eq!(said(&taken, 2), [care, sentence]);
}

#[test]
fn what_a_worker_fitted_is_not_blamed_on_labels() {
    let mac = Worker::begins("m", &["os=MACOS", "x=y"], 2).leaves();
    let spelling = heard(&[linux("l").leaves(), mac], 0);
    assert_eq!(
        said(&spelling, 2),
        [
            "no worker in the given records ran it",
            "a worker offered os=MACOS, which a service with --strict-labels does not accept as OS=macOS"
        ]
    );
    assert_eq!(spelling.incomplete_cause(), None);
    let same = Worker::begins("m", MAC, 2).leaves();
    let left = heard(&[linux("l").leaves(), same], 0);
    assert_eq!(said(&left, 2), ["no worker in the given records ran it"]);
}

#[test]
fn a_squish_server_that_did_not_exist_is_named() {
    let why = "no Squish server is registered";
    let starved = RecordEvent::Starved {
        wanted: set(MAC),
        reason: why.to_owned(),
    };
    let mac = Worker::begins("m", MAC, 2).tell(starved).leaves();
    let report = heard(&[linux("l").leaves(), mac], 0);
    assert_eq!(
        said(&report, 2),
        [format!("needs a Squish server with OS=macOS: {why}")]
    );
    assert_eq!(
        report.incomplete_cause().unwrap().to_string(),
        format!("1 execution needs a Squish server with OS=macOS: {why}")
    );
}

#[test]
fn where_nobody_has_names_the_squish_server_is_a_warning() {
    let starved = RecordEvent::Starved {
        wanted: set(MAC),
        reason: "no Squish server is registered".to_owned(),
    };
    let nameless = Worker::begins("m", MAC, 2).tell(starved).leaves();
    assert_eq!(
        report(&[nameless]).warnings,
        [
            "workers that offer OS=macOS gave up waiting for a Squish server: no Squish server is registered"
        ]
    );
}

#[test]
fn other_ends_have_no_such_cause() {
    let done = Worker::begins("l", LINUX, 1).runs(1, 1, passed()).leaves();
    assert_eq!(report(&[done]).incomplete_cause(), None);
    let stopped = heard(&[linux("l").leaves()], 0).stopped_by(Conclusion::Interrupted);
    assert_eq!(stopped.incomplete_cause(), None);
}
