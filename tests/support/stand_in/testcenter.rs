//! The stand-in for Test Center as a program, for people and examples: `cargo run --example testcenter -- FILE`.
//!
//! Reads templates and Squish servers of a `testplan.yml`, prints where it listens and the token that it takes.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for trying things out"
)]
#![allow(dead_code, reason = "tests use the rest of the stand-in")]

use std::process::ExitCode;

#[path = "../test_center.rs"]
mod test_center;

use test_center::{Dialect, Envelope, TOKEN, TestCenter, Verdict};

const USAGE: &str = "\
usage: testcenter FILE [LISTEN] [SWITCH]...

FILE    a testplan.yml: its templates and Squish servers
LISTEN  address and port [default: 127.0.0.1:0]

switches:
  flat-errors        {\"code\":…} instead of {\"error\":{\"code\":…}}
  not-activated      everything leads to /activation/index
  normalise-titles   - and _ in titles are blanks
  number-ids         ids without quotes
  done               the last count of a status is called done
  no-reset           reset answers 405
  fail=TESTCASE, skip=TESTCASE, lose=TESTCASE, never=TESTCASE
                     what becomes of a script that it runs itself";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next().filter(|it| !it.starts_with('-')) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::from(2);
        }
    };
    let mut dialect = Dialect::default();
    let mut listen = "127.0.0.1:0".to_owned();
    for argument in arguments {
        match argument.split_once('=').unwrap_or((&argument, "")) {
            ("flat-errors", _) => dialect.envelope = Envelope::Flat,
            ("not-activated", _) => dialect.activated = false,
            ("normalise-titles", _) => dialect.normalises_titles = true,
            ("number-ids", _) => dialect.string_ids = false,
            ("done", _) => dialect.last_count = "done",
            ("no-reset", _) => dialect.resets = false,
            (word @ ("fail" | "skip" | "lose" | "never"), testcase) => {
                let verdict = match word {
                    "fail" => Verdict::Failed,
                    "skip" => Verdict::Skipped,
                    "lose" => Verdict::Lost,
                    _ => Verdict::Stuck,
                };
                dialect.verdicts.insert(testcase.to_owned(), verdict);
            }
            (address, "") if address.contains(':') => address.clone_into(&mut listen),
            (other, _) => {
                eprintln!("testcenter: what is {other}?\n{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    match TestCenter::listen(&listen, &text, dialect) {
        Ok(center) => {
            println!("listening on {}\ntoken {TOKEN}", center.url);
            center.join();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot listen on {listen}: {error}");
            ExitCode::from(2)
        }
    }
}
