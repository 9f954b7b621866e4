//! Arguments and environment of one execution.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use proptest::prelude::*;
use testplan::{
    model::{Capabilities, Capability, ExecutionId, PlanId, SquishServer, SquishServerId, Test},
    runner::{
        command_facts::CommandFacts,
        command_line::{CommandLine, VARIABLES, build, is_private},
        placeholders::{KNOWN, PlaceholderText, TextPiece},
        runner_settings::{CommandSettings, ExitCodes, ResultsFormat, RunnerSettings, Tool},
    },
};

fn template(text: &str) -> PlaceholderText {
    PlaceholderText::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn settings(command: &[&str]) -> RunnerSettings {
    RunnerSettings {
        tool: Tool::Command(CommandSettings {
            warm: None,
            batch: None,
            command: command.iter().map(|text| template(text)).collect(),
            results: ResultsFormat::ExitCode,
            exit_codes: ExitCodes {
                passed: [0].into(),
                failed: [1].into(),
                counts_failures: false,
            },
        }),
        timeout: None,
        environment: BTreeMap::new(),
        working_directory: None,
    }
}

struct World {
    test: Test,
    project: String,
    batch: String,
    server: Option<SquishServer>,
    capabilities: Capabilities,
}

impl World {
    fn new() -> Self {
        Self {
            test: Test {
                suite: "tests/test_api.py".into(),
                testcase: "test_get".into(),
            },
            project: "example".into(),
            batch: "b-1".into(),
            server: Some(SquishServer {
                id: SquishServerId(1),
                enabled: true,
                host: "lab-3".into(),
                port: "4322".into(),
                labels: Capabilities::default(),
                busy_with: None,
                busy_test: None,
                cooling: None,
                note: String::new(),
            }),
            capabilities: [
                Capability::new("OS", "Linux"),
                Capability::new("screen size", "4k"),
            ]
            .into_iter()
            .collect(),
        }
    }

    fn build(&self, settings: &RunnerSettings) -> Result<CommandLine, String> {
        let facts = CommandFacts {
            plan: PlanId(105),
            execution: ExecutionId(7),
            test: &self.test,
            project: &self.project,
            batch: &self.batch,
            results: Path::new("/out/results/7"),
            server: self.server.as_ref(),
            capabilities: &self.capabilities,
            call: None,
        };
        build(settings, &facts).map_err(|refused| refused.to_string())
    }

    fn argv(&self, command: &[&str]) -> Result<Vec<OsString>, String> {
        self.build(&settings(command)).map(|line| line.argv)
    }
}

fn variable<'a>(line: &'a CommandLine, name: &str) -> Option<&'a str> {
    line.env
        .iter()
        .rev()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.to_str().unwrap())
}

#[test]
fn every_placeholder_is_filled_in() {
    let argv = World::new()
        .argv(&[
            "pytest",
            "{suite}::{testcase}",
            "--junitxml={results}/junit.xml",
            "{execution.id}/{plan.id}",
            "{project}-{batch}",
            "{server.host}:{server.port}",
            "{capability.os}",
            "{{suite}}",
        ])
        .unwrap();
    assert_eq!(
        argv,
        [
            "pytest",
            "tests/test_api.py::test_get",
            "--junitxml=/out/results/7/junit.xml",
            "7/105",
            "example-b-1",
            "lab-3:4322",
            "Linux",
            "{suite}",
        ]
    );
}

#[test]
fn an_inserted_value_is_not_expanded_again() {
    let mut world = World::new();
    world.test.testcase = "{results} {{ $(id) `id` ; 'x' \"y\" %PATH%\n".into();
    assert_eq!(
        world.argv(&["run", "{testcase}"]).unwrap()[1],
        world.test.testcase.as_str()
    );
}

#[test]
fn the_environment_has_the_same_facts() {
    let world = World::new();
    let mut settings = settings(&["run"]);
    settings
        .environment
        .insert("QT_QPA_PLATFORM".into(), template("offscreen"));
    settings
        .environment
        .insert("TESTPLAN_SUITE".into(), template("forged"));
    let line = world.build(&settings).unwrap();
    let values = VARIABLES.map(|name| variable(&line, name).unwrap());
    assert_eq!(
        values,
        [
            "105",
            "7",
            "tests/test_api.py",
            "test_get",
            "/out/results/7",
            "example",
            "b-1",
            "lab-3",
            "4322"
        ]
    );
    assert_eq!(variable(&line, "TESTPLAN_CAPABILITY_OS"), Some("Linux"));
    assert_eq!(
        variable(&line, "TESTPLAN_CAPABILITY_SCREEN_SIZE"),
        Some("4k")
    );
    assert_eq!(variable(&line, "QT_QPA_PLATFORM"), Some("offscreen"));
}

#[test]
fn stale_facts_are_not_inherited() {
    let mut world = World::new();
    world.server = None;
    let line = world.build(&settings(&["run"])).unwrap();
    for name in ["TESTPLAN_SERVER_HOST", "TESTPLAN_SERVER_PORT"] {
        assert!(line.env_remove.iter().any(|removed| removed == name));
        assert_eq!(variable(&line, name), None);
    }
}

#[test]
fn secrets_inputs_and_the_runners_files_are_private() {
    for name in [
        "TESTCENTER_TOKEN",
        "TESTCENTER_PASSWORD",
        "TESTCENTER_USER",
        "GITHUB_TOKEN",
        "GITHUB_OUTPUT",
        "GITHUB_ENV",
        "GITHUB_STATE",
        "GITHUB_PATH",
        "GITHUB_STEP_SUMMARY",
        "INPUT_TOKEN",
        "INPUT_GITHUB-TOKEN",
        "INPUT_",
        "INPUT_ÄÖ",
    ] {
        assert!(is_private(name.as_ref()), "{name}");
    }
    for name in [
        "INPUT",
        "INPUTS_X",
        "GITHUB_SHA",
        "GITHUB_ENVIRONMENT",
        "PATH",
        "äöü",
        "INPUÄ",
    ] {
        assert!(!is_private(name.as_ref()), "{name}");
    }
}

/// What is changed in the world, the command, and what the refusal says.
type Row = (fn(&mut World), &'static [&'static str], &'static str);

#[test]
fn names_that_a_command_would_misread_are_refused() {
    let refused = |change: fn(&mut World), command: &[&str]| {
        let mut world = World::new();
        change(&mut world);
        world.argv(command).unwrap_err()
    };
    let table: [Row; 16] = [
        (
            |w| w.test.testcase = "-k".into(),
            &["run", "{testcase}"],
            "for an option",
        ),
        (
            |w| w.batch = String::new(),
            &["run", "{batch}-x"],
            "for an option",
        ),
        (|w| w.test.suite = "a\0b".into(), &["run"], "NUL"),
        (|w| w.test.testcase = "a\0b".into(), &["run"], "NUL"),
        (|w| w.project = "a\0b".into(), &["run"], "NUL"),
        (|w| w.test.suite = "a/../../etc".into(), &["run"], "climbs"),
        (
            |w| w.test.suite = "/etc/passwd".into(),
            &["run"],
            "absolute",
        ),
        (
            |w| w.test.suite = "\\\\host\\share".into(),
            &["run"],
            "absolute",
        ),
        (|w| w.test.suite = "C:\\x".into(), &["run"], "drive"),
        (
            |w| w.test.testcase = "../../x".into(),
            &["run", "{suite}/{testcase}"],
            "climbs",
        ),
        (
            |w| w.test.testcase = "..".into(),
            &["{testcase}/run.sh"],
            "climbs",
        ),
        (|w| w.test.suite = " ".into(), &["run"], "no name"),
        (|w| w.test.testcase = String::new(), &["run"], "no name"),
        (
            |w| w.test.testcase = "x".repeat(5000),
            &["run"],
            "5000 bytes",
        ),
        (
            |w| w.server = None,
            &["run", "{server.port}"],
            "--allocate-server",
        ),
        (
            |_| (),
            &["run", "{capability.browser}"],
            "--capability browser=VALUE",
        ),
    ];
    for (change, command, says) in table {
        let message = refused(change, command);
        assert!(message.contains(says), "{command:?}: {message}");
    }
    let hosts = |host: &str, port: &str| {
        let mut world = World::new();
        let server = world.server.as_mut().unwrap();
        (server.host, server.port) = (host.into(), port.into());
        world.argv(&["run"])
    };
    assert!(hosts("-oProxyCommand=x", "1").is_err());
    assert!(hosts("h", "0").is_err() && hosts("h", "70000").is_err() && hosts("h", "x").is_err());
    assert!(hosts("::1", "1").is_ok());
}

#[test]
fn a_dash_of_the_template_is_meant() {
    let mut world = World::new();
    world.test.testcase = "-k ../x".into();
    assert_eq!(
        world.argv(&["run", "-t{testcase}"]).unwrap()[1],
        "-t-k ../x"
    );
}

#[test]
fn commands_without_a_program_or_too_long_are_refused() {
    let world = World::new();
    assert!(world.argv(&[]).unwrap_err().contains("names no program"));
    assert!(world.argv(&[""]).unwrap_err().contains("names no program"));
    let long = "x".repeat(40_000);
    assert!(world.argv(&["run", &long]).unwrap_err().contains("bytes"));
}

#[test]
fn the_environment_takes_the_placeholders_of_the_command() {
    let world = World::new();
    let built = |value: &str| {
        let mut settings = settings(&["run"]);
        settings.environment.insert("X".into(), template(value));
        let line = world.build(&settings)?;
        Ok::<_, String>(variable(&line, "X").unwrap().to_owned())
    };
    assert_eq!(
        built("-{server.host}:{server.port} {{{capability.OS}}}").unwrap(),
        "-lab-3:4322 {Linux}"
    );
    assert_eq!(built("{testcase}").unwrap(), "test_get");
    let refused = built("{capability.browser}").unwrap_err();
    assert!(
        refused.contains("the variable X asks for {capability.browser}")
            && refused.contains("--capability browser=VALUE"),
        "{refused}"
    );
}

#[test]
fn an_environment_that_cannot_be_set_is_refused() {
    for (name, value) in [("", "x"), ("A=B", "x"), ("A", "\0"), ("A\0", "x")] {
        let mut settings = settings(&["run"]);
        settings.environment.insert(name.into(), template(value));
        assert!(World::new().build(&settings).is_err(), "{name:?}");
    }
}

fn argument() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(KNOWN.map(|known| known.replace("KEY", "OS")).to_vec()),
        "[-a/\\\\:. ]{0,4}",
        Just("{{".to_owned()),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,20}",
        "[-./\\\\:a\u{0}]{0,6}",
        Just("..".to_owned()),
        Just("{suite}".to_owned())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn an_argument_stays_one_and_no_option(
        arguments in prop::collection::vec(argument(), 1..4),
        suite in name(), testcase in name(), project in name(), batch in name(), value in name(),
    ) {
        let mut world = World::new();
        world.test = Test { suite, testcase };
        (world.project, world.batch) = (project, batch);
        world.capabilities = [Capability::new("OS", value)].into_iter().collect();
        let mut command = vec!["run"];
        command.extend(arguments.iter().map(String::as_str));
        if let Ok(argv) = world.argv(&command) {
            prop_assert_eq!(argv.len(), command.len());
            for (filled, text) in argv.iter().zip(&command) {
                let filled = filled.to_str().unwrap();
                prop_assert!(!filled.contains('\0'));
                let template = PlaceholderText::parse(text).unwrap();
                let dash = matches!(template.pieces().first(), Some(TextPiece::Literal(text)) if text.starts_with('-'));
                prop_assert!(dash || !filled.starts_with('-'), "{} became {}", text, filled);
            }
            prop_assert!(!Path::new(&world.test.suite).is_absolute());
            prop_assert!(!world.test.suite.split(['/', '\\']).any(|part| part == ".."));
        }
    }
}
