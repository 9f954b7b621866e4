//! JUnit XML of a report, in two profiles: one that says all, one that is valid against Jenkins' xunit schema.
//!
//! One case per case of the result files, under the test tool's own names, so that consumers see the same ids as in
//! the tool's own file; else one per execution. Attempts collapse into the case (`flakyFailure`, `rerunFailure`).

mod draft;
mod names;
mod service_counts;

use std::{collections::BTreeMap, time::Duration};

use quick_junit::{Property, Report as Junit, TestCase, TestSuite, XmlString};

use super::{Entry, Report, clean::xml_line};
use draft::Draft;

/// Longest name, class name or property, in bytes.
const MAX_NAME: usize = 1000;
/// Longest path of an attachment, in bytes.
const MAX_PATH: usize = 2000;
/// Class name of cases that are not of any suite.
const OWN: &str = "testplan";

/// Which JUnit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// With file, line and properties on cases, and times on reruns.
    #[default]
    Default,
    /// Valid against `junit-10.xsd`.
    Strict,
}

/// Why there is no JUnit: always a bug of ours.
#[derive(Debug, thiserror::Error)]
#[error("the JUnit file could not be written: {0}")]
pub struct JunitError(#[from] quick_junit::SerializeError);

/// Renders the report as JUnit XML.
pub fn render(report: &Report, profile: Profile) -> Result<Vec<u8>, JunitError> {
    let title = report.plan.as_ref().map_or(OWN, |plan| &plan.title);
    let mut junit = Junit::new(xml_line(title, MAX_NAME));
    junit.set_time(Duration::from_millis(report.duration_ms()));
    for suite in suites(report, profile) {
        junit.add_test_suite(suite);
    }
    let mut bytes = Vec::new();
    junit.serialize(&mut bytes)?;
    Ok(match profile {
        Profile::Default => bytes,
        Profile::Strict => without_root_skipped(bytes, junit.skipped),
    })
}

/// The schema knows no `skipped` on the root, but quick-junit always writes it. Quotes in the name before it are
/// escaped, so that the first match is the attribute.
fn without_root_skipped(mut bytes: Vec<u8>, skipped: usize) -> Vec<u8> {
    let attribute = format!(" skipped=\"{skipped}\"");
    if let Some(at) = bytes
        .windows(attribute.len())
        .position(|window| window == attribute.as_bytes())
    {
        bytes.drain(at..at + attribute.len());
    }
    bytes
}

fn suites(report: &Report, profile: Profile) -> Vec<TestSuite> {
    let mut drafts: Vec<Draft<'_>> = report.entries.iter().flat_map(draft::of_entry).collect();
    names::make_unique(&mut drafts);
    let mut suites: BTreeMap<(String, String), TestSuite> = BTreeMap::new();
    for entry in &report.entries {
        let suite = suites
            .entry(key(entry))
            .or_insert_with(|| new_suite(report, entry));
        let time = suite.time.unwrap_or_default();
        suite.set_time(time + Duration::from_millis(entry.duration_ms().unwrap_or(0)));
        if profile == Profile::Default {
            stamp(suite, entry);
        }
    }
    for draft in drafts {
        if let Some(suite) = suites.get_mut(&key(draft.entry)) {
            suite.add_test_case(case(report, draft, profile));
        }
    }
    let mut suites: Vec<TestSuite> = suites.into_values().collect();
    if report.unnamed_missing > 0 || report.service_counts.is_some() {
        let mut suite = TestSuite::new(OWN);
        if let Some(counts) = &report.service_counts {
            describe(&mut suite, report);
            service_counts::add(counts, &mut suite);
        }
        if report.unnamed_missing > 0 {
            let ran_there = report.service_counts.is_some();
            suite.add_test_case(unnamed(report.unnamed_missing, ran_there));
        }
        suites.push(suite);
    }
    suites
}

fn key(entry: &Entry) -> (String, String) {
    (entry.test.suite.clone(), draft::labels(entry))
}

fn new_suite(report: &Report, entry: &Entry) -> TestSuite {
    let (suite, labels) = key(entry);
    let suite = if suite.is_empty() { OWN } else { &suite };
    let mut suite = TestSuite::new(xml_line(
        &if labels.is_empty() {
            suite.to_owned()
        } else {
            format!("{suite} [{labels}]")
        },
        MAX_NAME,
    ));
    describe(&mut suite, report);
    if !labels.is_empty() {
        suite.add_property(property("capabilities", &labels));
    }
    suite
}

/// Says which plan a suite is of.
fn describe(suite: &mut TestSuite, report: &Report) {
    if let Some(plan) = &report.plan {
        for (name, value) in [
            ("plan", plan.id.to_string()),
            ("project", plan.project.clone()),
            ("batch", plan.batch.clone()),
        ] {
            suite.add_property(property(name, &value));
        }
    }
}

/// Keeps the earliest start of its executions as the suite's time of day.
fn stamp(suite: &mut TestSuite, entry: &Entry) {
    let Some(stamp) = entry
        .attempts
        .first()
        .and_then(|attempt| jiff::Timestamp::from_millisecond(attempt.reserved.0).ok())
    else {
        return;
    };
    let stamp = XmlString::new(format!("{stamp:.3}"));
    let kept = suite
        .extra
        .entry(XmlString::new("timestamp"))
        .or_insert_with(|| stamp.clone());
    if stamp.as_str() < kept.as_str() {
        *kept = stamp;
    }
}

fn case(report: &Report, draft: Draft<'_>, profile: Profile) -> TestCase {
    let entry = draft.entry;
    let mut case = TestCase::new(draft.name.as_str(), draft.status.into_junit(profile));
    case.set_classname(draft.classname.as_str());
    case.time = draft.duration_ms.map(Duration::from_millis);
    case.system_out = text(&with_attachments(draft.output, draft.attachments));
    case.system_err = text(&draft.notes);
    if profile == Profile::Strict {
        return case;
    }
    if let Some(file) = draft.file {
        case.extra
            .insert("file".into(), xml_line(file, MAX_NAME).into());
    }
    if let Some(line) = draft.line {
        case.extra.insert("line".into(), line.to_string().into());
    }
    if let Some(plan) = &report.plan {
        case.add_property(property("plan", &plan.id.to_string()));
    }
    case.add_property(property("execution", &entry.execution.to_string()));
    if let Some(labels) = entry.labels() {
        case.add_property(property("capabilities", &labels.to_string()));
    }
    if let Some(attempt) = entry.counted().or_else(|| entry.attempts.last()) {
        case.add_property(property("worker", &attempt.worker));
        if let Some(host) = &attempt.squish_server {
            case.add_property(property("squish-server", host));
        }
        let number = attempt
            .number
            .map_or(entry.attempts.len(), |number| number as usize);
        case.add_property(property("attempt", &number.to_string()));
    }
    case
}

/// Adds a line per attachment, in the form that CI systems look for in outputs.
fn with_attachments(mut output: String, paths: &[String]) -> String {
    for path in paths {
        let path = xml_line(path, MAX_PATH);
        // The first of these would end the line's form.
        if path.contains("]]") {
            continue;
        }
        if !output.is_empty() {
            output.push('\n');
        }
        output.extend(["[[ATTACHMENT|", &path, "]]"]);
    }
    output
}

/// The case that stands for what nobody can name.
fn unnamed(count: u64, ran_there: bool) -> TestCase {
    let mut status = quick_junit::TestCaseStatus::non_success(quick_junit::NonSuccessKind::Error);
    status
        .set_type("missing")
        .set_message(format!(
            "planned executions without a counted result: {count}"
        ))
        .set_description(if ran_there {
            "Test Center ran the plan itself and tells only how many have a result."
        } else {
            "No worker's record speaks of them, and the service does not list executions: \
             only their number is known."
        });
    let mut case = TestCase::new("missing executions", status);
    case.set_classname(OWN);
    case
}

fn property(name: &'static str, value: &str) -> Property {
    Property::new(name, xml_line(value, MAX_NAME))
}

fn text(text: &str) -> Option<XmlString> {
    (!text.is_empty()).then(|| XmlString::new(text))
}
