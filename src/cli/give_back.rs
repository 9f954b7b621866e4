//! `testplan give-back`: releases leases whose worker was killed before it could release them itself.

use std::path::PathBuf;

use clap::Args;

use super::{action::HELD, args::ServiceArgs, context::Context, settings::ServiceSettings};
use crate::{
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    run::lease_files::{self, LeaseService},
};

/// Releases the leases of a killed process.
#[derive(Args, Debug)]
pub(crate) struct GiveBackArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Read the leases from this folder, which the variable `TESTPLAN_HELD` of the process named [default: that of this
    /// process's `TESTPLAN_HELD`].
    #[arg(long, value_name = "DIR")]
    held: Option<PathBuf>,
}

/// `testplan give-back`. A lease that cannot be released is printed and expires by itself: that is no failure.
pub(crate) async fn run(command: GiveBackArgs, context: &Context) -> CommandResult {
    let screen = &context.screen;
    let named = context.environment.get(HELD).map(PathBuf::from);
    let Some(folder) = command.held.or(named) else {
        screen.info(format_args!(
            "nothing to give back: no folder of leases is named (--held, or {HELD} as the process had it)"
        ));
        return Ok(Conclusion::Passed);
    };
    // Processes are ended whether there is a service or not: a token file may be gone by now.
    let service = ServiceSettings::resolve(&command.service, context);
    let client = service.and_then(|service| service.map(ServiceSettings::connect).transpose());
    let failure = client.as_ref().err().map(ToString::to_string);
    // What to do is said where the service is used.
    let failure = failure.as_deref().and_then(|text| text.lines().next());
    let service = match (&client, failure) {
        (Ok(Some(client)), _) => LeaseService::At(client),
        (_, Some(why)) => LeaseService::Unknown(why.trim_start_matches("error: ")),
        _ => LeaseService::Gone,
    };
    let given = lease_files::release_abandoned(&folder, service).await;
    let given = given.map_err(|error| {
        Failure::infrastructure(anyhow::anyhow!("{}: {error}", folder.display()))
            .help("the leases expire by themselves; until then their executions wait")
    })?;
    if given.is_empty() {
        let folder = folder.display();
        screen.info(format_args!("nothing to give back: no lease in {folder}"));
    }
    for lease in given {
        screen.always(lease.to_string());
    }
    Ok(Conclusion::Passed)
}
