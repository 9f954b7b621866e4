//! Resets failed executions before the worker of a re-run starts.

use std::path::{Path, PathBuf};

use super::{
    Rerun,
    reopen::{self, ResetCandidates, ResetFilter, ResetOutcome},
};
use crate::{
    client::Client,
    failure::Failure,
    model::{Capabilities, Plan},
};

/// A worker that may be part of a re-run.
#[derive(Debug)]
pub(crate) struct Resume<'a> {
    pub(crate) rerun: Rerun,
    pub(crate) client: &'a Client,
    pub(crate) plan: &'a Plan,
    pub(crate) offered: &'a Capabilities,
    /// Records of the earlier attempts.
    pub(crate) records: &'a [PathBuf],
    /// Where records are written.
    pub(crate) folder: &'a Path,
    /// The name for the record of what is reset.
    pub(crate) name: &'a str,
    /// Whether the worker's name is that of its job, the same in each attempt.
    pub(crate) is_named: bool,
}

/// What the start of a re-run came to.
#[derive(Debug, Default)]
pub(crate) struct Resumed {
    pub(crate) warning: Option<String>,
    /// What was reset, and what was not.
    pub(crate) lines: Vec<String>,
    /// Why failures of an earlier attempt may remain that were not reset. The re-run must not end green then.
    pub(crate) remaining: Option<String>,
}

impl Resume<'_> {
    /// Resets the executions that failed or could not run in an earlier attempt.
    pub(crate) async fn resume(&self) -> Result<Resumed, Failure> {
        let (client, plan) = (self.client, self.plan);
        let rerun = match self.rerun {
            Rerun::First => return Ok(Resumed::default()),
            Rerun::Later(rerun) => Some(rerun),
            Rerun::Unknown { .. } => None,
        };
        let filter = ResetFilter {
            rerun,
            offered: Some(self.offered),
            records: self.records,
            worker: self.is_named.then_some(self.name),
        };
        let listed = reopen::listed(client, plan, filter).await?;
        if let Rerun::Unknown { attempt } = self.rerun {
            return Ok(unknown(
                plan,
                attempt,
                listed.map(|failures| failures.len()),
            ));
        }
        let failures = match listed {
            Some(failures) => failures,
            None => match self.recorded(filter) {
                Ok(failures) => failures,
                Err(why) => {
                    return Ok(Resumed {
                        warning: Some(why.clone()),
                        remaining: Some(why),
                        ..Resumed::default()
                    });
                }
            },
        };
        let tried = failures.tried;
        let opened = reopen::open(failures, client, plan, self.folder, self.name).await?;
        let mut lines = vec![summary(plan, rerun.unwrap_or(1), &opened, tried)];
        lines.extend(opened.refusals());
        let refused = opened.refused.len();
        let remaining = (refused > 0 && !opened.refusals_are_fine)
            .then(|| format!("{refused} executions that did not pass could not be reset"));
        Ok(Resumed {
            warning: None,
            lines,
            remaining,
        })
    }

    fn recorded(&self, filter: ResetFilter<'_>) -> Result<ResetCandidates, String> {
        let explained = |why: &str| {
            format!(
                "this service cannot list what failed in an earlier attempt, and {why}: nothing is reset; give the \
                 workers' records of the earlier attempts with --records"
            )
        };
        if filter.records.is_empty() {
            return Err(explained("no records were given"));
        }
        reopen::recorded(self.plan, filter).map_err(|failure| explained(&failure.error.to_string()))
    }
}

/// Nothing is reset if the attempt that started the plan is unknown. `failed` is how many failures of the service's list
/// these workers could take.
fn unknown(plan: &Plan, attempt: u32, failed: Option<usize>) -> Resumed {
    let remaining = failed.map_or(plan.failed, |failed| failed as u64);
    let failures = match remaining {
        0 => String::new(),
        count => format!("; {count} executions that did not pass remain"),
    };
    let text = format!(
        "this is attempt {attempt} of the run, and the attempt that started plan {} is unknown, so nothing is \
         reset{failures}; pass --plan-attempt",
        plan.id
    );
    Resumed {
        remaining: (remaining > 0).then(|| text.clone()),
        warning: Some(text),
        lines: Vec::new(),
    }
}

fn summary(plan: &Plan, rerun: u32, opened: &ResetOutcome, tried: usize) -> String {
    let opened = match opened.executions.len() {
        0 => "nothing had to be reset".to_owned(),
        count => format!("{count} executions that did not pass are open again"),
    };
    let tried = match tried {
        0 => String::new(),
        tried => format!("; {tried} did not pass in this re-run either"),
    };
    format!("re-run {rerun} of plan {}: {opened}{tried}", plan.id)
}
