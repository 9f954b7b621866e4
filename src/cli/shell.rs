//! What concerns the program itself: completions, manual page, usage errors, and how every command ends.

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
};

use clap::{Args, CommandFactory as _};

use super::{
    Cli,
    screen::{Screen, to_stderr},
};
use crate::{
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    publication::step_outputs::StepOutput,
    report::sanitise::console_text,
};

/// Prints a completion script.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// Print the script for this shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Prints the manual page.
#[derive(Args, Debug)]
pub(crate) struct ManArgs;

/// `testplan completions SHELL`.
pub(crate) fn completions(command: &CompletionsArgs, screen: &Screen) -> Conclusion {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Cli::command(), "testplan", &mut script);
    screen.raw(&script);
    Conclusion::Passed
}

/// `testplan man`.
pub(crate) fn man(_command: &ManArgs, screen: &Screen) -> CommandResult {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(Failure::infrastructure)?;
    screen.raw(&page);
    Ok(Conclusion::Passed)
}

/// Prints what clap says. Help and version exit with 0, everything else is a usage error (2).
pub(crate) fn print_usage(error: &clap::Error) -> Conclusion {
    if error.use_stderr() {
        // It repeats the arguments, which may hold foreign text.
        let text = console_text(&error.render().ansi().to_string());
        let _ = write!(anstream::stderr(), "{text}");
        Conclusion::Usage
    } else {
        let _ = error.print();
        Conclusion::Passed
    }
}

/// Runs a command and prints why it failed, if it did. The panic hook prints a panic.
pub fn conclude(screen: &Screen, command: impl FnOnce() -> CommandResult) -> Conclusion {
    let conclusion = match catch_unwind(AssertUnwindSafe(command)) {
        Ok(Ok(conclusion)) => conclusion,
        Ok(Err(failure)) => {
            screen.failure(&failure);
            failure.conclusion
        }
        Err(_) => {
            screen.conclude(Conclusion::Bug);
            Conclusion::Bug
        }
    };
    screen.output(StepOutput::Conclusion, conclusion.word());
    match screen.lost() {
        // A reader must not take partial data for complete data.
        Some(failure) if conclusion == Conclusion::Passed => {
            screen.failure(failure);
            screen.output(StepOutput::Conclusion, failure.conclusion.word());
            failure.conclusion
        }
        _ => conclusion,
    }
}

/// Prints where the program panicked, without the payload, which may hold a secret.
pub fn print_panic(info: &PanicHookInfo<'_>) {
    let place = info
        .location()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    to_stderr(format_args!(
        "error: testplan {} panicked at {place}. This is a bug of testplan, not of your tests.\n\
         help: please report it with the command line and the line above",
        env!("CARGO_PKG_VERSION")
    ));
}

/// The number of available cores.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// The number of threads of the runtime: the cores, and at least two.
pub(crate) fn threads() -> usize {
    cores().max(2)
}
