//! `testplan backup`: a consistent copy of the database of `testplan serve`, while it runs.

use std::path::PathBuf;

use clap::Args;

use super::{context::Context, settings};
use crate::{
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    local_service::{DATABASE, store_failure},
    store::sqlite::back_up,
};

/// Copies the database of a service.
#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    /// Write the copy into this folder, which is created; a database that is there already is not overwritten.
    #[arg(value_name = "TARGET")]
    target: PathBuf,
    /// Copy the database in this folder, as `serve --data` names it. The service may run.
    #[arg(long, value_name = "DIR", default_value = "testplan-data")]
    data: PathBuf,
}

/// `testplan backup`.
pub(crate) async fn run(command: BackupArgs, context: &Context) -> CommandResult {
    let from = command.data.join(DATABASE);
    if !from.exists() {
        return Err(
            Failure::usage_text(format_args!("{} does not exist", from.display()))
                .help("name the folder of `testplan serve` with --data"),
        );
    }
    settings::make_folder(&command.target, "TARGET")?;
    let to = command.target.join(DATABASE);
    let copying = tokio::task::spawn_blocking(move || back_up(&from, &to));
    let copied = copying.await.map_err(Failure::infrastructure)?;
    let backup = copied.map_err(store_failure)?;
    context.screen.always(format_args!(
        "wrote {} ({} bytes, {} acknowledged changes) and {}",
        backup.database.display(),
        backup.bytes,
        backup.acknowledged,
        backup.mark.display()
    ));
    Ok(Conclusion::Passed)
}
