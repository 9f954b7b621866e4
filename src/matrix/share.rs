//! Assigns each open execution to one worker set, so that overlapping sets are not sized for the same work twice. This sizes
//! the matrix only: the service decides later which worker runs what.

use std::collections::BTreeMap;

use super::WorkerSet;
use crate::model::{Capabilities, LabelCase};

/// Open executions that no worker set covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uncovered {
    /// The capabilities that they require.
    pub(crate) required: Capabilities,
    /// What the nearest set does not offer; all of `required` if there is no set.
    pub(crate) missing: Capabilities,
    pub(crate) open: u64,
}

/// The executions of each set, from a list of what is open, and the executions that no set covers.
///
/// An execution goes to the covering set with the fewest capabilities, because a set with more has executions that only it can
/// take; among equals to the one with the smallest load. Executions with few candidates go first, so that the others level
/// the loads.
pub(crate) fn by_list<T: Copy>(
    sets: &[WorkerSet],
    open: &BTreeMap<Capabilities, Vec<T>>,
) -> (Vec<Vec<T>>, Vec<Uncovered>) {
    let mut loads = vec![Vec::new(); sets.len()];
    let mut uncovered = Vec::new();
    let mut placeable = Vec::new();
    for (required, executions) in open {
        let tightest = tightest(sets, required);
        if tightest.is_empty() {
            uncovered.push(Uncovered {
                required: required.clone(),
                missing: missing(sets, required),
                open: executions.len() as u64,
            });
        } else {
            placeable.push((tightest, executions));
        }
    }
    placeable.sort_by_key(|(candidates, _)| candidates.len());
    for (candidates, executions) in placeable {
        for execution in executions {
            if let Some(lightest) = lightest(&candidates, |index| loads[index].len()) {
                loads[lightest].push(*execution);
            }
        }
    }
    (loads, uncovered)
}

/// The executions of each set, from counts: `counts` has for each set the open executions that require at least all that it
/// offers, `total` all open executions. The last number is the remainder, which requires less than any set offers, or something
/// that no set offers. It goes to the sets that offer least.
///
/// A count includes the executions of larger sets, which are subtracted; the loads sum up to `total` at most.
pub(crate) fn by_counts(sets: &[WorkerSet], counts: &[u64], total: u64) -> (Vec<u64>, u64) {
    let mut order: Vec<usize> = (0..sets.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(sets[*index].capabilities.len()));
    let mut loads = vec![0; sets.len()];
    let mut rest = total;
    for (place, &index) in order.iter().enumerate() {
        let larger = order[..place]
            .iter()
            .filter(|other| sets[**other].covers(&sets[index].capabilities));
        let counted: u64 = larger.map(|other| loads[*other]).sum();
        loads[index] = counts[index].saturating_sub(counted).min(rest);
        rest -= loads[index];
    }
    let least = sets.iter().map(|set| set.capabilities.len()).min();
    let smallest: Vec<usize> = (0..sets.len())
        .filter(|index| Some(sets[*index].capabilities.len()) == least)
        .collect();
    spread(&mut loads, &smallest, rest);
    (loads, rest)
}

/// The covering sets with the fewest capabilities.
fn tightest(sets: &[WorkerSet], required: &Capabilities) -> Vec<usize> {
    let covering = || (0..sets.len()).filter(|index| sets[*index].covers(required));
    let fewest = covering().map(|index| sets[index].capabilities.len()).min();
    covering()
        .filter(|index| Some(sets[*index].capabilities.len()) == fewest)
        .collect()
}

fn missing(sets: &[WorkerSet], required: &Capabilities) -> Capabilities {
    sets.iter()
        .map(|set| set.capabilities.missing(required, LabelCase::Folded))
        .min_by_key(Capabilities::len)
        .unwrap_or_else(|| required.clone())
}

/// Adds `count` to the candidates, one by one to the smallest load.
fn spread(loads: &mut [u64], candidates: &[usize], count: u64) {
    let [one] = candidates else {
        for _ in 0..count {
            if let Some(lightest) = lightest(candidates, |index| loads[index]) {
                loads[lightest] += 1;
            }
        }
        return;
    };
    loads[*one] += count;
}

/// The candidate with the smallest load, the first of several.
fn lightest<L: Ord>(candidates: &[usize], load: impl Fn(usize) -> L) -> Option<usize> {
    candidates.iter().copied().min_by_key(|index| load(*index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(list: &[&str]) -> Vec<WorkerSet> {
        list.iter()
            .map(|text| format!("{text}: x").parse().unwrap())
            .collect()
    }

    fn needs(list: &[(&str, u64)]) -> BTreeMap<Capabilities, Vec<()>> {
        let set = |text: &str| -> Capabilities {
            text.split_whitespace()
                .map(|it| it.parse().unwrap())
                .collect()
        };
        let open = |open: u64| vec![(); usize::try_from(open).unwrap()];
        list.iter()
            .map(|(text, count)| (set(text), open(*count)))
            .collect()
    }

    #[test]
    fn each_execution_counts_for_one_set() {
        type Case = (
            &'static [&'static str],
            &'static [(&'static str, u64)],
            &'static [u64],
            u64,
        );
        let table: &[Case] = &[
            // A set each.
            (
                &["OS=Linux", "OS=Windows"],
                &[("OS=Linux", 60), ("OS=Windows", 5)],
                &[60, 5],
                0,
            ),
            // The larger set is kept for executions that require it, in any order of the lines.
            (
                &["OS=Linux, browser=chrome", "OS=Linux"],
                &[("OS=Linux", 10), ("OS=Linux browser=chrome", 3)],
                &[3, 10],
                0,
            ),
            // Equal sets share; executions with one candidate come first.
            (
                &["OS=Linux", "OS=Windows"],
                &[("", 10), ("OS=Windows", 4)],
                &[7, 7],
                0,
            ),
            // Case does not matter.
            (&["os=linux"], &[("OS=Linux", 2)], &[2], 0),
            // A set that offers nothing takes only executions that require nothing.
            (&[""], &[("", 3), ("OS=Linux", 2)], &[3], 2),
            (&[], &[("OS=Linux", 2)], &[], 2),
            (&["OS=Linux"], &[], &[0], 0),
        ];
        for (lines, open, expected, left) in table {
            let (loads, uncovered) = by_list(&sets(lines), &needs(open));
            let loads: Vec<u64> = loads.iter().map(|load| load.len() as u64).collect();
            assert_eq!(loads, *expected, "{lines:?} {open:?}");
            let none: u64 = uncovered.iter().map(|it| it.open).sum();
            assert_eq!(none, *left, "{lines:?} {open:?}");
            let all: u64 = open.iter().map(|(_, open)| open).sum();
            assert_eq!(loads.iter().sum::<u64>() + none, all, "{lines:?} {open:?}");
        }
    }

    #[test]
    fn uncovered_names_what_the_nearest_set_lacks() {
        let sets = sets(&["OS=Windows", "OS=Linux, browser=chrome"]);
        let (_, uncovered) = by_list(&sets, &needs(&[("OS=Linux browser=opera", 4)]));
        assert_eq!(uncovered[0].missing.to_string(), "browser=opera");
        assert_eq!(uncovered[0].open, 4);
    }

    #[test]
    fn counts_are_not_shared_out_twice() {
        type Case = (
            &'static [&'static str],
            &'static [u64],
            u64,
            &'static [u64],
            u64,
        );
        let table: &[Case] = &[
            // The count of the smaller set includes the executions of the larger one.
            (
                &["OS=Linux", "OS=Linux, browser=chrome"],
                &[60, 20],
                60,
                &[40, 20],
                0,
            ),
            // Every execution counts for the empty set.
            (
                &["", "OS=Linux", "OS=Windows"],
                &[100, 60, 30],
                100,
                &[10, 60, 30],
                0,
            ),
            // Loads of overlapping sets sum up to the total.
            (&["OS=Linux", "browser=chrome"], &[50, 50], 60, &[50, 10], 0),
            // No execution requires all that the set offers, but it may run them all.
            (&["OS=Linux, browser=chrome"], &[0], 12, &[12], 12),
            (&["OS=Linux", "OS=Windows"], &[0, 4], 14, &[7, 7], 10),
            (&["OS=Linux"], &[5], 5, &[5], 0),
            (&["OS=Linux"], &[0], 0, &[0], 0),
            // The plan changed between the requests.
            (&["OS=Linux"], &[9], 5, &[5], 0),
        ];
        for (lines, counts, total, expected, rest) in table {
            let found = by_counts(&sets(lines), counts, *total);
            assert_eq!(found, (expected.to_vec(), *rest), "{lines:?} {counts:?}");
            assert_eq!(found.0.iter().sum::<u64>(), *total, "{lines:?} {counts:?}");
        }
    }
}
