//! Writes the cases of one execution, one after the other.

use std::{borrow::Cow, collections::HashMap};

use crate::report::{
    EntryStatus, ReportEntry,
    cases::{CaseId, CaseReader, MAX_NAME},
    sanitise::{xml_line, xml_text},
};

use super::{
    JunitError, Profile,
    case_element::{CaseElement, ElementStatus, FailureElement, MAX_TEXT},
    outline::Outline,
    unique_names::UniqueNames,
    xml_writer::XmlWriter,
};

/// Writes the cases of an execution: at least one.
pub(super) fn write_cases(
    outline: &Outline<'_>,
    names: &UniqueNames,
    profile: Profile,
    reader: &mut CaseReader,
    xml: &mut XmlWriter<'_>,
) -> Result<(), JunitError> {
    let entry = outline.entry;
    let mut completion = CaseCompletion {
        outline,
        names,
        written: 0,
        earlier: earlier_failures(outline, reader)?,
        output_tail: outline
            .counted_end()
            .map(|ended| ended.output_tail.as_str()),
    };
    if let Some(cases) = outline.cases {
        reader.each(cases, |case| {
            let element = CaseElement::of_case(entry, &case);
            xml.case(&completion.complete(element), profile)
        })?;
    }
    if outline.has_own_case {
        let element = CaseElement::of_execution(entry, outline.cases.is_some());
        xml.case(&completion.complete(element), profile)?;
    }
    Ok(())
}

/// What cases get from their execution.
struct CaseCompletion<'a> {
    outline: &'a Outline<'a>,
    names: &'a UniqueNames,
    /// How many cases are written.
    written: usize,
    /// Failures before a reset, by the place of the case.
    earlier: HashMap<usize, Vec<FailureElement>>,
    /// The end of the output, for the first failed case without output.
    output_tail: Option<&'a str>,
}

impl<'a> CaseCompletion<'a> {
    fn complete<'d>(&mut self, mut element: CaseElement<'d>) -> CaseElement<'d>
    where
        'a: 'd,
    {
        let (entry, place) = (self.outline.entry, self.outline.first + self.written);
        element.classname = self.names.classname(place, entry, element.classname);
        element.name = self.names.name(place, entry, element.name);
        element
            .earlier
            .extend(self.earlier.remove(&self.written).into_iter().flatten());
        if matches!(element.status, ElementStatus::Failed(_))
            && element.output.is_empty()
            && let Some(tail) = self.output_tail.take()
        {
            element.output = xml_text(tail, MAX_TEXT);
        }
        if self.written == 0 {
            element.properties = properties(entry);
            if entry.status != EntryStatus::Missing {
                element.notes = xml_text(&notes(entry), MAX_TEXT).into_owned();
            }
        }
        // Some tools write no time for a case. A single case takes as long as its execution.
        if self.outline.len() == 1 {
            element.duration_ms = element.duration_ms.or_else(|| entry.duration_ms());
        }
        self.written += 1;
        element
    }
}

/// Where the cases of an execution come from. Its first case has these properties.
fn properties(entry: &ReportEntry) -> Vec<(&'static str, Cow<'_, str>)> {
    let mut properties = vec![("execution", Cow::Owned(entry.execution.to_string()))];
    if let Some(quarantine) = &entry.ruling.quarantine {
        let text = quarantine.to_string();
        properties.push((
            "quarantine",
            Cow::Owned(xml_line(&text, MAX_TEXT).into_owned()),
        ));
    }
    let Some(attempt) = entry.counted().or_else(|| entry.attempts.last()) else {
        return properties;
    };
    properties.push(("worker", xml_line(&attempt.worker, MAX_NAME)));
    if let Some(host) = &attempt.squish_server {
        properties.push(("squish-server", xml_line(host, MAX_NAME)));
    }
    let number = attempt
        .number
        .map_or(entry.attempts.len(), |number| number as usize);
    if number > 1 {
        properties.push(("attempt", Cow::Owned(number.to_string())));
    }
    properties
}

fn notes(entry: &ReportEntry) -> String {
    let lines: Vec<String> = entry
        .explanations
        .iter()
        .map(|explanation| format!("testplan: {explanation}"))
        .collect();
    lines.join("\n")
}

/// The failures of attempts before a reset, by the place of the case. Those without such a case go to the first.
fn earlier_failures(
    outline: &Outline<'_>,
    reader: &mut CaseReader,
) -> Result<HashMap<usize, Vec<FailureElement>>, JunitError> {
    let entry = outline.entry;
    let mut failures: HashMap<usize, Vec<FailureElement>> = HashMap::new();
    if entry.earlier().next().is_none() {
        return Ok(failures);
    }
    let mut places: HashMap<CaseId, usize> = HashMap::new();
    for (place, id) in outline.ids().enumerate() {
        places.entry(id).or_insert(place);
    }
    for attempt in entry.earlier() {
        let mut has_case = false;
        let cases = attempt.ended().map(|ended| &ended.cases);
        if let Some(cases) = cases.filter(|cases| cases.counts().troubled() > 0) {
            reader.each::<JunitError, _>(cases, |case| {
                let id = || CaseId::of(&case.classname, &case.name).or(outline.fallback_id());
                if let Some(mut failure) = FailureElement::of_case(&case)
                    && let Some(place) = places.get(&id())
                {
                    failure.duration_ms = case.duration_ms;
                    failures.entry(*place).or_default().push(failure);
                    has_case = true;
                }
                Ok(())
            })?;
        }
        if !has_case && let Some(failure) = FailureElement::of_attempt(attempt) {
            failures.entry(0).or_default().push(failure);
        }
    }
    Ok(failures)
}
