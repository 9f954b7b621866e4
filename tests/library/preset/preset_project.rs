//! A folder in which a preset's tool lists and runs tests.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::BufReader,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use testplan::{
    model::{Test, outcome::CaseVerdict},
    preset::{CallPaths, Evidence, ListingOutput, Preset, ToolListing},
    reporter::{LISTING, ReporterFolder},
    result_file::{ResultFile, Scenarios, read, read_events, read_meson_log},
};

use crate::skip;

/// A folder in which a preset's tool lists and runs tests.
pub(crate) struct PresetProject {
    pub(crate) preset: &'static Preset,
    /// In place of the preset's own program.
    program: Vec<OsString>,
    folder: tempfile::TempDir,
    reporters: ReporterFolder,
}

impl PresetProject {
    pub(crate) fn new(name: &str, program: Vec<OsString>) -> Self {
        Self {
            preset: Preset::named(name).unwrap(),
            program,
            folder: tempfile::Builder::new()
                .prefix("preset ")
                .tempdir()
                .unwrap(),
            reporters: ReporterFolder::make().unwrap(),
        }
    }

    /// With a program of this machine; `None` if it does not start.
    pub(crate) fn installed(preset: &str, program: &str) -> Option<Self> {
        let answer = Command::new(program).arg("--version").output();
        if !answer.is_ok_and(|answer| answer.status.success()) {
            skip::missing(&format!("no {program} on PATH"));
            return None;
        }
        Some(Self::new(preset, vec![program.into()]))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs the tool.
    pub(crate) fn tool(
        &self,
        arguments: impl IntoIterator<Item = OsString>,
        environment: &[(&str, OsString)],
    ) -> Output {
        Command::new(&self.program[0])
            .args(&self.program[1..])
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("NODE_OPTIONS")
            .env_remove("CARGO_TARGET_DIR")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What the tool lists.
    pub(crate) fn list(&self) -> ToolListing {
        let file = self.path("listing");
        let _ = std::fs::remove_file(&file);
        let reporters = self.reporters.path().to_str().unwrap();
        let arguments = self.preset.list.iter().map(|argument| {
            let argument = match argument.strip_prefix("{paths}") {
                Some("") => ".",
                Some(default) => default,
                None => argument,
            };
            let argument = argument.replace("{list}", file.to_str().unwrap());
            OsString::from(argument.replace("{reporters}", reporters))
        });
        let output = self.tool(arguments, &[(LISTING, file.clone().into())]);
        let code = output.status.code().unwrap();
        assert!(self.preset.listed.contains(&code), "{output:?}");
        let listing = match self.preset.listing {
            ListingOutput::File => std::fs::read(&file).unwrap(),
            ListingOutput::Stdout => output.stdout,
            ListingOutput::Stderr => output.stderr,
            ListingOutput::ClassFiles(_) => unreachable!("tests/program lists them"),
        };
        let folder = self.folder.path().canonicalize().unwrap();
        self.preset
            .read_listing(&listing, folder.to_str().unwrap())
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&listing)))
    }

    /// Runs these tests in one call: `suite::testcase` of what ran as `case` names it, with its verdict, and the exit
    /// code.
    pub(crate) fn run(&self, tests: &[Test]) -> (BTreeMap<String, String>, i32) {
        let results = self.path("results");
        let _ = std::fs::remove_dir_all(&results);
        std::fs::create_dir(&results).unwrap();
        let list = self.path("selected");
        let events = results.join("events");
        let paths = CallPaths {
            tag: "t1",
            list: &list,
            results: &results,
            events: &events,
            reporters: self.reporters.path(),
        };
        let mut call = self.preset.call(tests, &paths).unwrap();
        if let Some(path) = call.takes_paths.filter(|it| !it.is_empty()) {
            call.arguments.push(path.into());
        }
        if let Some(text) = &call.list {
            std::fs::write(&list, text).unwrap();
        }
        let output = self.tool(call.arguments, &call.environment);
        let file = match self.preset.evidence {
            Evidence::EventStream(_) => {
                let bytes = std::fs::read(&events).unwrap_or_default();
                read_events("events", &*bytes).unwrap().results
            }
            Evidence::MesonLog => {
                let bytes = std::fs::read(results.join("meson.json")).unwrap_or_default();
                read_meson_log("log", &*bytes).unwrap().results
            }
            Evidence::JunitFile => junit(&results),
        };
        let code = output.status.code();
        let mut found = BTreeMap::new();
        for case in file.cases {
            let name = self
                .preset
                .case
                .replace("{classname}", &case.classname)
                .replace("{name}", &case.name)
                .replace("{/}", "");
            let verdict = match case.verdict {
                CaseVerdict::Passed { .. } => "passed".to_owned(),
                CaseVerdict::Failed(it) | CaseVerdict::Error(it) => {
                    format!("failed {}", it.message)
                }
                CaseVerdict::Skipped { message } => format!("skipped {message}"),
            };
            assert_eq!(found.insert(name, verdict), None, "named twice");
        }
        (found, code.unwrap_or_else(|| panic!("{output:?}")))
    }
}

/// `SUITE::NAME: VERDICT` of what ran in a call of all listed tests, with the first word of the verdict, and the exit code.
pub(crate) fn brief_verdicts(project: &PresetProject) -> (Vec<String>, i32) {
    let (ran, code) = project.run(&project.list().tests);
    let brief = |(name, verdict): (&String, &String)| {
        let word = verdict.split(' ').next().unwrap();
        format!("{name}: {word}")
    };
    (ran.iter().map(brief).collect(), code)
}

/// The cases of all JUnit files in a folder.
fn junit(folder: &Path) -> ResultFile {
    let mut all = ResultFile::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "xml") {
            let file = std::fs::File::open(path).unwrap();
            let file = read("junit", BufReader::new(file), Scenarios::default()).unwrap();
            all.cases.extend(file.cases);
        }
    }
    all
}

/// How the results of a call name a test.
pub(crate) fn called(test: &Test) -> String {
    format!("{}::{}", test.suite, test.testcase)
}

pub(crate) fn test(suite: &str, testcase: &str) -> Test {
    Test {
        suite: suite.to_owned(),
        testcase: testcase.to_owned(),
    }
}

/// Runs listed tests alone, then all of them but the first with one that does not exist: what ran is what was asked for.
pub(crate) fn assert_exact(
    project: &PresetProject,
    listing: &ToolListing,
    alone: impl Fn(&Test) -> bool,
) {
    for one in listing.tests.iter().filter(|it| alone(it)) {
        let (ran, code) = project.run(std::slice::from_ref(one));
        let names: Vec<&String> = ran.keys().collect();
        assert_eq!(names, [&called(one)], "alone");
        assert_eq!(ran[&called(one)], "passed", "{code}");
    }
    let mut many: Vec<Test> = listing.tests[1..].to_vec();
    let mut expected: Vec<String> = many.iter().map(called).collect();
    expected.sort();
    let (ran, _) = project.run(&many);
    assert_eq!(ran.keys().cloned().collect::<Vec<_>>(), expected, "many");
    if project.preset.name != "pytest" {
        many.push(test(&many[0].suite, "no_such_test"));
        let (ran, _) = project.run(&many);
        assert_eq!(
            ran.keys().cloned().collect::<Vec<_>>(),
            expected,
            "one is gone"
        );
    }
}
