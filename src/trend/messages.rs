//! Failures of a test by the first line of their message.

use serde::Serialize;

use crate::{
    model::{ExecutionId, PlanId, RunEnd},
    store::TestRun,
};

/// Failures with the same first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MessageGroup {
    /// Empty if nothing is known.
    pub(crate) message: String,
    pub(crate) runs: u64,
    /// The newest of them.
    pub(crate) last_plan: PlanId,
    pub(crate) last_execution: ExecutionId,
    pub(crate) last_dt: i64,
    /// When the oldest of them that was read was started.
    pub(crate) first_dt: i64,
    /// The systems that it was seen on.
    pub(crate) systems: Vec<String>,
}

/// Groups the runs that failed or could not run, most frequent first. The runs are newest first.
pub(crate) fn by_message(runs: &[TestRun]) -> Vec<MessageGroup> {
    let mut groups: Vec<MessageGroup> = Vec::new();
    for run in runs {
        if !matches!(run.end, RunEnd::Failed | RunEnd::CouldNotRun) {
            continue;
        }
        let message = first_line(&run.message);
        let system = run.required.to_string();
        if let Some(group) = groups.iter_mut().find(|group| group.message == message) {
            group.runs += 1;
            group.first_dt = run.started.0;
            if !group.systems.contains(&system) {
                group.systems.push(system);
            }
        } else {
            groups.push(MessageGroup {
                message: message.to_owned(),
                runs: 1,
                last_plan: run.plan,
                last_execution: run.execution,
                last_dt: run.started.0,
                first_dt: run.started.0,
                systems: vec![system],
            });
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.runs));
    groups
}

/// The first line that says something.
fn first_line(message: &str) -> &str {
    let mut lines = message.lines().map(str::trim);
    lines.find(|line| !line.is_empty()).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::{super::spell::examples::runs, *};

    #[test]
    fn failures_with_one_first_line_are_one_group() {
        let mut all = runs("Linux", "FF.F!");
        for run in &mut all {
            run.message = match run.plan.0 {
                4 => "\n other\nmore".to_owned(),
                5 => String::new(),
                number => format!("same\nat line {number}"),
            };
        }
        let found = by_message(&all);
        let short = found
            .iter()
            .map(|it| (it.message.as_str(), it.runs, it.last_plan.0));
        let short: Vec<_> = short.collect();
        assert_eq!(short, [("same", 2, 2), ("", 1, 5), ("other", 1, 4)]);
        assert!(found[0].first_dt < found[0].last_dt);
    }
}
