//! Any number of records, and what the service says at the end, become one [`PlanReport`].
//!
//! Planned = reported is proved here: the planned total is the most that anybody spoke of, and whatever of it has no
//! counted result is missing, by name where a name is known. `gather` puts events together to attempts, `judge`
//! decides per execution which attempt counts, `lack` finds what kept workers from those that nobody took.

mod gather;
mod judge;
mod lack;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{Execution, ExecutionId, PlanId, PlanStatus},
    text::short_commit,
};

use super::{PlanReport, Proof, RecordFile};

/// What a report is made of.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The workers' records, in any order; the same file twice does no harm.
    pub files: Vec<RecordFile>,
    /// The plan to report on. Without it the one that began last.
    pub plan: Option<PlanId>,
    /// How far the service says the plan is now, if it was asked after the last worker left.
    pub status: Option<PlanStatus>,
    /// Every execution of the plan as the service lists it now, where it can.
    pub executions: Option<Vec<Execution>>,
}

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// No record is of the plan that was asked for, and no service says that there is such a plan.
    #[error("no record is of plan {wanted}: the records are of {}", plans(.found))]
    UnknownPlan {
        /// The plan.
        wanted: PlanId,
        /// Plans that the records are of, at least one.
        found: Vec<PlanId>,
    },
}

/// Plans by number: `plan 7`, `plans 7, 8`.
pub fn plans(plans: &[PlanId]) -> String {
    let numbers: Vec<String> = plans.iter().map(PlanId::to_string).collect();
    let word = if numbers.len() == 1 { "plan" } else { "plans" };
    format!("{word} {}", numbers.join(", "))
}

/// Most commits that a warning names.
const MOST_COMMITS: usize = 4;

/// Merges the evidence into a report.
pub fn merge(evidence: Evidence) -> Result<PlanReport, MergeError> {
    let Evidence {
        files,
        plan,
        status,
        executions,
    } = evidence;
    let gathered = gather::gather(files, plan);
    if let (Some(wanted), None) = (plan, status)
        && gathered.facts.is_none()
        && gathered.executions.is_empty()
        && !gathered.others.is_empty()
    {
        let found = gathered.others.into_iter().collect();
        return Err(MergeError::UnknownPlan { wanted, found });
    }
    let mut report = PlanReport {
        plan: gathered.facts,
        other_plans: gathered.others.into_iter().collect(),
        workers: gathered.workers,
        warnings: gathered.warnings,
        discovery: gathered.discovery,
        span: gathered.span,
        checkouts: gathered.checkouts,
        proof: match (&executions, status) {
            (Some(_), _) => Proof::List,
            (None, Some(_)) => Proof::Counts,
            (None, None) => Proof::Records,
        },
        open_at_service: status.map_or(0, |status| status.open + status.reserved),
        ..PlanReport::default()
    };

    let listed: Option<BTreeMap<ExecutionId, Execution>> =
        executions.map(|list| list.into_iter().map(|it| (it.id, it)).collect());
    let mut known = gathered.executions;
    for (id, execution) in listed.iter().flatten() {
        let dossier = known.entry(*id).or_default();
        dossier.test = Some(execution.test.clone());
        dossier.required = Some(execution.required.clone());
    }
    let service = judge::Service {
        drained: status.is_some_and(PlanStatus::is_drained),
        listed,
    };
    for (id, dossier) in known {
        let judged = judge::judge(id, dossier, &service);
        report.broken.extend(judged.broken);
        report.entries.push(judged.entry);
    }
    lack::explain(&mut report, &gathered.serverless, service.listed.as_ref());

    let commits: BTreeSet<_> = report
        .checkouts
        .iter()
        .flatten()
        .map(|checkout| checkout.commit.clone())
        .collect();
    if commits.len() > 1 {
        let commits: Vec<_> = commits
            .iter()
            .take(MOST_COMMITS)
            .map(|commit| short_commit(commit))
            .collect();
        report.warnings.push(format!(
            "the workers ran at different commits ({}), so this is a result of none of them",
            commits.join(", ")
        ));
    }

    report.not_uploaded = report.entries.iter().filter(|it| it.not_uploaded()).count() as u64;
    if report.not_uploaded > 0 {
        let executions = match report.not_uploaded {
            1 => "1 execution".to_owned(),
            count => format!("{count} executions"),
        };
        report.warnings.push(format!(
            "the results of {executions} were not uploaded; `testplan upload --records OUT` uploads them, OUT being the \
             folder of that run"
        ));
    }
    let crowded = report
        .entries
        .iter()
        .find_map(|entry| Some((entry, entry.cases_not_kept()?)));
    if let Some((entry, sentence)) = crowded {
        let more = report
            .entries
            .iter()
            .filter_map(super::ReportEntry::cases_not_kept);
        let more = match more.count() {
            1 => String::new(),
            count => format!(" (and of {} more executions)", count - 1),
        };
        report
            .warnings
            .push(format!("{}: {sentence}{more}", entry.test));
    }
    let named = report.entries.len() as u64;
    report.total = named
        .max(gathered.total)
        .max(status.map_or(0, PlanStatus::total));
    report.unnamed_missing = report.total - named;
    if report.unnamed_missing > 0 {
        report.warnings.extend(lack::nameless(&gathered.serverless));
    }
    let missing = report.counts().missing;
    if report.open_at_service > missing {
        report.warnings.push(format!(
            "the service has {} executions open or reserved, but the records lack only {missing} results: \
             something was reset or is still running",
            report.open_at_service
        ));
    }
    Ok(report)
}
