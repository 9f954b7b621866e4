//! Texts with placeholders, as `{suite}::{testcase}`, parsed once into pieces when `testplan.yml` is loaded.
//!
//! Values that are inserted are not expanded again: a test named `{results}` stays that. `{{` and `}}` stand for the
//! braces themselves.

use std::{fmt, ops::Range};

/// Every placeholder with its braces, in the order of the documentation.
pub const KNOWN: [&str; 12] = [
    "{suite}",
    "{testcase}",
    "{tests}",
    "{tests.file}",
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

/// A fact that a text asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The suite of the test.
    Suite,
    /// The test case.
    Testcase,
    /// The tests of a call, each an argument.
    Tests,
    /// The file with the tests of a call, one a line.
    TestsFile,
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
            "tests" => Self::Tests,
            "tests.file" => Self::TestsFile,
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
    /// With its braces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Suite => "{suite}",
            Self::Testcase => "{testcase}",
            Self::Tests => "{tests}",
            Self::TestsFile => "{tests.file}",
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

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPiece {
    /// Text as it stands; never empty.
    Literal(String),
    /// A fact to put in.
    Placeholder(Placeholder),
}

/// An argument or the value of a variable, parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceholderText {
    text: String,
    pieces: Vec<TextPiece>,
}

impl PlaceholderText {
    /// Parses one text.
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
                return Err(PlaceholderError::unclosed(text, at));
            };
            let name = &after[..close];
            let Some(placeholder) = Placeholder::named(name) else {
                return Err(PlaceholderError::unknown(text, at..at + close + 2));
            };
            if !literal.is_empty() {
                pieces.push(TextPiece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(TextPiece::Placeholder(placeholder));
            rest = &after[close + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(TextPiece::Literal(literal));
        }
        Ok(Self {
            text: text.to_owned(),
            pieces,
        })
    }

    /// A text that stands for itself, with any braces in it.
    pub fn literally(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            pieces: vec![TextPiece::Literal(text.to_owned())],
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it stands for if it asks for no fact, braces resolved.
    pub fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [TextPiece::Literal(literal)] => Some(literal),
            _ => None,
        }
    }

    /// The facts that it asks for, in order.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.pieces.iter().filter_map(|piece| match piece {
            TextPiece::Placeholder(placeholder) => Some(placeholder),
            TextPiece::Literal(_) => None,
        })
    }

    /// Whether it asks for this fact.
    pub(crate) fn asks_for(&self, placeholder: &Placeholder) -> bool {
        self.placeholders().any(|it| it == placeholder)
    }

    /// The parts in order.
    pub fn pieces(&self) -> &[TextPiece] {
        &self.pieces
    }
}

/// The first placeholder in a text that takes none and is used as it stands.
pub(crate) fn first_in(text: &str) -> Option<Placeholder> {
    text.match_indices('{').find_map(|(at, _)| {
        let inner = &text[at + 1..];
        Placeholder::named(&inner[..inner.find('}')?])
    })
}

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {cure}")]
pub struct PlaceholderError {
    /// Which bytes of the text are meant.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// The placeholder that was probably meant.
    pub near: Option<&'static str>,
    /// What to write instead.
    pub cure: String,
}

impl PlaceholderError {
    fn stray(at: usize) -> Self {
        Self {
            span: at..at + 1,
            message: "`}` closes nothing".to_owned(),
            near: None,
            cure: "write `}}` for the brace itself".to_owned(),
        }
    }

    fn unclosed(text: &str, at: usize) -> Self {
        Self {
            span: at..text.len(),
            message: "`{` is not closed".to_owned(),
            near: None,
            cure: "write `{{` for the brace itself".to_owned(),
        }
    }

    fn unknown(text: &str, span: Range<usize>) -> Self {
        let written = &text[span.clone()];
        let near = nearest(&written[1..written.len() - 1]);
        // A shell's variable, which testplan would have to leave alone.
        let of_a_shell = text[..span.start].ends_with('$');
        let cure = match near {
            _ if of_a_shell => format!(
                "write `${{{written}}}` for the shell's `${written}`: `{{{{` and `}}}}` stand for the braces themselves"
            ),
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "write `{{{{` and `}}}}` for the braces themselves; placeholders are {}",
                KNOWN.join(" ")
            ),
        };
        Self {
            span,
            message: format!("`{written}` is not a placeholder"),
            near: near.filter(|_| !of_a_shell),
            cure,
        }
    }
}

/// The placeholder that a word in braces was probably meant to be.
fn nearest(word: &str) -> Option<&'static str> {
    /// Likeness from which one is offered; 1 is equal.
    const NEAR: f64 = 0.8;
    /// Longer words are not compared: the distance costs the product of both lengths.
    const LONGEST: usize = 256;
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase().replace(['_', '-', ' '], ".");
    let likeness = |known: &str| {
        let name = known.trim_matches(['{', '}']);
        let is_tail = !word.is_empty() && name.rsplit('.').next() == Some(word.as_str());
        if is_tail {
            return 1.0;
        }
        strsim::jaro_winkler(&name.to_lowercase(), &word)
    };
    KNOWN
        .iter()
        .map(|known| (likeness(known), *known))
        .filter(|(likeness, _)| *likeness > NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> TextPiece {
        TextPiece::Literal(text.to_owned())
    }

    #[test]
    fn parses_literals_placeholders_and_escapes() {
        let table: [(&str, Vec<TextPiece>); 6] = [
            ("", vec![]),
            ("--plain", vec![literal("--plain")]),
            (
                "{suite}::{testcase}",
                vec![
                    TextPiece::Placeholder(Placeholder::Suite),
                    literal("::"),
                    TextPiece::Placeholder(Placeholder::Testcase),
                ],
            ),
            ("{{suite}}", vec![literal("{suite}")]),
            (
                "{{{plan.id}}}",
                vec![
                    literal("{"),
                    TextPiece::Placeholder(Placeholder::PlanId),
                    literal("}"),
                ],
            ),
            (
                "é{capability.OS}",
                vec![
                    literal("é"),
                    TextPiece::Placeholder(Placeholder::Capability("OS".to_owned())),
                ],
            ),
        ];
        for (text, pieces) in table {
            assert_eq!(
                PlaceholderText::parse(text).unwrap().pieces(),
                pieces,
                "{text}"
            );
        }
    }

    #[test]
    fn every_known_placeholder_parses_and_prints_as_written() {
        for known in KNOWN {
            let template = PlaceholderText::parse(known).unwrap();
            let [TextPiece::Placeholder(placeholder)] = template.pieces() else {
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
            ("{}", 0..2, "not a placeholder"),
            ("{capability.}", 0..13, "`{capability.KEY}`"),
            ("{capabilty.OS}", 0..14, "`{capability.KEY}`"),
            ("{test-case}", 0..11, "`{testcase}`"),
            ("a{execution_id}b", 1..15, "`{execution.id}`"),
            ("{host}", 0..6, "`{server.host}`"),
            ("{SUITE}", 0..7, "`{suite}`"),
            ("{commit}", 0..8, "placeholders are {suite}"),
            ("{nothing like it}", 0..17, "placeholders are {suite}"),
            ("{suite}{nope}", 7..13, "`{nope}`"),
            ("echo ${HOME}", 6..12, "`${{HOME}}`"),
            (
                "${PROJECT}",
                1..10,
                "`${{PROJECT}}` for the shell's `${PROJECT}`",
            ),
            ("awk '{ print }'", 5..14, "`{{` and `}}`"),
        ];
        for (text, span, says) in table {
            let error = PlaceholderText::parse(text).unwrap_err();
            assert_eq!(error.span, span, "{text}");
            assert!(error.to_string().contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_text_without_placeholders_is_a_literal() {
        let literal = |text| {
            PlaceholderText::parse(text)
                .unwrap()
                .literal()
                .map(str::to_owned)
        };
        assert_eq!(literal("").as_deref(), Some(""));
        assert_eq!(literal("${{HOME}}").as_deref(), Some("${HOME}"));
        assert_eq!(literal("a{batch}"), None);
    }

    #[test]
    fn first_in_finds_placeholders_and_leaves_other_braces() {
        assert_eq!(first_in("${HOME} { {x} {batch}"), Some(Placeholder::Batch));
        assert_eq!(first_in("{\"a\": {}} {capability.}"), None);
        assert_eq!(first_in("${suite}"), Some(Placeholder::Suite));
    }
}
