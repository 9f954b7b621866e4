//! `testplan validate`: checks a testplan.yml, offline.

use clap::Args;
use serde_json::json;

use super::{
    args::{ConfigArgs, Format},
    connect,
    failure::{Ended, Failure},
    screen::Screen,
};
use crate::{config::environment::Environment, exit_code::Conclusion};

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
pub fn run(command: &Validate, environment: &Environment, screen: &Screen) -> Ended {
    let Some(loaded) = connect::config(&command.config, environment, screen)? else {
        return Err(Failure::usage_text("there is no testplan.yml here")
            .help("name one with --config FILE"));
    };
    let file = &loaded.file;
    let templates: Vec<&str> = file
        .templates
        .iter()
        .map(|template| template.title.as_str())
        .collect();
    screen.data(
        command.format,
        || {
            let servers = file.servers.len();
            format!("{}: {} templates, {servers} Squish servers, no mistakes\n", loaded.path.display(), templates.len())
        },
        || json!({ "schema": 1, "file": loaded.path, "project": file.project, "templates": templates }),
    );
    Ok(Conclusion::Passed)
}
