//! What a worker does before it works, when it comes back in a re-run.

use std::path::{Path, PathBuf};

use super::{
    Rerun,
    reopen::{self, Failures, Opened, Wanted},
};
use crate::{
    cli::screen::Screen,
    client::Client,
    failure::Failure,
    model::{Capabilities, Plan},
};

/// A worker that comes back.
#[derive(Debug)]
pub struct Resume<'a> {
    /// Which re-run this is.
    pub rerun: Rerun,
    /// The service.
    pub client: &'a Client,
    /// The plan.
    pub plan: &'a Plan,
    /// What the worker offers.
    pub offered: &'a Capabilities,
    /// Records of the earlier attempts.
    pub records: &'a [PathBuf],
    /// Where records are written.
    pub folder: &'a Path,
    /// A name for the record of what is opened.
    pub name: &'a str,
    /// Whether the worker's name is that of its job, the same in each attempt.
    pub is_named: bool,
}

impl Resume<'_> {
    /// Opens what failed or could not run. Returns why failures may stand that could not be opened, if so: then the
    /// re-run must not end green, whatever else it does.
    pub async fn resume(&self, screen: &Screen) -> Result<Option<String>, Failure> {
        let (client, plan) = (self.client, self.plan);
        let rerun = match self.rerun {
            Rerun::First => return Ok(None),
            Rerun::Later(rerun) => Some(rerun),
            Rerun::Unknown { .. } => None,
        };
        let wanted = Wanted {
            rerun,
            offered: Some(self.offered),
            records: self.records,
            worker: self.is_named.then_some(self.name),
        };
        let listed = reopen::listed(client, plan, wanted).await?;
        if let Rerun::Unknown { attempt } = self.rerun {
            let doubt = unknown(plan, attempt, listed.map(|failures| failures.len()));
            screen.warn(format_args!("{}", doubt.text));
            return Ok(doubt.failures_stand.then_some(doubt.text));
        }
        let failures = match listed {
            Some(failures) => failures,
            None => match self.recorded(wanted) {
                Ok(failures) => failures,
                Err(doubt) => {
                    screen.warn(format_args!("{doubt}"));
                    return Ok(Some(doubt));
                }
            },
        };
        let tried = failures.tried;
        let opened = reopen::open(failures, client, plan, self.folder, self.name).await?;
        screen.info(&said(plan, rerun.unwrap_or(1), &opened, tried));
        for (execution, why) in &opened.refused {
            screen.info(format_args!("execution {execution} is left alone: {why}"));
        }
        let refused = opened.refused.len();
        Ok((refused > 0 && !opened.refusals_are_fine).then(|| {
            format!("{refused} executions that did not pass could not be opened again, so they stand as they are")
        }))
    }

    fn recorded(&self, wanted: Wanted<'_>) -> Result<Failures, String> {
        let blind = |why: &str| {
            format!(
                "this service cannot list what failed in an earlier attempt, and {why}: nothing is opened again; give \
                 the workers' records of the earlier attempts with --records"
            )
        };
        if wanted.records.is_empty() {
            return Err(blind("no records were given"));
        }
        reopen::recorded(self.plan, wanted).map_err(|failure| blind(&failure.error.to_string()))
    }
}

/// What is said where nobody knows which attempt started the plan.
struct Doubt {
    text: String,
    failures_stand: bool,
}

/// `failed` is how many failures the service lists that these workers could take, where it lists.
fn unknown(plan: &Plan, attempt: u32, failed: Option<usize>) -> Doubt {
    let stand = failed.map_or(plan.failed, |failed| failed as u64);
    let failures = match stand {
        0 => String::new(),
        stand => format!("; {stand} executions that did not pass stand"),
    };
    Doubt {
        text: format!(
            "this is attempt {attempt} of the run, and nobody says which one started plan {}, so nothing is opened \
             again{failures}; pass --plan-attempt",
            plan.id
        ),
        failures_stand: stand > 0,
    }
}

fn said(plan: &Plan, rerun: u32, opened: &Opened, tried: usize) -> String {
    let opened = match opened.executions.len() {
        0 => "nothing had to be opened again".to_owned(),
        count => format!("{count} executions that did not pass are open again"),
    };
    let tried = match tried {
        0 => String::new(),
        tried => format!("; {tried} did not pass in this re-run either"),
    };
    format!("re-run {rerun} of plan {}: {opened}{tried}", plan.id)
}
