//! The command line: one file per command, with its arguments and a thin body.
//!
//! stdout carries data only; progress and messages go to stderr. The process always ends with one of the codes of
//! [`Conclusion`], and the last line says what it means.

pub mod action;
mod api_calls;
pub mod args;
mod audit;
mod backup;
mod cancel;
mod context;
mod demo;
mod doctor;
mod dry_run;
mod execute;
mod give_back;
mod init;
mod list;
mod local_workers;
mod lookup;
mod managed;
mod plan;
mod presets;
mod progress;
mod publish;
mod publishing;
mod report;
mod retry;
mod run;
pub mod screen;
mod select;
mod selection_args;
mod serve;
mod servers;
mod service_log;
mod settings;
pub mod shell;
mod start;
mod step_display;
mod template;
mod upload;
mod validate;
mod wait;
mod work;
mod worker_name;

use std::{panic, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    config::environment::Environment,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    publication::step_files::StepFiles,
};
use args::VerbosityArgs;
use context::Context;
use screen::Screen;

/// Distributes the tests of a test plan over workers, through the Squish Test Center Test Plan Execution API, and
/// serves that API itself.
#[derive(Debug, Parser)]
#[command(name = "testplan", version, max_term_width = 100, after_help = exit_codes())]
pub(crate) struct Cli {
    #[command(flatten)]
    verbosity: VerbosityArgs,
    #[command(subcommand)]
    command: Command,
}

fn exit_codes() -> String {
    Conclusion::ALL
        .iter()
        .fold("Exit codes:".to_owned(), |text, conclusion| {
            let (code, word) = (conclusion.code(), conclusion.word());
            format!("{text}\n  {code:<3}  {word}: {}", conclusion.meaning())
        })
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a plan, run its tests with local workers and report, in one process
    Run(Box<run::RunArgs>),
    /// Start a plan; print its id and the matrix of workers
    Execute(Box<execute::ExecuteArgs>),
    /// Run tests of a started plan until none are left that this machine can run
    Work(Box<work::WorkArgs>),
    /// Wait until all executions of a plan are done
    Wait(wait::WaitArgs),
    /// Merge the workers' records into JUnit, HTML, summary and verdict
    Report(report::ReportArgs),
    /// Reset executions that failed or could not run, each once
    Retry(retry::RetryArgs),
    /// Cancel a plan: end what is open, let running tests finish or stop them
    Cancel(cancel::CancelArgs),
    /// Print what people did to plans and Squish servers, newest first
    Audit(audit::AuditArgs),
    /// Publish the templates of a testplan.yml to testplan's own service
    Publish(publish::PublishArgs),
    /// Show a template
    #[command(subcommand)]
    Template(template::TemplateCommand),
    /// Show a plan
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Reserve an execution (single API call)
    Reserve(api_calls::ReserveArgs),
    /// Renew or release a lease (single API call)
    Heartbeat(api_calls::HeartbeatArgs),
    /// Report a result (single API call)
    Finish(api_calls::FinishArgs),
    /// Reset an execution (single API call)
    Reset(api_calls::ResetArgs),
    /// List and change registered Squish servers
    #[command(subcommand)]
    Servers(servers::Servers),
    /// Upload result files to Test Center, or to testplan's own service
    Upload(Box<upload::UploadArgs>),
    /// Serve the execution API from a durable store
    Serve(serve::ServeArgs),
    /// Copy the database of `testplan serve` while it runs
    Backup(backup::BackupArgs),
    /// List the tests of a template, and the lines of its listing that are left out
    List(list::ListArgs),
    /// Check a testplan.yml, offline
    Validate(validate::ValidateArgs),
    /// Find the test tools of a project and write a testplan.yml that is proved to work
    Init(init::InitArgs),
    /// Print the test tools that testplan knows, or how it starts one of them
    Presets(presets::PresetsArgs),
    /// Check what a first run needs: service, template, capabilities, runner, GitHub
    Doctor(Box<doctor::Doctor>),
    /// Run service, Squish servers, plan and workers in one command, and report
    Demo(demo::DemoArgs),
    /// (internal) Run one demo test
    #[command(hide = true)]
    DemoTest(demo::DemoTestArgs),
    /// Release the leases that a killed process of this machine still holds
    GiveBack(give_back::GiveBackArgs),
    /// Run the command that the inputs of a GitHub Actions step ask for
    Action(action::ActionArgs),
    /// Print a completion script
    Completions(shell::CompletionsArgs),
    /// Print the manual page
    Man(shell::ManArgs),
}

/// Parses the command line, runs the command, and returns the exit code.
pub fn main() -> ExitCode {
    panic::set_hook(Box::new(shell::print_panic));
    #[cfg(unix)]
    if let Some(code) = crate::signal::first_process::run_below() {
        return ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX));
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return shell::print_usage(&error).into(),
    };
    let environment = Environment::of_process();
    let conclusion = match cli.command {
        Command::Action(action) => action::main(&action, cli.verbosity, environment),
        command => {
            let step = StepFiles::new(&environment, false);
            let screen = Screen::new(cli.verbosity, &environment, step);
            let log_format = match &command {
                Command::Serve(serve) => serve.log_format(),
                _ => None,
            };
            let screen = if let Some(format) = log_format {
                screen.of_service(cli.verbosity, format)
            } else {
                screen.start_log(cli.verbosity);
                screen
            };
            let context = Context::new(environment, screen);
            shell::conclude(&context.screen, || block_on(dispatch(command, &context)))
        }
    };
    conclusion.into()
}

/// Runs a command on a runtime of its own.
fn block_on(command: impl Future<Output = CommandResult>) -> CommandResult {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // At least two, so that a heartbeat finds a thread while another thread is busy.
        .worker_threads(shell::threads())
        .enable_all()
        .build()
        .map_err(Failure::infrastructure)?;
    let result = runtime.block_on(command);
    // A stuck blocking task (a reader of a huge result file) must not delay the exit.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    result
}

async fn dispatch(command: Command, context: &Context) -> CommandResult {
    match command {
        Command::Run(command) => Box::pin(run::run(*command, context)).await,
        Command::Execute(command) => execute::run(*command, context).await,
        Command::Work(command) => Box::pin(work::run(*command, context)).await,
        Command::Wait(command) => wait::run(command, context).await,
        Command::Report(command) => report::run(command, context).await,
        Command::Retry(command) => retry::run(command, context).await,
        Command::Audit(command) => audit::run(command, context).await,
        Command::Cancel(command) => cancel::run(command, context).await,
        Command::Publish(command) => publish::run(command, context).await,
        Command::Template(command) => template::run(command, context).await,
        Command::Plan(command) => plan::run(command, context).await,
        Command::Reserve(command) => api_calls::reserve(command, context).await,
        Command::Heartbeat(command) => api_calls::heartbeat(command, context).await,
        Command::Finish(command) => api_calls::finish(command, context).await,
        Command::Reset(command) => api_calls::reset(command, context).await,
        Command::Servers(command) => servers::run(command, context).await,
        Command::Upload(command) => upload::run(*command, context).await,
        Command::Serve(command) => serve::run(command, context).await,
        Command::Backup(command) => backup::run(command, context).await,
        Command::List(command) => list::run(command, context).await,
        Command::Validate(command) => validate::run(&command, context),
        Command::Init(command) => Box::pin(init::run(command, context)).await,
        Command::Presets(command) => presets::run(&command, context),
        Command::Doctor(command) => Box::pin(doctor::run(*command, context)).await,
        Command::Demo(command) => demo::run(command, context).await,
        Command::DemoTest(command) => demo::test(command, context).await,
        Command::GiveBack(command) => give_back::run(command, context).await,
        Command::Action(_) => Err(Failure::usage_text("an action cannot ask for the action")),
        Command::Completions(command) => Ok(shell::completions(&command, &context.screen)),
        Command::Man(command) => shell::man(&command, &context.screen),
    }
}

#[cfg(test)]
mod tests {
    mod command_page;

    use std::{env, fmt::Write as _, fs, path::Path};

    use clap::CommandFactory as _;

    use super::*;

    /// Adds each command, and below it each heading with its flags. Global flags are left out.
    fn add_headings(command: &clap::Command, path: &str, text: &mut String) {
        let mut headings: Vec<(&str, String)> = vec![("Options", String::new())];
        for argument in command.get_arguments() {
            let Some(flag) = argument.get_long().filter(|_| !argument.is_global_set()) else {
                continue;
            };
            let heading = argument.get_help_heading().unwrap_or("Options");
            match headings.iter_mut().find(|(name, _)| *name == heading) {
                Some((_, flags)) => {
                    let _ = write!(flags, " --{flag}");
                }
                None => headings.push((heading, format!(" --{flag}"))),
            }
        }
        headings.retain(|(_, flags)| !flags.is_empty());
        if !headings.is_empty() {
            let _ = writeln!(text, "{path}");
        }
        for (heading, flags) in headings {
            let _ = writeln!(text, "  {heading}:{flags}");
        }
        for command in command.get_subcommands() {
            add_headings(command, &format!("{path} {}", command.get_name()), text);
        }
    }

    /// `UPDATE_GOLDEN=1 cargo test --lib cli::tests` writes the file.
    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "writes the golden file on request"
    )]
    fn help_lists_each_flag_under_its_heading() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/help_headings.txt");
        let mut text = String::new();
        add_headings(&Cli::command(), "testplan", &mut text);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(&golden).unwrap());
    }
}
