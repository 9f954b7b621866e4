//! Mistakes in `testplan.yml`, marked as a person would mark them: the line, the span, what was expected, what is near.

use std::{
    fmt::{self, Write as _},
    ops::Range,
};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::text::prefix;

/// What is wrong with a file. Shows all its mistakes, in their order in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file as it was named.
    pub file: String,
    /// Its mistakes, at least one and not more than people read.
    pub problems: Vec<ConfigProblem>,
    /// How many more there are.
    pub hidden: usize,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Which key, as `templates[0].tests[1].discover.line`; empty where it is not known.
    pub path: String,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Where, if it has a place in the text.
    pub mark: Option<SourceMark>,
    /// The text beside the mark: the expected value. Possibly empty.
    pub label: String,
    /// One thing to do.
    pub help: Option<String>,
}

/// The marked line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceMark {
    /// Its number, from 1.
    pub line: usize,
    /// The column of the mark in characters, from 1.
    pub column: usize,
    /// The line itself, or the part of it around the mark, without control characters.
    pub text: String,
    /// The marked bytes of [`Self::text`], at character boundaries.
    pub span: Range<usize>,
}

impl ConfigProblem {
    /// A mistake without a place.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            mark: None,
            label: String::new(),
            help: None,
        }
    }

    /// Says what was expected, beside the mark.
    pub fn expecting(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says one thing to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Marks these bytes of the file's text.
    pub fn marked(mut self, source: &str, bytes: Range<usize>) -> Self {
        self.mark = SourceMark::new(source, bytes);
        self
    }

    fn title(&self) -> String {
        if self.path.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.path, self.message)
        }
    }
}

impl SourceMark {
    /// Characters of a line kept before and after the start of a mark.
    const REACH: usize = 400;

    /// Marks bytes of a text, up to the end of their first line. No bytes mean the rest of the line; a bracket alone
    /// means all that it encloses.
    /// `None` for an empty text.
    pub fn new(source: &str, bytes: Range<usize>) -> Option<Self> {
        if source.is_empty() {
            return None;
        }
        let start = prefix(source, bytes.start).len();
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let rest = &source[line_start..];
        let line = rest.lines().next().unwrap_or("");
        let from = (start - line_start).min(line.len());
        let end = prefix(source, bytes.end).len().max(start);
        let mut to = (end - line_start).clamp(from, line.len());
        to = from + line[from..to].trim_end().len();
        if to == from {
            to = line.trim_end().len().max(from);
        } else if let Some(end) = closing(&line[from..], to - from) {
            to = from + end;
        }
        let left = line[..from]
            .char_indices()
            .rev()
            .take(Self::REACH)
            .last()
            .map_or(from, |(at, _)| at);
        let right = line[from..]
            .char_indices()
            .nth(Self::REACH)
            .map_or(line.len(), |(at, _)| from + at);
        let to = to.min(right);
        let [before, marked, after] =
            [&line[left..from], &line[from..to], &line[to..right]].map(printable);
        Some(Self {
            line: line_at(source, start),
            column: line[..from].chars().count() + 1,
            span: before.len()..before.len() + marked.len(),
            text: [before, marked, after].concat(),
        })
    }
}

impl ConfigError {
    /// One mistake that concerns the file as a whole.
    pub fn whole(file: impl Into<String>, problem: ConfigProblem) -> Self {
        Self {
            file: file.into(),
            problems: vec![problem],
            hidden: 0,
        }
    }

    /// All mistakes as people read them, with colours or without. Ends without a line break.
    pub fn render(&self, coloured: bool) -> String {
        let renderer = if coloured {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut parts: Vec<String> = self
            .problems
            .iter()
            .map(|problem| self.render_one(problem, &renderer))
            .collect();
        let count = self.problems.len() + self.hidden;
        if count > 1 {
            let more = match self.hidden {
                0 => String::new(),
                hidden => format!(", {hidden} of them not shown"),
            };
            let summary = format!("{} has {count} mistakes{more}", printable(&self.file));
            parts.push(renderer.render(&[Group::with_title(Level::ERROR.primary_title(summary))]));
        }
        parts.join("\n\n")
    }

    /// The mistakes in one line, for a place without room for the marked text.
    pub(crate) fn in_one_line(&self) -> String {
        let line = |problem: &ConfigProblem| {
            let mut line = printable(&self.file);
            if let Some(mark) = &problem.mark {
                let _ = write!(line, ":{}:{}", mark.line, mark.column);
            }
            line = format!("{line}: {}", problem.title());
            if !problem.label.is_empty() {
                let _ = write!(line, " ({})", problem.label);
            }
            line
        };
        let lines: Vec<_> = self.problems.iter().map(line).collect();
        let hidden = match self.hidden {
            0 => String::new(),
            hidden => format!("; and {hidden} more"),
        };
        lines.join("; ") + &hidden
    }

    fn render_one(&self, problem: &ConfigProblem, renderer: &Renderer) -> String {
        let title = printable(&problem.title());
        let file = printable(&self.file);
        let label = printable(&problem.label);
        let help = problem.help.as_deref().map(printable);
        let mut group = Group::with_title(Level::ERROR.primary_title(match problem.mark {
            Some(_) => title,
            None => format!("{file}: {title}"),
        }));
        if let Some(mark) = &problem.mark {
            let annotation = AnnotationKind::Primary.span(mark.span.clone());
            group = group.element(
                Snippet::source(mark.text.as_str())
                    .path(file)
                    .line_start(mark.line)
                    .annotation(if label.is_empty() {
                        annotation
                    } else {
                        annotation.label(label)
                    }),
            );
        }
        match (help, &problem.mark) {
            (Some(help), Some(_)) => renderer.render(&[group.element(Level::HELP.message(help))]),
            (Some(help), None) => {
                renderer.render(&[group, Group::with_title(Level::HELP.secondary_title(help))])
            }
            (None, _) => renderer.render(&[group]),
        }
    }
}

/// Where a bracket at the start of a text, marked alone, is closed again in the same line.
fn closing(text: &str, marked: usize) -> Option<usize> {
    if marked != 1 || !text.starts_with(['[', '{']) {
        return None;
    }
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (Some(_) | None, _) => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// The number of the line that a byte stands in, from 1.
pub(super) fn line_at(source: &str, byte: usize) -> usize {
    prefix(source, byte).matches('\n').count() + 1
}

/// A text for one line of output: control characters, which could move the cursor or start a command of a CI, are
/// shown as `�`. Those that turn the direction of writing are the renderer's care.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{FFFD}'
            } else {
                c
            }
        })
        .collect()
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ConfigError {}
