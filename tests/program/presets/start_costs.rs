//! What a start of each tool costs: the figures of `start_ms` in `src/preset`, not checked, for the machines differ.

use std::time::Duration;

use testplan::model::record::RecordEvent;

use crate::support::Records;

use super::{
    tool::{Does, Tool},
    tool_project::ToolProject,
    tools::TOOLS,
};

const RUNS: usize = 5;

/// Prints the median of some calls that run one empty test each.
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn print_cost(tool: &'static Tool) {
    let Some(project) = ToolProject::new(tool, &[("c1", Does::Passes)]) else {
        return;
    };
    project.plan("single", None);
    let mut costs: Vec<u64> = (0..RUNS)
        .map(|_| {
            project.command().run().code_is(0);
            let records = Records::below(project.stage.path("testplan-out/records"));
            let ended = records.pick(|event| match event {
                RecordEvent::Ended { duration_ms, .. } => Some(*duration_ms),
                _ => None,
            });
            ended[0]
        })
        .collect();
    costs.sort_unstable();
    let median = Duration::from_millis(costs[RUNS / 2]);
    println!("{}: {median:?}, of {costs:?} ms", tool.preset);
}

#[test]
#[ignore = "prints figures: cargo test --test program -- --ignored --nocapture costs_of_starts"]
fn costs_of_starts() {
    let mut last = "";
    for tool in TOOLS {
        if tool.preset != std::mem::replace(&mut last, tool.preset) {
            print_cost(tool);
        }
    }
}
