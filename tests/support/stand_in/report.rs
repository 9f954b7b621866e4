//! Reports of the generators that were asked for, from one tree.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use crate::options::Options;

/// The smallest picture.
pub(crate) const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 0x0a, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4, 0x71, 0, 0, 0, 0, b'I', b'E', b'N',
    b'D', 0xae, 0x42, 0x60, 0x82,
];

/// A suite, test case, feature or scenario.
pub(crate) struct Node {
    kind: &'static str,
    name: String,
    file: PathBuf,
    line: usize,
    began: String,
    over: String,
    pub(crate) entries: Vec<Entry>,
    /// Without an end it was aborted.
    pub(crate) ended: bool,
}

/// What a node holds.
pub(crate) enum Entry {
    Test(Node),
    Said {
        kind: Kind,
        text: String,
        detail: String,
        line: usize,
        time: String,
    },
}

/// A verification's result, or a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Pass,
    Fail,
    XPass,
    XFail,
    Error,
    Fatal,
    Warning,
    Log,
    Skip,
}

impl Kind {
    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "pass" => Self::Pass,
            "fail" => Self::Fail,
            "xpass" => Self::XPass,
            "xfail" => Self::XFail,
            "error" => Self::Error,
            "fatal" => Self::Fatal,
            "warning" => Self::Warning,
            "log" => Self::Log,
            "skip" => Self::Skip,
            _ => return None,
        })
    }

    pub(crate) fn fails(self) -> bool {
        matches!(self, Self::Fail | Self::XPass | Self::Error | Self::Fatal)
    }

    fn is_message(self) -> bool {
        matches!(
            self,
            Self::Error | Self::Fatal | Self::Warning | Self::Log | Self::Skip
        )
    }

    fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::XPass => "XPASS",
            Self::XFail => "XFAIL",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Warning => "WARNING",
            Self::Log => "LOG",
            Self::Skip => "SKIPPED",
        }
    }
}

impl Node {
    pub(crate) fn new(kind: &'static str, name: &str, file: &Path, line: usize) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            file: file.to_owned(),
            line,
            began: now(),
            over: String::new(),
            entries: Vec::new(),
            ended: false,
        }
    }

    pub(crate) fn end(&mut self) {
        self.over = now();
        self.ended = true;
    }

    pub(crate) fn say(&mut self, kind: Kind, text: &str, detail: &str, line: usize) {
        self.entries.push(Entry::Said {
            kind,
            text: text.to_owned(),
            detail: detail.to_owned(),
            line,
            time: now(),
        });
    }

    fn said(&self) -> Vec<(Kind, &str)> {
        let mut said = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::Test(node) => said.extend(node.said()),
                Entry::Said { kind, text, .. } => said.push((*kind, text.as_str())),
            }
        }
        said
    }
}

fn now() -> String {
    let now = jiff::Timestamp::now();
    format!("{now:.3}")
}

/// Whether a generator's target is a folder.
pub(crate) fn is_folder(generator: &str) -> bool {
    generator == "html" || generator.starts_with("xml3") || generator.starts_with("json")
}

/// Whether it can be written.
pub(crate) fn check(options: &Options) -> Result<(), String> {
    for (generator, target) in &options.reports {
        let known = is_folder(generator)
            || [
                "junit", "xmljunit", "stdout", "xls", "xml", "xml2", "xml2.1", "null",
            ]
            .contains(&generator.as_str());
        if !known {
            return Err(format!("unknown report generator {generator}"));
        }
        if target.is_empty() && !["stdout", "null"].contains(&generator.as_str()) {
            return Err(format!("the report generator {generator} needs a target"));
        }
        if is_folder(generator) && options.result_dir.is_some() {
            return Err(format!(
                "--resultdir cannot be used together with {generator}"
            ));
        }
    }
    Ok(())
}

/// Writes all of them.
pub(crate) fn write(root: &Node, options: &Options) {
    for (generator, target) in &options.reports {
        let target = Path::new(target);
        if is_folder(generator) {
            fs::create_dir_all(target).unwrap();
        }
        match generator.as_str() {
            "junit" | "xmljunit" => fs::write(target, junit(root)).unwrap(),
            "html" => fs::write(
                target.join("index.html"),
                "<!doctype html><title>results</title>\n",
            )
            .unwrap(),
            "stdout" => root
                .said()
                .iter()
                .for_each(|(kind, text)| println!("{} {text}", kind.word())),
            "null" => {}
            other if other.starts_with("xml3") => {
                fs::write(target.join("results.xml"), xml3(root, &other[3..])).unwrap();
            }
            other if other.starts_with("json") => {
                fs::write(target.join("results.json"), "{}\n").unwrap();
            }
            _ => fs::write(target, "<stand-in/>\n").unwrap(),
        }
    }
}

fn xml3(root: &Node, version: &str) -> String {
    let version = if version == "3" { "3.0" } else { version };
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<SquishReport version=\"{version}\" \
         xmlns=\"http://www.froglogic.com/resources/schemas/xml3\">\n"
    );
    element(root, &mut text);
    text + "</SquishReport>\n"
}

fn element(node: &Node, text: &mut String) {
    let Node { kind, began, .. } = node;
    let _ = write!(
        text,
        "<test type=\"{kind}\">\n<prolog time=\"{began}\"><name>{}</name>",
        escaped(&node.name)
    );
    location(&node.file, node.line, text);
    text.push_str("</prolog>\n");
    for entry in &node.entries {
        match entry {
            Entry::Test(node) => element(node, text),
            Entry::Said {
                kind,
                text: said,
                detail,
                line,
                time,
            } => {
                let (open, close) = if kind.is_message() {
                    ("<message ", "</message>\n")
                } else {
                    (
                        "<verification>",
                        "</scriptedVerificationResult></verification>\n",
                    )
                };
                text.push_str(open);
                if !kind.is_message() {
                    location(&node.file, *line, text);
                    text.push_str("<scriptedVerificationResult ");
                }
                let _ = write!(text, "time=\"{time}\" type=\"{}\">", kind.word());
                if kind.is_message() {
                    location(&node.file, *line, text);
                }
                let _ = write!(
                    text,
                    "<text>{}</text><detail>{}</detail>{close}",
                    escaped(said),
                    escaped(detail)
                );
            }
        }
    }
    if node.ended {
        let _ = writeln!(text, "<epilog time=\"{}\"/>", node.over);
    }
    text.push_str("</test>\n");
}

fn location(file: &Path, line: usize, text: &mut String) {
    let uri = escaped(&file.to_string_lossy());
    let _ = write!(text, "<location><uri>file://{uri}</uri>");
    if line > 0 {
        let _ = write!(text, "<lineNo>{line}</lineNo>");
    }
    text.push_str("</location>");
}

/// One suite at the root, a case for each test case or scenario.
fn junit(root: &Node) -> String {
    let mut cases = String::new();
    for entry in &root.entries {
        if let Entry::Test(testcase) = entry {
            junit_case(testcase, &root.name, &mut cases);
        }
    }
    format!(
        "<?xml version=\"1.0\"?>\n<testsuite name=\"{}\">\n{cases}</testsuite>\n",
        escaped(&root.name)
    )
}

fn junit_case(node: &Node, group: &str, cases: &mut String) {
    let scenarios = node.entries.iter().filter_map(|entry| match entry {
        Entry::Test(inner) => Some(inner),
        Entry::Said { .. } => None,
    });
    let mut has_inner = false;
    for inner in scenarios {
        has_inner = true;
        junit_case(inner, &format!("{group}.{}", node.name), cases);
    }
    if has_inner {
        return;
    }
    let _ = write!(
        cases,
        "<testcase classname=\"{}\" name=\"{}\">",
        escaped(group),
        escaped(&node.name)
    );
    let said = node.said();
    for (kind, text) in &said {
        let tag = match kind {
            Kind::Fail | Kind::XPass => "failure",
            Kind::Error | Kind::Fatal => "error",
            Kind::Skip => "skipped",
            Kind::Pass | Kind::XFail | Kind::Warning | Kind::Log => continue,
        };
        let _ = write!(
            cases,
            "<{tag} message=\"{}\" type=\"{}\"/>",
            escaped(text),
            kind.word()
        );
    }
    cases.push_str("</testcase>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
