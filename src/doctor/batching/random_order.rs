//! A random order that a seed repeats.

use crate::random::SplitMix;

/// Shuffles by a seed: the same order for the same seed and number of items, on each machine and in each version.
pub(crate) fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut numbers = SplitMix(seed);
    for end in (1..items.len()).rev() {
        // The bias of a remainder is below 2^-32 for the lists that fit into memory.
        let below = u64::try_from(end).map_or(u64::MAX, |end| end + 1);
        let place = usize::try_from(numbers.next() % below).unwrap_or(end);
        items.swap(end, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seed: u64) -> Vec<u32> {
        let mut items: Vec<u32> = (0..20).collect();
        shuffle(&mut items, seed);
        items
    }

    #[test]
    fn seed_repeats_the_order_and_another_one_changes_it() {
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
        let mut sorted = order(7);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>(), "each item once");
    }

    #[test]
    fn order_of_a_seed_stays_the_same_over_versions() {
        let mut items = ["a", "b", "c", "d", "e"];
        shuffle(&mut items, 1);
        assert_eq!(items.concat(), "cbeda");
    }

    #[test]
    fn each_place_is_reached() {
        let firsts: std::collections::BTreeSet<u32> = (0..200).map(|seed| order(seed)[0]).collect();
        assert_eq!(firsts.len(), 20);
    }
}
