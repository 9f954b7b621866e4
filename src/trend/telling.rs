//! Whether a plan says something about single tests.

use crate::store::TestRun;

/// Of how many ended executions on a plan can be out of order as a whole.
const FEWEST_OF_BROKEN: u64 = 10;

/// Whether a plan says something about single tests. Where at least four fifths of its ended executions neither passed nor were
/// skipped, something else was broken: the build, a service, the machines.
pub(super) fn is_telling((ended, good): (u64, u64)) -> bool {
    let bad = ended.saturating_sub(good);
    ended < FEWEST_OF_BROKEN || bad * 5 < ended * 4
}

/// Whether a run says something about its test: it passed or failed, in a plan that says something about single tests.
pub(crate) fn tells_of_test(run: &TestRun) -> bool {
    run.end.is_verdict() && is_telling(run.plan_ended)
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
