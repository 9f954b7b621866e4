//! Text becomes a document, or one mistake. The parser's own messages are replaced: they are for programmers.

use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Location, MessageFormatter as _, Options, UserMessageFormatter};

use super::marked::place;
use crate::config::{
    config_problem::{ConfigError, ConfigProblem},
    suggest,
};

/// Nesting of lists and mappings; the document itself needs seven levels.
const DEPTH: usize = 32;
/// Parts of the document that aliases may bring in.
const REPLAYED: usize = 500_000;

/// Reads the document's shape.
pub(super) fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, ConfigError> {
    if text.trim().is_empty() {
        return Err(ConfigError::whole(name, empty()));
    }
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let (error, location) = innermost(&error);
        let mut problem = worded(error);
        if let Some(location) = location {
            problem = problem.marked(text, bytes(text, &location));
        }
        ConfigError::whole(name, problem)
    })
}

/// The bytes of a location; the parser's own complaints have a line and a column only.
fn bytes(text: &str, location: &Location) -> Range<usize> {
    if location.span().byte_offset().is_some() {
        return place(location);
    }
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).saturating_sub(1);
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines
        .by_ref()
        .take(number(location.line()))
        .map(str::len)
        .sum();
    let line = lines.next().unwrap_or("");
    let column = line.char_indices().nth(number(location.column()));
    let at = before + column.map_or(line.trim_end().len(), |(at, _)| at);
    at..at + 1
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            flow_nesting_limit: DEPTH,
            max_aliases: 10_000,
            max_anchors: 10_000,
            max_documents: 2,
            max_nodes: 1_000_000,
            max_events: 3_000_000,
            // One list of tests in a hundred templates is no attack; what aliases bring in is bounded below.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: REPLAYED,
            max_replay_stack_depth: DEPTH,
        },
        reject_unsupported_tags: true,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// The mistake of a file without content.
pub(super) fn empty() -> ConfigProblem {
    ConfigProblem::new("", "says nothing").help("describe at least `runner` or `templates`")
}

/// The innermost error and its place in the file.
fn innermost(error: &Error) -> (&Error, Option<Location>) {
    match error {
        Error::WithSnippet { error, .. } => innermost(error),
        Error::AliasError {
            error, locations, ..
        } => (innermost(error).0, locations.primary_location()),
        other => (other, other.location()),
    }
}

fn worded(error: &Error) -> ConfigProblem {
    match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => choice(format!("there is no key `{field}` here"), field, expected),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => choice(
            format!("`{variant}` is not possible here"),
            variant,
            expected,
        ),
        Error::SerdeMissingField { field, .. } => {
            ConfigProblem::new("", format!("the key `{field}` is missing"))
                .expecting(format!("`{field}` is expected beside this"))
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().map(|key| format!(" `{key}`"));
            ConfigProblem::new(
                "",
                format!("the key{} is there twice", key.unwrap_or_default()),
            )
            .expecting("each key once")
        }
        Error::NullIntoString { .. } => {
            ConfigProblem::new("", "a value is missing").expecting("a text is expected")
        }
        Error::Unexpected { expected, .. } => unexpected(expected),
        Error::InvalidScalar { ty, .. } => {
            ConfigProblem::new("", "the value does not fit").expecting(kind(ty))
        }
        Error::InvalidBooleanStrict { .. } => ConfigProblem::new("", "the value does not fit")
            .expecting("`true` or `false` is expected"),
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            ConfigProblem::new("", "the value does not fit")
                .expecting(format!("{expected} is expected"))
        }
        Error::Eof { .. } => empty(),
        Error::MultipleDocuments { .. } => ConfigProblem::new("", "a second document begins here")
            .help("keep one document in a file"),
        Error::UnknownAnchor { .. } => {
            ConfigProblem::new("", "no anchor before this place has this name")
        }
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            ConfigProblem::new("", "the document becomes too large here")
                .expecting("too many parts, levels or aliases")
                .help("list tests with `discover` instead of by name")
        }
        other => ConfigProblem::new("", UserMessageFormatter.format_message(other)),
    }
}

fn choice(message: String, written: &str, expected: &[&str]) -> ConfigProblem {
    let problem = ConfigProblem::new("", message);
    match suggest::nearest(written, expected) {
        Some(near) => problem.expecting(format!("did you mean `{near}`?")),
        None => problem,
    }
    .help(format!("possible: {}", expected.join(", ")))
}

fn unexpected(expected: &str) -> ConfigProblem {
    let problem = ConfigProblem::new("", "the value does not fit");
    match expected {
        "sequence start" => problem
            .expecting("a list is expected")
            .help("write a list as [one, two], or one `- item` in a line"),
        "mapping start" => problem
            .expecting("keys with values are expected")
            .help("write them as { key: value }, or one `key: value` in a line"),
        "scalar" | "string scalar" => problem
            .expecting("one value is expected, not a list or a mapping")
            .help("put a text that begins with { or [ in quotes"),
        other => problem.expecting(format!("{other} is expected")),
    }
}

fn kind(ty: &str) -> String {
    match ty {
        "bool" | "boolean" => "`true` or `false` is expected".to_owned(),
        "i32" | "i64" | "u16" | "integer" => "a whole number is expected".to_owned(),
        other => format!("{other} is expected"),
    }
}
