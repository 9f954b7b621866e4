//! `testplan action`: what a step of GitHub Actions asks for by its inputs, done as the command line would.
//!
//! Inputs become the flags that they are named after, and the flags' own readers judge them: one set of names, rules
//! and messages. `--post` comes after the step, however it ended, and gives back what the step still holds.

pub mod inputs;

use std::path::PathBuf;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use clap::{Args, Parser as _};

use super::{Cli, Command, args::Voice, block_on, dispatch, screen::Screen, shell, working};
use crate::{
    ci::workflow::command,
    config::{credentials, environment::Environment},
    exit_code::Conclusion,
    failure::Failure,
    publication::step_files::StepFiles,
};
use inputs::Inputs;

/// Does what the inputs of a step of GitHub Actions say.
#[derive(Args, Debug)]
pub struct Action {
    /// Give back what the step still holds; for after it.
    #[arg(long)]
    post: bool,
}

/// Where a step keeps what it holds, for `--post`: a folder.
pub const HELD: &str = "TESTPLAN_HELD";
/// The same as the runner hands it to `--post`.
const STATE_HELD: &str = "STATE_held";

/// The command that a step asked for.
#[derive(Debug)]
struct Asked {
    /// The command line that its inputs come to.
    cli: Cli,
    /// The environment with the secrets of its inputs where commands look for them.
    environment: Environment,
    /// Where it keeps what it holds, for `--post`.
    held: Option<PathBuf>,
}

/// `testplan action`.
pub fn main(action: &Action, voice: Voice, environment: &Environment) -> Conclusion {
    let step = if action.post {
        // Under act, Gitea and Forgejo what post writes replaces what the step itself said.
        StepFiles::post(environment)
    } else {
        StepFiles::new(environment, true)
    };
    let asked = if action.post {
        asked_afterwards(environment)
    } else {
        asked(environment)
    };
    // Somebody runs the job again to see more.
    let debug = u8::from(environment.is_on("RUNNER_DEBUG") && !voice.quiet);
    let voice = Voice {
        verbose: voice.verbose.max(debug),
        ..voice
    };
    let screen = Screen::new(voice, environment, step);
    screen.start_log(voice);
    shell::conclude(&screen, || {
        let Asked {
            cli,
            environment,
            held,
        } = asked?;
        screen.raw(hidden(&environment).as_bytes());
        if let Some(held) = held {
            let kept = screen.step().state("held", &held.to_string_lossy());
            kept.map_err(|error| {
                let what = "what this step holds could not be noted in GITHUB_STATE";
                Failure::infrastructure(anyhow::anyhow!("{what}: {error}"))
                    .help("is the disk full?")
            })?;
        }
        block_on(dispatch(cli.command, &environment, &screen))
    })
}

/// Has the runner hide what nobody gave it as a secret: user and password as they go over the wire.
fn hidden(environment: &Environment) -> String {
    let pair = environment
        .get(credentials::USER)
        .zip(environment.get(credentials::PASSWORD));
    let Some((user, password)) = pair.filter(|_| environment.is_github_actions()) else {
        return String::new();
    };
    let coded = BASE64_STANDARD.encode(format!("{user}:{password}"));
    command::mask(&coded).map_or_else(String::new, |line| line + "\n")
}

/// Reads the inputs of a step, and goes to its working directory.
fn asked(environment: &Environment) -> Result<Asked, Failure> {
    let inputs = Inputs::new(environment);
    let cli = parse(&inputs.arguments()?)?;
    enter(inputs)?;
    let held = match (&cli.command, environment.get("RUNNER_TEMP")) {
        (Command::Run(_) | Command::Work(_), Some(folder)) => {
            Some(PathBuf::from(folder).join(format!("testplan-held-{:08x}", working::random()?)))
        }
        _ => None,
    };
    let mut environment = inputs.with_secrets();
    if let Some(held) = &held {
        environment = environment.with(HELD, &held.to_string_lossy());
    }
    Ok(Asked {
        cli,
        environment,
        held,
    })
}

/// Goes where relative paths of the inputs start.
fn enter(inputs: Inputs<'_>) -> Result<(), Failure> {
    let Some(folder) = inputs.get("working-directory") else {
        return Ok(());
    };
    std::env::set_current_dir(folder).map_err(|error| {
        Failure::usage_text(format_args!("input working-directory: {folder}: {error}"))
            .help("name a folder of the workspace; an earlier step has to check it out")
    })
}

/// What the runner kept for the step's end says what is to be given back; where, its inputs say again.
fn asked_afterwards(environment: &Environment) -> Result<Asked, Failure> {
    let inputs = Inputs::new(environment);
    let mut arguments = vec!["testplan".to_owned(), "give-back".to_owned()];
    arguments.extend(inputs.flags_of("give-back")?);
    if let Some(held) = environment.get(STATE_HELD) {
        arguments.push(format!("--held={held}"));
    }
    // A folder that a later step removed keeps no lease from being given back.
    let _ = enter(inputs);
    Ok(Asked {
        cli: parse(&arguments)?,
        environment: inputs.with_secrets(),
        held: None,
    })
}

/// The flags' own reader judges, in its own words.
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
