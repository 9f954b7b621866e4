//! Arguments with placeholders, as `{suite}::{testcase}`, parsed once into pieces.
//!
//! A value that is put in is never looked at again: a test named `{results}` stays that. `{{` and `}}` stand for the
//! braces themselves.

use std::{fmt, ops::Range};

/// Every placeholder as it is written, in the order that documentation lists them.
pub const KNOWN: [&str; 10] = [
    "{suite}",
    "{testcase}",
    "{results}",
    "{execution.id}",
    "{plan.id}",
    "{project}",
    "{batch}",
    "{server.host}",
    "{server.port}",
    "{capability.KEY}",
];

const CAPABILITY: &str = "capability.";

/// A fact that an argument asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The suite of the test.
    Suite,
    /// The test case.
    Testcase,
    /// The execution's own results folder.
    Results,
    /// Number of the execution.
    ExecutionId,
    /// Number of the plan.
    PlanId,
    /// The project's name.
    Project,
    /// The plan's batch.
    Batch,
    /// Host of the Squish server that came with the reservation.
    ServerHost,
    /// Its port.
    ServerPort,
    /// The value that the worker offers for this key.
    Capability(String),
}

impl Placeholder {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "suite" => Self::Suite,
            "testcase" => Self::Testcase,
            "results" => Self::Results,
            "execution.id" => Self::ExecutionId,
            "plan.id" => Self::PlanId,
            "project" => Self::Project,
            "batch" => Self::Batch,
            "server.host" => Self::ServerHost,
            "server.port" => Self::ServerPort,
            _ => Self::Capability(
                name.strip_prefix(CAPABILITY)
                    .filter(|key| !key.is_empty())?
                    .to_owned(),
            ),
        })
    }
}

impl fmt::Display for Placeholder {
    /// As it is written, braces included.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Suite => "{suite}",
            Self::Testcase => "{testcase}",
            Self::Results => "{results}",
            Self::ExecutionId => "{execution.id}",
            Self::PlanId => "{plan.id}",
            Self::Project => "{project}",
            Self::Batch => "{batch}",
            Self::ServerHost => "{server.host}",
            Self::ServerPort => "{server.port}",
            Self::Capability(key) => return write!(f, "{{{CAPABILITY}{key}}}"),
        })
    }
}

/// A part of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands; never empty.
    Literal(String),
    /// A fact to put in.
    Placeholder(Placeholder),
}

/// One argument, parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    /// Parses one argument.
    pub fn parse(text: &str) -> Result<Self, PlaceholderError> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(brace) = rest.find(['{', '}']) {
            let at = text.len() - rest.len() + brace;
            literal.push_str(&rest[..brace]);
            let after = &rest[brace + 1..];
            if after.as_bytes().first() == rest.as_bytes().get(brace) {
                literal.push_str(&rest[brace..=brace]);
                rest = &after[1..];
                continue;
            }
            if rest[brace..].starts_with('}') {
                return Err(PlaceholderError::stray(at));
            }
            let Some(close) = after.find('}') else {
                return Err(PlaceholderError::unclosed(at..text.len()));
            };
            let name = &after[..close];
            let Some(placeholder) = Placeholder::named(name) else {
                return Err(PlaceholderError::unknown(name, at..at + close + 2));
            };
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Placeholder(placeholder));
            rest = &after[close + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self { pieces })
    }

    /// The parts in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }
}

/// Why an argument cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PlaceholderError {
    /// Which bytes of the argument are meant.
    pub span: Range<usize>,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl PlaceholderError {
    fn stray(at: usize) -> Self {
        Self {
            span: at..at + 1,
            message: "`}` closes nothing; write `}}` for the brace itself".to_owned(),
        }
    }

    fn unclosed(span: Range<usize>) -> Self {
        Self {
            span,
            message: "`{` is not closed; write `{{` for the brace itself".to_owned(),
        }
    }

    fn unknown(name: &str, span: Range<usize>) -> Self {
        let near = KNOWN
            .iter()
            .map(|known| {
                (
                    strsim::jaro_winkler(known.trim_matches(['{', '}']), name),
                    known,
                )
            })
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let advice = match near {
            Some((_, known)) => format!("did you mean `{known}`?"),
            None => format!(
                "known are {}; write `{{{{` for the brace itself",
                KNOWN.join(" ")
            ),
        };
        Self {
            span,
            message: format!("`{{{name}}}` is no placeholder: {advice}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    #[test]
    fn parses_literals_placeholders_and_escapes() {
        let table: [(&str, Vec<Piece>); 6] = [
            ("", vec![]),
            ("--plain", vec![literal("--plain")]),
            (
                "{suite}::{testcase}",
                vec![
                    Piece::Placeholder(Placeholder::Suite),
                    literal("::"),
                    Piece::Placeholder(Placeholder::Testcase),
                ],
            ),
            ("{{suite}}", vec![literal("{suite}")]),
            (
                "{{{plan.id}}}",
                vec![
                    literal("{"),
                    Piece::Placeholder(Placeholder::PlanId),
                    literal("}"),
                ],
            ),
            (
                "é{capability.OS}",
                vec![
                    literal("é"),
                    Piece::Placeholder(Placeholder::Capability("OS".to_owned())),
                ],
            ),
        ];
        for (text, pieces) in table {
            assert_eq!(Template::parse(text).unwrap().pieces(), pieces, "{text}");
        }
    }

    #[test]
    fn every_known_placeholder_parses_and_prints_as_written() {
        for known in KNOWN {
            let template = Template::parse(known).unwrap();
            let [Piece::Placeholder(placeholder)] = template.pieces() else {
                panic!("{known}: {template:?}");
            };
            assert_eq!(placeholder.to_string(), known);
        }
    }

    #[test]
    fn marks_what_is_wrong() {
        let table = [
            ("a {suit} b", 2..8, "`{suite}`"),
            ("x}", 1..2, "`}}`"),
            ("ab{suite", 2..8, "not closed"),
            ("{}", 0..2, "no placeholder"),
            ("{capability.}", 0..13, "`{capability.KEY}`"),
            ("{nothing like it}", 0..17, "known are {suite}"),
        ];
        for (text, span, says) in table {
            let error = Template::parse(text).unwrap_err();
            assert_eq!(error.span, span, "{text}");
            assert!(error.message.contains(says), "{text}: {error}");
        }
    }
}
