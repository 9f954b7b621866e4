//! The frame of the file, by quick-junit: the root, the suites, and the cases that no result file has.

use std::time::Duration;

use quick_junit::{Property, Report as Junit, TestCase, TestCaseStatus, TestSuite, XmlString};

use crate::{
    model::Timestamp,
    report::{PlanFacts, PlanReport, sanitise::xml_line},
};

use super::{
    JunitError, MAX_NAME, OWN, Profile,
    outline::{Outline, Tally},
    service_count_cases,
};

/// What stands for the cases of a suite until they are written. No text can hold it: `<` is escaped in all of them.
const CASES: &str = "        <testcase name=\"cases\"/>\n";
const END_OF_ROOT: &str = "</testsuites>";

/// What comes before and after the inside of an element.
#[derive(Debug)]
pub(super) struct EnclosingMarkup {
    pub(super) head: String,
    pub(super) tail: String,
}

/// The executions of one suite under one set of labels.
#[derive(Debug, Default)]
pub(super) struct SuiteGroup<'a, 'r> {
    pub(super) outlines: Vec<&'a Outline<'r>>,
    pub(super) tally: Tally,
    pub(super) duration_ms: u64,
    /// The earliest reservation.
    pub(super) began: Option<Timestamp>,
}

/// The root element, without suites.
pub(super) fn root(
    report: &PlanReport,
    tally: Tally,
    profile: Profile,
) -> Result<EnclosingMarkup, JunitError> {
    let title = report.plan.as_ref().map_or(OWN, |plan| &plan.title);
    let mut junit = Junit::new(xml_line(title, MAX_NAME));
    junit.set_time(Duration::from_millis(report.duration_ms()));
    junit.tests = tally.tests;
    junit.skipped = tally.skipped;
    junit.errors = tally.errors;
    junit.failures = tally.failures;
    let text = junit.to_string()?;
    let (head, _) = split(&text, END_OF_ROOT);
    let mut head = head.to_owned();
    if profile == Profile::Strict {
        // The schema knows no `skipped` on the root, but quick-junit always writes it. Quotes in the name before it are
        // escaped, so that the first match is the attribute.
        head = head.replacen(&format!(" skipped=\"{}\"", tally.skipped), "", 1);
    }
    Ok(EnclosingMarkup {
        head,
        tail: format!("{END_OF_ROOT}\n"),
    })
}

/// A suite without its cases; `facts` says which plan it is of.
pub(super) fn suite(
    name: &str,
    labels: &str,
    suite: &SuiteGroup<'_, '_>,
    facts: Option<&PlanFacts>,
) -> Result<EnclosingMarkup, JunitError> {
    let name = if name.is_empty() { OWN } else { name };
    let name = if labels.is_empty() {
        name.to_owned()
    } else {
        format!("{name} [{labels}]")
    };
    let mut junit = TestSuite::new(xml_line(&name, MAX_NAME));
    junit.set_time(Duration::from_millis(suite.duration_ms));
    if let Some(began) = suite
        .began
        .and_then(|began| jiff::Timestamp::from_millisecond(began.0).ok())
    {
        let name = XmlString::new("timestamp");
        junit.extra.insert(name, format!("{began:.3}").into());
    }
    describe(&mut junit, facts);
    junit.add_test_case(TestCase::new("cases", TestCaseStatus::success()));
    junit.tests = suite.tally.tests;
    junit.skipped = suite.tally.skipped;
    junit.errors = suite.tally.errors;
    junit.failures = suite.tally.failures;
    let text = alone(junit)?;
    let (head, tail) = split(&text, CASES);
    Ok(EnclosingMarkup {
        head: head.to_owned(),
        tail: tail.to_owned(),
    })
}

/// A suite of cases that stand for what has no name.
#[derive(Debug)]
pub(super) struct OwnSuite {
    pub(super) text: String,
    pub(super) tally: Tally,
}

/// The suite of what has no name, if there is anything of the kind.
pub(super) fn own_suite(report: &PlanReport) -> Result<Option<OwnSuite>, JunitError> {
    if report.unnamed_missing == 0 && report.service_counts.is_none() {
        return Ok(None);
    }
    let mut suite = TestSuite::new(OWN);
    if let Some(counts) = &report.service_counts {
        describe(&mut suite, report.plan.as_ref());
        service_count_cases::add(counts, &mut suite);
    }
    if report.unnamed_missing > 0 {
        suite.add_test_case(unnamed(report));
    }
    let tally = Tally {
        tests: suite.tests,
        skipped: suite.skipped,
        errors: suite.errors,
        failures: suite.failures,
    };
    Ok(Some(OwnSuite {
        text: alone(suite)?,
        tally,
    }))
}

/// The text of a suite without a root.
fn alone(suite: TestSuite) -> Result<String, JunitError> {
    let mut junit = Junit::unnamed();
    junit.add_test_suite(suite);
    let text = junit.to_string()?;
    let (before, _) = split(&text, END_OF_ROOT);
    let at = before
        .find("    <testsuite ")
        .expect("a report with a suite has its element");
    Ok(before[at..].to_owned())
}

/// What is before and after a mark that quick-junit writes.
fn split<'a>(text: &'a str, mark: &str) -> (&'a str, &'a str) {
    text.split_once(mark)
        .expect("quick-junit writes what it is given")
}

/// Says which plan a suite is of.
fn describe(suite: &mut TestSuite, facts: Option<&PlanFacts>) {
    if let Some(plan) = facts {
        for (name, value) in [
            ("plan", plan.id.to_string()),
            ("project", plan.project.clone()),
            ("batch", plan.batch.clone()),
        ] {
            suite.add_property(Property::new(name, xml_line(&value, MAX_NAME)));
        }
    }
}

/// The case that stands for missing executions without a name.
fn unnamed(report: &PlanReport) -> TestCase {
    let mut status = TestCaseStatus::non_success(quick_junit::NonSuccessKind::Error);
    status
        .set_type("missing")
        .set_message(format!(
            "planned executions without a counted result: {}",
            report.unnamed_missing
        ))
        .set_description(format!("Without a name: {}.", report.unnamed_reason()));
    let mut case = TestCase::new("missing executions", status);
    case.set_classname(OWN);
    case
}
