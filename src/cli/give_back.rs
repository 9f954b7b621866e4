//! `testplan give-back`: the last care for leases whose worker was killed before it could give them back itself.

use std::path::PathBuf;

use clap::Args;

use super::{args::ServiceArgs, context::Context, settings::ServiceSettings};
use crate::{
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    run::lease_files,
};

/// Gives back what a killed process held.
#[derive(Args, Debug)]
pub(crate) struct GiveBack {
    #[command(flatten)]
    service: ServiceArgs,
    /// Where it wrote down what it holds: the folder that its variable `TESTPLAN_HELD` named [default: none,
    /// and then nothing is given back].
    #[arg(long, value_name = "DIR")]
    held: Option<PathBuf>,
}

/// `testplan give-back`. What cannot be given back is told, and ends by itself: that is no failure.
pub(crate) async fn run(command: GiveBack, context: &Context) -> CommandResult {
    // Most steps leave nothing, and then no service has to be there.
    let Some(folder) = command.held.filter(|folder| folder.is_dir()) else {
        return Ok(Conclusion::Passed);
    };
    let service = ServiceSettings::resolve(&command.service, context)?;
    let client = service.map(ServiceSettings::connect).transpose()?;
    let given = lease_files::release_abandoned(&folder, client.as_ref()).await;
    let given = given.map_err(|error| {
        Failure::infrastructure(anyhow::anyhow!("{}: {error}", folder.display()))
            .help("the leases end by themselves; until then their executions wait")
    })?;
    for lease in given {
        context.screen.always(&lease.to_string());
    }
    Ok(Conclusion::Passed)
}
