//! JUnit XML of a report, in two profiles: one that says all, one that is valid against Jenkins' xunit schema.
//!
//! One case per case of the result files, under the test tool's own names, so that consumers see the same ids as in
//! the tool's own file; else one per execution. Attempts collapse into the case (`flakyFailure`, `rerunFailure`).
//!
//! quick-junit makes the root, the suites and the cases of our own (`suite_markup`); the cases of result files are too many
//! to hold as a tree, so they are read from the records and written one by one (`draft`, `xml_writer`). What is the same for
//! many cases is written once: the file stays about as large as the result files that it was made of.

mod draft;
mod outline;
mod service_count_cases;
mod suite_markup;
mod unique_names;
mod xml_writer;

use std::{collections::BTreeMap, io};

use super::{
    PlanReport, ReportEntry,
    cases::{CaseReader, MAX_NAME, ReadAgainError},
};
use draft::Draft;
use outline::{Outline, Tally};
use suite_markup::SuiteGroup;
use unique_names::UniqueNames;
use xml_writer::XmlWriter;

/// Class name of cases that are not of any suite.
const OWN: &str = "testplan";

/// Which JUnit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// With file and line on cases, times on reruns, and properties on the first case of an execution.
    #[default]
    Default,
    /// Valid against `junit-10.xsd`.
    Strict,
}

/// Why there is no JUnit.
#[derive(Debug, thiserror::Error)]
pub enum JunitError {
    /// quick-junit refuses what it is given: a bug of ours.
    #[error("the JUnit file could not be made: {0}")]
    Serialize(#[from] quick_junit::SerializeError),
    /// The records changed meanwhile.
    #[error(transparent)]
    Records(#[from] ReadAgainError),
    /// What it is written to does not take it.
    #[error("the JUnit file cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// Renders the report as JUnit XML in memory.
pub fn render(report: &PlanReport, profile: Profile) -> Result<Vec<u8>, JunitError> {
    let mut bytes = Vec::new();
    write(report, profile, &mut bytes)?;
    Ok(bytes)
}

/// Writes the report as JUnit XML, in blocks, while it reads the cases from the records. Takes memory for the names'
/// hashes (28 bytes per case), not for the cases.
pub fn write(
    report: &PlanReport,
    profile: Profile,
    out: &mut dyn io::Write,
) -> Result<(), JunitError> {
    let outlines = outline::outlines(&report.entries);
    let names = UniqueNames::unique(&outlines);
    let suites = suites(&outlines, profile);
    let own = suite_markup::own_suite(report)?;
    let mut tally = own.as_ref().map_or_else(Tally::default, |own| own.tally);
    for suite in suites.values() {
        tally += suite.tally;
    }
    let mut xml = XmlWriter::new(out);
    let mut reader = CaseReader::default();
    let root = suite_markup::root(report, tally, profile)?;
    xml.raw(&root.head)?;
    let mut facts = report.plan.as_ref();
    for ((name, labels), suite) in &suites {
        let (name, labels) = (name.as_str(), labels.as_str());
        let frame = suite_markup::suite(name, labels, suite, facts.take())?;
        xml.raw(&frame.head)?;
        for outline in &suite.outlines {
            Draft::write_all(outline, &names, profile, &mut reader, &mut xml)?;
        }
        xml.raw(&frame.tail)?;
    }
    if let Some(own) = &own {
        xml.raw(&own.text)?;
    }
    xml.raw(&root.tail)?;
    xml.finish()
}

/// The executions by suite and labels.
fn suites<'a, 'r>(
    outlines: &'a [Outline<'r>],
    profile: Profile,
) -> BTreeMap<(String, String), SuiteGroup<'a, 'r>> {
    let mut suites: BTreeMap<(String, String), SuiteGroup<'a, 'r>> = BTreeMap::new();
    for outline in outlines {
        let entry = outline.entry;
        let suite = suites.entry(key(entry)).or_default();
        suite.tally += outline.tally();
        suite.duration_ms += entry.duration_ms().unwrap_or(0);
        if profile == Profile::Default {
            suite.began = [suite.began, entry.attempts.first().map(|it| it.reserved)]
                .into_iter()
                .flatten()
                .min();
        }
        suite.outlines.push(outline);
    }
    suites
}

fn key(entry: &ReportEntry) -> (String, String) {
    (entry.test.suite.clone(), draft::labels(entry))
}
