//! What can be found out of a service that only counts: how many open executions need each capability that anybody
//! knows of, and which Squish servers have it.

use std::collections::BTreeSet;

use super::{Lacking, Seen};
use crate::{
    client::Client,
    model::{Capabilities, Capability, LabelCase, PlanId, SquishServer},
};

/// Most capabilities that are asked for.
const MOST: usize = 16;

/// Asks, and puts into words what is known and what is not.
pub(super) async fn seen(client: &Client, plan: PlanId, hints: &[Capability]) -> Seen {
    let mut lines = Vec::new();
    let squish_servers = match client.squish_servers().await {
        Ok(list) => list,
        Err(error) => {
            lines.push(format!(
                "which Squish servers there are is not known: {error}"
            ));
            Vec::new()
        }
    };
    let mut lacking = Vec::new();
    let candidates = candidates(&squish_servers, hints);
    for wanted in &candidates {
        let filter = Capabilities::from(vec![wanted.clone()]);
        let Ok(status) = client.status(plan, &filter).await else {
            continue;
        };
        if status.open == 0 {
            continue;
        }
        let verb = if status.open == 1 { "needs" } else { "need" };
        let (have, enabled) = holders(&squish_servers, &filter);
        lines.push(format!("{} open {verb} {wanted}: {have}", status.open));
        if !enabled {
            lacking.push(Lacking {
                required: filter,
                open: status.open,
                reason: "squish-server",
            });
        }
    }
    lines.push(
        "this service tells neither what executions need nor which workers are there: name with --capability \
         KEY=VALUE what else they may need, and how many do is counted"
            .to_owned(),
    );
    Seen {
        lines,
        lacking,
        knows_workers: false,
    }
}

/// What executions may need: what people say, and what Squish servers have, each once.
fn candidates(squish_servers: &[SquishServer], hints: &[Capability]) -> Vec<Capability> {
    let known = squish_servers.iter().flat_map(|it| it.labels.iter());
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut list = Vec::new();
    for capability in hints.iter().chain(known) {
        let folded = capability.to_string().to_lowercase();
        if seen.insert(folded) && list.len() < MOST {
            list.push(capability.clone());
        }
    }
    list
}

/// Which Squish servers have it, and whether one of them is enabled. By our rule: the service has its own.
fn holders(squish_servers: &[SquishServer], wanted: &Capabilities) -> (String, bool) {
    let having = || {
        squish_servers
            .iter()
            .filter(|it| it.labels.covers(wanted, LabelCase::Folded))
    };
    let enabled = having().any(|it| it.enabled);
    let states: Vec<String> = having()
        .take(MOST)
        .map(|it| {
            let state = match (it.busy_with, it.enabled) {
                (Some(execution), _) => format!("is busy with execution {execution}"),
                (None, true) => "is free".to_owned(),
                (None, false) => "is disabled".to_owned(),
            };
            format!("{} {state}", it.address())
        })
        .collect();
    if states.is_empty() {
        return ("no registered Squish server has it".to_owned(), false);
    }
    (states.join(", "), enabled)
}
