//! What earlier runs say: of one test over time, and of a plan beside the one before. Pure: from facts of the store to statements.

mod comparison;
mod daily;
mod messages;
mod overview;
mod spell;
mod test_trend;
mod usual;

pub(crate) use comparison::{Change, Comparison};
pub(crate) use daily::{Day, days};
pub(crate) use messages::{MessageGroup, by_message};
pub(crate) use overview::{PlanCells, TestOverview, overview};
pub(crate) use spell::{RunPlace, Spell};
pub(crate) use test_trend::{SystemTrend, TRANSITIONS_OF_FLAKY, trends};
pub(crate) use usual::median;

/// Of how many ended executions on a plan can be out of order as a whole.
const FEWEST_OF_BROKEN: u64 = 10;

/// Whether a plan says something about single tests. Where at least four fifths of its ended executions neither passed nor were
/// skipped, something else was broken: the build, a service, the machines.
pub(crate) fn is_telling((ended, good): (u64, u64)) -> bool {
    let bad = ended.saturating_sub(good);
    ended < FEWEST_OF_BROKEN || bad * 5 < ended * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_that_failed_as_a_whole_tells_nothing_of_its_tests() {
        for (ended, good, expected) in [
            (10, 2, false),
            (10, 3, true),
            (9, 0, true),
            (1_000, 0, false),
            (0, 0, true),
        ] {
            assert_eq!(is_telling((ended, good)), expected, "{good} of {ended}");
        }
    }
}
