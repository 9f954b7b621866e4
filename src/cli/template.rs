//! `testplan template show`: shows a template.

use clap::{Args, Subcommand};

use super::{
    args::{ConfigArgs, OutputFormat, ServiceArgs, TemplateArgs},
    context::Context,
    plan::print_plan,
};
use crate::{exit_code::Conclusion, failure::CommandResult, listing::template_tests};

/// Shows a template.
#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// Show a template by project and title
    Show(ShowTemplateArgs),
}

/// Which template, and how to print it.
#[derive(Args, Debug)]
pub(crate) struct ShowTemplateArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    template: TemplateArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// `testplan template …`.
pub(crate) async fn run(command: TemplateCommand, context: &Context) -> CommandResult {
    let TemplateCommand::Show(show) = command;
    let client = show.service.connect(context)?;
    let config = show.config.load(context)?;
    let name = show.template.resolve(config.as_ref())?;
    let template = template_tests::find_template(&client, name, config.as_ref()).await?;
    print_plan(&context.screen, show.format, &template);
    Ok(Conclusion::Passed)
}
