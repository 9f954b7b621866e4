//! The arguments of squishrunner for one execution.
//!
//! Global options stand before `--testsuite`, everything else after it: squishrunner takes them nowhere else.

use std::{ffi::OsString, path::Path};

use super::{
    squish_address::SquishAddress,
    squish_decision::FAILED,
    squish_settings::{ServerChoice, SquishSettings},
    squish_suite,
};
use crate::runner::command_facts::{CommandError, CommandFacts};

/// Program and arguments. `folder` is where squishrunner runs, absolute.
pub(crate) fn argv(
    squish: &SquishSettings,
    folder: &Path,
    facts: &CommandFacts<'_>,
) -> Result<Vec<OsString>, CommandError> {
    let test = facts.test;
    if test.testcase.starts_with('-') {
        return Err(CommandError(format!(
            "the test case's name, {:?}, would be taken for an option of squishrunner: rename it",
            test.testcase
        )));
    }
    let suite = squish_suite::locate(folder, &squish.suites, test)
        .map_err(|error| CommandError(error.to_string()))?;
    let program = squish.squishrunner.clone();
    let mut argv: Vec<OsString> = vec![program.unwrap_or_else(|| "squishrunner".into()).into()];
    let mut add = |words: &[&str]| argv.extend(words.iter().map(Into::into));
    if let Some(SquishAddress { host, port }) = address(squish, facts)? {
        add(&["--host", &host, "--port", &port.to_string()]);
    }
    add(&["--testsuite"]);
    argv.push(suite.into());
    let mut add = |words: &[&str]| argv.extend(words.iter().map(Into::into));
    add(&["--testcase", &test.testcase]);
    if squish.server == ServerChoice::Local {
        add(&["--local"]);
    }
    add(&["--reportgen"]);
    let mut report = OsString::from(squish.report.generator());
    report.push(",");
    report.push(facts.results.join(squish.report.target()));
    argv.push(report);
    let mut add = |words: &[&str]| argv.extend(words.iter().map(Into::into));
    add(&["--exitCodeOnFail", &FAILED.to_string()]);
    for tags in &squish.tags {
        add(&["--tags", tags]);
    }
    argv.extend(squish.options.iter().map(Into::into));
    Ok(argv)
}

/// The Squish server that an execution uses, where it is not one of squishrunner's own.
pub(crate) fn address(
    squish: &SquishSettings,
    facts: &CommandFacts<'_>,
) -> Result<Option<SquishAddress>, CommandError> {
    match (&squish.server, facts.server) {
        (ServerChoice::Local, _) => Ok(None),
        (ServerChoice::At(address), _) => Ok(Some(address.clone())),
        (ServerChoice::Allocated, Some(server)) => {
            let address = SquishAddress::new(server.host.trim_matches(['[', ']']), &server.port);
            address.map(Some).ok_or_else(|| {
                CommandError(format!(
                    "{}:{} is not the address of a Squish server",
                    server.host, server.port
                ))
            })
        }
        (ServerChoice::Allocated, None) => Err(CommandError(
            "no Squish server came with the execution, though one was asked for: register one with the service, or \
             write `server: local` or `server: HOST:PORT` under runner.squish"
                .to_owned(),
        )),
    }
}
