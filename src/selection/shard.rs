//! One of several equal shares of the tests.

use std::{fmt, str::FromStr};

use crate::model::PlannedTest;

/// Most shares.
const MOST: u32 = 10_000;

/// A share, as `2/4`. The tests are sorted by name and dealt out one by one, so that the order of a listing does not matter and
/// the sizes differ by one at most. Durations are not used: each machine would have to know the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// From 1.
    number: u32,
    of: u32,
}

impl Shard {
    /// The tests of this share, in their order.
    pub(super) fn share(self, tests: Vec<PlannedTest>) -> Vec<PlannedTest> {
        let mut sorted: Vec<usize> = (0..tests.len()).collect();
        sorted.sort_by_cached_key(|index| {
            let PlannedTest { test, required } = &tests[*index];
            let required: Vec<_> = required.iter().cloned().collect();
            (test.clone(), required)
        });
        let (number, of) = (self.number as usize, self.of as usize);
        let mut ours: Vec<bool> = vec![false; tests.len()];
        for index in sorted.into_iter().skip(number - 1).step_by(of) {
            ours[index] = true;
        }
        let kept = tests.into_iter().zip(ours);
        kept.filter_map(|(test, is_ours)| is_ours.then_some(test))
            .collect()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split_once('/')
            .and_then(|(number, of)| Some((number.trim().parse().ok()?, of.trim().parse().ok()?)));
        let Some((number, of)) = parts else {
            return Err(
                "a share such as 1/3 is expected: its number and how many there are".to_owned(),
            );
        };
        if !(1..=MOST).contains(&of) {
            return Err(format!("{of} shares: 1 to {MOST} are possible"));
        }
        if !(1..=of).contains(&number) {
            return Err(format!(
                "there is no share {number} of {of}: they are numbered from 1"
            ));
        }
        Ok(Self { number, of })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::selection::tests::{os, planned};

    #[test]
    fn shard_is_refused_out_of_range() {
        for text in [
            "0/3", "4/3", "1/0", "3", "a/b", "1/2/3", "-1/3", "1/10001", "",
        ] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!("3/3".parse::<Shard>().unwrap().to_string(), "3/3");
    }

    proptest! {
        #[test]
        fn each_test_is_in_one_shard_whatever_the_order(
            names in prop::collection::hash_set("[a-c]{1,3}", 0..40),
            of in 1_u32..9,
            seed in any::<usize>(),
        ) {
            let all: Vec<PlannedTest> = names
                .iter()
                .flat_map(|name| ["Linux", "Windows"].map(|it| planned(name, os(it))))
                .collect();
            let mut shared = Vec::new();
            let mut sizes = Vec::new();
            for number in 1..=of {
                // Each machine lists in an order of its own.
                let mut listed = all.clone();
                if !listed.is_empty() {
                    let turn = seed.rotate_left(number) % listed.len();
                    listed.rotate_left(turn);
                }
                let share = Shard { number, of }.share(listed.clone());
                let mut places = share.iter().map(|it| listed.iter().position(|other| other == it));
                prop_assert!(places.clone().all(|place| place.is_some()));
                prop_assert!(places.by_ref().is_sorted(), "the order of the list stays");
                sizes.push(share.len());
                shared.extend(share);
            }
            prop_assert_eq!(shared.len(), all.len());
            prop_assert!(all.iter().all(|it| shared.contains(it)));
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }
    }
}
