//! `testplan.yml`, as tests need it. Written as JSON, which is YAML as well and carries any name.

use std::path::Path;

use serde_json::{Value, json};

use super::Stage;

/// A file with one template and a way to run its tests.
#[derive(Clone)]
pub(crate) struct PlanFile(Value);

impl PlanFile {
    /// Tests of project `p` and template `T` are run with a program, which is given suite and test case.
    pub(crate) fn run_with(program: &Path) -> Self {
        Self(json!({
            "project": "p",
            "runner": { "command": [program.to_str().unwrap(), "{suite}", "{testcase}"] },
            "templates": [{ "title": "T", "tests": [] }],
        }))
    }

    /// Tests by name.
    pub(crate) fn tests<T: Into<String>>(
        mut self,
        suite: &str,
        testcases: impl IntoIterator<Item = T>,
    ) -> Self {
        let testcases: Vec<String> = testcases.into_iter().map(Into::into).collect();
        let test = json!({ "suite": suite, "testcases": testcases });
        self.template("tests").as_array_mut().unwrap().push(test);
        self
    }

    /// Tests `t1` to `tN` of one suite.
    pub(crate) fn numbered(self, suite: &str, count: usize) -> Self {
        self.tests(suite, (1..=count).map(|number| format!("t{number}")))
    }

    /// Every test once for each of these capabilities, as `OS=Linux`.
    pub(crate) fn on_each(mut self, capabilities: &[&str]) -> Self {
        let configuration = |text: &&str| {
            let (key, value) = text.split_once('=').unwrap();
            json!({ key: value })
        };
        let configurations: Vec<Value> = capabilities.iter().map(configuration).collect();
        *self.template("configurations") = configurations.into();
        self
    }

    /// A preset whose tool is this program.
    pub(crate) fn preset(mut self, name: &str, program: &Path) -> Self {
        self.0["runner"] = json!({ "preset": name, "program": [program.to_str().unwrap()] });
        self
    }

    /// Something else under `runner`.
    pub(crate) fn runner(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0["runner"][key] = value.into();
        self
    }

    /// A Squish server that offers this, as `OS=Linux`; `None` for one that offers nothing.
    pub(crate) fn squish_server(mut self, port: u16, label: Option<&str>) -> Self {
        let labels = label.map_or_else(
            || json!({}),
            |text| {
                let (key, value) = text.split_once('=').unwrap();
                json!({ key: value })
            },
        );
        let server = json!({ "host": "127.0.0.1", "port": port.to_string(), "labels": labels });
        if self.0["servers"].is_null() {
            self.0["servers"] = json!([]);
        }
        self.0["servers"].as_array_mut().unwrap().push(server);
        self
    }

    /// Another source of tests.
    pub(crate) fn discover(mut self, program: &Path, line: &str) -> Self {
        let command = [program.to_str().unwrap(), "list"];
        let source = json!({ "discover": { "command": command, "line": line } });
        self.template("tests").as_array_mut().unwrap().push(source);
        self
    }

    /// Writes it as the `testplan.yml` of a stage.
    pub(crate) fn on(&self, stage: &Stage) {
        // The one character that JSON may show and YAML must not.
        let text = self.0.to_string().replace('\u{7f}', "\\u007f");
        stage.write("testplan.yml", &text);
    }

    fn template(&mut self, key: &str) -> &mut Value {
        &mut self.0["templates"][0][key]
    }
}
