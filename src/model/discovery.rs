//! What became of every line that a listing command printed.

use serde::{Deserialize, Serialize};

use super::Test;

/// Most left-out lines and most duplicates that are kept by name; the counts go on.
pub const MAX_NAMED: usize = 200;

/// The account of one template's discovery: `listed` = `taken` + `left_out_lines` + `duplicate_lines`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DiscoveryAccount {
    /// Lines that are not blank.
    pub listed: u64,
    /// Tests taken from them.
    pub taken: u64,
    /// Lines that named no test.
    pub left_out_lines: u64,
    /// The first [`MAX_NAMED`] of them; those that look like a test come before the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Lines that named a test once more.
    pub duplicate_lines: u64,
    /// The first [`MAX_NAMED`] tests that were named more than once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<Test>,
}

/// A line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LeftOut {
    /// The line as it was printed, cut to a bound.
    pub line: String,
    /// Its number in the listing, from 1.
    pub number: u64,
    /// Why it was not taken, one sentence without a full stop.
    pub reason: String,
    /// Whether it looks like a test: this is a warning, and an error in a strict discovery.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub looks_like_test: bool,
}

impl DiscoveryAccount {
    /// The kept left-out lines that look like a test.
    pub fn suspicious(&self) -> impl Iterator<Item = &LeftOut> {
        self.left_out.iter().filter(|line| line.looks_like_test)
    }
}
