//! Asks the service for the earlier runs of quarantined tests that failed, and decides about them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    api::execution_list::TestRunResponse,
    client::{Client, ClientError},
    model::{Capabilities, Execution, ExecutionId, PlanId, RunEnd},
    report::{
        PlanReport,
        deciding::{EarlierRuns, FailureHistory},
    },
};

/// Most executions that are asked about: more failures than that are no matter of single tests.
const MOST_ASKED: usize = 500;
/// Most pages of runs that are read of one test. A test with many configurations has its runs spread over them.
const MOST_PAGES: usize = 5;

/// Decides about failures of quarantined tests by their earlier runs, if any failed. Asks no service if none did.
pub(crate) async fn decide(report: &mut PlanReport, client: Option<&Client>) {
    let Some((runs, executions)) = report.asks_history() else {
        return;
    };
    let plan = report.plan.as_ref().map(|plan| plan.id);
    let history = match (client, plan) {
        (Some(client), Some(plan)) => ask(client, plan, runs, &executions).await,
        _ => FailureHistory::not_asked(),
    };
    report.decide(&history);
}

async fn ask(
    client: &Client,
    plan: PlanId,
    most: u32,
    executions: &[ExecutionId],
) -> FailureHistory {
    if executions.len() > MOST_ASKED {
        return FailureHistory::Unknown(format!(
            "{} executions in quarantine failed, and the runs of at most {MOST_ASKED} are asked for",
            executions.len()
        ));
    }
    let listed = match client.executions(plan).await {
        Ok(Some(listed)) => listed,
        Ok(None) => {
            return FailureHistory::Unknown(
                "Test Center keeps no history of single tests; `broken-after: off` in testplan.yml asks none"
                    .to_owned(),
            );
        }
        Err(error) => return FailureHistory::Unknown(error.to_string()),
    };
    let wanted: BTreeSet<ExecutionId> = executions.iter().copied().collect();
    let mut known = BTreeMap::new();
    for execution in listed.iter().filter(|it| wanted.contains(&it.id)) {
        match runs_before(client, plan, execution, most).await {
            Ok(Some(runs)) => known.insert(execution.id, runs),
            Ok(None) => {
                return FailureHistory::Unknown(
                    "this service is older and does not list the runs of a test".to_owned(),
                );
            }
            Err(error) => return FailureHistory::Unknown(error.to_string()),
        };
    }
    FailureHistory::Known(known)
}

/// The last `most` runs of a test in its configuration, those of its plan left out.
async fn runs_before(
    client: &Client,
    plan: PlanId,
    execution: &Execution,
    most: u32,
) -> Result<Option<EarlierRuns>, ClientError> {
    let mut ends = Vec::new();
    let mut before = execution.id;
    for _ in 0..MOST_PAGES {
        let Some(page) = client.test_runs(execution.test_id, before).await? else {
            return Ok(None);
        };
        let telling = page
            .items
            .into_iter()
            .filter(|run| run.is_telling && run.plan_id != plan && is_of(run, &execution.required));
        ends.extend(telling.map(|run| run.end));
        match page.next {
            // A `next` that points back would never end.
            Some(next) if ends.len() < most as usize && next < before.0 => {
                before = ExecutionId(next);
            }
            _ => break,
        }
    }
    Ok(Some(earlier_runs(&ends, most)))
}

fn is_of(run: &TestRunResponse, required: &Capabilities) -> bool {
    Capabilities::from(run.labels.clone()) == *required
}

/// What the ends of runs say, newest first.
fn earlier_runs(ends: &[RunEnd], most: u32) -> EarlierRuns {
    let ends = ends.iter().take(most as usize);
    let failed = ends.clone().take_while(|end| **end == RunEnd::Failed);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    EarlierRuns {
        failed_in_a_row: count(failed.count()),
        known: count(ends.count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_from_the_newest_run() {
        use RunEnd::{Failed, Flaky, Passed};
        for (ends, failed_in_a_row, known) in [
            (&[][..], 0, 0),
            (&[Failed, Failed], 2, 2),
            (&[Failed, Flaky, Failed], 1, 3),
            (&[Passed, Failed, Failed], 0, 3),
            (&[Failed, Failed, Failed, Failed], 3, 3),
        ] {
            let expected = EarlierRuns {
                failed_in_a_row,
                known,
            };
            assert_eq!(earlier_runs(ends, 3), expected, "{ends:?}");
        }
    }
}
