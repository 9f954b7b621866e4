//! Makes class name and name together unique in a file: CI systems keep only the first of equal cases.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use crate::{
    model::ExecutionId,
    report::{
        ReportEntry,
        cases::{CaseId, MAX_NAME},
        sanitise::xml_line,
    },
};

use super::outline::{Outline, labels};

/// The suffixes that make the names of cases unique.
#[derive(Debug, Default)]
pub(super) struct UniqueNames {
    /// By the place of the case among all. Empty if all names are unique without.
    suffixes: Vec<Suffix>,
}

/// The suffixes of one case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Suffix {
    labels: bool,
    execution: bool,
    /// From 2; no suffix below.
    number: u32,
}

impl UniqueNames {
    /// Unique names get no suffix. If names are equal, the class name gets the execution's labels. If they are still equal,
    /// the name gets the execution's number, and then a number of its own.
    pub(super) fn of(outlines: &[Outline<'_>]) -> Self {
        let mut ids: Vec<CaseId> = Vec::with_capacity(outlines.last().map_or(0, end));
        for outline in outlines {
            ids.extend(outline.ids());
        }
        let equal = repeated(&ids);
        if equal.is_empty() {
            return Self::default();
        }
        let mut suffixes = vec![Suffix::default(); ids.len()];
        for (entry, index) in with_entries(outlines, &equal) {
            if let Some(more) = label_suffix(entry) {
                ids[index] = ids[index].with_classname(&more);
                suffixes[index].labels = true;
            }
        }
        let equal = repeated(&ids);
        for (entry, index) in shared_by_executions(outlines, &equal, &ids) {
            ids[index] = ids[index].with_name(&execution_suffix(entry));
            suffixes[index].execution = true;
        }
        add_numbers(&mut ids, &mut suffixes);
        Self { suffixes }
    }

    /// The class name of the case at a place.
    pub(super) fn classname<'a>(
        &self,
        place: usize,
        entry: &ReportEntry,
        own: Cow<'a, str>,
    ) -> Cow<'a, str> {
        match label_suffix(entry).filter(|_| self.at(place).labels) {
            Some(more) => Cow::Owned(format!("{own}{more}")),
            None => own,
        }
    }

    /// The name of the case at a place.
    pub(super) fn name<'a>(
        &self,
        place: usize,
        entry: &ReportEntry,
        own: Cow<'a, str>,
    ) -> Cow<'a, str> {
        let Suffix {
            execution, number, ..
        } = self.at(place);
        let mut name = own;
        if execution {
            name.to_mut().push_str(&execution_suffix(entry));
        }
        if number > 1 {
            name.to_mut().push_str(&number_suffix(number));
        }
        name
    }

    fn at(&self, place: usize) -> Suffix {
        self.suffixes.get(place).copied().unwrap_or_default()
    }
}

fn label_suffix(entry: &ReportEntry) -> Option<String> {
    let labels = labels(entry);
    let labels = xml_line(&labels, MAX_NAME);
    (!labels.is_empty()).then(|| format!(" [{labels}]"))
}

fn execution_suffix(entry: &ReportEntry) -> String {
    format!(" (execution {})", entry.execution)
}

fn number_suffix(number: u32) -> String {
    format!(" #{number}")
}

fn end(outline: &Outline<'_>) -> usize {
    outline.first + outline.len()
}

/// Adds numbers to names that are still equal. No number leads to a name that another case has.
fn add_numbers(ids: &mut [CaseId], suffixes: &mut [Suffix]) {
    let equal = repeated(ids);
    if equal.is_empty() {
        return;
    }
    let unique = (0..ids.len()).filter(|index| equal.binary_search(index).is_err());
    let mut taken: HashSet<CaseId> = unique.map(|index| ids[index]).collect();
    let mut counters: HashMap<CaseId, u32> = HashMap::new();
    for index in equal {
        let counter = counters.entry(ids[index]).or_insert(0);
        loop {
            *counter += 1;
            let id = match *counter {
                1 => ids[index],
                number => ids[index].with_name(&number_suffix(number)),
            };
            if taken.insert(id) {
                suffixes[index].number = *counter;
                break;
            }
        }
    }
}

/// The places of ids that occur more than once, in order.
fn repeated(ids: &[CaseId]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..ids.len()).collect();
    places.sort_unstable_by_key(|place| ids[*place]);
    let mut repeated: Vec<usize> = places
        .chunk_by(|a, b| ids[*a] == ids[*b])
        .filter(|same| same.len() > 1)
        .flatten()
        .copied()
        .collect();
    repeated.sort_unstable();
    repeated
}

/// Each place with the execution that it belongs to.
fn with_entries<'a>(
    outlines: &'a [Outline<'a>],
    places: &'a [usize],
) -> impl Iterator<Item = (&'a ReportEntry, usize)> {
    places.iter().map(|place| {
        let after = outlines.partition_point(|outline| outline.first <= *place);
        (outlines[after - 1].entry, *place)
    })
}

/// The repeated places whose id a case of another execution has too.
fn shared_by_executions<'a>(
    outlines: &'a [Outline<'a>],
    repeated: &'a [usize],
    ids: &[CaseId],
) -> Vec<(&'a ReportEntry, usize)> {
    // The first execution that has an id, and whether another one has it too.
    let mut holders: HashMap<CaseId, (ExecutionId, bool)> = HashMap::new();
    for (entry, index) in with_entries(outlines, repeated) {
        let (first, is_shared) = holders
            .entry(ids[index])
            .or_insert((entry.execution, false));
        *is_shared |= *first != entry.execution;
    }
    with_entries(outlines, repeated)
        .filter(|(_, index)| holders[&ids[*index]].1)
        .collect()
}
