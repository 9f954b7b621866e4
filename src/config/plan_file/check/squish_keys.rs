//! How squishrunner is started.

use std::path::PathBuf;

use super::{Check, runner_keys::scenarios};
use crate::{
    config::{
        config_problem::ConfigProblem,
        plan_file::{
            document,
            marked::{Marked, Plain},
        },
        suggest,
    },
    runner::{
        placeholders,
        squishrunner::{
            squish_address::SquishAddress,
            squish_settings::{Report, ServerChoice, SquishSettings},
        },
    },
};

/// Options of squishrunner that testplan gives itself, and what to do in their place.
const OWN: [(&str, &str); 12] = [
    ("--host", "write `server: HOST:PORT`"),
    ("--port", "write `server: HOST:PORT`"),
    ("--local", "write `server: local`"),
    (
        "--testsuite",
        "the plan says which suite; `suites` says where it is",
    ),
    ("--testcase", "the plan says which test case"),
    ("--reportgen", "write `report: xml3.4`, `xml3.5` or `junit`"),
    (
        "--exitCodeOnFail",
        "leave it out: testplan needs the code of a failure itself",
    ),
    ("--tags", "write `tags: [EXPRESSION]`"),
    ("--info", "leave it out: it would run no test"),
    ("--config", "leave it out: it would run no test"),
    ("--record", "leave it out: it would run no test"),
    ("--help", "leave it out: it would run no test"),
];

impl Check<'_> {
    pub(super) fn squish(&mut self, section: document::SquishSection) -> SquishSettings {
        let at = |key: &str| format!("runner.squish.{key}");
        let usual = SquishSettings::default();
        let report = section.report.as_ref();
        let squish = SquishSettings {
            squishrunner: section
                .squishrunner
                .map(|path| PathBuf::from(self.name(&at("squishrunner"), &path))),
            suites: section
                .suites
                .map_or(usual.suites, |list| self.folders(&at("suites"), &list)),
            server: section.server.map_or(usual.server, |server| {
                self.server_choice(&at("server"), &server)
            }),
            report: report.map_or(usual.report, |report| match report.get() {
                document::ReportKey::Xml34 => Report::Xml34,
                document::ReportKey::Xml35 => Report::Xml35,
                document::ReportKey::Junit => Report::JUnit,
            }),
            scenarios: scenarios(section.scenarios.as_ref()),
            tags: self.tag_expressions(&at("tags"), &section.tags.unwrap_or_default()),
            options: Vec::new(),
            licence_patience: section
                .licence_patience
                .and_then(|value| self.duration_or_zero(&at("licence-patience"), &value))
                .unwrap_or(usual.licence_patience),
        };
        if squish.report == Report::JUnit
            && let Some(scenarios) = &section.scenarios
        {
            let why = "squishrunner alone decides what is a case of a JUnit report";
            let help = "write `report: xml3.4`, or leave `scenarios` out";
            self.not_read(&at("scenarios"), scenarios, why, help);
        }
        let options = section.options.unwrap_or_default();
        SquishSettings {
            options: self.options(&at("options"), &options, squish.report),
            ..squish
        }
    }

    /// Folders with suites, at least one.
    pub(super) fn folders(&mut self, path: &str, list: &Marked<Vec<Plain>>) -> Vec<PathBuf> {
        if list.get().is_empty() {
            self.report(list.place(), || {
                ConfigProblem::new(path, "an empty list")
                    .expecting("at least one folder with suites is expected")
            });
        }
        let folders = list.get().iter().enumerate();
        folders
            .map(|(index, folder)| PathBuf::from(self.name(&format!("{path}[{index}]"), folder)))
            .collect()
    }

    fn server_choice(&mut self, path: &str, server: &Marked<String>) -> ServerChoice {
        match server.get().as_str() {
            "allocated" => return ServerChoice::Allocated,
            "local" => return ServerChoice::Local,
            text => {
                if let Some(address) = SquishAddress::parse(text) {
                    return ServerChoice::At(address);
                }
            }
        }
        let text = server.get().as_str();
        if text == "localhost" || (text.contains('.') && !text.contains(':')) {
            self.report(server.place(), || {
                ConfigProblem::new(path, "a host without a port")
                    .expecting(format!("did you mean `{text}:4322`?"))
            });
            return ServerChoice::Allocated;
        }
        self.report(server.place(), || {
            let problem = ConfigProblem::new(path, "not a Squish server");
            match suggest::nearest(server.get(), &["allocated", "local"]) {
                Some(near) => problem.expecting(format!("did you mean `{near}`?")),
                None => problem.expecting("`allocated`, `local` or HOST:PORT is expected"),
            }
            .help("for example `server: 127.0.0.1:4322`; squishserver's usual port is 4322")
        });
        ServerChoice::Allocated
    }

    fn tag_expressions(&mut self, path: &str, tags: &[Plain]) -> Vec<String> {
        let mut expressions = Vec::new();
        for (index, tag) in tags.iter().enumerate() {
            let at = format!("{path}[{index}]");
            if tag.get().starts_with('-') {
                self.report(tag.place(), || {
                    ConfigProblem::new(&at, "squishrunner would take it for an option")
                        .expecting("an expression over tags, as `@smoke`, is expected")
                });
            }
            expressions.push(self.name(&at, tag));
        }
        expressions
    }

    fn options(&mut self, path: &str, options: &[Plain], report: Report) -> Vec<String> {
        let mut kept = Vec::new();
        for (index, option) in options.iter().enumerate() {
            let at = format!("{path}[{index}]");
            let text = option.get().as_str();
            let name = text.split('=').next().unwrap_or(text);
            if let Some((own, cure)) = OWN.iter().find(|(own, _)| *own == name) {
                self.report(option.place(), || {
                    ConfigProblem::new(&at, format!("{own} is testplan's to give")).help(*cure)
                });
            } else if name == "--resultdir" && report != Report::JUnit {
                self.report(option.place(), || {
                    ConfigProblem::new(&at, "squishrunner refuses --resultdir beside a report that is a folder")
                        .help("leave it out: screenshots are put into the report's folder; or write `report: junit`")
                });
            } else if text.starts_with("--")
                && text.contains(char::is_whitespace)
                && !text.contains('=')
            {
                self.report(option.place(), || {
                    let words: Vec<&str> = text.split_whitespace().collect();
                    ConfigProblem::new(&at, "an option and its value in one")
                        .expecting("no shell takes it apart")
                        .help(format!("write each argument by itself: {words:?}"))
                });
            } else if placeholders::first_in(text).is_some() {
                self.report(option.place(), || {
                    ConfigProblem::new(&at, "a placeholder")
                        .expecting("options are given as they stand")
                        .help("scripts find the same in their environment, as TESTPLAN_RESULTS")
                });
            }
            kept.push(self.name(&at, option));
        }
        kept
    }
}
