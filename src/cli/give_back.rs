//! `testplan give-back`: releases leases whose worker was killed before it could release them itself.

use std::path::PathBuf;

use clap::Args;

use super::{args::ServiceArgs, context::Context, settings::ServiceSettings};
use crate::{
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    run::lease_files,
};

/// Releases the leases of a killed process.
#[derive(Args, Debug)]
pub(crate) struct GiveBackArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Read the leases from this folder, which the variable `TESTPLAN_HELD` of the process named [default: none, and then
    /// nothing is released].
    #[arg(long, value_name = "DIR")]
    held: Option<PathBuf>,
}

/// `testplan give-back`. A lease that cannot be released is printed and expires by itself: that is no failure.
pub(crate) async fn run(command: GiveBackArgs, context: &Context) -> CommandResult {
    // Most steps leave no leases; then no service is needed.
    let Some(folder) = command.held.filter(|folder| folder.is_dir()) else {
        return Ok(Conclusion::Passed);
    };
    let service = ServiceSettings::resolve(&command.service, context)?;
    let client = service.map(ServiceSettings::connect).transpose()?;
    let given = lease_files::release_abandoned(&folder, client.as_ref()).await;
    let given = given.map_err(|error| {
        Failure::infrastructure(anyhow::anyhow!("{}: {error}", folder.display()))
            .help("the leases expire by themselves; until then their executions wait")
    })?;
    for lease in given {
        context.screen.always(lease.to_string());
    }
    Ok(Conclusion::Passed)
}
