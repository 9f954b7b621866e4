//! Lists of heartbeats, results or resets: each entry is carried out as alone, and all in one transaction.

use super::{finish, lease_renewal, reset, write_context::WriteContext};
use crate::{
    model::{ExecutionId, PlanId},
    store::{
        EntryAnswers, Finish, FinishList, Heartbeat, Reset, StoreError,
        protocol::{not_found::not_of_plan, request_limits},
        values::ms,
    },
};

/// An entry of a list.
trait ListEntry {
    fn execution(&self) -> ExecutionId;
}

impl ListEntry for Heartbeat {
    fn execution(&self) -> ExecutionId {
        self.execution
    }
}

impl ListEntry for Finish {
    fn execution(&self) -> ExecutionId {
        self.execution
    }
}

impl ListEntry for Reset {
    fn execution(&self) -> ExecutionId {
        self.execution
    }
}

/// Opens executions again.
pub(in crate::store) fn reset(
    context: &mut WriteContext<'_>,
    plan: PlanId,
    entries: &[Reset],
) -> Result<EntryAnswers, StoreError> {
    run(context, plan, entries, reset::reset)
}

/// Renews or releases leases.
pub(in crate::store) fn heartbeat(
    context: &mut WriteContext<'_>,
    plan: PlanId,
    entries: &[Heartbeat],
) -> Result<EntryAnswers, StoreError> {
    run(context, plan, entries, lease_renewal::heartbeat)
}

/// Takes results, and what it cost to start the tool for them if one of them counts.
pub(in crate::store) fn finish(
    context: &mut WriteContext<'_>,
    plan: PlanId,
    list: &FinishList,
) -> Result<EntryAnswers, StoreError> {
    let answers = run(context, plan, &list.entries, finish::finish)?;
    if let Some(cost) = list.start_cost
        && let Some(template) = context.plan(plan)?.template
        && answers.iter().any(Result::is_ok)
    {
        context.rows.learn_start_cost(template, ms(cost))?;
    }
    Ok(answers)
}

/// Carries out each entry. Only a failure of the database ends the list, and then nothing of it is kept.
fn run<T: ListEntry>(
    context: &mut WriteContext<'_>,
    plan: PlanId,
    entries: &[T],
    perform: impl Fn(&mut WriteContext<'_>, &T) -> Result<(), StoreError>,
) -> Result<EntryAnswers, StoreError> {
    request_limits::entries(entries.len())?;
    let executions = context.started_plan(plan)?.executions.clone();
    let mut answers = Vec::with_capacity(entries.len());
    for entry in entries {
        let execution = entry.execution();
        let answer = if executions.contains(&execution.0) {
            perform(context, entry)
        } else {
            Err(not_of_plan(execution, plan))
        };
        answers.push(match answer {
            Ok(()) => Ok(()),
            Err(StoreError::Refused(refusal)) => Err(refusal),
            Err(broken) => return Err(broken),
        });
    }
    Ok(answers)
}
