//! What became of every line that a listing command printed.

use serde::{Deserialize, Serialize};

use super::{Selection, Test};

/// Most left-out lines and most repeated tests that are kept by name; the counts go on.
pub const MAX_NAMED: usize = 200;

/// The account of one template's tests: `listed` = `taken` + `left_out_lines` + `duplicate_lines`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DiscoveryAccount {
    /// Lines of listings that are not blank, and tests written in the file.
    pub listed: u64,
    /// Different tests taken from them.
    pub taken: u64,
    /// Lines that named no test.
    pub left_out_lines: u64,
    /// How many of them are suspicious.
    pub suspicious_lines: u64,
    /// The first [`MAX_NAMED`] of them; the suspicious ones come before the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Lines that named a test once more.
    pub duplicate_lines: u64,
    /// The first [`MAX_NAMED`] tests that were named more than once, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<Test>,
    /// Which of the taken tests the plan has, if not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
}

/// A line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LeftOut {
    /// The line as it was printed, cut to a bound.
    pub line: String,
    /// Its number in the listing, from 1; 0 if it did not come from a listing.
    pub number: u64,
    /// Why it was not taken, one sentence without a full stop.
    pub reason: String,
    /// Whether tests may be missing because of it: a warning, and an error in a strict discovery.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspicious: bool,
}

impl LeftOut {
    /// The reason for what the tool of a preset could not load.
    pub const NOT_LOADED: &'static str = "could not be loaded";
}

impl DiscoveryAccount {
    /// Counts a test that was taken.
    pub fn take(&mut self) {
        self.listed += 1;
        self.taken += 1;
    }

    /// Counts a line that names a test once more.
    pub fn repeat(&mut self, test: &Test) {
        self.listed += 1;
        self.duplicate_lines += 1;
        self.keep_duplicate(test);
    }

    /// Counts a line that was left out.
    pub fn leave_out(&mut self, line: LeftOut) {
        self.listed += 1;
        self.left_out_lines += 1;
        self.suspicious_lines += u64::from(line.suspicious);
        self.keep_left_out(line);
    }

    /// Adds the account of one more listing of the same template.
    pub fn add(&mut self, other: Self) {
        self.listed += other.listed;
        self.taken += other.taken;
        self.left_out_lines += other.left_out_lines;
        self.suspicious_lines += other.suspicious_lines;
        self.duplicate_lines += other.duplicate_lines;
        for line in other.left_out {
            self.keep_left_out(line);
        }
        for test in &other.duplicates {
            self.keep_duplicate(test);
        }
    }

    /// Turns a test that was taken from two sources into a duplicate.
    pub fn was_taken_before(&mut self, test: &Test) {
        self.taken = self.taken.saturating_sub(1);
        self.duplicate_lines += 1;
        self.keep_duplicate(test);
    }

    /// The kept left-out lines because of which tests may be missing.
    pub fn suspicious(&self) -> impl Iterator<Item = &LeftOut> {
        self.left_out.iter().filter(|line| line.suspicious)
    }

    /// Whether every line named a test of its own.
    pub fn is_clean(&self) -> bool {
        self.left_out_lines == 0 && self.duplicate_lines == 0
    }

    fn keep_left_out(&mut self, line: LeftOut) {
        let place = if line.suspicious {
            self.left_out.partition_point(|kept| kept.suspicious)
        } else {
            self.left_out.len()
        };
        self.left_out.insert(place, line);
        self.left_out.truncate(MAX_NAMED);
    }

    fn keep_duplicate(&mut self, test: &Test) {
        if self.duplicates.len() < MAX_NAMED && !self.duplicates.contains(test) {
            self.duplicates.push(test.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64, suspicious: bool) -> LeftOut {
        LeftOut {
            line: format!("line {number}"),
            number,
            reason: "no test".to_owned(),
            suspicious,
        }
    }

    #[test]
    fn suspicious_lines_are_kept_before_the_others() {
        let mut account = DiscoveryAccount::default();
        for number in 1..=300 {
            account.leave_out(line(number, number % 100 == 0));
        }
        let kept: Vec<u64> = account.left_out.iter().map(|line| line.number).collect();
        assert_eq!(kept[..5], [100, 200, 300, 1, 2]);
        assert_eq!(kept.len(), MAX_NAMED);
        assert_eq!((account.left_out_lines, account.suspicious_lines), (300, 3));
    }

    #[test]
    fn the_sum_holds_over_several_listings() {
        let test = Test {
            suite: "a".to_owned(),
            testcase: "b".to_owned(),
        };
        let mut one = DiscoveryAccount::default();
        one.take();
        one.repeat(&test);
        one.leave_out(line(3, true));
        let mut all = one.clone();
        all.add(one);
        all.was_taken_before(&test);
        assert_eq!(
            (
                all.listed,
                all.taken,
                all.left_out_lines,
                all.duplicate_lines
            ),
            (6, 1, 2, 3)
        );
        assert_eq!(all.duplicates, [test]);
    }
}
