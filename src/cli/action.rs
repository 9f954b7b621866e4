//! `testplan action`: runs the command that the inputs of a GitHub Actions step ask for.
//!
//! Inputs become the flags of the same names, so that names, rules and messages exist once. `--post` runs after the step,
//! however it ended, and gives back the leases that it still holds.

pub mod inputs;

use std::path::PathBuf;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::{Args, Parser as _};

use super::{
    Cli, Command, args::VerbosityArgs, block_on, context::Context, dispatch, screen::Screen, shell,
};
use crate::{
    ci::workflow::command,
    config::{credential_sources, environment::Environment},
    exit_code::Conclusion,
    failure::Failure,
    publication::step_files::StepFiles,
    random,
};
use inputs::Inputs;

/// Runs the command that the inputs of a step ask for.
#[derive(Args, Debug)]
pub(crate) struct ActionArgs {
    /// Give back the leases that the step still holds; runs after it.
    #[arg(long)]
    post: bool,
}

/// The variable with the folder where a step notes its leases, for `--post`.
pub(crate) const HELD: &str = "TESTPLAN_HELD";
/// The variable in which the runner passes that folder to `--post`.
const STATE_HELD: &str = "STATE_held";

/// The command that a step asks for.
#[derive(Debug)]
struct StepCommand {
    /// The command line of its inputs.
    cli: Cli,
    /// The environment, with the secrets of the inputs in the variables that commands read.
    environment: Environment,
    /// The folder where the step notes its leases, for `--post`.
    held: Option<PathBuf>,
}

/// `testplan action`.
pub(crate) fn main(
    action: &ActionArgs,
    verbosity: VerbosityArgs,
    environment: Environment,
) -> Conclusion {
    let step = if action.post {
        // Under act, Gitea and Forgejo the output of `post` would replace that of the step.
        StepFiles::post(&environment)
    } else {
        StepFiles::new(&environment, true)
    };
    let command = if action.post {
        post_command(&environment)
    } else {
        step_command(&environment)
    };
    // "Enable debug logging" of a re-run.
    let debug = u8::from(environment.is_on("RUNNER_DEBUG") && !verbosity.quiet);
    let verbosity = VerbosityArgs {
        verbose: verbosity.verbose.max(debug),
        ..verbosity
    };
    let screen = Screen::new(verbosity, &environment, step);
    screen.start_log(verbosity);
    let (command, environment) = match command {
        Ok(command) => (Ok((command.cli, command.held)), command.environment),
        Err(failure) => (Err(failure), environment),
    };
    let context = Context::new(environment, screen);
    let screen = &context.screen;
    shell::conclude(screen, || {
        let (cli, held) = command?;
        screen.raw(mask_credentials(&context.environment).as_bytes());
        if let Some(held) = held {
            let kept = screen.step().state("held", &held.to_string_lossy());
            kept.map_err(|error| {
                Failure::infrastructure_text(format_args!(
                    "the folder of this step's leases could not be noted in GITHUB_STATE: {error}"
                ))
                .help("is the disk full?")
            })?;
        }
        block_on(dispatch(cli.command, &context))
    })
}

/// Has the runner mask user and password as they are sent, which it does not know as a secret.
fn mask_credentials(environment: &Environment) -> String {
    let pair = environment
        .get(credential_sources::USER)
        .zip(environment.get(credential_sources::PASSWORD));
    let Some((user, password)) = pair.filter(|_| environment.is_github_actions()) else {
        return String::new();
    };
    let coded = BASE64_STANDARD.encode(format!("{user}:{password}"));
    command::mask(&coded).map_or_else(String::new, |line| line + "\n")
}

/// Reads the inputs of a step, and changes to its working directory.
fn step_command(environment: &Environment) -> Result<StepCommand, Failure> {
    let inputs = Inputs::new(environment);
    let cli = parse(&inputs.arguments()?)?;
    enter(inputs)?;
    let held = match (&cli.command, environment.get("RUNNER_TEMP")) {
        (Command::Run(_) | Command::Work(_), Some(folder)) => {
            let random = random::hex(1).map_err(Failure::infrastructure)?;
            Some(PathBuf::from(folder).join(format!("testplan-held-{random}")))
        }
        _ => None,
    };
    let mut environment = inputs.with_secrets();
    if let Some(held) = &held {
        environment = environment.with(HELD, &held.to_string_lossy());
    }
    Ok(StepCommand {
        cli,
        environment,
        held,
    })
}

/// Changes to the folder where relative paths of the inputs start.
fn enter(inputs: Inputs<'_>) -> Result<(), Failure> {
    let Some(folder) = inputs.get("working-directory") else {
        return Ok(());
    };
    std::env::set_current_dir(folder).map_err(|error| {
        Failure::usage_text(format_args!("input working-directory: {folder}: {error}"))
            .help("name a folder of the workspace; an earlier step has to check it out")
    })
}

/// `give-back` with the folder that the runner kept for the end of the step, and the service of its inputs.
fn post_command(environment: &Environment) -> Result<StepCommand, Failure> {
    let inputs = Inputs::new(environment);
    let mut arguments = vec!["testplan".to_owned(), "give-back".to_owned()];
    arguments.extend(inputs.flags_of("give-back")?);
    if let Some(held) = environment.get(STATE_HELD) {
        arguments.push(format!("--held={held}"));
    }
    // If a later step removed the folder, the leases are given back all the same.
    let _ = enter(inputs);
    Ok(StepCommand {
        cli: parse(&arguments)?,
        environment: inputs.with_secrets(),
        held: None,
    })
}

/// Parses the inputs as flags, with the messages of the flags.
fn parse(arguments: &[String]) -> Result<Cli, Failure> {
    Cli::try_parse_from(arguments).map_err(|error| {
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let said = text.split("\n\nUsage:").next().unwrap_or(text);
        let said = said
            .split("\n\nFor more information")
            .next()
            .unwrap_or(said);
        Failure::usage_text(said.trim_end())
            .help("the inputs of this step are called like these flags, without --")
    })
}
