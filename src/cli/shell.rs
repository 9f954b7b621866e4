//! What belongs to the program itself: completions, manual page, usage errors, and how every command ends.

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
    publication::outputs::StepOutput,
    report::sanitise::console_text,
};

/// Prints a completion script.
#[derive(Args, Debug)]
pub struct Completions {
    /// Whose.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Prints the manual page.
#[derive(Args, Debug)]
pub struct Man;

/// `testplan completions SHELL`.
pub fn completions(command: &Completions, screen: &Screen) -> CommandResult {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Cli::command(), "testplan", &mut script);
    screen.raw(&script);
    Ok(Conclusion::Passed)
}

/// `testplan man`.
pub fn man(_command: &Man, screen: &Screen) -> CommandResult {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(Failure::infrastructure)?;
    screen.raw(&page);
    Ok(Conclusion::Passed)
}

/// Help and version are answers (0); everything else that clap says is a usage error (2).
pub fn tell_usage(error: &clap::Error) -> Conclusion {
    // A closed pipe leaves nobody to tell.
    if error.use_stderr() {
        // It repeats what was typed, and a CI may type what others wrote.
        let text = console_text(&error.render().ansi().to_string());
        let _ = write!(anstream::stderr(), "{text}");
        Conclusion::Usage
    } else {
        let _ = error.print();
        Conclusion::Passed
    }
}

/// Does a command and tells why it failed, if it did. A panic in it is a bug of ours; the hook tells of that.
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
        // Nobody may take half an answer for a whole one.
        Some(failure) if conclusion == Conclusion::Passed => {
            screen.failure(failure);
            screen.output(StepOutput::Conclusion, failure.conclusion.word());
            failure.conclusion
        }
        _ => conclusion,
    }
}

/// Says where it broke, without the payload: that may hold anything, a secret included.
pub fn tell_panic(info: &PanicHookInfo<'_>) {
    let place = info
        .location()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    to_stderr(format_args!(
        "error: testplan {} broke at {place}. This is a bug of testplan, not of your tests.\n\
         help: please report it with the command line and the line above",
        env!("CARGO_PKG_VERSION")
    ));
}

/// How many cores this machine gives us.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// How many threads the runtime gets: the cores, and at least two.
pub fn threads() -> usize {
    cores().max(2)
}
