//! Names that a pattern without a match may have meant.

use std::collections::BTreeSet;

use super::test_names::{full_name, quoted};
use crate::{config::suggest, model::PlannedTest};

/// Tests that are compared: to compare two names takes long.
const MOST: usize = 5_000;
/// A shorter text is part of too many names.
const SHORTEST: usize = 3;

/// A pattern that has matches, or the nearest names; `None` if none is near.
pub(super) fn near(pattern: &str, all: &[PlannedTest]) -> Option<String> {
    let literal = pattern.trim_matches(['*', '?', '/']);
    let folded = literal.to_lowercase();
    if folded.len() >= SHORTEST && !folded.contains(['*', '?', '[', '{']) {
        let holding = all
            .iter()
            .map(|planned| full_name(&planned.test))
            .find(|name| name.to_lowercase().contains(&folded));
        if let Some(name) = holding {
            let at = name.to_lowercase().find(&folded);
            let written = at.and_then(|at| name.get(at..at + folded.len()));
            let wide = format!("*{}*", written.unwrap_or(literal));
            return Some(format!("did you mean {}?", quoted(&wide)));
        }
    }
    let some = || all.iter().take(MOST).map(|planned| &planned.test);
    let names: BTreeSet<String> = some().map(full_name).collect();
    let suites: BTreeSet<&str> = some().map(|test| test.suite.as_str()).collect();
    if let Some(near) =
        suggest::nearest(literal, &names).or_else(|| suggest::nearest(literal, suites))
    {
        return Some(format!("did you mean {}?", quoted(near)));
    }
    let words: BTreeSet<&str> = names.iter().flat_map(|name| words(name)).collect();
    let near = suggest::nearest(literal, words)?;
    Some(format!("did you mean {}?", quoted(&format!("*{near}*"))))
}

/// The words of a name that are long enough to be compared.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let words = name.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
    words.filter(|word| word.len() >= SHORTEST)
}
