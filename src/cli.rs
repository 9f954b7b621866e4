//! The command line: one file per command, its arguments and a thin body.
//!
//! stdout carries data alone; progress and prose go to stderr. Whatever happens, the process ends with one of the
//! codes of [`Conclusion`], and the last line says what it means.

pub mod action;
pub mod args;
pub mod calls;
pub mod connect;
pub mod demo;
pub mod doctor;
pub mod embedded;
pub mod execute;
pub mod give_back;
pub mod in_hand;
pub mod list;
pub mod managed;
pub mod plan;
pub mod plans;
pub mod progress;
pub mod publish;
pub mod publishing;
pub mod report;
pub mod reporting;
pub mod rerun;
pub mod results;
pub mod retry;
pub mod run;
pub mod screen;
pub mod serve;
pub mod servers;
pub mod settings;
pub mod shell;
pub mod showing;
pub mod squish;
pub mod start;
pub mod template;
pub mod upload;
pub mod validate;
pub mod wait;
pub mod watch;
pub mod work;
pub mod working;

use std::{panic, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    config::environment::Environment,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    leftovers, matrix,
    publication::step_files::StepFiles,
};
use args::Voice;
use screen::Screen;

/// Distributes the tests of a test plan over workers, through the Squish Test Center Test Plan Execution API, and
/// serves that API itself.
#[derive(Debug, Parser)]
#[command(name = "testplan", version, max_term_width = 100, after_help = exit_codes())]
pub struct Cli {
    #[command(flatten)]
    voice: Voice,
    #[command(subcommand)]
    command: Command,
}

/// The end of the help.
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
    /// Look up, execute, work, wait and report in one process with N local workers
    Run(Box<run::Run>),
    /// Look up a template and start a plan; print plan id and worker matrix
    Execute(Box<execute::Execute>),
    /// Be worker(s) on a started plan until nothing is left for them
    Work(Box<work::Work>),
    /// Wait until a plan is drained
    Wait(wait::Wait),
    /// Merge the workers' records: JUnit, summary, verdict
    Report(report::Report),
    /// Open what failed or could not run again, each once
    Retry(retry::Retry),
    /// Make a service know the templates of a testplan.yml, at the revision in hand
    Publish(publish::Publish),
    /// Look a template up
    #[command(subcommand)]
    Template(template::Template),
    /// Look at a plan
    #[command(subcommand)]
    Plan(plan::Plan),
    /// Reserve an execution: one API call, for scripts and debugging
    Reserve(calls::Reserve),
    /// Keep a lease: one API call
    Heartbeat(calls::Heartbeat),
    /// Tell a result: one API call
    Finish(calls::Finish),
    /// Open an execution again: one API call
    Reset(calls::Reset),
    /// List and change registered Squish servers
    #[command(subcommand)]
    Servers(servers::Servers),
    /// Upload result files to Test Center, or to testplan's own service
    Upload(Box<upload::Upload>),
    /// Serve the execution API, durably
    Serve(serve::Serve),
    /// List the tests that a plan would hold, and the listed lines that it would not
    List(list::List),
    /// Check a testplan.yml, offline
    Validate(validate::Validate),
    /// Check what a first run needs: service, template, capabilities, runner, GitHub
    Doctor(Box<doctor::Doctor>),
    /// Service, Squish servers, plan and workers in one command, with a report at the end
    Demo(demo::Demo),
    /// Behave as a test of the demo
    #[command(hide = true)]
    DemoTest(demo::DemoTest),
    /// Give back what a killed process of this machine still holds
    GiveBack(give_back::GiveBack),
    /// Do what the inputs of a step of GitHub Actions say
    Action(action::Action),
    /// Print a completion script
    Completions(shell::Completions),
    /// Print the manual page
    Man(shell::Man),
}

/// Parses the command line, does it, and gives the exit code.
pub fn main() -> ExitCode {
    panic::set_hook(Box::new(shell::tell_panic));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return shell::tell_usage(&error).into(),
    };
    let environment = Environment::of_process();
    let conclusion = match cli.command {
        Command::Action(action) => action::main(&action, cli.voice, &environment),
        command => {
            let screen = Screen::new(cli.voice, &environment, StepFiles::new(&environment, false));
            screen.start_log(cli.voice);
            shell::conclude(&screen, || {
                block_on(dispatch(command, &environment, &screen))
            })
        }
    };
    conclusion.into()
}

/// Does a command on a runtime of its own.
fn block_on(command: impl Future<Output = CommandResult>) -> CommandResult {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // At least two, so that a heartbeat finds a thread while another thread is busy.
        .worker_threads(shell::threads())
        .enable_all()
        .build()
        .map_err(Failure::infrastructure)?;
    let ended = runtime.block_on(command);
    // A stuck blocking task (a reader of a huge result file) must not hold the exit up.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    ended
}

async fn dispatch(command: Command, environment: &Environment, screen: &Screen) -> CommandResult {
    match command {
        Command::Run(command) => run::run(*command, environment, screen).await,
        Command::Execute(command) => execute::run(*command, environment, screen).await,
        Command::Work(command) => work::run(*command, environment, screen).await,
        Command::Wait(command) => wait::run(command, environment, screen).await,
        Command::Report(command) => report::run(command, environment, screen).await,
        Command::Retry(command) => retry::run(command, environment, screen).await,
        Command::Publish(command) => publish::run(command, environment, screen).await,
        Command::Template(command) => template::run(command, environment, screen).await,
        Command::Plan(command) => plan::run(command, environment, screen).await,
        Command::Reserve(command) => calls::reserve(command, environment, screen).await,
        Command::Heartbeat(command) => calls::heartbeat(command, environment, screen).await,
        Command::Finish(command) => calls::finish(command, environment, screen).await,
        Command::Reset(command) => calls::reset(command, environment, screen).await,
        Command::Servers(command) => servers::run(command, environment, screen).await,
        Command::Upload(command) => upload::run(*command, environment, screen).await,
        Command::Serve(command) => serve::run(command, environment, screen).await,
        Command::List(command) => list::run(command, environment, screen).await,
        Command::Validate(command) => validate::run(&command, environment, screen),
        Command::Doctor(command) => doctor::run(*command, environment, screen).await,
        Command::Demo(command) => demo::run(command, screen).await,
        Command::DemoTest(command) => demo::test(command, environment, screen).await,
        Command::GiveBack(command) => give_back::run(command, environment, screen).await,
        Command::Action(_) => Err(Failure::usage_text("an action cannot ask for the action")),
        Command::Completions(command) => shell::completions(&command, screen),
        Command::Man(command) => shell::man(&command, screen),
    }
}
