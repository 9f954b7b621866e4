//! Class name and name together are unique in a file: consumers keep only the first of equal ones.

use std::collections::{HashMap, HashSet};

use super::draft::{Draft, labels};

/// Leaves unique names alone. Of equal ones the class name gets the execution's labels; what is then still equal
/// gets the execution's number, and then a number of its own.
pub(super) fn make_unique(drafts: &mut [Draft<'_>]) {
    for index in repeated(drafts) {
        let labels = super::xml_line(&labels(drafts[index].entry), super::MAX_NAME);
        if !labels.is_empty() {
            drafts[index].classname = format!("{} [{labels}]", drafts[index].classname);
        }
    }
    let still = repeated(drafts);
    let several = of_several_executions(drafts, &still);
    for index in still {
        if several.contains(&index) {
            let execution = drafts[index].entry.execution;
            drafts[index].name = format!("{} (execution {execution})", drafts[index].name);
        }
    }
    let mut seen: HashSet<(String, String)> = HashSet::new();
    let mut counters: HashMap<(String, String), usize> = HashMap::new();
    // Names that are nobody's second choice come first, so that they stay as they are.
    let last: HashSet<usize> = repeated(drafts).into_iter().collect();
    for (index, draft) in drafts.iter().enumerate() {
        if !last.contains(&index) {
            seen.insert((draft.classname.clone(), draft.name.clone()));
        }
    }
    for (_, draft) in drafts
        .iter_mut()
        .enumerate()
        .filter(|(index, _)| last.contains(index))
    {
        let id = (draft.classname.clone(), draft.name.clone());
        let counter = counters.entry(id.clone()).or_insert(0);
        loop {
            *counter += 1;
            let name = if *counter == 1 {
                id.1.clone()
            } else {
                format!("{} #{counter}", id.1)
            };
            if seen.insert((id.0.clone(), name.clone())) {
                draft.name = name;
                break;
            }
        }
    }
}

/// Whose id another one has too.
fn repeated(drafts: &[Draft<'_>]) -> Vec<usize> {
    let mut places: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        places
            .entry((&draft.classname, &draft.name))
            .or_default()
            .push(index);
    }
    let mut repeated: Vec<usize> = places
        .into_values()
        .filter(|same| same.len() > 1)
        .flatten()
        .collect();
    repeated.sort_unstable();
    repeated
}

/// Those whose id is shared with a case of another execution.
fn of_several_executions(drafts: &[Draft<'_>], repeated: &[usize]) -> HashSet<usize> {
    let mut executions: HashMap<(&str, &str), HashSet<i64>> = HashMap::new();
    for index in repeated {
        let draft = &drafts[*index];
        executions
            .entry((&draft.classname, &draft.name))
            .or_default()
            .insert(draft.entry.execution.0);
    }
    repeated
        .iter()
        .copied()
        .filter(|index| {
            let draft = &drafts[*index];
            executions
                .get(&(draft.classname.as_str(), draft.name.as_str()))
                .is_some_and(|ids| ids.len() > 1)
        })
        .collect()
}
