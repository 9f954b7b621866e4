//! Templates with runners of their own.

use crate::support::{Service, Stage};

const PLAN: &str = "\
project: p
runner: { command: [sh, -c, 'echo shared >> ran'] }
templates:
  - title: shared
    tests: [{ suite: s, testcases: [a] }]
  - title: own
    runner: { command: [sh, -c, 'echo own >> ran'] }
    tests: [{ suite: s, testcases: [a, b] }]
";

fn ran(stage: &Stage) -> String {
    let ran = stage.read("ran");
    std::fs::remove_file(stage.path("ran")).unwrap();
    ran
}

#[test]
fn run_uses_the_runner_of_the_template() {
    let stage = Stage::with(PLAN);
    for (template, expected) in [("own", "own\nown\n"), ("shared", "shared\n")] {
        let ended = stage.testplan("run").flags("--workers 1");
        let ended = ended.flags(&format!("--template {template}")).run();
        assert_eq!(ended.code, Some(0), "{ended}");
        assert_eq!(ran(&stage), expected);
    }
    let ended = stage.testplan("run").run();
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(ended.stderr.contains("--template: shared, own"), "{ended}");
}

/// A plan names its template by the beginning of its title only.
#[test]
fn work_uses_the_runner_of_the_template_of_its_plan() {
    let stage = Stage::with(PLAN);
    let service = Service::start(&stage);
    let start = |flags: &str| {
        let execute = stage
            .testplan("execute")
            .at(&service)
            .flags("--format json");
        let ended = execute.flags(flags).run();
        let answer: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        answer["plan_id"]
            .as_i64()
            .unwrap_or_else(|| panic!("{ended}"))
    };
    let work = |plan: i64, flags: &str| {
        let work = stage.testplan("work").at(&service).flags("--workers 1");
        work.flags(&format!("--plan-id {plan} {flags}")).run()
    };
    let plan = start("--template own");
    let ended = work(plan, "");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(ran(&stage), "own\nown\n");

    let plan = start("--template own --title elsewhere");
    let ended = work(plan, "--template gone");
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(ended.stderr.contains("shared, own"), "{ended}");
    let ended = work(plan, "--template own");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(ran(&stage), "own\nown\n");

    // Without a word, the shared runner runs plans of unknown templates.
    let plan = start("--template shared --title other");
    let ended = work(plan, "");
    assert_eq!(ended.code, Some(0), "{ended}");
    assert_eq!(ran(&stage), "shared\n");
}

#[test]
fn work_without_a_shared_runner_asks_for_the_template() {
    let stage = Stage::with(
        &PLAN
            .replace("runner: { command: [sh, -c, 'echo shared >> ran'] }\n", "")
            .replace(
                "  - title: shared\n    tests: [{ suite: s, testcases: [a] }]\n",
                "",
            ),
    );
    let service = Service::start(&stage);
    let execute = stage.testplan("execute").at(&service);
    let ended = execute.flags("--format json --title elsewhere").run();
    let answer: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let work = stage.testplan("work").at(&service);
    let ended = work
        .flags(&format!("--plan-id {}", answer["plan_id"]))
        .run();
    assert_eq!(ended.code, Some(2), "{ended}");
    assert!(
        ended.stderr.contains("choose with --template: own"),
        "{ended}"
    );
}
