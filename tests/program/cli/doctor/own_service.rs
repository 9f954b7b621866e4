//! A service of our own: well, and with each thing wrong that only shows with its answers.

use serde_json::json;

use super::{
    super::plan::{PASSES, SKIPS, plan, plan_for},
    Diagnosis,
};
use crate::support::{Service, Stage};

fn look(service: &Service, stage: &Stage, arguments: &[&str]) -> Diagnosis {
    let exports = service.exports();
    let token = exports[1].1.trim().to_owned();
    let diagnosis = Diagnosis::with(stage, arguments, &exports);
    assert!(!diagnosis.ended.stdout.contains(&token));
    diagnosis
}

/// The shape that programs rely on: which findings there are, in which order.
#[test]
fn own_service_passes_every_check() {
    let stage = Stage::with(&plan(&[PASSES, SKIPS]));
    let service = Service::start(&stage);
    let diagnosis = look(&service, &stage, &[]);
    diagnosis.ends(0);
    let states = diagnosis.states();
    let ids: Vec<&str> = states.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "configuration.file",
            "configuration.workers",
            "configuration.variables",
            "configuration.proxy",
            "service.url",
            "service.credentials",
            "service.connection",
            "service.tls",
            "service.answer",
            "service.access",
            "clock.difference",
            "plan.template",
            "dialect.service",
            "dialect.leases",
            "dialect.status",
            "dialect.managed",
            "capabilities.needs",
            "capabilities.worker",
            "capabilities.servers",
            "runner.program",
            "output.folder",
            "github.repository",
        ]
    );
    for (id, state) in &states {
        let expected = if id == "github.repository" {
            "not checked"
        } else {
            "ok"
        };
        assert_eq!(state, expected, "{:#}", diagnosis.finding(id));
    }
    let members = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(
        members(&diagnosis.json),
        ["capabilities", "conclusion", "findings", "schema"]
    );
    assert_eq!(
        members(diagnosis.finding("service.url")),
        ["cure", "group", "id", "state", "text"]
    );
    assert_eq!(
        diagnosis.json["capabilities"],
        json!([{
            "needs": [], "executions": 2, "and_more": false, "worker": true, "servers": [], "nobody": [],
        }])
    );
    diagnosis.has("service.answer", "ok", &["testplan's own service"]);
    diagnosis.has("dialect.service", "ok", &["testplan's own service"]);
    diagnosis.has("dialect.managed", "ok", &["workers"]);
    // It was looked at, and nothing else.
    let plans = service.run(&stage, &["plan", "show", "--plan-id=2"]);
    assert_eq!(plans.code, Some(2), "{plans:#?}");
}

#[test]
fn text_fits_80_columns() {
    let long = "OS: 日本語のとても長いラベルの値です, browser: chrome, resolution: 1920x1080";
    let wide =
        format!("[{{ {long}, desktop: plasma-6.4-wayland, session: \"x y z\" }}, {{ OS: Linux }}]");
    let stage = Stage::with(&plan_for(&wide, &[PASSES]));
    let service = Service::start(&stage);
    let ended = service.run(&stage, &["doctor", "--capability=OS=Linux"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    for part in [
        "\nService\n  ok           url: http://127.0.0.1:",
        "EXECUTIONS  WORKER  SQUISH SERVERS",
        "\n           1  no      none                  OS=日本語",
        "cure: ",
        " ok, 2 warnings, 0 problems, 1 not checked\n",
    ] {
        assert!(
            ended.stdout.contains(part),
            "not there: {part:?}\n{}",
            ended.stdout
        );
    }
    assert!(!ended.stdout.contains('\u{1b}'));
    assert!(
        ended.stderr.contains("conclusion: passed"),
        "{}",
        ended.stderr
    );
    for line in ended.stdout.lines() {
        // Letters of Chinese and Japanese take two columns.
        let width: usize = line
            .chars()
            .map(|c| if c > '\u{2e80}' { 2 } else { 1 })
            .sum();
        let is_one_word = line.split_whitespace().count() <= 2;
        assert!(width <= 80 || is_one_word, "{width}: {line}");
    }
    let painted = service.run(&stage, &["doctor", "--color=always"]);
    assert!(painted.stdout.contains("\u{1b}["), "{}", painted.stdout);
}

#[test]
fn rejected_token_is_a_problem() {
    let stage = Stage::with(&plan(&[PASSES]));
    let service = Service::start(&stage);
    let url = service.url.clone();
    let diagnosis = Diagnosis::of(&stage, &["--url", &url]);
    diagnosis.has(
        "service.access",
        "problem",
        &["token was rejected", "401", "TESTCENTER_TOKEN"],
    );
    diagnosis.has("plan.template", "not checked", &["refuses the credentials"]);
    diagnosis.has("capabilities.servers", "not checked", &[]);
    diagnosis.ends(3);
    let nobody = Diagnosis::with(&stage, &["--url", &url], &[]);
    nobody.has(
        "service.access",
        "problem",
        &["credentials are required", "set TESTCENTER_TOKEN"],
    );
    nobody.ends(3);
}

#[test]
fn missing_template_names_the_nearest_title() {
    let stage = Stage::with(&plan(&[PASSES]));
    let service = Service::start(&stage);
    let diagnosis = look(&service, &stage, &["--template=al"]);
    diagnosis.has(
        "plan.template",
        "problem",
        &["no template \\\"al\\\"", "nearest titles are", "--template"],
    );
    diagnosis.ends(4);
}

#[test]
fn started_plan_shows_its_requirements() {
    let stage = Stage::with(&plan_for(
        "[{ OS: Linux }, { OS: Windows }]",
        &[PASSES, SKIPS],
    ));
    let service = Service::start(&stage);
    let started = service.run(&stage, &["execute", "--format=json"]);
    let plan = started.json()["plan_id"].to_string();
    let elsewhere = Stage::new();
    let number = format!("--plan-id={plan}");
    let diagnosis = look(&service, &elsewhere, &[&number, "--capability=OS=linux"]);
    diagnosis.has("plan.plan", "ok", &[&plan]);
    diagnosis.has("dialect.status", "ok", &["`done` and `finished`"]);
    diagnosis.has("capabilities.needs", "ok", &["2 sets by plan"]);
    diagnosis.has(
        "capabilities.worker",
        "warning",
        &["1 of 2 sets", "OS=Windows"],
    );
    diagnosis.has("runner.program", "not checked", &["no testplan.yml"]);
    diagnosis.has(
        "configuration.file",
        "warning",
        &["no testplan.yml", "--config"],
    );
    diagnosis.ends(0);

    let template = look(&service, &elsewhere, &["--plan-id=1"]);
    template.has("plan.plan", "problem", &["1 is a template", "execute"]);
    template.ends(2);
}

#[test]
fn unoffered_capabilities_are_a_warning() {
    let stage = Stage::with(&plan_for(
        "[{ OS: Linux }, { OS: Linux, browser: crome }]",
        &[PASSES],
    ));
    let service = Service::start(&stage);
    let add = |labels: &[&str], more: &[&str]| {
        let mut arguments = vec!["servers", "add", "--host=lab", "--format=json"];
        arguments.extend(more);
        for label in labels {
            arguments.extend(["--label", label]);
        }
        let added = service.run(&stage, &arguments);
        assert_eq!(added.code, Some(0), "{added:#?}");
    };
    let with = |more: &[&str]| look(&service, &stage, more);

    with(&[]).has(
        "capabilities.worker",
        "problem",
        &["no execution fits", "OS=Linux", "--capability"],
    );
    with(&[]).ends(4);
    with(&["--capability=OS=Linux"]).has(
        "capabilities.servers",
        "ok",
        &["no Squish server is registered"],
    );

    let none = with(&["--capability=OS=Linux", "--allocate-server"]);
    none.has(
        "capabilities.servers",
        "problem",
        &["OS=Linux", "servers add"],
    );
    none.ends(3);

    add(&["OS=linux"], &["--port=4322", "--disabled"]);
    let disabled = with(&["--capability=OS=Linux", "--allocate-server"]);
    disabled.has(
        "capabilities.servers",
        "problem",
        &["disabled", "servers update 1 --enable"],
    );

    add(&["OS=linux", "browser=chrome"], &["--port=4323"]);
    let diagnosis = with(&["--capability=OS=Linux", "--allocate-server"]);
    diagnosis.has(
        "capabilities.servers",
        "warning",
        &["for other workers, no enabled one fits OS=Linux, browser=crome"],
    );
    diagnosis.has(
        "capabilities.nobody",
        "warning",
        &["browser=crome (but browser=chrome is)"],
    );
    assert_eq!(
        diagnosis.json["capabilities"],
        json!([
            {
                "needs": [{ "key": "OS", "value": "Linux" }, { "key": "browser", "value": "crome" }],
                "executions": 1, "and_more": false, "worker": false, "servers": [],
                "nobody": [{ "key": "browser", "value": "crome" }],
            },
            {
                "needs": [{ "key": "OS", "value": "Linux" }], "executions": 1, "and_more": false, "worker": true,
                "servers": [{ "id": 1, "state": "disabled" }, { "id": 2, "state": "free" }], "nobody": [],
            },
        ])
    );

    add(&["OS=Linux", "browser=crome"], &["--port=4324"]);
    let both = ["--capability=OS=Linux", "--capability=browser=crome"];
    let well = with(&[both[0], both[1], "--allocate-server"]);
    well.has("capabilities.worker", "ok", &["all of them fit"]);
    well.has(
        "capabilities.servers",
        "ok",
        &["3 Squish servers registered: 2 free, 0 busy, 1 disabled"],
    );
    well.ends(0);

    let started = service.run(&stage, &["execute", "--format=json"]);
    let plan = format!("--plan-id={}", started.json()["plan_id"]);
    let reserved = service.run(
        &stage,
        &["reserve", &plan, both[0], both[1], "--allocate-server"],
    );
    assert_eq!(reserved.code, Some(0), "{reserved:#?}");
    let busy = with(&[both[0], both[1], "--allocate-server"]);
    busy.has("capabilities.servers", "warning", &["1 busy", "wait"]);
    busy.ends(0);
}
