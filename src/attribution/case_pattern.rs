//! What a result file calls a test, as `case: "{classname}.{name}"` says.

use super::requested_name::{NameLikeness, words};
use crate::model::CaseResult;

/// Stands at the end of a pattern if cases whose name goes on with a slash are parts of a test: those that failed belong
/// to it, as they say why it did.
const PARTS: &str = "{/}";

/// A text with `{classname}`, `{name}`, `{file}` and `{line}`, and `{/}` at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CasePattern {
    pieces: Vec<Piece>,
    /// No other name is that of the test.
    is_exact: bool,
    /// A case whose name goes on with a slash is a part of the test.
    has_parts: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Classname,
    Name,
    File,
    Line,
}

/// Why a text is not a pattern of cases.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CasePatternError(String);

impl CasePattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, CasePatternError> {
        let mut pieces = Vec::new();
        let whole = text.strip_suffix(PARTS);
        let mut rest = whole.unwrap_or(text);
        while let Some((literal, after)) = rest.split_once('{') {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| CasePatternError("`{` is not closed".to_owned()))?;
            pieces.push(match name {
                "classname" => Piece::Classname,
                "name" => Piece::Name,
                "file" => Piece::File,
                "line" => Piece::Line,
                other => {
                    return Err(CasePatternError(format!(
                        "`{{{other}}}` is nothing that a case has: {{classname}}, {{name}}, {{file}} and {{line}} are"
                    )));
                }
            });
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        if pieces
            .iter()
            .all(|piece| matches!(piece, Piece::Literal(_)))
        {
            let why = "it names nothing of a case, so all cases would have the same name";
            return Err(CasePatternError(why.to_owned()));
        }
        Ok(Self {
            pieces,
            is_exact: false,
            has_parts: whole.is_some(),
        })
    }

    /// The pattern of a tool whose names are known to the letter: similar ones are those of other tests.
    #[must_use]
    pub fn exact(self) -> Self {
        Self {
            is_exact: true,
            ..self
        }
    }

    pub(crate) fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// How alike the name of a case and what a test is `called` are; `None` if they are different tests.
    pub(super) fn likeness(
        &self,
        name: &str,
        called: &str,
        called_words: &[&str],
    ) -> Option<NameLikeness> {
        if self.is_exact {
            let rest = name.strip_prefix(called)?;
            if self.has_parts && rest.starts_with('/') {
                return Some(NameLikeness::Part);
            }
            return rest.is_empty().then_some(NameLikeness::Exact);
        }
        likeness(name, called, called_words)
    }

    /// What a case is called according to the pattern.
    pub(crate) fn name(&self, case: &CaseResult) -> String {
        let mut name = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => name.push_str(text),
                Piece::Classname => name.push_str(&case.classname),
                Piece::Name => name.push_str(&case.name),
                Piece::File => name.push_str(case.file.as_deref().unwrap_or_default()),
                Piece::Line => name.extend(case.line.map(|line| line.to_string())),
            }
        }
        name
    }
}

fn likeness(name: &str, called: &str, called_words: &[&str]) -> Option<NameLikeness> {
    if name == called {
        return Some(NameLikeness::Exact);
    }
    let rest = name.strip_prefix(called).unwrap_or_default();
    if rest.starts_with(['/', '(', '[', '{', '#']) || rest.starts_with("::") {
        return Some(NameLikeness::Part);
    }
    (!called_words.is_empty() && words(name) == called_words).then_some(NameLikeness::Words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::requested_test::tests::{case, passed};

    #[test]
    fn pattern_names_cases() {
        let mut case = case("pkg.T", "a b", passed());
        (case.file, case.line) = (Some("t.py".to_owned()), Some(7));
        for (pattern, name) in [
            ("{classname}.{name}", "pkg.T.a b"),
            ("{file}:{line}", "t.py:7"),
            ("x/{name}", "x/a b"),
        ] {
            assert_eq!(CasePattern::parse(pattern).unwrap().name(&case), name);
        }
        for bad in ["", "name", "{name", "{suite}", "{}"] {
            assert!(CasePattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_compared_exactly_and_then_by_words() {
        let like = |name, called| likeness(name, called, &words(called));
        assert_eq!(like("m::a", "m::a"), Some(NameLikeness::Exact));
        assert_eq!(like("m.a", "m::a"), Some(NameLikeness::Words));
        assert_eq!(like("m::a/one", "m::a"), Some(NameLikeness::Part));
        assert_eq!(like("m::ab", "m::a"), None);
    }

    #[test]
    fn exact_pattern_takes_no_similar_name() {
        let pattern = CasePattern::parse("{name}").unwrap().exact();
        let like = |name| pattern.likeness(name, "m::a", &words("m::a"));
        assert_eq!(like("m::a"), Some(NameLikeness::Exact));
        for other in ["m.a", "m::a/one", "M::a", "m::a "] {
            assert_eq!(like(other), None, "{other}");
        }
        let pattern = CasePattern::parse("{name}{/}").unwrap().exact();
        let like = |name| pattern.likeness(name, "m::a", &words("m::a"));
        assert_eq!(like("m::a"), Some(NameLikeness::Exact));
        assert_eq!(like("m::a/one/x"), Some(NameLikeness::Part));
        assert_eq!(like("m::ab"), None);
    }
}
