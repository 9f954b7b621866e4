//! The command line of one execution: arguments, environment and folder, or why there is none.
//!
//! Names come from the service, which has them from the author of the plan. They are inserted as whole values, never
//! through a shell, and refused if the command could mistake them: for an option, a path out of the workspace, or a
//! second argument.

pub mod call_tests;
mod name_rules;

pub(crate) use name_rules::suite_trouble;

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

pub use super::command_facts::CommandError;
use super::{
    command_facts::CommandFacts,
    placeholders::{Placeholder, PlaceholderText, TextPiece},
    runner_settings::{RunnerSettings, Tool},
    squishrunner::squishrunner_args,
};
use crate::model::{Capabilities, PlanId};

/// Variables that every command gets, with the facts its arguments can ask for. `TESTPLAN_SERVER_HOST` and
/// `TESTPLAN_SERVER_PORT` are set only where a Squish server came with the reservation; besides these, each
/// capability offered is in `TESTPLAN_CAPABILITY_<KEY>`, the key in capitals with `_` for what is no letter or digit,
/// and each attempt has a `TESTPLAN_ATTEMPT` of its own.
pub const VARIABLES: [&str; 9] = [
    "TESTPLAN_PLAN_ID",
    "TESTPLAN_EXECUTION_ID",
    "TESTPLAN_SUITE",
    "TESTPLAN_TESTCASE",
    "TESTPLAN_RESULTS",
    "TESTPLAN_PROJECT",
    "TESTPLAN_BATCH",
    SERVER_HOST,
    SERVER_PORT,
];

/// Variables that no command inherits: our own credentials and leases, those that GitHub gives to an action but not to
/// the steps of a job, and the files through which a step sends commands to its runner: a test must not write there.
const PRIVATE: [&str; 14] = [
    "TESTCENTER_TOKEN",
    "TESTCENTER_PASSWORD",
    "TESTCENTER_USER",
    "TESTPLAN_LEASE_TOKEN",
    "TESTPLAN_HELD",
    "GITHUB_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "GITHUB_OUTPUT",
    "GITHUB_ENV",
    "GITHUB_STATE",
    "GITHUB_PATH",
    "GITHUB_STEP_SUMMARY",
];

/// The inputs of an action, secrets among them.
const PRIVATE_PREFIX: &str = "INPUT_";

/// Whether no command inherits this variable. A command that needs it gets it by name from `environment`.
pub fn is_private(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let begins = name.get(..PRIVATE_PREFIX.len());
    PRIVATE.iter().any(|private| same_name(private, &name))
        || begins.is_some_and(|begin| same_name(PRIVATE_PREFIX, begin))
}

/// Windows does not tell the case of names apart.
fn same_name(a: &str, b: &str) -> bool {
    if cfg!(windows) {
        a.eq_ignore_ascii_case(b)
    } else {
        a == b
    }
}

/// Those that a call of many tests does not get.
const OF_ONE_TEST: [&str; 3] = [
    "TESTPLAN_EXECUTION_ID",
    "TESTPLAN_SUITE",
    "TESTPLAN_TESTCASE",
];

/// Takes the results folder of one call out of the environment of a process that runs several.
pub(crate) fn remove_results(line: &mut CommandLine) {
    line.env.retain(|(name, _)| name != RESULTS);
    line.env_remove.push(RESULTS.to_owned());
}

/// The variable with the results folder of a call.
pub(crate) const RESULTS: &str = "TESTPLAN_RESULTS";
const SERVER_HOST: &str = "TESTPLAN_SERVER_HOST";
const SERVER_PORT: &str = "TESTPLAN_SERVER_PORT";

/// Most bytes of all arguments together: Windows takes 32,767 characters, and a plan must run on every system.
const MAX_COMMAND: usize = 30_000;

/// The same for a call that runs many tests, which is made to fit where it runs: Linux and macOS take a megabyte and more
/// for arguments and environment together.
pub(crate) const MAX_CALL: usize = if cfg!(unix) { 256 * 1024 } else { MAX_COMMAND };

/// A command, ready to be started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// Program and arguments; never empty.
    pub argv: Vec<OsString>,
    /// Variables to set, later ones over earlier ones.
    pub env: Vec<(String, OsString)>,
    /// Variables not to inherit beside the private ones ([`is_private`]); a name that is also in `env` is set.
    pub env_remove: Vec<String>,
    /// Where it runs; `None` is where testplan runs.
    pub cwd: Option<PathBuf>,
}

/// Makes the command of one execution.
pub fn build(
    settings: &RunnerSettings,
    facts: &CommandFacts<'_>,
) -> Result<CommandLine, CommandError> {
    name_rules::check(facts)?;
    let argv = match &settings.tool {
        Tool::Command(tool) => arguments(&tool.command, facts)?,
        Tool::Squish(squish) => {
            let folder = settings.working_directory.as_deref();
            squishrunner_args::argv(squish, folder.unwrap_or(Path::new(".")), facts)?
        }
    };
    let length: usize = argv.iter().map(|argument| argument.len() + 1).sum();
    let runs_many = facts.call.is_some_and(|call| call.names.len() > 1);
    let most = if runs_many { MAX_CALL } else { MAX_COMMAND };
    if length > most {
        return Err(CommandError(format!(
            "the command has {length} bytes, {most} are the most that every system takes"
        )));
    }
    let (env, env_remove) = environment(settings, facts)?;
    let mut line = CommandLine {
        argv,
        env,
        env_remove,
        cwd: settings.working_directory.clone(),
    };
    if runs_many {
        remove_test(&mut line);
    }
    Ok(line)
}

/// Takes the facts of one test, which would mislead the others, out of the environment of a process that runs many.
pub(crate) fn remove_test(line: &mut CommandLine) {
    line.env
        .retain(|(name, _)| !OF_ONE_TEST.contains(&name.as_str()));
    line.env_remove.extend(OF_ONE_TEST.map(str::to_owned));
}

fn arguments(
    command: &[PlaceholderText],
    facts: &CommandFacts<'_>,
) -> Result<Vec<OsString>, CommandError> {
    let mut argv = Vec::with_capacity(command.len());
    for template in command {
        match (template.pieces(), facts.call) {
            ([TextPiece::Placeholder(Placeholder::Tests)], Some(call)) => {
                argv.extend(call.names.iter().map(OsString::from));
            }
            _ => argv.push(argument(template, facts)?),
        }
    }
    if argv.first().is_none_or(|program| program.is_empty()) {
        return Err(CommandError(
            "the command names no program: set runner.command in testplan.yml".to_owned(),
        ));
    }
    Ok(argv)
}

/// Puts the facts into one argument.
fn argument(
    template: &PlaceholderText,
    facts: &CommandFacts<'_>,
) -> Result<OsString, CommandError> {
    let argument = expand(template, "the command", facts)?;
    let begins_literally = matches!(template.pieces().first(), Some(TextPiece::Literal(_)));
    if argument.as_encoded_bytes().starts_with(b"-") && !begins_literally {
        let text = template.text();
        return Err(CommandError(format!(
            "{text:?} would become {:?}, which the command would take for an option: \
             write a text before the placeholder, as \"./{text}\", or rename the test",
            argument.to_string_lossy()
        )));
    }
    Ok(argument)
}

/// Puts the facts into a text of `asker`.
fn expand(
    template: &PlaceholderText,
    asker: &str,
    facts: &CommandFacts<'_>,
) -> Result<OsString, CommandError> {
    let mut text = OsString::new();
    for (index, piece) in template.pieces().iter().enumerate() {
        match piece {
            TextPiece::Literal(literal) => text.push(literal),
            TextPiece::Placeholder(Placeholder::Results) => text.push(facts.results),
            TextPiece::Placeholder(Placeholder::TestsFile) if facts.call.is_some() => {
                text.extend(facts.call.map(|call| call.file.as_os_str()));
            }
            TextPiece::Placeholder(placeholder) => {
                let value = value(placeholder, asker, facts)?;
                let before = text.as_encoded_bytes().last().copied();
                let after = match template.pieces().get(index + 1) {
                    Some(TextPiece::Literal(next)) => next.bytes().next(),
                    Some(TextPiece::Placeholder(_)) | None => None,
                };
                // Next to a separator, a value is part of a path.
                if [before, after].contains(&Some(b'/')) || [before, after].contains(&Some(b'\\')) {
                    name_rules::inside(&placeholder.to_string(), &value)?;
                }
                text.push(value);
            }
        }
    }
    if text.as_encoded_bytes().contains(&0) {
        return Err(CommandError(format!(
            "{:?} would hold a NUL character",
            template.text()
        )));
    }
    Ok(text)
}

fn value(
    placeholder: &Placeholder,
    asker: &str,
    facts: &CommandFacts<'_>,
) -> Result<String, CommandError> {
    let server = || {
        facts.server.ok_or_else(|| {
            CommandError(format!(
                "{asker} asks for {placeholder}, but no Squish server came with the execution: \
                 allocate one (--allocate-server) or take the placeholder out"
            ))
        })
    };
    Ok(match placeholder {
        Placeholder::Suite => facts.test.suite.clone(),
        Placeholder::Testcase => facts.test.testcase.clone(),
        Placeholder::Tests | Placeholder::TestsFile => {
            return Err(CommandError(format!(
                "{asker} asks for {placeholder}, which only an argument of runner.command can"
            )));
        }
        Placeholder::Results => facts.results.to_string_lossy().into_owned(),
        Placeholder::ExecutionId => facts.execution.to_string(),
        Placeholder::PlanId => facts.plan.to_string(),
        Placeholder::Project => facts.project.to_owned(),
        Placeholder::Batch => facts.batch.to_owned(),
        Placeholder::ServerHost => server()?.host.clone(),
        Placeholder::ServerPort => server()?.port.clone(),
        Placeholder::Capability(key) => {
            return capability(key, placeholder, asker, facts.capabilities);
        }
    })
}

/// The value that a worker offers for a key.
fn capability(
    key: &str,
    placeholder: &Placeholder,
    asker: &str,
    offered: &Capabilities,
) -> Result<String, CommandError> {
    let value = offered.get(key).map(str::to_owned);
    value.ok_or_else(|| {
        CommandError(format!(
            "{asker} asks for {placeholder}, but this worker offers {offered}: \
             start it with --capability {key}=VALUE"
        ))
    })
}

type CommandEnvironment = (Vec<(String, OsString)>, Vec<String>);

/// The variables of the settings, then those of testplan, which the settings cannot replace.
fn environment(
    settings: &RunnerSettings,
    facts: &CommandFacts<'_>,
) -> Result<CommandEnvironment, CommandError> {
    let mut env: Vec<(String, OsString)> = Vec::with_capacity(settings.environment.len() + 12);
    for (name, value) in &settings.environment {
        check_variable(name)?;
        let asker = format!("the variable {name}");
        env.push((name.clone(), expand(value, &asker, facts)?));
    }
    let mut env_remove = Vec::new();
    env.extend(capability_variables(facts.capabilities));
    let mut set = |name: &str, value: OsString| env.push((name.to_owned(), value));
    set("TESTPLAN_PLAN_ID", facts.plan.to_string().into());
    set("TESTPLAN_EXECUTION_ID", facts.execution.to_string().into());
    set("TESTPLAN_SUITE", facts.test.suite.clone().into());
    set("TESTPLAN_TESTCASE", facts.test.testcase.clone().into());
    set(RESULTS, facts.results.into());
    set("TESTPLAN_PROJECT", facts.project.into());
    set("TESTPLAN_BATCH", facts.batch.into());
    if let Some(server) = facts.server {
        set(SERVER_HOST, server.host.clone().into());
        set(SERVER_PORT, server.port.clone().into());
    } else {
        env_remove.extend([SERVER_HOST, SERVER_PORT].map(str::to_owned));
    }
    Ok((env, env_remove))
}

fn check_variable(name: &str) -> Result<(), CommandError> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(CommandError(format!(
            "environment: {name:?} cannot be set: a name is not empty and has neither `=` nor a NUL"
        )));
    }
    Ok(())
}

/// The variables of a worker's process that runs many tests: those of the settings, which ask for capabilities at most,
/// then the worker's capabilities.
pub(crate) fn worker_variables(
    settings: &RunnerSettings,
    offered: &Capabilities,
) -> Result<Vec<(String, OsString)>, CommandError> {
    let mut env = Vec::new();
    for (name, value) in &settings.environment {
        check_variable(name)?;
        let mut text = OsString::new();
        for piece in value.pieces() {
            match piece {
                TextPiece::Literal(literal) => text.push(literal),
                TextPiece::Placeholder(placeholder @ Placeholder::Capability(key)) => {
                    let asker = format!("the variable {name}");
                    text.push(capability(key, placeholder, &asker, offered)?);
                }
                TextPiece::Placeholder(placeholder) => {
                    return Err(CommandError(format!(
                        "the variable {name} asks for {placeholder}, and one process runs many tests"
                    )));
                }
            }
        }
        env.push((name.clone(), text));
    }
    env.extend(capability_variables(offered));
    Ok(env)
}

/// The variables of all executions of a plan.
pub(crate) fn plan_variables(
    plan: PlanId,
    project: &str,
    batch: &str,
) -> [(&'static str, String); 3] {
    [
        ("TESTPLAN_PLAN_ID", plan.to_string()),
        ("TESTPLAN_PROJECT", project.to_owned()),
        ("TESTPLAN_BATCH", batch.to_owned()),
    ]
}

/// One variable for each capability that is offered.
fn capability_variables(offered: &Capabilities) -> Vec<(String, OsString)> {
    let mut variables: Vec<(String, OsString)> = Vec::new();
    for capability in offered.iter() {
        let name = variable(&capability.key);
        if !variables.iter().any(|(seen, _)| *seen == name) {
            variables.push((name, capability.value.clone().into()));
        }
    }
    variables
}

fn variable(key: &str) -> String {
    let key = key.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    });
    "TESTPLAN_CAPABILITY_".chars().chain(key).collect()
}
