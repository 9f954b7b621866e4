//! `testplan validate`: checks a testplan.yml, offline.

use clap::Args;
use serde_json::json;

use super::{
    args::{ConfigArgs, Format},
    connect,
    failure::{Ended, Failure},
    screen::Screen,
};
use crate::exit_code::Conclusion;

/// Checks a testplan.yml without running anything.
#[derive(Args, Debug)]
pub struct Validate {
    #[command(flatten)]
    config: ConfigArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `testplan validate`.
#[expect(clippy::unused_async, reason = "all commands are dispatched alike")]
pub async fn run(command: &Validate, screen: &Screen) -> Ended {
    let Some(file) = connect::config(&command.config)? else {
        return Err(Failure::usage_text("there is no testplan.yml here").help("name one with --config FILE"));
    };
    let templates: Vec<&str> = file.templates.iter().map(|template| template.title.as_str()).collect();
    screen.data(
        command.format,
        || {
            let servers = file.servers.len();
            format!("{}: {} templates, {servers} Squish servers, no mistakes\n", file.path.display(), templates.len())
        },
        || json!({ "schema": 1, "file": file.path, "project": file.project, "templates": templates }),
    );
    Ok(Conclusion::Passed)
}
