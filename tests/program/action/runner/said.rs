//! What the runner makes of a step's output: annotations, masks, groups, and failures.

use std::{collections::BTreeMap, path::Path};

use crate::support::runner_commands::{Command, commands};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Notice,
    Warning,
    Error,
}

/// One annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Annotation {
    pub(crate) level: Level,
    pub(crate) message: String,
    /// `file` (within the workspace: from there), `line`, `endline`, `col`, `endcolumn`, `title`.
    pub(crate) properties: BTreeMap<String, String>,
}

/// All of it, of both outputs.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) annotations: Vec<Annotation>,
    /// Those above the number that a step may have: in the log alone.
    pub(super) lost: usize,
    pub(super) masks: Vec<String>,
    pub(super) groups: Vec<String>,
    /// Old ways to set them, which still work.
    pub(super) outputs: BTreeMap<String, String>,
    pub(super) state: BTreeMap<String, String>,
    /// What fails the step.
    pub(super) errors: Vec<String>,
}

/// Annotations of one level in a step.
const MOST: usize = 10;
/// Units of UTF-16 in a message.
const LONGEST: usize = 4096;

impl Said {
    pub(super) fn of(outputs: [&[u8]; 2], workspace: &Path) -> Self {
        let mut said = Self::default();
        for output in outputs {
            for command in commands(output) {
                if let Err(why) = said.execute(&command, workspace) {
                    let name = &command.name;
                    let error = format!("Unable to process command '{name}' successfully. {why}");
                    said.errors.push(error);
                }
            }
        }
        said
    }

    fn execute(&mut self, command: &Command, workspace: &Path) -> Result<(), &'static str> {
        let data = command.data.clone();
        let level = match command.name.as_str() {
            "error" => Level::Error,
            "warning" => Level::Warning,
            "notice" => Level::Notice,
            "add-mask" => {
                let lines = data.split(['\r', '\n']).map(str::trim);
                let lines = lines.filter(|line| !line.is_empty()).map(str::to_owned);
                self.masks.extend(lines);
                return Ok(());
            }
            "group" => {
                self.groups.push(data);
                return Ok(());
            }
            "set-env" | "add-path" => return Err("The command is disabled."),
            "set-output" => return set(&mut self.outputs, command),
            "save-state" => return set(&mut self.state, command),
            "echo" if !["on", "off"].contains(&data.trim().to_lowercase().as_str()) => {
                return Err("Invalid echo command value.");
            }
            _ => return Ok(()),
        };
        let annotation = annotation(level, command, workspace);
        let same = self.annotations.iter().filter(|it| it.level == level);
        if same.count() < MOST {
            self.annotations.push(annotation);
        } else {
            self.lost += 1;
        }
        Ok(())
    }
}

fn set(values: &mut BTreeMap<String, String>, command: &Command) -> Result<(), &'static str> {
    let name = command
        .properties
        .get("name")
        .ok_or("Required field 'name' is missing.")?;
    values.insert(name.clone(), command.data.clone());
    Ok(())
}

fn annotation(level: Level, command: &Command, workspace: &Path) -> Annotation {
    let mut properties = command.properties.clone();
    check_lines_and_columns(&mut properties);
    if let Some(file) = properties.get_mut("file")
        && let Ok(inside) = Path::new(&*file).strip_prefix(workspace)
    {
        *file = inside.to_str().unwrap().to_owned();
    }
    let units: Vec<u16> = command.data.encode_utf16().take(LONGEST).collect();
    Annotation {
        level,
        message: String::from_utf16_lossy(&units),
        properties,
    }
}

/// An end without a start is the start; columns need one single line; what is upside down is dropped.
fn check_lines_and_columns(properties: &mut BTreeMap<String, String>) {
    let number = |properties: &BTreeMap<String, String>, key: &str| {
        properties
            .get(key)
            .and_then(|it| it.trim().parse::<i32>().ok())
    };
    for (start, end) in [("line", "endline"), ("col", "endcolumn")] {
        if number(properties, start).is_none() && number(properties, end).is_some() {
            properties.insert(start.to_owned(), properties[end].clone());
        }
    }
    let line = number(properties, "line");
    let end_line = number(properties, "endline");
    let lines_differ = end_line.is_some() && properties.get("line") != properties.get("endline");
    if line.is_none() || lines_differ {
        properties.remove("col");
        properties.remove("endcolumn");
    }
    for (start, end) in [("line", "endline"), ("col", "endcolumn")] {
        let both = number(properties, start).zip(number(properties, end));
        if both.is_some_and(|(start, end)| end < start) {
            properties.remove(start);
            properties.remove(end);
        }
    }
}
