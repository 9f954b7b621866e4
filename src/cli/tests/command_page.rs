//! docs/command-line.md, made from the definition of the commands.

use std::{env, fmt::Write as _, fs, path::Path};

use clap::{Arg, Command, CommandFactory as _};

use super::Cli;

const HEAD: &str = "\
# Command line

<!-- Made of src/cli by `UPDATE_GOLDEN=1 cargo test --lib cli::tests`. -->

All commands and their flags; `testplan COMMAND --help` prints the same. [commands.md](commands.md) explains what they do together,
[exit-codes.md](exit-codes.md) how they end. Secrets are read from variables and files, never from the value of a flag.
";

/// The whole page.
fn page() -> String {
    let mut root = Cli::command();
    root.build();
    let mut text = HEAD.to_owned();
    text.push_str("\n| command | does |\n| --- | --- |\n");
    for (path, command) in commands(&root) {
        let anchor = path.replace(' ', "-");
        let about = command.get_about().map(ToString::to_string);
        let _ = writeln!(
            text,
            "| [`{path}`](#{anchor}) | {} |",
            cell(&about.unwrap_or_default())
        );
    }
    text.push_str("\n## Flags of every command\n");
    add_flags(
        &mut text,
        root.get_arguments().filter(|it| it.is_global_set()),
    );
    for (path, mut command) in commands(&root) {
        let about = command.get_long_about().or(command.get_about());
        let about = about.map(ToString::to_string).unwrap_or_default();
        let _ = write!(text, "\n## {path}\n\n{}.\n", about.trim_end_matches('.'));
        let usage = command.render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let _ = write!(text, "\n```text\n{usage}\n```\n");
        add_flags(
            &mut text,
            command.get_arguments().filter(|it| !it.is_global_set()),
        );
    }
    text
}

/// All commands that do something themselves, with the words that call them.
fn commands(command: &Command) -> Vec<(String, Command)> {
    let mut found = Vec::new();
    for it in command.get_subcommands() {
        if it.is_hide_set() || it.get_name() == "help" {
            continue;
        }
        let path = format!(
            "{} {}",
            command.get_bin_name().unwrap_or("testplan"),
            it.get_name()
        );
        if !it.is_subcommand_required_set() {
            found.push((path, it.clone()));
        }
        found.extend(commands(it));
    }
    found
}

/// A table for each heading.
fn add_flags<'a>(text: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let mut headings: Vec<(&str, Vec<&Arg>)> = Vec::new();
    for it in arguments.filter(|it| it.get_id() != "help" && !it.is_hide_set()) {
        let heading = it.get_help_heading().unwrap_or("");
        match headings.iter_mut().find(|(name, _)| *name == heading) {
            Some((_, arguments)) => arguments.push(it),
            None => headings.push((heading, vec![it])),
        }
    }
    for (heading, arguments) in headings {
        let heading = if heading.is_empty() { "flag" } else { heading };
        let _ = write!(text, "\n| {heading} | meaning |\n| --- | --- |\n");
        for it in arguments {
            let _ = writeln!(text, "| `{}` | {} |", called(it), meaning(it));
        }
    }
}

/// `-q, --quiet`, `--url <URL>`, `<TARGET>`.
fn called(argument: &Arg) -> String {
    let values: Vec<String> = argument
        .get_value_names()
        .filter(|_| argument.get_action().takes_values())
        .map_or_else(Vec::new, |names| {
            names.iter().map(|name| format!("<{name}>")).collect()
        });
    let values = values.join(" ");
    let Some(long) = argument.get_long() else {
        return values;
    };
    let short = argument.get_short();
    let short = short.map_or_else(String::new, |it| format!("-{it}, "));
    let optional = argument
        .get_num_args()
        .is_some_and(|it| it.min_values() == 0);
    match values.as_str() {
        "" => format!("{short}--{long}"),
        values if optional => format!("{short}--{long}[={values}]"),
        values => format!("{short}--{long} {values}"),
    }
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let mut text = cell(&help.map(ToString::to_string).unwrap_or_default());
    let values = argument.get_possible_values();
    let shown = argument.get_action().takes_values() && !argument.is_hide_possible_values_set();
    if shown && !values.is_empty() {
        let values = values
            .iter()
            .filter(|it| !it.is_hide_set())
            .map(|it| match it.get_help() {
                Some(help) => format!("`{}`: {}", it.get_name(), cell(&help.to_string())),
                None => format!("`{}`", it.get_name()),
            });
        let _ = write!(text, "<br>{}", values.collect::<Vec<_>>().join("<br>"));
    }
    let defaults = argument.get_default_values();
    let shown = argument.get_action().takes_values() && !argument.is_hide_default_value_set();
    if shown && !defaults.is_empty() {
        let defaults = defaults.iter().map(|it| it.to_string_lossy().into_owned());
        let _ = write!(
            text,
            " [default: {}]",
            defaults.collect::<Vec<_>>().join(" ")
        );
    }
    text
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
        .replace('<', "&lt;")
}

/// `UPDATE_GOLDEN=1 cargo test --lib cli::tests` writes the page.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "writes the golden file on request"
)]
fn command_page_is_made_from_the_commands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command-line.md");
    let text = page();
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&path).unwrap());
}
