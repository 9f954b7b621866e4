//! What a test is called in a call that runs many, and which tests no such call can name.

use super::{
    CommandError, CommandFacts, MAX_CALL,
    name_rules::{self},
    value,
};
use crate::runner::{
    placeholders::{PlaceholderText, TextPiece},
    runner_settings::{BatchSettings, Selection},
};

/// Most bytes that one placeholder of a command is expected to become.
const ROOM: usize = 4096;

/// What the command calls a test. Refuses a name that the command could mistake: for an option, for two tests, or for none.
pub fn test_name(batch: &BatchSettings, facts: &CommandFacts<'_>) -> Result<String, CommandError> {
    name_rules::check(facts)?;
    let mut name = String::new();
    for piece in batch.test.pieces() {
        match piece {
            TextPiece::Literal(literal) => name.push_str(literal),
            TextPiece::Placeholder(placeholder) => {
                name.push_str(&value(placeholder, "runner.test", facts)?);
            }
        }
    }
    let begins_literally = matches!(batch.test.pieces().first(), Some(TextPiece::Literal(_)));
    let why = if name.trim().is_empty() {
        "is empty"
    } else if name.starts_with('-') && !begins_literally {
        "begins with `-`, so that the command would take it for an option"
    } else if batch.selection == Selection::File && name.contains(['\n', '\r']) {
        "has a line break, and the file of {tests.file} has one test in a line"
    } else {
        return Ok(name);
    };
    Err(CommandError(format!(
        "the test cannot be named in a call: {name:?} {why}; rename the test, or change runner.test in testplan.yml"
    )))
}

/// How many bytes of names a call has room for.
pub fn room_for_names(command: &[PlaceholderText], selection: Selection) -> usize {
    match selection {
        Selection::File => usize::MAX,
        Selection::Arguments => {
            let length = |text: &PlaceholderText| text.text().len() + text.pieces().len() * ROOM;
            MAX_CALL.saturating_sub(command.iter().map(length).sum())
        }
    }
}
