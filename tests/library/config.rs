//! `testplan.yml` from outside: good files, marked mistakes, hostile texts, the schema.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use proptest::prelude::*;
use testplan::{
    config::plan_file::{self, Discovery, PlanFile, TestSource},
    runner::{
        placeholders::PlaceholderText,
        runner_settings::{
            CommandSettings, ExitCodes, FreshProcess, NameMatching, ProcessMode, Repeats,
            ResultsFormat, RunnerSettings, Scenarios, Selection, Tool, WarmTool,
        },
        squishrunner::squish_settings::{Report, ServerChoice},
    },
};

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/config")
        .join(folder)
}

/// Each `*.yml` of a folder with its name and text, in order.
fn yml(folder: &str) -> Vec<(PathBuf, String, String)> {
    let mut files: Vec<_> = fs::read_dir(fixtures(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no files in {folder}");
    files
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            (path, name, text)
        })
        .collect()
}

fn command(runner: &RunnerSettings) -> &CommandSettings {
    match &runner.tool {
        Tool::Command(command) => command,
        Tool::Squish(squish) => panic!("{squish:?}"),
    }
}

fn rendered(name: &str, text: &str) -> String {
    match PlanFile::parse(name, text) {
        Ok(file) => panic!("{name} has no mistake: {file:?}"),
        Err(error) => error.render(false) + "\n",
    }
}

#[test]
fn marks_the_mistakes_of_bad_files() {
    for (path, name, text) in yml("bad") {
        let expected = fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
        assert_eq!(
            rendered(&name, &text),
            expected,
            "{name}; if it is better now: cargo test --test library -- --ignored regenerate_expected"
        );
    }
}

#[test]
#[ignore = "writes the expected errors of tests/fixtures/config/bad"]
fn regenerate_expected() {
    for (path, name, text) in yml("bad") {
        testplan::fs::write_atomic(
            &path.with_extension("txt"),
            rendered(&name, &text).as_bytes(),
        )
        .unwrap();
    }
}

#[test]
fn reads_the_file_of_the_product_page() {
    let file = PlanFile::load(&fixtures("good/product.yml")).unwrap();
    let runner = file.runner.unwrap();
    assert_eq!(file.project.as_deref(), Some("example"));
    assert_eq!(command(&runner).command[1].text(), "{suite}::{testcase}");
    assert_eq!(
        command(&runner).results,
        ResultsFormat::JUnit {
            files: "*.xml".to_owned(),
            repeats: Repeats::default(),
            names: NameMatching::default(),
        }
    );
    assert_eq!(runner.timeout, Some(Duration::from_secs(600)));
    let [template] = &file.templates[..] else {
        panic!("one template: {:?}", file.templates)
    };
    assert_eq!(template.title, "CI Tests master");
    assert_eq!(template.configurations[1].to_string(), "OS=Windows");
    let [
        TestSource::Listed(listed),
        TestSource::Discovered(Discovery::Command(discovery)),
    ] = &template.tests[..]
    else {
        panic!("listed and discovered tests: {:?}", template.tests)
    };
    assert_eq!(listed[1].to_string(), "tests/test_api.py / test_put");
    assert_eq!(discovery.command, ["pytest", "--collect-only", "-q"]);
    assert_eq!(discovery.timeout, plan_file::DISCOVERY_TIMEOUT);
    let [server] = &file.servers[..] else {
        panic!("one server: {:?}", file.servers)
    };
    assert_eq!(
        (server.host(), server.port.get(), server.enabled),
        ("127.0.0.1", 4322, true)
    );
    assert_eq!(server.labels.to_string(), "OS=Linux, browser=chrome");
}

#[test]
fn command_for_many_tests_says_how_each_is_called() {
    let file = PlanFile::load(&fixtures("good/batch.yml")).unwrap();
    let runner = file.runner.unwrap();
    let batch = command(&runner).batch.clone().unwrap();
    assert_eq!(batch.selection, Selection::File);
    assert_eq!(batch.test.text(), "{suite}::{testcase}");
    assert!(batch.case.is_some());
    assert_eq!(
        (batch.target, batch.most),
        (Some(Duration::from_secs(20)), 50)
    );
    let text =
        "runner: { command: [x, '{tests}'], test: '{testcase}', results: { format: junit } }";
    let file = PlanFile::parse("t.yml", text).unwrap();
    let runner = file.runner.unwrap();
    let batch = command(&runner).batch.clone().unwrap();
    assert_eq!(
        (batch.selection, batch.case, batch.target, batch.most),
        (Selection::Arguments, None, None, 200)
    );
}

#[test]
fn squish_s_reports_are_looked_for_under_their_name() {
    let results = |text: &str| {
        let text = format!("runner: {{ command: [x], results: {{ format: squish{text} }} }}");
        let file = PlanFile::parse("t.yml", &text).unwrap();
        command(&file.runner.unwrap()).results.clone()
    };
    let squish = |files: &str, scenarios| ResultsFormat::Squish {
        files: files.to_owned(),
        scenarios,
    };
    assert_eq!(results(""), squish("**/results.xml", Scenarios::Each));
    assert_eq!(
        results(", files: a.xml, scenarios: together"),
        squish("a.xml", Scenarios::Together)
    );
    assert_eq!(
        results(", scenarios: each"),
        squish("**/results.xml", Scenarios::Each)
    );
}

#[test]
fn keeps_plain_values_as_they_are_written() {
    let file = PlanFile::load(&fixtures("good/plain-values.yml")).unwrap();
    let runner = file.runner.unwrap();
    assert_eq!(file.project.as_deref(), Some("2026"));
    let texts: Vec<&str> = command(&runner)
        .command
        .iter()
        .map(PlaceholderText::text)
        .collect();
    assert_eq!(
        texts,
        [
            "run",
            "1",
            "{capability.OS}",
            "${{HOME}}",
            "{{\"a\": {{}}}}",
            "no"
        ]
    );
    assert_eq!(runner.variable("VERBOSE"), Some("no"));
    assert_eq!(runner.variable("EMPTY"), Some(""));
    assert_eq!(runner.working_directory.as_deref(), Some(Path::new("gui")));
    assert_eq!(
        command(&runner).exit_codes,
        ExitCodes {
            passed: [0, 1].into(),
            failed: [-1_073_741_819].into(),
            counts_failures: false,
        }
    );
    let template = &file.templates[0];
    assert_eq!(template.title, "1.10");
    assert_eq!(template.tags, ["nightly", "7"]);
    assert_eq!(template.description, "More than\none line.\n");
    assert_eq!(
        template.configurations[0].to_string(),
        "headless=no, version=3.10"
    );
    assert!(template.configurations[1].is_empty());
    let TestSource::Listed(tests) = &template.tests[0] else {
        panic!("listed tests: {:?}", template.tests)
    };
    assert_eq!(tests[0].to_string(), "012 / 404");
    assert_eq!(file.servers[0].port.get(), 4322);
    assert!(!file.servers[0].enabled);
}

#[test]
fn reads_squish_and_has_defaults_for_all_of_it() {
    let squish = |text: &str| {
        let text = format!("runner: {{ squish: {text} }}");
        let runner = PlanFile::parse("t.yml", &text).unwrap().runner.unwrap();
        runner.squish().unwrap().clone()
    };
    let usual = squish("{}");
    assert_eq!(usual.squishrunner, None);
    assert_eq!(usual.suites, [Path::new(".")]);
    assert_eq!(usual.server, ServerChoice::Allocated);
    assert_eq!(usual.report, Report::Xml34);
    assert_eq!(usual.scenarios, Scenarios::Each);
    assert_eq!((usual.tags.len(), usual.options.len()), (0, 0));
    assert_eq!(usual.licence_patience, Duration::from_secs(30 * 60));

    let file = PlanFile::load(&fixtures("good/squish.yml")).unwrap();
    let runner = file.runner.unwrap();
    assert_eq!(runner.timeout, Some(Duration::from_secs(600)));
    assert_eq!(
        runner.variable("SQUISH_LICENSEKEY_DIR"),
        Some("/opt/licence")
    );
    let all = runner.squish().unwrap();
    assert_eq!(
        all.squishrunner.as_deref(),
        Some(Path::new("/opt/squish/bin/squishrunner"))
    );
    assert_eq!(all.suites, [Path::new("suites"), Path::new("more")]);
    let ServerChoice::At(address) = &all.server else {
        panic!("{:?}", all.server)
    };
    assert_eq!((address.host.as_str(), address.port), ("::1", 4322));
    assert_eq!(all.report, Report::Xml35);
    assert_eq!(all.scenarios, Scenarios::Together);
    assert_eq!(all.tags, ["@smoke", "~@slow"]);
    assert_eq!(all.options, ["--snoozeFactor", "2", "--abortOnFail"]);
    assert_eq!(all.licence_patience, Duration::ZERO);
    let found: Vec<_> = file.templates[0].discoveries().cloned().collect();
    assert_eq!(
        found,
        [
            Discovery::Squish(vec!["suites".into(), "more".into()]),
            Discovery::Squish(vec!["other".into()])
        ]
    );
}

#[test]
fn follows_anchors() {
    let file = PlanFile::load(&fixtures("good/anchors.yml")).unwrap();
    assert_eq!(
        file.templates[0].configurations,
        file.templates[1].configurations
    );
    assert_eq!(file.templates[0].tests, file.templates[1].tests);
    assert_eq!(file.templates[2].tests[0], file.templates[0].tests[0]);
    assert_eq!(file.templates[2].discoveries().count(), 1);
}

#[test]
fn has_defaults() {
    let file = PlanFile::load(&fixtures("good/runner-only.yml")).unwrap();
    let runner = file.runner.unwrap();
    assert_eq!(command(&runner).results, ResultsFormat::ExitCode);
    assert_eq!(
        command(&runner).exit_codes,
        ExitCodes {
            passed: [0].into(),
            failed: [1].into(),
            counts_failures: false,
        }
    );
    assert_eq!((runner.timeout, runner.working_directory), (None, None));
    let codes = |text: &str| {
        let text = format!("runner: {{ command: [x], exit-codes: {text} }}");
        let runner = PlanFile::parse("t.yml", &text).unwrap().runner.unwrap();
        let codes = command(&runner).exit_codes.clone();
        let shown = format!("{} / {}", codes.passed, codes.failed);
        if codes.counts_failures {
            format!("{shown}, counted")
        } else {
            shown
        }
    };
    for (text, expected) in [
        ("{ passed: [1] }", "1 / none"),
        ("{ passed: [0, 2] }", "0, 2 / 1"),
        ("{ passed: [1], failed: [0] }", "1 / 0"),
        ("{ failed: [1, 101-199] }", "0 / 1, 101-199"),
        ("{ failed: 2-250 }", "0 / 2-250"),
        (
            "{ passed: 0, failed: [-5--1, 0xC0000005] }",
            "0 / -5--1, -1073741819",
        ),
        ("{ failed: count }", "0 / 1-255, counted"),
        ("{ failed: [count, 300] }", "0 / 1-255, 300, counted"),
        ("{ passed: 0-5 }", "0-5 / none"),
    ] {
        assert_eq!(codes(text), expected, "{text}");
    }
}

#[test]
fn environment_takes_the_placeholders_of_the_command() {
    let text = "runner: { command: [x], environment: { OUT: \"{results}/x\", JSON: \"{{}}\" } }";
    let runner = PlanFile::parse("t.yml", text).unwrap().runner.unwrap();
    assert!(runner.wants_results_folder());
    assert_eq!(runner.variable("OUT"), None);
    assert_eq!(runner.variables().collect::<Vec<_>>(), [("JSON", "{}")]);
    let plain = PlanFile::parse("t.yml", "runner: { command: [x] }").unwrap();
    assert!(!plain.runner.unwrap().wants_results_folder());
}

#[test]
fn preset_is_a_command_that_stays() {
    let text =
        "runner: { preset: pytest, program: [uv, run, pytest], args: [-q, \"{x}\"], timeout: 1m }";
    let runner = PlanFile::parse("t.yml", text).unwrap().runner.unwrap();
    let settings = command(&runner);
    let warm = settings.warm.as_ref().unwrap();
    assert_eq!(
        (warm.tool, warm.mode),
        (WarmTool::Pytest, ProcessMode::Auto)
    );
    assert!(runner.environment.is_empty() && warm.paths.is_empty());
    let literals: Vec<_> = settings
        .command
        .iter()
        .map(|text| text.literal().unwrap())
        .collect();
    assert_eq!(literals, ["uv", "run", "pytest", "-q", "{x}"]);
    let plain = PlanFile::parse("t.yml", "runner: { preset: pytest }")
        .unwrap()
        .runner
        .unwrap();
    assert_eq!(command(&plain).command[0].literal(), Some("pytest"));
    for wrong in [
        "runner: { preset: pytest, command: [x] }",
        "runner: { preset: pytest, squish: {} }",
        "runner: { preset: pytest, results: { format: junit } }",
        "runner: { preset: pytest, environment: { A: \"{testcase}\" } }",
        "runner: { preset: pytest, program: [] }",
        "runner: { preset: karma }",
        "runner: { command: [x], args: [y] }",
        "runner: { command: [x], paths: [y] }",
        "runner: { command: [x], fresh: { tests: 1 } }",
        "runner: { preset: pytest, paths: [] }",
        "runner: { preset: pytest, paths: [--co] }",
        "runner: { preset: ctest, mode: session }",
        "runner: { preset: ctest, fresh: { tests: 1 } }",
        "runner: { preset: jest, mode: batch, fresh: { tests: 1 } }",
        "runner: { preset: mocha, fresh: { tests: 1 } }",
        "runner: { preset: jest, args: [\"a\\0b\"] }",
        "runner: googletest",
        "runner: { preset: jest, mode: single, batch: { most: 5 } }",
        "runner: { preset: jest, batch: { target: soon } }",
        "runner: { preset: pytest, batch: { target: 20s } }",
        "runner: { preset: pytest, fresh: { tests: 0 } }",
        "runner: karma",
        "runner: { command: [x] }\nproject: p\ntemplates: [{ title: t, tests: [{ discover: pytest }] }]",
    ] {
        assert!(PlanFile::parse("t.yml", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn process_of_a_preset_stays_by_default_where_that_is_safe() {
    let session = |runner: &str| {
        let file = PlanFile::parse("t.yml", &format!("runner: {runner}")).unwrap();
        let batch = command(file.runner.as_ref().unwrap()).batch.as_ref();
        batch.unwrap().preset.as_ref().unwrap().session
    };
    let limit = FreshProcess {
        after_mib: Some(512),
        ..FreshProcess::default()
    };
    let auto = session("jest").unwrap();
    assert_eq!((auto.is_required, auto.fresh), (false, limit));
    let named = session("{ preset: jest, mode: session, fresh: { tests: 5 } }").unwrap();
    assert!(named.is_required);
    assert_eq!(
        (named.fresh.after_tests, named.fresh.after_mib),
        (Some(5), None)
    );
    assert_eq!(session("{ preset: jest, mode: batch }"), None);
    assert_eq!(session("{ preset: jest, mode: single }"), None);
    // Its tests share what they leave behind.
    assert_eq!(session("mocha"), None);
    assert!(session("{ preset: mocha, mode: session }").is_some());
    assert_eq!(session("ctest"), None);
}

#[test]
fn calls_of_a_preset_have_a_size() {
    let size = |runner: &str| {
        let file = PlanFile::parse("t.yml", &format!("runner: {{ {runner} }}")).unwrap();
        let batch = command(file.runner.as_ref().unwrap())
            .batch
            .clone()
            .unwrap();
        (batch.target, batch.most)
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(size("preset: jest"), (None, 1000));
    assert_eq!(size("preset: nextest"), (None, 200));
    assert_eq!(size("preset: jest, mode: single"), (None, 1));
    assert_eq!(
        size("preset: pytest, mode: batch, batch: { target: 20s, most: 9 }"),
        (seconds(20), 9)
    );
}

#[test]
fn name_of_a_preset_is_a_whole_file() {
    let file = PlanFile::parse("t.yml", "runner: pytest").unwrap();
    let [template] = file.templates.as_slice() else {
        panic!("{:?}", file.templates);
    };
    assert_eq!(template.title, "all");
    let discoveries: Vec<_> = template.discoveries().collect();
    assert_eq!(discoveries, [&Discovery::Preset]);
    let text = "project: p\nrunner: { preset: pytest, paths: [a, b], mode: single, \
                fresh: { tests: 9, mib: 512, after-failure: true }, environment: { A: \"{capability.OS}\" } }\n\
                templates: [{ title: t, tests: [{ discover: pytest }] }]";
    let file = PlanFile::parse("t.yml", text).unwrap();
    assert_eq!(file.templates.len(), 1);
    assert_eq!(
        file.templates[0].tests,
        [TestSource::Discovered(Discovery::Preset)]
    );
    let runner = file.runner.unwrap();
    let warm = command(&runner).warm.as_ref().unwrap();
    assert_eq!(warm.paths, ["a", "b"]);
    assert_eq!(warm.mode, ProcessMode::Single);
    let fresh = FreshProcess {
        after_tests: Some(9),
        after_mib: Some(512),
        after_failure: true,
    };
    assert_eq!(warm.fresh, fresh);
}

#[test]
fn marks_the_same_place_whatever_the_line_ends_are() {
    let text = "\u{FEFF}projekt: p\r\nrunner:\r\n  command: [run]\r\n  tiemout: 1m\r\n";
    let expected = "error: there is no key `projekt` here
 --> t.yml:1:1
  |
1 | projekt: p
  | ^^^^^^^ did you mean `project`?
  |
  = help: possible: project, runner, templates, servers, target-time, flaky, quarantine
";
    assert_eq!(rendered("t.yml", text), expected);
    let expected = "error: there is no key `tiemout` here
 --> t.yml:4:3
  |
4 |   tiemout: 1m
  |   ^^^^^^^ did you mean `timeout`?
  |
  = help: possible: command, test, case, batch, preset, program, args, paths, mode, fresh, squish, results, exit-codes, timeout, environment, working-directory
";
    assert_eq!(
        rendered("t.yml", &text.replace("projekt", "project")),
        expected
    );
}

#[test]
fn colours_on_demand() {
    let error = PlanFile::parse("t.yml", "projekt: x").unwrap_err();
    assert!(error.render(true).contains('\u{1b}'));
    assert!(!error.render(false).contains('\u{1b}'));
    assert_eq!(error.to_string(), error.render(false));
}

#[test]
fn names_a_file_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let said = |name: &str, bytes: Option<&[u8]>| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            testplan::fs::write_atomic(&path, bytes).unwrap();
        }
        let error = PlanFile::load(&path).unwrap_err().to_string();
        error.replace(&folder.path().join("").display().to_string(), "")
    };
    let missing = said("a.yml", None);
    assert!(
        missing.starts_with("error: a.yml: cannot be read: "),
        "{missing}"
    );
    assert!(
        missing.ends_with("help: name another file with --config"),
        "{missing}"
    );
    let latin = said("b.yml", Some(b"project: M\xFCller"));
    assert!(
        latin.starts_with("error: b.yml: is not UTF-8 text (byte 11)"),
        "{latin}"
    );
    let wide = said("c.yml", Some(b"\xFF\xFEp\0"));
    assert!(wide.contains("it looks like UTF-16"), "{wide}");
    let large = said("d.yml", Some(&vec![b'#'; 4 * 1024 * 1024 + 1]));
    assert!(
        large.starts_with("error: d.yml: is larger than 4 MiB"),
        "{large}"
    );
    assert!(
        PlanFile::load(folder.path())
            .unwrap_err()
            .to_string()
            .contains("cannot be read")
    );
}

#[test]
fn finds_the_default_file_and_names_a_yaml_one() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        testplan::fs::write_atomic(&folder.path().join(name), text.as_bytes()).unwrap();
    };
    let find = |named: Option<&str>| {
        let named = named.map(|name| folder.path().join(name));
        let found = PlanFile::find(named.as_deref(), folder.path());
        found.map(|file| file.and_then(|file| file.project))
    };
    assert_eq!(find(None), Ok(None));
    write("testplan.yaml", "project: twin");
    let error = find(None).unwrap_err().to_string();
    assert!(error.contains("rename it to testplan.yml"), "{error}");
    write("testplan.yml", "project: beside");
    assert_eq!(find(None), Ok(Some("beside".to_owned())));
    assert_eq!(find(Some("testplan.yaml")), Ok(Some("twin".to_owned())));
    assert!(find(Some("none.yml")).is_err());
}

#[test]
fn refuses_alias_bombs_and_deep_nesting() {
    let mut bomb = "project: p\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
    }
    let towers = [
        format!("project: {}{}", "[".repeat(50_000), "]".repeat(50_000)),
        format!("project: {}x", "- ".repeat(50_000)),
        (0..2_000).fold(String::new(), |tower, depth| {
            tower + &" ".repeat(depth) + "a:\n"
        }),
        format!("project: {}", "&a ".repeat(50_000)),
    ];
    for text in towers.into_iter().chain([bomb]) {
        let error = PlanFile::parse("t.yml", &text).unwrap_err().to_string();
        assert!(error.len() < 4_000, "{} bytes", error.len());
    }
}

#[test]
fn bounds_what_aliases_bring_in() {
    let text = |templates: usize| {
        let cases = (0..1_000).fold(String::new(), |all, n| all + "t" + &n.to_string() + ", ");
        let mut text = format!(
            "project: p\ntemplates:\n  - {{ title: t, tests: [{{ suite: s, testcases: &c [{cases}] }}] }}\n"
        );
        for n in 0..templates {
            writeln!(
                text,
                "  - {{ title: t{n}, tests: [{{ suite: s, testcases: *c }}] }}"
            )
            .unwrap();
        }
        text
    };
    let many = PlanFile::parse("t.yml", &text(100)).unwrap();
    assert_eq!(many.templates.len(), 101);
    let error = PlanFile::parse("t.yml", &text(600))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the document becomes too large here"),
        "{error}"
    );
    let large = format!("project: {}", "p".repeat(4 * 1024 * 1024));
    let error = PlanFile::parse("t.yml", &large).unwrap_err().to_string();
    assert!(error.contains("is larger than 4 MiB"), "{error}");
}

#[test]
fn lets_no_control_character_through() {
    for text in [
        "\"a\\e[31m\\r\\n::error::b\": 1",
        "\"\\u202ekey\": 1",
        "project: \"\u{9b}31m\u{202e}\"\n\u{7f}: 1",
        "runner: { command: [\"{a\\eb}\", \"{x}\u{85}\"] }",
        "runner: { command: [x], timeout: \"\\e[31m\" }",
    ] {
        let error = PlanFile::parse("a\u{1b}[1m\n.yml", text)
            .unwrap_err()
            .render(false);
        let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!error.contains(bad), "{error:?}");
        assert!(
            error
                .lines()
                .all(|line| !line.trim_start().starts_with("::")),
            "{error}"
        );
    }
}

#[test]
fn shows_the_first_mistakes_and_counts_the_others() {
    let text = "project: p\nservers:\n".to_owned() + &"  - { host: a, port: 0 }\n".repeat(5_000);
    let error = PlanFile::parse("t.yml", &text).unwrap_err();
    assert_eq!((error.problems.len(), error.hidden), (30, 4_970));
    let said = error.to_string();
    assert!(
        said.ends_with("error: t.yml has 5000 mistakes, 4970 of them not shown"),
        "{said}"
    );
}

#[test]
fn shows_no_more_than_the_neighbourhood_of_a_mark() {
    let (left, right) = ("é".repeat(100_000), "z".repeat(1_000_000));
    let text = format!("runner: {{ command: [\"{left}\"], timeout: \"{right}\" }}");
    let error = PlanFile::parse("t.yml", &text).unwrap_err();
    let mark = error.problems[0].mark.clone().unwrap();
    assert_eq!((mark.line, mark.column), (1, 100_035));
    assert!(mark.text.len() < 2_000, "{} bytes", mark.text.len());
    assert!(mark.text[mark.span].starts_with("\"zzz"), "{}", mark.text);
    assert!(error.to_string().len() < 4_000);
}

fn quarantine_schema_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/quarantine.schema.json")
}

fn schema_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/testplan.schema.json")
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let committed = fs::read_to_string(schema_path()).unwrap_or_default();
    assert!(
        committed == plan_file::json_schema(),
        "schema/testplan.schema.json is old: cargo test --test library -- --ignored regenerate_schema"
    );
}

#[test]
fn the_committed_schema_of_quarantine_files_is_that_of_the_types() {
    let committed = fs::read_to_string(quarantine_schema_path()).unwrap_or_default();
    assert!(
        committed == plan_file::quarantine_json_schema(),
        "schema/quarantine.schema.json is old: cargo test --test library -- --ignored regenerate_schema"
    );
}

#[test]
#[ignore = "writes schema/*.schema.json"]
fn regenerate_schema() {
    let quarantine = plan_file::quarantine_json_schema();
    testplan::fs::write_atomic(&schema_path(), plan_file::json_schema().as_bytes()).unwrap();
    testplan::fs::write_atomic(&quarantine_schema_path(), quarantine.as_bytes()).unwrap();
}

#[test]
fn the_schema_is_draft_7_and_closed() {
    fn closed(value: &serde_json::Value, path: &str) {
        if let Some(map) = value.as_object() {
            if map.contains_key("properties") {
                assert_eq!(
                    map.get("additionalProperties"),
                    Some(&false.into()),
                    "{path}"
                );
            }
            for (key, inner) in map {
                closed(inner, &format!("{path}/{key}"));
            }
        }
    }
    let schema: serde_json::Value = serde_json::from_str(&plan_file::json_schema()).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(schema["properties"]["runner"].is_object());
    closed(&schema, "");
}

/// Pieces of which YAML documents near ours are made.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "project",
        "runner",
        "command",
        "templates",
        "title",
        "tests",
        "suite",
        "testcases",
        "discover",
        "line",
        "servers",
        "host",
        "port",
        "labels",
        "timeout",
        "results",
        "format",
        "squish",
        "scenarios",
        "files",
        "configurations",
        ": ",
        ":",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "\"",
        "'",
        "|",
        ">",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "---\n",
        "#",
        "\t",
        "\r\n",
        "10m",
        "x",
        "{suite}",
        "日本",
        "\u{85}",
        "\u{2028}",
        "\0",
        "(?<suite>.)",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,200}") {
        if let Err(error) = PlanFile::parse("t.yml", &text) {
            prop_assert!(error.render(true).len() > 10);
        }
    }

    #[test]
    fn no_document_makes_it_panic(text in pieces()) {
        if let Err(error) = PlanFile::parse("t.yml", &text) {
            prop_assert!(error.render(false).starts_with("error: "));
        }
    }

    #[test]
    fn no_damage_makes_it_panic(file in 0_usize..4, at in 0_usize..700, with in "(?s).{0,3}", gone in 0_usize..8) {
        let (_, _, text) = yml("good").swap_remove(file);
        let mut text: Vec<char> = text.chars().collect();
        let at = at.min(text.len());
        let end = (at + gone).min(text.len());
        text.splice(at..end, with.chars());
        let text: String = text.into_iter().collect();
        if let Err(error) = PlanFile::parse("t.yml", &text) {
            prop_assert!(error.render(false).starts_with("error: "));
        }
    }
}
