//! Makes the root, the suites, and the cases that no result file has, with quick-junit.

use std::time::Duration;

use quick_junit::{Property, Report as Junit, TestCase, TestCaseStatus, TestSuite, XmlString};

use crate::{
    model::Timestamp,
    report::{PlanFacts, PlanReport, cases::MAX_NAME, sanitise::xml_line},
};

use super::{
    JunitError, OWN_NAME, Profile,
    outline::{ElementCounts, Outline},
    service_count_cases,
};

/// Placeholder for the cases of a suite. No text can contain it, because `<` is escaped.
const CASES: &str = "        <testcase name=\"cases\"/>\n";
const END_OF_ROOT: &str = "</testsuites>";

/// The markup before and after the content of an element.
#[derive(Debug)]
pub(super) struct EnclosingMarkup {
    pub(super) start: String,
    pub(super) end: String,
}

/// The executions of one suite with the same labels.
#[derive(Debug, Default)]
pub(super) struct SuiteGroup<'a, 'r> {
    pub(super) outlines: Vec<&'a Outline<'r>>,
    pub(super) counts: ElementCounts,
    pub(super) duration_ms: u64,
    /// The earliest reservation.
    pub(super) began: Option<Timestamp>,
}

/// The root element, without suites.
pub(super) fn root(
    report: &PlanReport,
    counts: ElementCounts,
    profile: Profile,
) -> Result<EnclosingMarkup, JunitError> {
    let title = report.plan.as_ref().map_or(OWN_NAME, |plan| &plan.title);
    let mut junit = Junit::new(xml_line(title, MAX_NAME));
    junit.set_time(Duration::from_millis(report.duration_ms()));
    junit.tests = counts.tests;
    junit.skipped = counts.skipped;
    junit.errors = counts.errors;
    junit.failures = counts.failures;
    let text = junit.to_string()?;
    let (head, _) = split(&text, END_OF_ROOT);
    let mut start = head.to_owned();
    if profile == Profile::Strict {
        // The schema has no `skipped` on the root, but quick-junit always writes it. Quotes in the name before it are
        // escaped, so the first match is the attribute.
        start = start.replacen(&format!(" skipped=\"{}\"", counts.skipped), "", 1);
    }
    Ok(EnclosingMarkup {
        start,
        end: format!("{END_OF_ROOT}\n"),
    })
}

/// A suite without its cases. `facts` become its properties.
pub(super) fn suite(
    name: &str,
    labels: &str,
    suite: &SuiteGroup<'_, '_>,
    facts: Option<&PlanFacts>,
) -> Result<EnclosingMarkup, JunitError> {
    let name = if name.is_empty() { OWN_NAME } else { name };
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
    add_plan_properties(&mut junit, facts);
    junit.add_test_case(TestCase::new("cases", TestCaseStatus::success()));
    junit.tests = suite.counts.tests;
    junit.skipped = suite.counts.skipped;
    junit.errors = suite.counts.errors;
    junit.failures = suite.counts.failures;
    let text = without_root(junit)?;
    let (start, end) = split(&text, CASES);
    Ok(EnclosingMarkup {
        start: start.to_owned(),
        end: end.to_owned(),
    })
}

/// A suite for results and missing executions without a name.
#[derive(Debug)]
pub(super) struct OwnSuite {
    pub(super) text: String,
    pub(super) counts: ElementCounts,
}

/// `None` if everything has a name.
pub(super) fn own_suite(report: &PlanReport) -> Result<Option<OwnSuite>, JunitError> {
    if report.unnamed_missing == 0 && report.service_counts.is_none() {
        return Ok(None);
    }
    let mut suite = TestSuite::new(OWN_NAME);
    if let Some(counts) = &report.service_counts {
        add_plan_properties(&mut suite, report.plan.as_ref());
        service_count_cases::add(counts, &mut suite);
    }
    if report.unnamed_missing > 0 {
        suite.add_test_case(missing_executions(report));
    }
    let counts = ElementCounts {
        tests: suite.tests,
        skipped: suite.skipped,
        errors: suite.errors,
        failures: suite.failures,
    };
    let text = without_root(suite)?;
    Ok(Some(OwnSuite { text, counts }))
}

/// The text of a suite without a root.
fn without_root(suite: TestSuite) -> Result<String, JunitError> {
    let mut junit = Junit::unnamed();
    junit.add_test_suite(suite);
    let text = junit.to_string()?;
    let (before, _) = split(&text, END_OF_ROOT);
    let at = before
        .find("    <testsuite ")
        .expect("a report with a suite has its element");
    Ok(before[at..].to_owned())
}

/// Splits the output of quick-junit at text that it contains.
fn split<'a>(text: &'a str, separator: &str) -> (&'a str, &'a str) {
    text.split_once(separator)
        .expect("quick-junit writes what it is given")
}

/// Adds the plan that a suite is of.
fn add_plan_properties(suite: &mut TestSuite, facts: Option<&PlanFacts>) {
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

/// The case for missing executions without a name.
fn missing_executions(report: &PlanReport) -> TestCase {
    let mut status = TestCaseStatus::non_success(quick_junit::NonSuccessKind::Error);
    status
        .set_type("missing")
        .set_message(format!(
            "planned executions without a counted result: {}",
            report.unnamed_missing
        ))
        .set_description(format!("Without a name: {}.", report.unnamed_reason()));
    let mut case = TestCase::new("missing executions", status);
    case.set_classname(OWN_NAME);
    case
}
