//! Class name and name together are unique in a file: consumers keep only the first of equal ones.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use crate::report::{ReportEntry, cases::CaseId, sanitise::xml_line};

use super::{MAX_NAME, draft::labels, outline::Outline};

/// What is added to the names of cases so that they are unique.
#[derive(Debug, Default)]
pub(super) struct UniqueNames {
    /// By the place of the case among all; empty if all names are unique as they are.
    suffixes: Vec<Suffix>,
}

/// What is added to the names of one case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Suffix {
    labels: bool,
    execution: bool,
    /// From 2; none below.
    number: u32,
}

impl UniqueNames {
    /// Leaves unique names alone. Of equal ones the class name gets the execution's labels; what is then still equal
    /// gets the execution's number, and then a number of its own.
    pub(super) fn unique(outlines: &[Outline<'_>]) -> Self {
        let mut ids: Vec<CaseId> = Vec::with_capacity(outlines.last().map_or(0, end));
        for outline in outlines {
            ids.extend(outline.ids());
        }
        let once = repeated(&ids);
        if once.is_empty() {
            return Self::default();
        }
        let mut suffixes = vec![Suffix::default(); ids.len()];
        for (entry, index) in owned(outlines, &once) {
            if let Some(more) = of_labels(entry) {
                ids[index] = ids[index].with_classname(&more);
                suffixes[index].labels = true;
            }
        }
        let still = repeated(&ids);
        for (entry, index) in of_several_executions(outlines, &still, &ids) {
            ids[index] = ids[index].with_name(&of_execution(entry));
            suffixes[index].execution = true;
        }
        number(&mut ids, &mut suffixes);
        Self { suffixes }
    }

    /// The class name of the case at a place.
    pub(super) fn classname<'a>(
        &self,
        place: usize,
        entry: &ReportEntry,
        own: Cow<'a, str>,
    ) -> Cow<'a, str> {
        match of_labels(entry).filter(|_| self.at(place).labels) {
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
            name.to_mut().push_str(&of_execution(entry));
        }
        if number > 1 {
            name.to_mut().push_str(&of_number(number));
        }
        name
    }

    fn at(&self, place: usize) -> Suffix {
        self.suffixes.get(place).copied().unwrap_or_default()
    }
}

fn of_labels(entry: &ReportEntry) -> Option<String> {
    let labels = labels(entry);
    let labels = xml_line(&labels, MAX_NAME);
    (!labels.is_empty()).then(|| format!(" [{labels}]"))
}

fn of_execution(entry: &ReportEntry) -> String {
    format!(" (execution {})", entry.execution)
}

fn of_number(number: u32) -> String {
    format!(" #{number}")
}

fn end(outline: &Outline<'_>) -> usize {
    outline.first + outline.len()
}

/// Numbers what is still equal. UniqueNames that need no number come first, so that they stay as they are.
fn number(ids: &mut [CaseId], suffixes: &mut [Suffix]) {
    let last = repeated(ids);
    if last.is_empty() {
        return;
    }
    let equal: HashSet<usize> = last.iter().copied().collect();
    let others = ids.iter().enumerate();
    let mut seen: HashSet<CaseId> = others
        .filter(|(index, _)| !equal.contains(index))
        .map(|(_, id)| *id)
        .collect();
    let mut counters: HashMap<CaseId, u32> = HashMap::new();
    for index in last {
        let counter = counters.entry(ids[index]).or_insert(0);
        loop {
            *counter += 1;
            let id = match *counter {
                1 => ids[index],
                number => ids[index].with_name(&of_number(number)),
            };
            if seen.insert(id) {
                suffixes[index].number = *counter;
                break;
            }
        }
    }
}

/// The places of ids that others have too, in order.
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

/// The places with the executions that they belong to.
fn owned<'a>(
    outlines: &'a [Outline<'a>],
    places: &'a [usize],
) -> impl Iterator<Item = (&'a ReportEntry, usize)> {
    places.iter().map(|place| {
        let after = outlines.partition_point(|outline| outline.first <= *place);
        (outlines[after - 1].entry, *place)
    })
}

/// Those whose id is shared with a case of another execution.
fn of_several_executions<'a>(
    outlines: &'a [Outline<'a>],
    repeated: &'a [usize],
    ids: &[CaseId],
) -> Vec<(&'a ReportEntry, usize)> {
    /// The first execution that has an id, and whether another one has it too.
    struct Holder(i64, bool);
    let mut holders: HashMap<CaseId, Holder> = HashMap::new();
    for (entry, index) in owned(outlines, repeated) {
        let execution = entry.execution.0;
        let holder = holders
            .entry(ids[index])
            .or_insert(Holder(execution, false));
        holder.1 |= holder.0 != execution;
    }
    owned(outlines, repeated)
        .filter(|(_, index)| holders[&ids[*index]].1)
        .collect()
}
