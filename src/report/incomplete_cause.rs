//! Why a plan is incomplete, if the records show it: capabilities or Squish servers that no worker had. The text is raw:
//! surfaces clean it.

use std::{collections::BTreeMap, fmt};

use super::{Explanation, PlanReport};
use crate::exit_code::Conclusion;

/// Most causes that are named.
const MOST: usize = 3;

/// Why executions of an incomplete plan could never run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncompleteCause {
    /// What was lacking and for how many executions, most executions first.
    lacks: Vec<(String, u64)>,
    /// The first of them, shortened.
    short: String,
    /// Executions that are missing for other reasons.
    others: u64,
}

impl PlanReport {
    /// The cause, if the conclusion is [`Conclusion::Incomplete`] and the records show what was lacking.
    pub fn incomplete_cause(&self) -> Option<IncompleteCause> {
        if self.conclusion() != Conclusion::Incomplete {
            return None;
        }
        let mut lacks: BTreeMap<(String, String), u64> = BTreeMap::new();
        for explanation in self.entries.iter().flat_map(|entry| &entry.explanations) {
            let lack = match explanation {
                Explanation::UnmetCapabilities { unmet } => (
                    format!("{}, which no worker offered", unmet.missing),
                    format!("no worker offered {}", unmet.missing),
                ),
                Explanation::NoSquishServer { wanted, why } => (
                    format!("a Squish server{}: {why}", wanted.with()),
                    format!("no Squish server{}", wanted.with()),
                ),
                _ => continue,
            };
            *lacks.entry(lack).or_default() += 1;
        }
        let mut lacks: Vec<_> = lacks.into_iter().collect();
        lacks.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let ((_, short), _) = lacks.first()?;
        let short = short.clone();
        let known: u64 = lacks.iter().map(|(_, count)| count).sum();
        Some(IncompleteCause {
            lacks: lacks
                .into_iter()
                .map(|((said, _), count)| (said, count))
                .collect(),
            short,
            others: self.executions().missing.saturating_sub(known),
        })
    }
}

impl IncompleteCause {
    /// A few words, such as `no worker offered OS=macOS`.
    pub fn short(&self) -> &str {
        &self.short
    }
}

impl fmt::Display for IncompleteCause {
    /// `2 executions need OS=macOS, which no worker offered; 1 more is missing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (lack, count)) in self.lacks.iter().take(MOST).enumerate() {
            let comma = if index == 0 { "" } else { "; " };
            let verb = if *count == 1 {
                "execution needs"
            } else {
                "executions need"
            };
            write!(f, "{comma}{count} {verb} {lack}")?;
        }
        let untold: u64 = self.lacks.iter().skip(MOST).map(|(_, count)| count).sum();
        match self.others + untold {
            0 => Ok(()),
            1 => f.write_str("; 1 more is missing"),
            more => write!(f, "; {more} more are missing"),
        }
    }
}
