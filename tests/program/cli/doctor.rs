//! `testplan doctor`: each finding at least once, against services of our own and by a script.

#[cfg(unix)]
mod batching;
mod center;
mod local;
mod own_service;
mod scripted_center;
#[cfg(unix)]
mod squish;
mod way;

use serde_json::Value;

use crate::support::{Ended, Stage};

/// Shows nowhere.
const TOKEN: &str = "CanaryCanary0123";

/// Findings of a doctor that was started with these flags and a token.
struct Diagnosis {
    ended: Ended,
    json: Value,
}

impl Diagnosis {
    fn of(stage: &Stage, arguments: &[&str]) -> Self {
        Self::with(stage, arguments, &[("TESTCENTER_TOKEN", TOKEN)])
    }

    fn with(stage: &Stage, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let command = stage.command(["doctor", "--format=json"]);
        let command = command.args(arguments);
        let ended = command.with_all(variables.iter().copied()).run();
        let json = ended.json();
        assert_eq!(json["schema"], 1);
        for finding in json["findings"].as_array().unwrap() {
            let is_cured = finding["cure"].is_string();
            match finding["state"].as_str().unwrap() {
                "ok" => assert!(!is_cured, "{finding}"),
                "warning" | "problem" => assert!(is_cured, "{finding}"),
                state => assert_eq!(state, "not checked", "{finding}"),
            }
            assert!(!finding["text"].as_str().unwrap().is_empty(), "{finding}");
        }
        for said in [&ended.stdout, &ended.stderr] {
            assert!(!said.contains("Canary"), "{said}");
            assert!(!said.contains("panicked"), "{said}");
        }
        Self { ended, json }
    }

    fn finding(&self, id: &str) -> &Value {
        let findings = self.json["findings"].as_array().unwrap();
        let found: Vec<&Value> = findings.iter().filter(|it| it["id"] == id).collect();
        match found[..] {
            [one] => one,
            _ => panic!("{} times {id}: {:#}", found.len(), self.json),
        }
    }

    /// A finding of this state whose text and cure hold all of this.
    #[track_caller]
    fn has(&self, id: &str, state: &str, says: &[&str]) {
        let finding = self.finding(id);
        assert_eq!(finding["state"], state, "{finding:#}");
        let said = format!("{} {}", finding["text"], finding["cure"]);
        for part in says {
            assert!(said.contains(part), "not said: {part:?}: {finding:#}");
        }
    }

    #[track_caller]
    fn ends(&self, code: i32) {
        assert_eq!(self.ended.code, Some(code), "{:#}", self.json);
        let words = [
            "passed",
            "failed",
            "usage",
            "infrastructure",
            "nothing-to-run",
        ];
        assert_eq!(
            self.json["conclusion"],
            words[usize::try_from(code).unwrap()]
        );
    }

    /// The states of all findings.
    fn states(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let findings = self.json["findings"].as_array().unwrap().iter();
        findings
            .map(|finding| (text(&finding["id"]), text(&finding["state"])))
            .collect()
    }
}
