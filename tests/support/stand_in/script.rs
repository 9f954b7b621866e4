//! Suites, test cases and scripts on disk, as far as the stand-in understands them.
//!
//! A script's calls of `test.verify`, `test.compare`, `test.log` and so on are read in order; verifications pass. What
//! shall go otherwise says a comment: `# stand-in: fail 3 rows instead of 2`, in Gherkin too; other languages' comments do.

use std::path::{Path, PathBuf};

use crate::options::Options;

/// A suite to be run.
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) aut: Option<String>,
    pub(crate) testcases: Vec<Testcase>,
}

/// A test case to be run.
pub(crate) struct Testcase {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) body: Body,
}

/// What a test case is made of.
pub(crate) enum Body {
    Script(Vec<Line>),
    Feature {
        name: String,
        scenarios: Vec<Scenario>,
    },
}

/// A scenario of a feature.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: Vec<Line>,
}

/// Something that a script does.
pub(crate) struct Line {
    pub(crate) number: usize,
    /// `pass`, `fail`, `log`, `hang` …
    pub(crate) word: String,
    pub(crate) rest: String,
}

const LANGUAGES: [&str; 5] = ["py", "js", "rb", "pl", "tcl"];

impl Suite {
    pub(crate) fn read(folder: &Path, options: &Options) -> Result<Self, String> {
        let conf = std::fs::read_to_string(folder.join("suite.conf"))
            .map_err(|error| format!("{} is no suite: {error}", folder.display()))?;
        let conf = conf.replace("\\\n", " ");
        let value = |key: &str| {
            let line = conf
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim().to_owned()
        };
        let listed = value("TEST_CASES");
        let listed = listed.split_whitespace().map(str::to_owned);
        let mut names = if options.testcases.is_empty() {
            listed.collect()
        } else {
            options.testcases.clone()
        };
        names.retain(|name| !options.skipped.contains(name));
        let testcases = names
            .iter()
            .map(|name| Testcase::read(folder, name, &options.tags));
        let aut = value("AUT");
        Ok(Self {
            name: folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            folder: folder.to_owned(),
            aut: (!aut.is_empty()).then_some(aut),
            testcases: testcases.collect::<Result<_, _>>()?,
        })
    }
}

impl Testcase {
    fn read(suite: &Path, name: &str, tags: &[String]) -> Result<Self, String> {
        let folder = suite.join(name);
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).ok();
        let (file, body) = if let Some(text) = read("test.feature") {
            ("test.feature".to_owned(), feature(&text, tags))
        } else {
            let files = LANGUAGES.map(|language| format!("test.{language}"));
            let found = files.iter().find_map(|file| Some((file, read(file)?)));
            let (file, text) = found.ok_or(format!("{name} has no test script"))?;
            let lines = text.lines().enumerate();
            (file.clone(), Body::Script(lines.filter_map(line).collect()))
        };
        Ok(Self {
            name: name.to_owned(),
            file,
            body,
        })
    }
}

fn feature(text: &str, wanted: &[String]) -> Body {
    let mut name = String::new();
    let mut scenarios: Vec<Scenario> = Vec::new();
    let (mut all, mut tags) = (Vec::new(), Vec::new());
    let mut left_out = false;
    for (index, raw) in text.lines().enumerate() {
        let trimmed = raw.trim();
        if trimmed.starts_with('@') {
            tags.extend(trimmed.split_whitespace().map(str::to_owned));
        } else if let Some(title) = trimmed.strip_prefix("Feature:") {
            title.trim().clone_into(&mut name);
            all = std::mem::take(&mut tags);
        } else if let Some(title) = trimmed.strip_prefix("Scenario:") {
            tags.extend(all.iter().cloned());
            left_out = !wanted
                .iter()
                .all(|expression| match expression.strip_prefix('~') {
                    Some(not) => !tags.iter().any(|tag| tag == not),
                    None => tags.iter().any(|tag| tag == expression),
                });
            tags.clear();
            if !left_out {
                scenarios.push(Scenario {
                    name: title.trim().to_owned(),
                    line: index + 1,
                    lines: Vec::new(),
                });
            }
        } else if let (false, Some(scenario)) = (left_out, scenarios.last_mut()) {
            scenario
                .lines
                .extend(line((index, raw)).or_else(|| step(index, trimmed)));
        }
    }
    Body::Feature { name, scenarios }
}

fn step(index: usize, trimmed: &str) -> Option<Line> {
    let keywords = ["Given ", "When ", "Then ", "And ", "But "];
    keywords
        .iter()
        .any(|keyword| trimmed.starts_with(keyword))
        .then(|| Line {
            number: index + 1,
            word: "pass".to_owned(),
            rest: trimmed.to_owned(),
        })
}

fn line((index, text): (usize, &str)) -> Option<Line> {
    let said = |word: &str, rest: &str| Line {
        number: index + 1,
        word: word.to_owned(),
        rest: rest.trim().to_owned(),
    };
    if let Some((_, directive)) = text.split_once("stand-in: ") {
        let (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
        return Some(said(word.trim(), rest));
    }
    let text = text.trim();
    let rest = ["test.", "Test.", "test::", "test "]
        .iter()
        .find_map(|begin| text.strip_prefix(begin))?;
    let call = rest
        .split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default();
    let word = match call {
        "verify" | "compare" | "vp" | "passes" | "pass" => "pass",
        "log" | "warning" => call,
        "fail" => "fail",
        "skip" => "skip",
        _ => return None,
    };
    // The last text between quotes says what it is about.
    let quoted: Vec<&str> = rest.split('"').collect();
    Some(said(
        word,
        if quoted.len() >= 3 {
            quoted[quoted.len() - 2]
        } else {
            rest
        },
    ))
}
