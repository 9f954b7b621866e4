//! Inputs, flags, action.yml, `--help` and docs agree: a new flag fails here until each of them has it.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde::Deserialize;
use testplan::{
    cli::action::inputs::{self, COMMANDS, Kind, OWN},
    config::duration,
    publication::step_outputs::StepOutput,
};

const ACTION: &str = include_str!("../../docs/action-reference.md");
const COMMAND_TABLE: &str = include_str!("../../docs/commands.md");

#[derive(Deserialize)]
struct Action {
    inputs: BTreeMap<String, Entry>,
    outputs: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    description: String,
    default: Option<String>,
}

fn action() -> Action {
    serde_saphyr::from_str(include_str!("../../action.yml")).unwrap()
}

fn help(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_testplan"))
        .args([command, "--help"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The inputs that are flags, and the commands that take them.
fn flags() -> BTreeMap<String, Vec<(&'static str, inputs::Flag)>> {
    let mut flags = BTreeMap::<_, Vec<_>>::new();
    for command in COMMANDS {
        for flag in inputs::flags(command) {
            flags
                .entry(flag.input.clone())
                .or_default()
                .push((command, flag));
        }
    }
    flags
}

fn every_input() -> BTreeSet<String> {
    flags().into_keys().chain(OWN.map(str::to_owned)).collect()
}

#[test]
fn action_yml_has_every_input_and_no_other() {
    let declared: BTreeSet<String> = action().inputs.into_keys().collect();
    assert_eq!(declared, every_input());
}

#[test]
fn action_yml_has_every_output_and_no_other() {
    let declared: BTreeSet<String> = action().outputs.into_keys().collect();
    assert_eq!(
        declared,
        StepOutput::ALL
            .map(|output| output.name().to_owned())
            .into()
    );
    for (name, output) in action().outputs {
        assert!(!output.description.trim().is_empty(), "{name}");
    }
}

/// A default in action.yml would count as set by the user, and fail for commands without the flag.
#[test]
fn defaults_are_the_flags_own_and_written_where_people_read() {
    let flags = flags();
    for (name, input) in action().inputs {
        let said = &input.description;
        match name.as_str() {
            "command" => assert_eq!(input.default.as_deref(), Some("run")),
            "github-token" => assert_eq!(input.default.as_deref(), Some("${{ github.token }}")),
            "job-matrix" => assert_eq!(input.default.as_deref(), Some("${{ toJSON(matrix) }}")),
            "job-id" => assert_eq!(input.default.as_deref(), Some("${{ job.check_run_id }}")),
            _ => assert_eq!(input.default, None, "{name}"),
        }
        for (command, flag) in flags.get(&name).into_iter().flatten() {
            let help = help(command);
            let help = about(&help, &flag.long);
            assert!(
                !help.is_empty(),
                "{command} --help says nothing of --{}",
                flag.long
            );
            let default = help
                .rsplit_once("[default: ")
                .and_then(|(_, rest)| rest.split([']', ';', ' ']).next());
            if let Some(default) = default.filter(|text| is_value(text)) {
                assert!(
                    said.contains(default),
                    "{name}: {command} --help has the default {default}: {said}"
                );
            }
            let is_truth = matches!(flag.kind, Kind::Switch | Kind::Truth);
            assert!(
                !is_truth || said.contains("true"),
                "{name} does not say that it takes true: {said}"
            );
            assert!(
                flag.kind != Kind::Lines || said.contains("per line"),
                "{name}: a list has one item per line"
            );
        }
    }
}

/// Whether a default in the help is a value rather than words about one.
fn is_value(text: &str) -> bool {
    text.parse::<u64>().is_ok() || duration::parse(text).is_ok() || text.starts_with("testplan")
}

/// What a help says of a flag, on one line.
fn about(help: &str, long: &str) -> String {
    let lines: Vec<&str> = help.lines().collect();
    let is_flag = |line: &str| line.trim_start().starts_with('-');
    let Some(start) = lines.iter().position(|line| {
        is_flag(line)
            && line
                .split([' ', '=', '[', ','])
                .any(|word| word == format!("--{long}"))
    }) else {
        return String::new();
    };
    let rest = lines[start..].iter().enumerate();
    let rest =
        rest.take_while(|(index, line)| *index == 0 || !(is_flag(line) || line.ends_with(':')));
    let words: Vec<&str> = rest.map(|(_, line)| line.trim()).collect();
    words.join(" ")
}

/// The block that people copy from has every input, as a comment or not, in the spelling of a workflow.
#[test]
fn action_reference_has_every_input_and_output() {
    let block = ACTION
        .split("```")
        .find(|block| block.starts_with("yaml") && block.contains("binary-path:"));
    let block = block.expect("docs/action-reference.md has a YAML block with all inputs");
    let named: BTreeSet<String> = block
        .lines()
        .filter_map(|line| {
            let line = line.trim_start().trim_start_matches("# ").trim_start();
            let (name, _) = line.split_once(':')?;
            every_input().contains(name).then(|| name.to_owned())
        })
        .collect();
    assert_eq!(named, every_input());
    let rows: Vec<&str> = ACTION
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    for output in StepOutput::ALL {
        let name = format!("`{}`", output.name());
        let is_named = |row: &&str| {
            row.split('|')
                .nth(1)
                .is_some_and(|cell| cell.contains(&name))
        };
        assert!(
            rows.iter().any(is_named),
            "docs/action-reference.md: the table of outputs has no {name}"
        );
    }
}

/// The commands of the table are those of the help.
#[test]
fn command_reference_has_every_command() {
    let help = Command::new(env!("CARGO_BIN_EXE_testplan"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let names = list
        .lines()
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| *name != "help") {
        let word = format!("`{name}");
        assert!(
            COMMAND_TABLE.contains(&word),
            "docs/commands.md has no {word}`"
        );
    }
}
