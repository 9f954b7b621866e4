//! `testplan audit`: prints what people did to plans and Squish servers.

use clap::Args;
use serde_json::json;

use super::{
    args::{OutputFormat, ServiceArgs},
    context::Context,
};
use crate::{
    api::actions::ActionResponse,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    model::Timestamp,
    report::{sanitise::console_line, time_text::utc_text},
};

/// Longest text of one field, in bytes.
const MAX_FIELD: usize = 600;

/// Prints what people did.
#[derive(Args, Debug)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Print at most this many, 1 to 1000.
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Output")]
    limit: u32,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// `testplan audit`.
pub(crate) async fn run(command: AuditArgs, context: &Context) -> CommandResult {
    let client = command.service.connect(context)?;
    let Some(actions) = client.actions(command.limit).await? else {
        return Err(Failure::infrastructure(anyhow::anyhow!(
            "the service keeps no list of actions"
        ))
        .help("ask a `testplan serve` of this version; Test Center has no such list"));
    };
    context.screen.data(
        command.format,
        || actions.iter().map(line).collect(),
        || json!({ "schema": 1, "actions": actions }),
    );
    Ok(Conclusion::Passed)
}

/// `2026-11-30T22:33:58Z cancel plan 12 by Ann (ci): wrong branch`.
fn line(action: &ActionResponse) -> String {
    let clean = |text: &str| console_line(text, MAX_FIELD);
    let detail = if action.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", clean(&action.detail))
    };
    format!(
        "{} {} {} by {}{detail}\n",
        utc_text(Timestamp(action.at)),
        clean(&action.action),
        clean(&action.subject),
        clean(&action.principal)
    )
}
