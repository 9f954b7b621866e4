//! The workflow commands that GitHub's runner finds in what a step writes to stdout or stderr.
//!
//! Written from the runner's sources alone, without a look at what this project writes or how it cleans: it is the judge
//! of both. Where its comparisons depend on the machine's culture, the more dangerous reading counts.
#![allow(
    dead_code,
    reason = "what one test file leaves unused, another one uses"
)]

use std::collections::BTreeMap;

/// The two ways to write a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// `::name key=value,key=value::data`, after white space alone.
    Colons,
    /// `##[name key=value;key=value]data`, anywhere in a line.
    Brackets,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) syntax: Syntax,
    /// In small letters: the runner does not tell them apart.
    pub(crate) name: String,
    /// Unescaped, keys in small letters.
    pub(crate) properties: BTreeMap<String, String>,
    /// Unescaped.
    pub(crate) data: String,
}

/// What the runner reacts to. `set-env` and `add-path` only fail the step.
const KNOWN: [&str; 15] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
];

/// The commands that the runner executes when a step writes this, in order. Commands between `stop-commands` and its
/// token are left out, the token itself is one.
pub(crate) fn commands(text: &[u8]) -> Vec<Command> {
    let mut listener = Listener::default();
    let text = decode(text);
    lines(&text)
        .filter_map(|line| listener.hear(line))
        .collect()
}

/// Everything that has the form of a command, whether the runner knows its name or not, and stopped or not.
pub(crate) fn all_commands(text: &[u8]) -> Vec<Command> {
    let text = decode(text);
    let mut found = Vec::new();
    for line in lines(&text) {
        found.extend(with_colons(line));
        let starts = line.match_indices("##[");
        found.extend(starts.filter_map(|(at, _)| with_brackets(&line[at..])));
    }
    found
}

/// Hears one line after another, as the runner does while a step runs.
#[derive(Default)]
pub(crate) struct Listener {
    /// While no command but this one is executed.
    token: Option<String>,
}

impl Listener {
    /// The command that is executed because of a line, which has no line end.
    pub(crate) fn hear(&mut self, line: &str) -> Option<Command> {
        // Only if the first form is none or not known, the second is looked for, and only at its first place.
        let command = with_colons(line)
            .filter(|it| self.knows(&it.name))
            .or_else(|| {
                let at = line.find("##[")?;
                with_brackets(&line[at..]).filter(|it| self.knows(&it.name))
            })?;
        match &self.token {
            Some(token) if *token == command.name => self.token = None,
            Some(_) => return None,
            None if command.name == "stop-commands" => self.token = accepted(&command.data),
            None => {}
        }
        Some(command)
    }

    fn knows(&self, name: &str) -> bool {
        KNOWN.contains(&name) || self.token.as_deref() == Some(name)
    }
}

/// The token of a `stop-commands` that does stop them.
fn accepted(token: &str) -> Option<String> {
    let token = token.to_ascii_lowercase();
    let refused = token.is_empty() || token == "pause-logging" || KNOWN.contains(&token.as_str());
    (!refused).then_some(token)
}

/// What the runner reads: a mark at the start is no text, and what is not UTF-8 is replaced.
fn decode(text: &[u8]) -> String {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    String::from_utf8_lossy(text).into_owned()
}

/// Lines end at a line feed, at a carriage return, or at both together.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

fn with_colons(line: &str) -> Option<Command> {
    let inner = line.trim_start().strip_prefix("::")?;
    let (head, data) = split_at_colons(inner)?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    Some(Command {
        syntax: Syntax::Colons,
        name: name.to_ascii_lowercase(),
        properties: self::properties(properties.trim(), ',', &PROPERTY),
        data: unescape(data, &DATA),
    })
}

fn with_brackets(text: &str) -> Option<Command> {
    let (head, data) = text.strip_prefix("##[")?.split_once(']')?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    Some(Command {
        syntax: Syntax::Brackets,
        name: name.to_ascii_lowercase(),
        properties: self::properties(properties, ';', &BRACKETS),
        data: unescape(data, &BRACKETS),
    })
}

/// The search for the second pair of colons goes by culture, which overlooks invisible characters between them. All
/// that is counted in characters afterwards is not: the data then begins with what follows the first two.
fn split_at_colons(text: &str) -> Option<(&str, &str)> {
    for (at, _) in text.match_indices(':') {
        let behind = &text[at + 1..];
        if behind.trim_start_matches(invisible).starts_with(':') {
            let mut data = behind.chars();
            data.next();
            return Some((&text[..at], data.as_str()));
        }
    }
    None
}

/// What a collation has no weight for: control characters, and what only tells others how to be shown.
fn invisible(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{8}'
            | '\u{e}'..='\u{1f}'
            | '\u{7f}'..='\u{84}'
            | '\u{86}'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A pair needs both its sides; superfluous separators and equals signs are overlooked.
fn properties(text: &str, between: char, escapes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = text.split(between).filter_map(|pair| {
        let (key, value) = pair.trim_start_matches('=').split_once('=')?;
        let value = value.trim_start_matches('=');
        (!value.is_empty()).then(|| (key.to_ascii_lowercase(), unescape(value, escapes)))
    });
    pairs.collect()
}

const DATA: [(&str, &str); 3] = [("%0D", "\r"), ("%0A", "\n"), ("%25", "%")];

const PROPERTY: [(&str, &str); 5] = [
    ("%0D", "\r"),
    ("%0A", "\n"),
    ("%3A", ":"),
    ("%2C", ","),
    ("%25", "%"),
];

const BRACKETS: [(&str, &str); 5] = [
    ("%3B", ";"),
    ("%0D", "\r"),
    ("%0A", "\n"),
    ("%5D", "]"),
    ("%25", "%"),
];

/// One after another over the whole text, the percent sign last.
fn unescape(text: &str, escapes: &[(&str, &str)]) -> String {
    escapes
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::{Command, Syntax, all_commands, commands, lines};

    /// Name, properties and data of each, briefly.
    fn brief(commands: &[Command]) -> Vec<String> {
        let one = |it: &Command| {
            let properties: Vec<String> = it
                .properties
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            format!("{}({})[{}]", it.name, properties.join("|"), it.data)
        };
        commands.iter().map(one).collect()
    }

    #[track_caller]
    fn heard(text: &str, expected: &[&str]) {
        assert_eq!(brief(&commands(text.as_bytes())), expected, "{text:?}");
    }

    #[test]
    fn finds_both_forms_where_the_runner_does() {
        heard("::error::x", &["error()[x]"]);
        heard("\u{a0}\u{2003} \t\u{3000}::error::x", &["error()[x]"]);
        heard("| ::error::x", &[]);
        heard("::error:x", &[]);
        heard(":: error::x", &[]);
        heard("::ERROR::x", &["error()[x]"]);
        heard("::error::", &["error()[]"]);
        heard("##[error]x", &["error()[x]"]);
        heard("| a ##[error]x", &["error()[x]"]);
        heard("##[error x", &[]);
        heard("# #[error]x", &[]);
        heard("##[section]a", &[]);
        // Only the first pair of brackets counts.
        heard("##[section]##[error]x", &[]);
        // Two forms in one line: the first that is known.
        heard("::section::##[error]x", &["error()[x]"]);
        heard("::warning::##[error]x", &["warning()[##[error]x]"]);
    }

    #[test]
    fn ends_lines_at_a_lone_carriage_return_too() {
        heard("a\r::error::x\rb", &["error()[x]"]);
        heard(
            "::error::x\r\n::notice::y\n",
            &["error()[x]", "notice()[y]"],
        );
        for nothing in [
            "a\u{b}::error::x",
            "a\u{c}::error::x",
            "a\u{85}::error::x",
            "a\u{2028}::error::x",
        ] {
            heard(nothing, &[]);
        }
        let split: Vec<&str> = lines("a\r\r\nb\n\rc").collect();
        assert_eq!(split, ["a", "", "b", "", "c"]);
    }

    #[test]
    fn reads_properties_by_the_rules_of_each_form() {
        heard(
            "::error file=a%2Cb%3A.py,line=3,title=x=y::m",
            &["error(file=a,b:.py|line=3|title=x=y)[m]"],
        );
        heard(
            "::error   file=a, line=3,::m",
            &["error( line=3|file=a)[m]"],
        );
        heard("::error ==File==a,x=,=y,z::m", &["error(file=a)[m]"]);
        heard(
            "##[error file=a%3Bb%5D;line=3]m",
            &["error(file=a;b]|line=3)[m]"],
        );
        heard("##[error file=a,line=3]m", &["error(file=a,line=3)[m]"]);
        // A property cannot hold what ends the head.
        heard("::error title=a::b::c", &["error(title=a)[b::c]"]);
    }

    #[test]
    fn unescapes_by_the_rules_of_each_form() {
        heard("::error::%250A%0A%3A%5D%0d", &["error()[%0A\n%3A%5D%0d]"]);
        heard("##[error]%250A%0A%3A%5D%3B", &["error()[%0A\n%3A];]"]);
        heard("::error title=%250A%5D::", &["error(title=%0A%5D)[]"]);
    }

    #[test]
    fn overlooks_what_is_invisible_between_colons() {
        heard("::error:\u{200d}:x", &["error()[:x]"]);
        heard("::error:\u{1}\u{ad}:x", &["error()[\u{ad}:x]"]);
        // There the count of characters is off by what was overlooked.
        heard(":\u{200d}:error::x", &[]);
        heard("\u{feff}", &[]);
        let marked = "\u{feff}::error::x".as_bytes();
        assert_eq!(brief(&commands(marked)), ["error()[x]"]);
    }

    #[test]
    fn takes_bytes_that_are_no_text() {
        assert_eq!(
            brief(&commands(b"\xff\r::error::\xfe")),
            ["error()[\u{fffd}]"]
        );
    }

    #[test]
    fn is_silent_between_a_stop_and_its_token() {
        heard(
            "::stop-commands::T0ken\n::error::x\n##[error]y\n::t0KEN::\n::error::z",
            &["stop-commands()[T0ken]", "t0ken()[]", "error()[z]"],
        );
        heard(
            "::stop-commands::a b\n##[a b]\n::error::z",
            &["stop-commands()[a b]"],
        );
        for refused in ["", "error", "pause-logging"] {
            let text = format!("::stop-commands::{refused}\n::error::z");
            let stop = format!("stop-commands()[{refused}]");
            heard(&text, &[&stop, "error()[z]"]);
        }
    }

    #[test]
    fn reports_all_that_looks_like_one() {
        let text = "::a b=c::d ##[e f=g]h ##[i]\n::stop-commands::t\n::error::x\n##[";
        assert_eq!(
            brief(&all_commands(text.as_bytes())),
            [
                "a(b=c)[d ##[e f=g]h ##[i]]",
                "e(f=g)[h ##[i]]",
                "i()[]",
                "stop-commands()[t]",
                "error()[x]"
            ]
        );
        let first = &all_commands(b"##[x]")[0];
        assert_eq!(first.syntax, Syntax::Brackets);
    }
}
