//! Writes the whole JUnit file: root, suites, and the cases of each execution.

use std::{collections::BTreeMap, io};

use crate::report::{PlanReport, cases::CaseReader};

use super::{
    JunitError, Profile,
    execution_cases::write_cases,
    outline::{self, ElementCounts, Outline},
    suite_markup::{self, SuiteGroup},
    unique_names::UniqueNames,
    xml_writer::XmlWriter,
};

/// Renders the report as JUnit XML in memory.
pub fn render(report: &PlanReport, profile: Profile) -> Result<Vec<u8>, JunitError> {
    let mut bytes = Vec::new();
    write(report, profile, &mut bytes)?;
    Ok(bytes)
}

/// Writes the report as JUnit XML, in blocks, while it reads the cases from the records. Holds the hashes of names in
/// memory (28 bytes per case), not the cases.
pub(crate) fn write(
    report: &PlanReport,
    profile: Profile,
    out: &mut dyn io::Write,
) -> Result<(), JunitError> {
    let outlines = outline::outlines(&report.entries);
    let names = UniqueNames::of(&outlines);
    let suites = suites(&outlines, profile);
    let own = suite_markup::own_suite(report)?;
    let mut counts = own
        .as_ref()
        .map_or_else(ElementCounts::default, |own| own.counts);
    for suite in suites.values() {
        counts += suite.counts;
    }
    let mut xml = XmlWriter::new(out);
    let mut reader = CaseReader::default();
    let root = suite_markup::root(report, counts, profile)?;
    xml.raw(&root.start)?;
    let mut facts = report.plan.as_ref();
    for ((name, labels), suite) in &suites {
        let markup = suite_markup::suite(name, labels, suite, facts.take())?;
        xml.raw(&markup.start)?;
        for outline in &suite.outlines {
            write_cases(outline, &names, profile, &mut reader, &mut xml)?;
        }
        xml.raw(&markup.end)?;
    }
    if let Some(own) = &own {
        xml.raw(&own.text)?;
    }
    xml.raw(&root.end)?;
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
        let key = (entry.test.suite.clone(), outline::labels(entry));
        let suite = suites.entry(key).or_default();
        suite.counts += outline.counts();
        suite.duration_ms += entry.duration_ms().unwrap_or(0);
        if profile == Profile::Default {
            let reserved = entry.attempts.first().map(|it| it.reserved);
            suite.began = [suite.began, reserved].into_iter().flatten().min();
        }
        suite.outlines.push(outline);
    }
    suites
}
