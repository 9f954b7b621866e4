//! `testplan template show`: look a template up.

use clap::{Args, Subcommand};

use super::{
    args::{ConfigArgs, Format, ServiceArgs, TemplateArgs},
    connect,
    plan::print_plan,
    screen::Screen,
};
use crate::{config::environment::Environment, exit_code::Conclusion, failure::CommandResult};

/// Looks a template up.
#[derive(Debug, Subcommand)]
pub enum Template {
    /// Show a template by project and title
    Show(Show),
}

/// Which template, and how to print it.
#[derive(Args, Debug)]
pub struct Show {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    template: TemplateArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `testplan template …`.
pub async fn run(command: Template, environment: &Environment, screen: &Screen) -> CommandResult {
    let Template::Show(show) = command;
    let client = connect::client(&show.service, environment, screen)?;
    let config = connect::config(&show.config, environment, screen)?;
    let template = connect::template(&client, &show.template, config.as_ref()).await?;
    print_plan(screen, show.format, &template);
    Ok(Conclusion::Passed)
}
