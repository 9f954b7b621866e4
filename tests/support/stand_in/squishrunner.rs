//! Stands in for `squishrunner` in tests and in the example: options and their order, exit codes, reports, the Squish
//! server it needs. It runs no script: it reads what a script would verify and the comments that begin with `stand-in:`.
//!
//! What is documented of the real one, what others measured and what is assumed here is in docs/squish.md.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    clippy::infinite_loop,
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "a program of its own, for tests alone"
)]

mod licence;
mod options;
mod play;
mod report;
mod script;
mod server;
mod wire;

use std::{io::Write as _, process::exit};

use options::{Mode, Options};
use server::Connection;

/// It could not do what it was asked for.
const COULD_NOT: i32 = 255;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    write_down(&arguments);
    let options = Options::read(&arguments).unwrap_or_else(|why| fail(&why));
    match &options.mode {
        Mode::Version => println!("squishrunner stand-in"),
        Mode::Info => {
            if let Err(why) = Connection::open(&options, "info") {
                eprintln!("squishrunner: {why}");
                exit(127);
            }
            println!("stand-in");
        }
        Mode::Suite(folder) => {
            licence::take();
            let suite = script::Suite::read(folder, &options).unwrap_or_else(|why| fail(&why));
            report::check(&options).unwrap_or_else(|why| fail(&why));
            let connection =
                Connection::open(&options, &suite.name).unwrap_or_else(|why| fail(&why));
            exit(play::suite(&suite, &options, connection));
        }
    }
}

fn fail(why: &str) -> ! {
    eprintln!("squishrunner: {why}");
    exit(COULD_NOT);
}

/// Tests look at the arguments, one JSON list per call.
fn write_down(arguments: &[String]) {
    let Some(file) = std::env::var_os("STAND_IN_ARGUMENTS") else {
        return;
    };
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .unwrap();
    let line = serde_json::to_string(arguments).unwrap() + "\n";
    file.write_all(line.as_bytes()).unwrap();
}
