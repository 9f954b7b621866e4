//! Which tests of a template a page lists, and in which order.

use serde::Serialize;

use crate::{
    model::{Capabilities, PlanId, RunEnd, Test, TestId},
    store::KnownTest,
    trend::TestOverview,
};

/// Tests of a page.
const ROWS: usize = 100;

/// Which tests are shown: the value of `show` in the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ShownTests {
    #[default]
    All,
    /// The newest verdict is a failure.
    Failing,
    Flaky,
}

impl ShownTests {
    /// All of them.
    pub(crate) const EACH: [(Self, &'static str); 3] = [
        (Self::All, "all"),
        (Self::Failing, "failing"),
        (Self::Flaky, "flaky"),
    ];

    fn has(self, test: &TestOverview) -> bool {
        match self {
            Self::All => true,
            Self::Failing => test.failing > 0,
            Self::Flaky => test.is_flaky,
        }
    }
}

/// In which order: the value of `sort` in the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TestOrder {
    /// What fails since a short time, what fails longer, what fails and is flaky, what is flaky, what failed, the rest.
    #[default]
    Attention,
    /// The longest first.
    Slow,
    /// By suite and test case.
    Name,
}

impl TestOrder {
    /// All of them.
    pub(crate) const EACH: [(Self, &'static str); 3] = [
        (Self::Attention, "attention"),
        (Self::Slow, "slow"),
        (Self::Name, "name"),
    ];
}

/// What was asked for in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TestListQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<PlanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) branch: Option<String>,
    pub(crate) show: ShownTests,
    pub(crate) sort: TestOrder,
    /// A part of the name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) find: String,
    /// How many tests are before the page.
    pub(crate) skip: usize,
}

/// A test of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ListedTest {
    pub(crate) suite: String,
    pub(crate) testcase: String,
    pub(crate) system: String,
    #[serde(flatten)]
    pub(crate) overview: TestOverview,
}

/// The tests of a page, of all that were found: what they are counted as, and those to show.
#[derive(Debug)]
pub(crate) struct ChosenTests {
    pub(crate) all: usize,
    pub(crate) failing: usize,
    pub(crate) flaky: usize,
    pub(crate) listed: usize,
    pub(crate) shown: Vec<TestOverview>,
}

/// Chooses what a page shows. `names` has the names of all tests if they are needed, sorted by number.
pub(crate) fn choose(
    query: &TestListQuery,
    mut tests: Vec<TestOverview>,
    names: &[KnownTest],
) -> ChosenTests {
    let name_of = |test: &TestOverview| find_name(names, test.test_id);
    let find = query.find.trim().to_lowercase();
    if !find.is_empty() {
        tests.retain(|test| {
            name_of(test).is_some_and(|known| {
                format!("{} {}", known.test.suite, known.test.testcase)
                    .to_lowercase()
                    .contains(&find)
            })
        });
    }
    let count = |shown: ShownTests| tests.iter().filter(|test| shown.has(test)).count();
    let [all, failing, flaky] = ShownTests::EACH.map(|(shown, _)| count(shown));
    tests.retain(|test| query.show.has(test));
    match query.sort {
        TestOrder::Attention => tests.sort_by_key(attention),
        TestOrder::Slow => tests.sort_by_key(|test| std::cmp::Reverse(test.usual_ms)),
        TestOrder::Name => tests.sort_by_cached_key(|test| {
            name_of(test).map(|known| (known.test.suite.clone(), known.test.testcase.clone()))
        }),
    }
    let listed = tests.len();
    let shown = tests.into_iter().skip(query.skip).take(ROWS).collect();
    ChosenTests {
        all,
        failing,
        flaky,
        listed,
        shown,
    }
}

impl TestListQuery {
    /// Whether the names of all tests are needed, not only of those that are shown.
    pub(crate) fn needs_names(&self) -> bool {
        self.sort == TestOrder::Name || !self.find.trim().is_empty()
    }
}

/// The name of a test in a list that is sorted by number.
fn find_name(names: &[KnownTest], id: TestId) -> Option<&KnownTest> {
    let place = names.binary_search_by_key(&id.0, |known| known.id.0).ok()?;
    names.get(place)
}

/// The row of a test.
pub(crate) fn listed(
    overview: TestOverview,
    names: &[KnownTest],
    systems: &[(i64, Capabilities)],
) -> ListedTest {
    let (test, system) = test_on_system((overview.test_id, overview.label_set), names, systems);
    ListedTest {
        suite: test.suite,
        testcase: test.testcase,
        system,
        overview,
    }
}

/// The name of a test, and the system of a set of labels; empty if unknown.
pub(super) fn test_on_system(
    (test, label_set): (TestId, i64),
    names: &[KnownTest],
    systems: &[(i64, Capabilities)],
) -> (Test, String) {
    let known = find_name(names, test);
    let system = systems.iter().find(|(set, _)| *set == label_set);
    (
        known.map_or_else(
            || Test {
                suite: String::new(),
                testcase: String::new(),
            },
            |known| known.test.clone(),
        ),
        system
            .map(|(_, labels)| labels.to_string())
            .unwrap_or_default(),
    )
}

fn attention(test: &TestOverview) -> (u8, u64) {
    if test.failing > 0 {
        (u8::from(test.is_flaky), test.failing)
    } else if test.is_flaky {
        (2, u64::MAX - test.failed)
    } else if test.last.first() == Some(&RunEnd::CouldNotRun) {
        (3, 0)
    } else {
        (4, u64::MAX - test.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExecutionId, Test};

    fn test(id: i64, failing: u64, is_flaky: bool, failed: u64) -> TestOverview {
        TestOverview {
            test_id: TestId(id),
            label_set: 1,
            last: vec![RunEnd::Passed],
            execution_id: ExecutionId(id),
            plan_id: PlanId(1),
            runs: 20,
            failed,
            is_flaky,
            failing,
            failing_since: None,
            usual_ms: Some(u64::try_from(id).unwrap_or(0)),
        }
    }

    fn ids(chosen: &ChosenTests) -> Vec<i64> {
        chosen.shown.iter().map(|test| test.test_id.0).collect()
    }

    fn names() -> Vec<KnownTest> {
        let name = |(id, testcase): (i64, &str)| KnownTest {
            id: TestId(id),
            project: "p".to_owned(),
            test: Test {
                suite: "s".to_owned(),
                testcase: testcase.to_owned(),
            },
        };
        [(1, "Zebra"), (2, "apple"), (3, "login"), (4, "logout")]
            .map(name)
            .to_vec()
    }

    #[test]
    fn what_fails_since_yesterday_comes_first() {
        let all = vec![
            test(1, 0, false, 0),
            test(2, 0, true, 3),
            test(3, 9, false, 9),
            test(4, 1, false, 1),
        ];
        let chosen = choose(&TestListQuery::default(), all.clone(), &[]);
        assert_eq!(ids(&chosen), [4, 3, 2, 1]);
        assert_eq!(
            (chosen.all, chosen.failing, chosen.flaky, chosen.listed),
            (4, 2, 1, 4)
        );
        let show = |show| TestListQuery {
            show,
            ..TestListQuery::default()
        };
        let chosen = choose(&show(ShownTests::Flaky), all.clone(), &[]);
        assert_eq!((ids(&chosen), chosen.all, chosen.listed), (vec![2], 4, 1));
        let slow = TestListQuery {
            sort: TestOrder::Slow,
            ..TestListQuery::default()
        };
        assert_eq!(ids(&choose(&slow, all.clone(), &[])), [4, 3, 2, 1]);
        let by_name = TestListQuery {
            sort: TestOrder::Name,
            ..TestListQuery::default()
        };
        assert_eq!(ids(&choose(&by_name, all.clone(), &names())), [1, 2, 3, 4]);
        let find = TestListQuery {
            find: "LOG".to_owned(),
            skip: 1,
            ..TestListQuery::default()
        };
        let chosen = choose(&find, all, &names());
        assert_eq!((ids(&chosen), chosen.all), (vec![3], 2));
    }
}
