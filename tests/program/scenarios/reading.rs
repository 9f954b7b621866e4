//! Reads what testplan leaves behind.

use std::collections::BTreeMap;

use crate::support::{Ended, Stage};

/// A JUnit file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Junit {
    /// Cases by name, as `pass`, `failure`, `error` or `skipped`.
    pub(crate) cases: BTreeMap<String, String>,
    /// What the root says of its tests, failures and errors.
    pub(crate) counts: (usize, usize, usize),
    /// All of it.
    pub(crate) text: String,
}

impl Junit {
    /// Reads `OUT/junit.xml`; two cases of one name are a mistake.
    #[track_caller]
    pub(crate) fn of(stage: &Stage, out: &str) -> Self {
        let text = stage.read(&format!("{out}/junit.xml"));
        assert!(text.contains("<testsuites"), "{out}/junit.xml: {text}");
        let root = text.split("<testsuites").nth(1).unwrap();
        let count = |name: &str| attribute(root, name).parse().unwrap();
        let mut cases = BTreeMap::new();
        for case in text.split("<testcase ").skip(1) {
            let head = case.split('>').next().unwrap();
            let body = if head.ends_with('/') {
                ""
            } else {
                case.split("</testcase>").next().unwrap()
            };
            let word = ["failure", "error", "skipped"]
                .into_iter()
                .find(|word| body.contains(&format!("<{word}")))
                .unwrap_or("pass");
            // Cases of several configurations are told apart by their class.
            let mut name = attribute(case, "name");
            if cases.contains_key(&name) {
                name = format!("{name} of {}", attribute(case, "classname"));
            }
            let twice = cases.insert(name.clone(), word.to_owned());
            assert_eq!(twice, None, "{name} twice in {text}");
        }
        let junit = Self {
            counts: (count("tests"), count("failures"), count("errors")),
            cases,
            text,
        };
        let words = |word: &str| junit.cases.values().filter(|it| *it == word).count();
        let counted = (junit.cases.len(), words("failure"), words("error"));
        assert_eq!(junit.counts, counted, "{}", junit.text);
        junit
    }

    /// The cases, as `t1=pass t2=failure`.
    pub(crate) fn brief(&self) -> String {
        let cases = self.cases.iter();
        let brief: Vec<String> = cases.map(|(name, word)| format!("{name}={word}")).collect();
        brief.join(" ")
    }
}

fn attribute(text: &str, name: &str) -> String {
    let begin = format!(" {name}=\"");
    let text = format!(" {text}");
    let behind = text.split(begin.as_str()).nth(1).unwrap_or_default();
    behind.split('"').next().unwrap_or_default().to_owned()
}

impl Ended {
    /// That it said something on stderr.
    #[track_caller]
    pub(crate) fn says(self, word: &str) -> Self {
        assert!(self.stderr.contains(word), "no {word:?} in {self}");
        self
    }

    /// That it printed something on stdout.
    #[track_caller]
    pub(crate) fn prints(self, word: &str) -> Self {
        assert!(self.stdout.contains(word), "no {word:?} in {self}");
        self
    }
}
