//! Runs a listing command and reads what it prints.

use std::fmt::Write as _;

use crate::{
    config::{
        discover::{ListedTests, Unmatched, parse_listing, test_folder::TestFolder},
        plan_file::Listing,
    },
    failure::Failure,
    model::DiscoveryAccount,
    report::{
        discovery_text,
        sanitise::{console_line, strip_escapes},
    },
    run::process::{self, OutputError, PrintedOutput, PrintedTo},
    runner::{command_line::CommandLine, process_end::ProcessEnd},
};

/// Most bytes that a listing command may print: a million tests with long names.
pub(super) const MOST_LISTED: usize = 256 * 1024 * 1024;
/// Most lines of each stream that an error shows, from the end, and bytes of each line.
const SHOWN_LINES: usize = 15;
const SHOWN_BYTES: usize = 160;
/// Bytes of a stream's end that are looked at.
const TAIL: usize = 4096;

/// Runs a listing command of a template, in the folder and environment of `line`.
pub(super) async fn run(
    listing: &Listing,
    title: &str,
    line: &CommandLine,
    place: &mut TestFolder<'_>,
) -> Result<ListedTests, Failure> {
    let line = CommandLine {
        argv: listing.command.iter().map(Into::into).collect(),
        ..line.clone()
    };
    let what = about(listing, title);
    let by_hand = "run the command by hand in the folder that tests run in, and make it list the tests with exit code 0";
    let listed = match process::run_to_end(&line, listing.timeout, MOST_LISTED).await {
        Ok(listed) if listed.ending == ProcessEnd::Exited(0) => listed,
        Ok(listed) => return Err(failed(&listed).context(what).help(by_hand)),
        Err(OutputError::TimedOut(listed)) => {
            return Err(failed(&listed)
                .context(what)
                .help("give it more time with `timeout`, or find out what it waits for"));
        }
        Err(error) => return Err(Failure::usage(error).context(what).help(by_hand)),
    };
    parse_listing(&listed.printed, &listing.pattern, place).map_err(|error| {
        let help = error.help();
        Failure::usage(error).context(what).help(help)
    })
}

/// The error of a strict discovery that left out what may be a test.
pub(super) fn refuse(
    listing: &Listing,
    title: &str,
    account: &DiscoveryAccount,
) -> Option<Failure> {
    if listing.pattern.unmatched() != Unmatched::Strict || account.suspicious_lines == 0 {
        return None;
    }
    let mut text = "the discovery is strict, and lines that may be tests were left out".to_owned();
    for line in discovery_text::named(account) {
        let _ = write!(text, "\n  {line}");
    }
    let failure = Failure::usage_text(text).context(about(listing, title));
    Some(failure.help(discovery_text::help(account)))
}

fn about(listing: &Listing, title: &str) -> String {
    format!(
        "template {title:?}: listing its tests with {:?}",
        listing.command.join(" ")
    )
}

/// How a command ended, and the end of all that it printed: some tools write the cause to stdout.
pub(super) fn failed(listed: &PrintedOutput) -> Failure {
    let mut text = listed.ending.to_string();
    let printed = &listed.printed[listed.printed.len().saturating_sub(TAIL)..];
    let (first, second) = match listed.to {
        PrintedTo::Stdout => ("stdout", "stderr"),
        PrintedTo::Stderr => ("stderr", "stdout"),
    };
    let streams = [
        (first, String::from_utf8_lossy(printed)),
        (second, listed.tail.as_str().into()),
    ];
    let mut silent = true;
    for (name, tail) in streams {
        let lines = last_lines(&tail);
        if !lines.is_empty() {
            silent = false;
            let _ = write!(text, "\n  its {name} ended with:");
        }
        for line in lines {
            let _ = write!(text, "\n  | {line}");
        }
    }
    if silent {
        text.push_str(", and it printed nothing");
    }
    Failure::usage_text(text)
}

fn last_lines(text: &str) -> Vec<String> {
    let text = strip_escapes(text);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut lines: Vec<String> = lines
        .rev()
        .take(SHOWN_LINES)
        .map(|line| console_line(line, SHOWN_BYTES))
        .collect();
    lines.reverse();
    lines
}
