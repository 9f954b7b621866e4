//! The inputs of a step (`INPUT_…` variables) as command-line arguments.

use std::any::TypeId;

use clap::{ArgAction, CommandFactory as _};

use crate::{
    cli::Cli,
    config::{environment::Environment, suggest},
    failure::Failure,
};

/// The commands of the action.
pub const COMMANDS: [&str; 5] = ["run", "execute", "work", "wait", "report"];

const DEFAULT_COMMAND: &str = "run";

/// Inputs that are not flags. The last four are secrets.
pub const OWN: [&str; 9] = [
    "command",
    "job-matrix",
    "job-id",
    "working-directory",
    "binary-path",
    "token",
    "user",
    "password",
    "github-token",
];

/// The inputs that become variables of the environment: secrets, matrix and number of the job.
const VARIABLES: [(&str, &str); 6] = [
    ("job-matrix", "TESTPLAN_JOB_MATRIX"),
    ("job-id", "TESTPLAN_JOB_ID"),
    ("token", "TESTCENTER_TOKEN"),
    ("user", "TESTCENTER_USER"),
    ("password", "TESTCENTER_PASSWORD"),
    ("github-token", "GITHUB_TOKEN"),
];

/// Flags whose input has a plural name, because it takes one value per line.
const PLURALS: [(&str, &str); 2] = [
    ("capability", "capabilities"),
    ("linked-repo", "linked-repos"),
];

/// Flags that are not inputs.
const NO_INPUTS: [&str; 2] = ["format", "help"];

/// The inputs of a step.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a>(&'a Environment);

/// A flag as an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The name after `--`.
    pub long: String,
    /// The name of its input.
    pub input: String,
    /// How its value is written.
    pub kind: Kind,
}

/// How the value of an input is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` sets the flag, `false` leaves it out.
    Switch,
    /// `true` or `false`.
    Truth,
    /// One value.
    Single,
    /// One value per line.
    Lines,
}

/// The flags of a command that are inputs too, read from the definition of the command line.
pub fn flags(command: &str) -> Vec<Flag> {
    flags_in(&Cli::command(), command)
}

fn flags_in(cli: &clap::Command, command: &str) -> Vec<Flag> {
    let Some(command) = cli.find_subcommand(command) else {
        return Vec::new();
    };
    command.get_arguments().filter_map(Flag::of).collect()
}

impl<'a> Inputs<'a> {
    /// Those in this environment.
    pub fn new(environment: &'a Environment) -> Self {
        Self(environment)
    }

    /// The trimmed value of an input; `None` if it is absent or blank. The runner keeps hyphens in the name of the variable;
    /// a shell or a composite action writes underscores.
    pub fn get(self, input: &str) -> Option<&'a str> {
        let kept = format!("INPUT_{}", input.to_uppercase());
        let value = self.0.get(&kept);
        value
            .or_else(|| self.0.get(&kept.replace('-', "_")))
            .map(str::trim)
    }

    /// The command line of the inputs.
    pub fn arguments(self) -> Result<Vec<String>, Failure> {
        let command = self.command()?;
        let cli = Cli::command();
        let flags = flags_in(&cli, command);
        self.refuse_foreign(command, &flags, &cli)?;
        let mut arguments = vec!["testplan".to_owned(), command.to_owned()];
        arguments.extend(self.given(&flags)?);
        Ok(arguments)
    }

    /// The flags of a command that inputs are given for. Ignores other inputs.
    pub fn flags_of(self, command: &str) -> Result<Vec<String>, Failure> {
        self.given(&flags(command))
    }

    fn given(self, flags: &[Flag]) -> Result<Vec<String>, Failure> {
        let mut arguments = Vec::new();
        for flag in flags {
            if let Some(value) = self.get(&flag.input) {
                arguments.extend(flag.arguments(value)?);
            }
        }
        Ok(arguments)
    }

    /// The environment with each secret under the name that commands read it from.
    pub fn with_secrets(self) -> Environment {
        let mut environment = self.0.clone();
        for (input, variable) in VARIABLES {
            if let Some(secret) = self.get(input) {
                environment = environment.with(variable, secret);
            }
        }
        environment
    }

    fn command(self) -> Result<&'static str, Failure> {
        let wanted = self.get("command").unwrap_or(DEFAULT_COMMAND);
        let known = COMMANDS.into_iter().find(|command| *command == wanted);
        known.ok_or_else(|| {
            let help = match suggest::nearest(wanted, &COMMANDS) {
                Some(near) => format!("did you mean {near}?"),
                None => "leave it out for run".to_owned(),
            };
            let known = COMMANDS.join(", ");
            Failure::usage_text(format_args!("input command: {wanted:?} is none of {known}"))
                .help(help)
        })
    }

    /// Refuses an input that the command has no flag for, instead of ignoring it.
    fn refuse_foreign(
        self,
        command: &str,
        flags: &[Flag],
        cli: &clap::Command,
    ) -> Result<(), Failure> {
        let takes = |flags: &[Flag], input: &str| flags.iter().any(|flag| flag.input == input);
        let others = COMMANDS.map(|other| (other, flags_in(cli, other)));
        let mut inputs = others
            .iter()
            .flat_map(|(_, flags)| flags)
            .map(|flag| flag.input.as_str());
        let Some(input) = inputs.find(|input| self.get(input).is_some() && !takes(flags, input))
        else {
            return Ok(());
        };
        let takers = others.iter().filter(|(_, flags)| takes(flags, input));
        let takers: Vec<&str> = takers.map(|(other, _)| *other).collect();
        Err(Failure::usage_text(format_args!(
            "input {input}: the command {command} does not take it"
        ))
        .help(format!(
            "{} do: leave it out here, or name another command",
            takers.join(", ")
        )))
    }
}

impl Flag {
    /// `None` for an argument that is no input.
    fn of(argument: &clap::Arg) -> Option<Self> {
        let long = argument
            .get_long()
            .filter(|long| !NO_INPUTS.contains(long))?;
        let plural = PLURALS.iter().find(|(flag, _)| *flag == long);
        let kind = match argument.get_action() {
            ArgAction::SetTrue => Kind::Switch,
            ArgAction::Append => Kind::Lines,
            _ if argument.get_value_parser().type_id() == TypeId::of::<bool>() => Kind::Truth,
            _ => Kind::Single,
        };
        Some(Self {
            long: long.to_owned(),
            input: plural.map_or(long, |(_, input)| input).to_owned(),
            kind,
        })
    }

    fn arguments(&self, value: &str) -> Result<Vec<String>, Failure> {
        let long = &self.long;
        Ok(match self.kind {
            Kind::Switch => {
                if truth(&self.input, value)? {
                    vec![format!("--{long}")]
                } else {
                    Vec::new()
                }
            }
            Kind::Truth => vec![format!("--{long}={}", truth(&self.input, value)?)],
            Kind::Single => vec![format!("--{long}={value}")],
            Kind::Lines => {
                let lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
                lines.map(|line| format!("--{long}={line}")).collect()
            }
        })
    }
}

/// Reads `true` or `false` as YAML's core schema and GitHub's toolkit do.
fn truth(input: &str, value: &str) -> Result<bool, Failure> {
    match value {
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => Err(Failure::usage_text(format_args!(
            "input {input}: {value:?} is neither true nor false"
        ))
        .help(format!("write `{input}: true`, or leave it out"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(variables: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let environment: Environment = variables.iter().copied().collect();
        let arguments = Inputs::new(&environment).arguments();
        arguments.map_err(|failure| failure.to_string())
    }

    type Variables = &'static [(&'static str, &'static str)];

    #[test]
    fn inputs_become_flags_of_the_same_name() {
        let table: [(Variables, &[&str]); 6] = [
            (&[], &["run"]),
            (
                &[("INPUT_COMMAND", ""), ("INPUT_WORKERS", " 3 ")],
                &["run", "--workers=3"],
            ),
            (
                &[
                    ("INPUT_COMMAND", "work"),
                    ("INPUT_PLAN-ID", "7"),
                    ("INPUT_ALLOCATE-SERVER", "True"),
                ],
                &["work", "--plan-id=7", "--allocate-server"],
            ),
            (
                &[
                    ("INPUT_COMMAND", "work"),
                    ("INPUT_PLAN_ID", "7"),
                    ("INPUT_ALLOCATE_SERVER", "false"),
                ],
                &["work", "--plan-id=7"],
            ),
            (
                &[
                    ("INPUT_COMMAND", "work"),
                    ("INPUT_CAPABILITIES", "OS=Linux\r\n\n  browser=x y \n"),
                ],
                &["work", "--capability=OS=Linux", "--capability=browser=x y"],
            ),
            (
                &[
                    ("INPUT_TITLE", "--quiet"),
                    ("INPUT_COMMIT-STATUS", "FALSE"),
                    ("INPUT_TOKEN", "t"),
                ],
                &["run", "--title=--quiet", "--commit-status=false"],
            ),
        ];
        for (variables, expected) in table {
            let arguments = arguments(variables).unwrap();
            assert_eq!(arguments[1..], *expected, "{variables:?}");
        }
    }

    #[test]
    fn errors_name_the_input() {
        let table: [(Variables, &str); 4] = [
            (&[("INPUT_COMMAND", "reprot")], "did you mean report?"),
            (
                &[("INPUT_ALLOW-HTTP", "yes")],
                "input allow-http: \"yes\" is neither true nor false",
            ),
            (
                &[("INPUT_COMMIT-STATUS", "1")],
                "input commit-status: \"1\" is neither true nor false",
            ),
            (
                &[("INPUT_RECORDS", "x")],
                "input records: the command run does not take it",
            ),
        ];
        for (variables, expected) in table {
            let error = arguments(variables).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn secret_inputs_become_variables() {
        let environment: Environment = [
            ("INPUT_TOKEN", " t1 "),
            ("INPUT_GITHUB_TOKEN", "g"),
            ("TESTCENTER_USER", "u"),
        ]
        .into_iter()
        .collect();
        let environment = Inputs::new(&environment).with_secrets();
        assert_eq!(environment.get("TESTCENTER_TOKEN"), Some("t1"));
        assert_eq!(environment.get("GITHUB_TOKEN"), Some("g"));
        assert_eq!(environment.get("TESTCENTER_USER"), Some("u"));
    }
}
