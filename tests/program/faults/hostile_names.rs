//! Suites and test cases with names that mean something to somebody on their way: they arrive as they are, or are
//! refused as executions that could not run. Nothing is written outside of the output folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use quick_xml::{Reader, XmlVersion, events::Event};
use testplan::model::{ExecutionId, Outcome, Test, record::RecordEvent};

use crate::support::{PlanFile, Records, Stage, files_below};

const TESTCASES: [&str; 24] = [
    "plain",
    "..",
    "../../../escaped",
    "/escaped",
    "-rf",
    "--help",
    "two\nlines",
    "\r\n::error::x",
    "::error::x",
    " ::add-mask::plain",
    "##[error]x",
    "##vso[task.complete result=Succeeded]",
    "%0A::error::x",
    "\"quotes\" 'and' `ticks` $HOME $(id) ; & > x",
    "\u{1}\u{7}\u{8}\u{1b}[2J\u{1b}]0;x\u{7}\u{7f}",
    "</testcase></testsuite></testsuites>",
    "]]><!-- & &amp; <img src=x onerror=y>",
    "a | b \\| c",
    "# heading\n```\n# broken out",
    "@everyone [link](javascript:x)",
    "🦀 naïve 日本語",
    "\u{202e}gnp.exe\u{2066}",
    "C:\\nul",
    "{suite} {results}",
];

const SUITES: [&str; 5] = ["suite", "../up", "-suite", "::error::suite", "a/b <c>|\n"];

#[test]
fn hostile_names_arrive_or_are_refused_and_stay_inside() {
    let stage = Stage::new();
    let program = stage.script(
        "test.sh",
        r#"for argument; do printf '%s\0' "$argument"; done > "seen/$TESTPLAN_EXECUTION_ID"
           printf '%s\0' "$TESTPLAN_SUITE" "$TESTPLAN_TESTCASE" >> "seen/$TESTPLAN_EXECUTION_ID"
           printf '%s\n' "$@"
           exit 1"#,
    );
    fs::create_dir(stage.path("seen")).unwrap();
    let long = "n".repeat(200);
    let testcases = || TESTCASES.into_iter().chain([long.as_str()]);
    let mut plan = PlanFile::run_with(&program);
    for suite in SUITES {
        plan = plan.tests(suite, testcases());
    }
    plan.on(&stage);
    let before: BTreeSet<PathBuf> = files_below(stage.folder()).into_iter().collect();

    let ended = stage
        .testplan("run")
        .flags("--out deep/down/out --verbose --verbose")
        .run()
        .code_is(3);
    let out = stage.path("deep/down/out");
    let total = SUITES.len() * (TESTCASES.len() + 1);

    let (tests, outcomes) = told(&Records::below(&out));
    assert_eq!((tests.len(), outcomes.len()), (total, total));
    for (execution, test) in &tests {
        let seen = fs::read(stage.path(&format!("seen/{execution}"))).ok();
        let refused = test.suite.contains("..")
            || [&test.suite, &test.testcase]
                .iter()
                .any(|it| it.starts_with('-'));
        let expected = [&test.suite, &test.testcase, &test.suite, &test.testcase];
        let expected: String = expected.map(|name| format!("{name}\0")).concat();
        match &outcomes[execution] {
            Outcome::ExecutionError { message, .. } if refused => {
                assert!(
                    message.contains("the command could not be made"),
                    "{message}"
                );
                assert_eq!(seen, None, "{test}");
            }
            Outcome::Completed { .. } if !refused => {
                assert_eq!(seen.map(String::from_utf8), Some(Ok(expected)), "{test}");
            }
            other => panic!("{test:?} {other:?}"),
        }
    }

    for path in files_below(stage.folder()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.starts_with(&out) {
            let safe = |c: char| c.is_alphanumeric() || "._-".contains(c);
            assert!(name.chars().all(safe) && name.len() < 255, "{name:?}");
        } else {
            let ours = before.contains(&path) || path.parent() == Some(&stage.path("seen"));
            assert!(ours || name.starts_with("run."), "{path:?} escaped");
        }
    }

    for line in format!("{}\n{}", ended.stdout, ended.stderr).lines() {
        let command =
            line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[");
        let hidden = |c: char| c.is_control() || ('\u{202a}'..='\u{2069}').contains(&c);
        assert!(!command && !line.contains(hidden), "{line:?}");
    }
    let summary = fs::read_to_string(out.join("summary.md")).unwrap();
    let summary = unfenced(&summary);
    for markup in [
        "</testcase",
        "<img",
        "<c>",
        "[link](",
        "\n# heading",
        "\n# broken",
        "\n::",
        "\u{202e}",
        "\u{1b}",
    ] {
        assert!(!summary.contains(markup), "{markup:?} in {summary}");
    }
    assert!(summary.contains("🦀 naïve 日本語"));
    let names = testcase_names(&fs::read_to_string(out.join("junit.xml")).unwrap());
    assert_eq!(names.len(), total);
    let printable = |name: &&str| !name.contains(char::is_control);
    for name in testcases().filter(printable) {
        let found = names.iter().filter(|found| *found == name).count();
        assert_eq!(found, SUITES.len(), "{name:?} in {names:?}");
    }
}

/// A page without its code blocks, in which every text is harmless as long as it stays there.
fn unfenced(page: &str) -> String {
    let mut fence = None;
    let outside = |line: &&str| {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 => fence = Some(ticks),
            None => return true,
            Some(open) if ticks >= open && ticks == line.trim_end().len() => fence = None,
            Some(_) => {}
        }
        false
    };
    let lines: Vec<&str> = page.lines().filter(outside).collect();
    format!("\n{}\n", lines.join("\n"))
}

type Told = (BTreeMap<ExecutionId, Test>, BTreeMap<ExecutionId, Outcome>);

fn told(records: &Records) -> Told {
    let tests = records.pick(|event| match event {
        RecordEvent::Reserved {
            execution, test, ..
        } => Some((*execution, test.clone())),
        _ => None,
    });
    let outcomes = records.pick(|event| match event {
        RecordEvent::Ended {
            execution, outcome, ..
        } => Some((*execution, outcome.clone())),
        _ => None,
    });
    (tests.into_iter().collect(), outcomes.into_iter().collect())
}

/// Reads the whole file, so that it is known to be well-formed.
fn testcase_names(junit: &str) -> Vec<String> {
    let mut reader = Reader::from_str(junit);
    let mut names = Vec::new();
    let mut depth = 0;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                depth += 1;
                if tag.name().as_ref() == b"testcase" {
                    let name = tag.try_get_attribute("name").unwrap().unwrap();
                    names.push(
                        name.normalized_value(XmlVersion::Explicit1_0)
                            .unwrap()
                            .into_owned(),
                    );
                }
            }
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    names
}
