//! Divides tests into calls: what the arguments have room for, and by itself what must run alone.

/// A test that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlannedTest {
    /// How many bytes its name takes among the arguments.
    pub(crate) length: usize,
    /// It shares no call.
    pub(crate) alone: bool,
}

/// The places of the tests in each call, in their order.
pub(crate) fn plan_calls(tests: &[PlannedTest], most: usize, room: usize) -> Vec<Vec<usize>> {
    let mut calls: Vec<Vec<usize>> = Vec::new();
    // The call that is being filled, and how many bytes are in it.
    let mut open: Option<(usize, usize)> = None;
    for (place, test) in tests.iter().enumerate() {
        if test.alone {
            calls.push(vec![place]);
            continue;
        }
        if let Some((call, used)) = &mut open
            && calls[*call].len() < most
            && used.saturating_add(test.length) <= room
        {
            calls[*call].push(place);
            *used += test.length;
            continue;
        }
        open = Some((calls.len(), test.length));
        calls.push(vec![place]);
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(length: usize) -> PlannedTest {
        PlannedTest {
            length,
            alone: false,
        }
    }

    fn alone() -> PlannedTest {
        PlannedTest {
            length: 1,
            alone: true,
        }
    }

    #[test]
    fn calls_are_filled_up_to_their_room() {
        let tests = [shared(4), shared(4), shared(4), shared(20), shared(1)];
        assert_eq!(
            plan_calls(&tests, 100, 8),
            [vec![0, 1], vec![2], vec![3], vec![4]],
            "one that is longer than the room has a call of its own"
        );
        assert_eq!(
            plan_calls(&tests, 2, 100),
            [vec![0, 1], vec![2, 3], vec![4]]
        );
        assert!(plan_calls(&[], 2, 100).is_empty());
    }

    #[test]
    fn tests_that_run_alone_do_not_divide_the_others() {
        let tests = [shared(1), alone(), shared(1), alone()];
        assert_eq!(plan_calls(&tests, 100, 100), [vec![0, 2], vec![1], vec![3]]);
    }
}
