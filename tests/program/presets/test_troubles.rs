//! A test that is gone, one that ends its process, a tool that is killed: what each costs the others.

use testplan::model::record::RecordEvent;

use crate::support::{Records, Service, alive, files_below, until, until_within};

use super::{
    tool::{Does, Tool},
    tool_project::{ToolProject, brief},
    tools::{CTEST, JEST, MAVEN, VITEST, for_each_tool},
};

const NINE: [(&str, Does); 9] = [
    ("c1", Does::Passes),
    ("c2", Does::Passes),
    ("c3", Does::Fails),
    ("c4", Does::Passes),
    ("c5", Does::Passes),
    ("c6", Does::Passes),
    ("c7", Does::Passes),
    ("c8", Does::Passes),
    ("c9", Does::Passes),
];

/// `NAME: OUTCOME` of `c1` to `cN`, as `outcome` says.
fn expected(
    tool: &'static Tool,
    count: usize,
    outcome: impl Fn(usize) -> &'static str,
) -> Vec<String> {
    let line = |number| {
        format!(
            "{}: {}",
            (tool.testcase)(&format!("c{number}")),
            outcome(number)
        )
    };
    (1..=count).map(line).collect()
}

/// Whether a test could not run because it does not exist.
fn is_gone(tool: &Tool, why: &str) -> bool {
    // Qt 5 leaves the element of the function open at a row that it does not know.
    let is_open = tool.preset == "qt-test" && why.contains("expected `</TestFunction>`");
    is_open || why.contains(&format!("{} has no test", tool.preset))
}

fn vanished(tool: &'static Tool) {
    let Some(project) = ToolProject::new(tool, &NINE) else {
        return;
    };
    let mut written: Vec<String> = NINE.iter().map(|(name, _)| (tool.testcase)(name)).collect();
    written.insert(4, (tool.testcase)("gone"));
    project.plan(tool.mode, Some(&written));
    let (ended, mut outcomes) = project.run();
    let (outcome, why) = outcomes.remove(&(tool.testcase)("gone")).unwrap();
    assert_eq!(outcome, "error", "{why}");
    assert!(is_gone(tool, &why), "{why}");
    let of_nine = |number| if number == 3 { "failed" } else { "passed" };
    assert_eq!(
        brief(&outcomes),
        expected(tool, 9, of_nine),
        "{ended}\n{outcomes:#?}"
    );
    if !tool.refuses_unknown {
        let ran = project.take_ran();
        assert_eq!(ran.len(), 9, "each ran once: {ran:?}");
    }
}

for_each_tool!(test_that_is_gone_costs_no_other, vanished);

fn exits(tool: &'static Tool) {
    let tests = [
        ("c1", Does::Passes),
        ("c2", Does::Fails),
        ("c3", Does::Exits),
        ("c4", Does::Passes),
        ("c5", Does::Passes),
    ];
    let Some(project) = ToolProject::new(tool, &tests) else {
        return;
    };
    project.plan(tool.mode, None);
    let (ended, outcomes) = project.run();
    let outcome = |number| match number {
        2 => "failed",
        3 => tool.exit_outcome,
        _ => "passed",
    };
    assert_eq!(
        brief(&outcomes),
        expected(tool, 5, outcome),
        "{ended}\n{outcomes:#?}"
    );
}

for_each_tool!(test_that_exits_with_0_costs_itself_alone, exits);

fn killed(tool: &'static Tool) {
    let mut tests = NINE;
    tests[4].1 = Does::Waits;
    // Each runs alone afterwards, and a start of Java's tools takes seconds.
    let is_slow = ["gradle", "maven"].contains(&tool.preset);
    let count = if is_slow { 7 } else { 9 };
    let Some(project) = ToolProject::new(tool, &tests[..count]) else {
        return;
    };
    project.plan(tool.mode, None);
    let run = project.command().start();
    let waits = (tool.testcase)("c5");
    until_within(project.patience(), "the test that waits", || {
        let ran = project.stage.lines("ran");
        ran.contains(&waits).then_some(())
    });
    let records = Records::below(project.stage.path("testplan-out"));
    let pid = until("the process of the tool", || {
        let pids = records.pick(|event| match event {
            RecordEvent::Started { pid, .. } => Some(*pid),
            _ => None,
        });
        pids.last().copied().filter(|pid| alive(*pid))
    });
    if tool.has_stream {
        // Some reporters are behind their tool.
        until(
            "the start of the test in the stream, and the result before it",
            || {
                let files = files_below(&project.stage.path("testplan-out/results"));
                let has = |path: &std::path::PathBuf, words: &[&str]| {
                    std::fs::read_to_string(path).is_ok_and(|text| {
                        text.lines()
                            .any(|line| words.iter().all(|word| line.contains(word)))
                    })
                };
                let is_there = |path: &std::path::PathBuf| {
                    has(path, &["test_start", "c5"]) && has(path, &["test_end", "c4", "\"status\""])
                };
                files.iter().any(is_there).then_some(())
            },
        );
    }
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    // With the processes that it has for its files: they would go on for a moment.
    rustix::process::kill_process_group(pid, rustix::process::Signal::KILL).unwrap();
    project.stage.write("go", "");
    let ended = run.end_within(project.patience());
    let outcomes = project.outcomes(&ended);
    let outcome = |number| if number == 3 { "failed" } else { "passed" };
    assert_eq!(
        brief(&outcomes),
        expected(tool, count, outcome),
        "{ended}\n{outcomes:#?}"
    );
    if tool.has_stream {
        let count = |words: &str| ended.stderr.matches(words).count();
        assert_eq!(
            count(&format!("{waits}: the call ended with killed by SIGKILL")),
            1,
            "{ended}"
        );
        assert_eq!(
            count("the test runs alone next"),
            1,
            "the one that was running: {ended}"
        );
        let ran = project.take_ran();
        let proved = ["c1", "c4"].map(tool.testcase);
        let proved = ran.iter().filter(|it| proved.contains(it));
        assert_eq!(proved.count(), 2, "what was proved stands: {ran:?}");
    }
}

for_each_tool!(tool_that_is_killed_keeps_what_it_proved, killed);

fn renamed(tool: &'static Tool) {
    // A comparison by words or without case would take the new name for the old one.
    let before = [("c1", Does::Passes), ("c2 a > b", Does::Passes)];
    let after = [("c1", Does::Passes), ("c2 A b", Does::Passes)];
    let Some(project) = ToolProject::new(tool, &before) else {
        return;
    };
    project.plan(tool.mode, None);
    let service = Service::start(&project.stage);
    let plan = service.start_plan(&project.stage);
    project.write(&after);
    let work = project
        .stage
        .testplan("work")
        .named("w")
        .at(&service)
        .on(plan);
    let work = work.flags("--workers 1 --out testplan-out").start();
    let ended = work.end_within(project.patience());
    let outcomes = project.outcomes(&ended);
    let expected = ["c1", "c2 a > b"].map(|name| {
        let outcome = if name == "c1" { "passed" } else { "error" };
        format!("{}: {outcome}", (tool.testcase)(name))
    });
    assert_eq!(brief(&outcomes), expected, "{ended}\n{outcomes:#?}");
    for (name, (outcome, why)) in &outcomes {
        assert!(outcome == "passed" || is_gone(tool, why), "{name}: {why}");
    }
}

for_each_tool!(test_renamed_after_its_listing_has_no_verdict, renamed);

/// Tests that are selected with another one because the tool takes their names for the same, or their file.
fn strangers(tool: &'static Tool, other: &str) {
    let Some(project) = ToolProject::new(tool, &[("c1", Does::Passes), ("c2", Does::Fails)]) else {
        return;
    };
    let suite = project.stage.read(tool.suite);
    let fails = suite.replace("'passes');", "'fails');");
    if other == "C1" {
        let failing = fails.lines().last().unwrap().replace("c2", other);
        project
            .stage
            .write(tool.suite, format!("{suite}{failing}\n"));
    } else {
        project
            .stage
            .write(&format!("{other}/{}", tool.suite), fails);
    }
    let both = ["c1", "c2"].map(str::to_owned);
    for (mode, asked) in [("batch", &both[..]), ("single", &both[..1])] {
        project.plan(mode, Some(asked));
        let (ended, outcomes) = project.run();
        let outcome = |number| if number == 1 { "passed" } else { "failed" };
        assert_eq!(
            brief(&outcomes),
            expected(tool, asked.len(), outcome),
            "{mode} {ended}\n{outcomes:#?}"
        );
        let ran = project.take_ran();
        assert!(ran.len() > asked.len(), "the other one ran too: {ran:?}");
    }
}

#[test]
fn failure_of_a_similar_name_is_no_failure_of_the_requested_test() {
    strangers(&JEST, "C1");
}

#[test]
fn failure_in_a_similar_file_is_no_failure_of_the_requested_test() {
    strangers(&VITEST, "d");
}

#[test]
fn ctest_that_cannot_start_a_program_is_no_skip() {
    let Some(project) = ToolProject::new(&CTEST, &[("c1", Does::Passes), ("c2", Does::Fails)])
    else {
        return;
    };
    let text = project.stage.read("CTestTestfile.cmake");
    let more = "add_test(c3 /no/such/program)\nadd_test(c4 /bin/sh -c \"exit 77\")\n\
                set_tests_properties(c4 PROPERTIES SKIP_RETURN_CODE 77)\n";
    project
        .stage
        .write("CTestTestfile.cmake", format!("{text}{more}"));
    for mode in ["batch", "single"] {
        project.plan(mode, None);
        let (ended, outcomes) = project.run();
        let expected = ["c1: passed", "c2: failed", "c3: failed", "c4: skipped"];
        assert_eq!(brief(&outcomes), expected, "{mode} {ended}");
        assert!(
            outcomes["c3"].1.contains("Unable to find executable"),
            "{outcomes:#?}"
        );
    }
}

#[test]
fn maven_class_that_ends_the_jvm_of_its_tests_costs_itself_alone() {
    let tests = [("c1", Does::Passes), ("c2", Does::Exits)];
    let Some(mut project) = ToolProject::new(&MAVEN, &tests) else {
        return;
    };
    project.program.retain(|word| word != "-DforkCount=0");
    project.plan("batch", None);
    let (ended, outcomes) = project.run();
    assert_eq!(
        brief(&outcomes),
        ["p.Test_c1: passed", "p.Test_c2: error"],
        "{ended}\n{outcomes:#?}"
    );
    let why = &outcomes["p.Test_c2"].1;
    assert!(why.contains("exit code 1"), "{why}");
}
