//! Asks the service for the open executions of a plan and assigns them to worker sets.

use std::{cmp::Reverse, collections::BTreeMap, fmt::Write as _};

use super::{
    MOST_JOBS, WorkerSet,
    set_load::SetLoad,
    share::{self, Uncovered},
};
use crate::{
    client::Client,
    failure::Failure,
    model::{Capabilities, Execution, ExecutionState, LabelCase, PlanId, PlanStatus},
};

/// The open work of a plan by worker set.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) status: PlanStatus,
    /// Open executions by worker set; each counts for one set.
    pub(crate) loads: Vec<(WorkerSet, SetLoad)>,
    /// Open executions that no set covers; `None` if the service has only counts.
    pub(crate) uncovered: Option<u64>,
    pub(crate) warnings: Vec<String>,
}

/// Most sets that a message names.
const MOST_SHOWN: usize = 8;

/// Surveys a plan for the named worker sets, or for those that its executions require.
pub(crate) async fn survey(
    client: &Client,
    plan: PlanId,
    named: &[WorkerSet],
) -> Result<Survey, Failure> {
    match client.executions(plan).await? {
        Some(executions) => Ok(by_list(&executions, named)),
        None => by_counts(client, plan, named).await,
    }
}

fn by_list(executions: &[Execution], named: &[WorkerSet]) -> Survey {
    let mut status = PlanStatus::default();
    let mut open = BTreeMap::<Capabilities, Vec<&Execution>>::new();
    for execution in executions {
        match execution.state {
            ExecutionState::Open => {
                status.open += 1;
                let required = execution.required.clone();
                open.entry(required).or_default().push(execution);
            }
            ExecutionState::Reserved => status.reserved += 1,
            ExecutionState::Done => status.done += 1,
        }
    }
    for executions in open.values_mut() {
        // Sets that share them get as many long ones each.
        executions.sort_by_key(|it| Reverse(it.expected_ms));
    }
    let guessed;
    let sets = if named.is_empty() {
        guessed = guess(open.keys());
        &guessed
    } else {
        named
    };
    let (loads, uncovered) = share::by_list(sets, &open);
    let loads = loads.into_iter().map(|mut executions| {
        executions.sort_by_key(|it| Reverse(it.expected_ms));
        SetLoad::of(&executions)
    });
    Survey {
        status,
        loads: sets.iter().cloned().zip(loads).collect(),
        uncovered: Some(uncovered.iter().map(|it| it.open).sum()),
        warnings: uncovered_warnings(&uncovered),
    }
}

async fn by_counts(client: &Client, plan: PlanId, named: &[WorkerSet]) -> Result<Survey, Failure> {
    let status = client.status(plan, &Capabilities::default()).await?;
    let everything;
    let sets = if named.is_empty() {
        everything = guess([Capabilities::default()].iter());
        &everything
    } else {
        named
    };
    let mut counts = Vec::new();
    for set in sets {
        let count = if set.capabilities.is_empty() {
            status
        } else {
            client.status(plan, &set.capabilities).await?
        };
        counts.push(count.open);
    }
    let (loads, rest) = share::by_counts(sets, &counts, status.open);
    let loads = loads.into_iter().map(SetLoad::counted);
    let mut warnings = Vec::new();
    if named.is_empty() && status.open > 0 {
        warnings.push(
            "this service does not list what its executions require, so the workers of the matrix offer nothing: name \
             worker sets with --runs-on"
                .to_owned(),
        );
    } else if rest > 0 {
        warnings.push(format!(
            "{rest} of {} open executions do not require all that a worker set offers, according to the service's counts; \
             a set for them may be missing: compare --runs-on with the plan",
            status.open
        ));
    }
    Ok(Survey {
        status,
        loads: sets.iter().cloned().zip(loads).collect(),
        uncovered: None,
        warnings,
    })
}

/// A set for each distinct requirement that a runner of GitHub meets, at most as many as a matrix has jobs.
fn guess<'a>(needs: impl Iterator<Item = &'a Capabilities>) -> Vec<WorkerSet> {
    let needs = distinct(needs);
    let guesses = needs.iter().filter_map(|need| WorkerSet::guess(need));
    guesses.take(MOST_JOBS).collect()
}

/// The requirements that differ by more than case.
fn distinct<'a>(needs: impl Iterator<Item = &'a Capabilities>) -> Vec<&'a Capabilities> {
    let mut distinct: Vec<&Capabilities> = Vec::new();
    for need in needs {
        let covers = |a: &Capabilities, b: &Capabilities| a.covers(b, LabelCase::Folded);
        if !distinct
            .iter()
            .any(|known| covers(known, need) && covers(need, known))
        {
            distinct.push(need);
        }
        if distinct.len() > MOST_JOBS {
            break;
        }
    }
    distinct
}

/// The worker sets for these requirements, or why some have no runner. For testplan.yml, before the plan is started.
pub(crate) fn foreseen<'a>(
    needs: impl Iterator<Item = &'a Capabilities>,
) -> Result<Vec<WorkerSet>, Failure> {
    let needs = distinct(needs);
    if needs.len() > MOST_JOBS {
        return Err(too_many(needs.len()));
    }
    let guesses: Vec<_> = needs
        .iter()
        .map(|need| (*need, WorkerSet::guess(need)))
        .collect();
    let Some((unknown, _)) = guesses.iter().find(|(_, guess)| guess.is_none()) else {
        return Ok(guesses.into_iter().filter_map(|(_, guess)| guess).collect());
    };
    // One --runs-on line replaces all guesses, so all are shown.
    let mut help = "name the runners of every set:".to_owned();
    for (need, guess) in guesses.iter().take(MOST_SHOWN) {
        let line = match guess {
            Some(set) => set.to_string(),
            None => format!("{need}: LABELS OF YOUR RUNNER"),
        };
        let _ = write!(help, " --runs-on '{line}'");
    }
    if let Some(more @ 1..) = guesses.len().checked_sub(MOST_SHOWN) {
        let _ = write!(help, " and {more} more");
    }
    Err(Failure::usage_text(format_args!(
        "no runner is known for executions that need {unknown}: GitHub hosts Linux, Windows and macOS"
    ))
    .help(help))
}

/// The error for more worker sets than jobs.
pub(crate) fn too_many(sets: usize) -> Failure {
    Failure::usage_text(format_args!(
        "{sets} worker sets or more, and a matrix has at most {MOST_JOBS} jobs"
    ))
    .help("name fewer sets that offer more, with --runs-on 'CAPABILITIES: RUNNER LABELS'")
}

fn uncovered_warnings(uncovered: &[Uncovered]) -> Vec<String> {
    let mut lines: Vec<String> = uncovered
        .iter()
        .take(MOST_SHOWN)
        .map(|it| {
            let (open, required, missing) = (it.open, &it.required, &it.missing);
            format!(
                "{open} executions need {required}, and no worker set covers them: {missing} is missing from --runs-on"
            )
        })
        .collect();
    if let Some(more @ 1..) = uncovered.len().checked_sub(MOST_SHOWN) {
        let open: u64 = uncovered.iter().skip(MOST_SHOWN).map(|it| it.open).sum();
        lines.push(format!(
            "{open} executions of {more} more sets are not covered either"
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExecutionId, Test, TestId};

    fn execution(id: i64, state: ExecutionState, required: &str) -> Execution {
        Execution {
            id: ExecutionId(id),
            test: Test {
                suite: "s".to_owned(),
                testcase: format!("t{id}"),
            },
            test_id: TestId(id),
            required: required
                .split_whitespace()
                .map(|it| it.parse().unwrap())
                .collect(),
            state,
            attempts: 0,
            generation: 0,
            outcome: None,
            failure: None,
            duration_ms: None,
            expected_ms: None,
        }
    }

    fn list(open: &[&str]) -> Vec<Execution> {
        let number = |index: usize| i64::try_from(index).unwrap();
        open.iter()
            .enumerate()
            .map(|(index, needs)| execution(number(index), ExecutionState::Open, needs))
            .collect()
    }

    fn surveyed(open: &[&str], named: &[&str]) -> Survey {
        let named: Vec<WorkerSet> = named.iter().map(|text| text.parse().unwrap()).collect();
        by_list(&list(open), &named)
    }

    fn foreseen_of(needs: &[&str]) -> Result<Vec<WorkerSet>, Failure> {
        let needs: Vec<Capabilities> = list(needs).into_iter().map(|it| it.required).collect();
        foreseen(needs.iter())
    }

    #[test]
    fn each_requirement_is_a_set_without_runs_on() {
        let survey = surveyed(&["OS=Linux", "os=linux", "OS=Windows", ""], &[]);
        let loads: Vec<String> = survey
            .loads
            .iter()
            .map(|(set, load)| format!("{set} {}", load.open))
            .collect();
        assert_eq!(
            loads,
            [
                ": ubuntu-latest 1",
                "OS=Linux: ubuntu-latest 2",
                "OS=Windows: windows-latest 1"
            ]
        );
        assert_eq!(survey.uncovered, Some(0));
        assert!(survey.warnings.is_empty());
    }

    #[test]
    fn load_has_the_known_durations_with_the_longest_first() {
        let mut executions = list(&["OS=Linux", "", "OS=Linux", "OS=Linux"]);
        for (execution, expected) in executions.iter_mut().zip([Some(7), Some(5), Some(9)]) {
            execution.expected_ms = expected;
        }
        let sets: Vec<WorkerSet> = vec!["OS=Linux: x".parse().unwrap()];
        let survey = by_list(&executions, &sets);
        assert_eq!(
            survey.loads[0].1,
            SetLoad {
                open: 4,
                known_ms: vec![9, 7, 5],
                longest: Some("s / t2".to_owned()),
            }
        );
    }

    #[test]
    fn sets_that_share_executions_get_long_ones_each() {
        let mut executions = list(&["", "", "", ""]);
        for (execution, expected) in executions.iter_mut().zip([1, 80, 2, 90]) {
            execution.expected_ms = Some(expected);
        }
        let sets = ["OS=Linux: x", "OS=Windows: y"].map(|text| text.parse().unwrap());
        let survey = by_list(&executions, &sets);
        let known: Vec<&[u64]> = survey.loads.iter().map(|it| &it.1.known_ms[..]).collect();
        assert_eq!(known, [&[90, 2][..], &[80, 1]]);
    }

    #[test]
    fn only_open_executions_are_shared_out() {
        let mut executions = list(&["OS=Linux"]);
        executions.push(execution(8, ExecutionState::Done, "OS=Solaris"));
        executions.push(execution(9, ExecutionState::Reserved, "OS=Solaris"));
        let survey = by_list(&executions, &[]);
        assert_eq!(survey.loads.len(), 1);
        let PlanStatus {
            open,
            reserved,
            done,
        } = survey.status;
        assert_eq!((open, reserved, done), (1, 1, 1));
    }

    #[test]
    fn unknown_system_is_refused_before_the_start() {
        let failure = foreseen_of(&["OS=Solaris browser=x", "OS=Linux"]).unwrap_err();
        let said = failure.to_string();
        assert_eq!(failure.conclusion.code(), 2);
        assert!(
            said.contains("--runs-on 'OS=Solaris, browser=x: LABELS OF YOUR RUNNER'"),
            "{said}"
        );
        assert!(
            said.contains("--runs-on 'OS=Linux: ubuntu-latest'"),
            "{said}"
        );
        assert_eq!(foreseen_of(&["OS=Linux", ""]).unwrap().len(), 2);
        let survey = surveyed(&["OS=Solaris", "OS=Linux"], &[]);
        assert_eq!(survey.uncovered, Some(1));
        assert!(
            survey.warnings[0].contains("OS=Solaris"),
            "{:?}",
            survey.warnings
        );
        let survey = surveyed(&["OS=Solaris"], &["OS=Solaris: sun"]);
        assert_eq!(survey.uncovered, Some(0));
    }

    #[test]
    fn uncovered_executions_are_named() {
        let survey = surveyed(
            &[
                "OS=Linux browser=opera",
                "OS=Linux browser=opera",
                "OS=Linux",
            ],
            &["OS=Linux: ubuntu-latest"],
        );
        assert_eq!(survey.uncovered, Some(2));
        assert_eq!(
            survey.warnings,
            [
                "2 executions need OS=Linux, browser=opera, and no worker set covers them: browser=opera is missing from --runs-on"
            ]
        );
        let many: Vec<String> = (0..12).map(|n| format!("k={n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let survey = surveyed(&many, &["OS=Linux: ubuntu-latest"]);
        assert_eq!(survey.uncovered, Some(12));
        assert_eq!(survey.warnings.len(), MOST_SHOWN + 1);
    }

    #[test]
    fn more_requirements_than_jobs_are_refused() {
        let needs: Vec<String> = (0..=MOST_JOBS).map(|n| format!("n={n}")).collect();
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        assert!(
            foreseen_of(&needs)
                .unwrap_err()
                .to_string()
                .contains("at most 256")
        );
    }
}
