//! A plan has the tests of the revision that requested it, whatever the service published.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};

use super::house::{House, Kind};
use crate::support::{Ended, PlanFile, Service, Stage, Tap};

/// How a list of tests travels, and nothing else does.
const PACKED: &str = "content-encoding: gzip";

/// Two revisions of one file: the later one has a test that fails.
fn revisions(stage: &Stage) -> [PlanFile; 2] {
    let test = stage.script("test.sh", "[ \"$2\" != t3 ]");
    [2, 3].map(|count| PlanFile::run_with(&test).numbered("s", count))
}

fn execute(house: &House) -> i64 {
    let execute = house.testplan("execute").flags("--format json");
    execute.run().code_is(0).json()["plan_id"].as_i64().unwrap()
}

fn names(house: &House, plan: i64) -> Vec<String> {
    house.held(plan).into_keys().collect()
}

/// Test Center owns its templates: the plan has the tests of Test Center, and `run` prints both numbers.
pub(crate) fn each_plan_has_its_own(kind: Kind) {
    let stage = Stage::new();
    let [old, new] = revisions(&stage);
    let house = House::of(kind, stage, &old);
    let mut plans = Vec::new();
    for file in [&new, &old, &new, &old] {
        file.on(&house.stage);
        plans.push(execute(&house));
    }
    let (two, three) = (["t1", "t2"], ["t1", "t2", "t3"]);
    let of_new = kind.pick(&two[..], &three[..]);
    for (index, plan) in plans.iter().enumerate() {
        let expected = if index % 2 == 0 { of_new } else { &two[..] };
        assert_eq!(names(&house, *plan), expected, "{index}");
    }
    // The list of the old revision is the published one, and that of the new one travelled once.
    assert_eq!(house.count(PACKED), kind.pick(0, 1));

    new.on(&house.stage);
    let run = house.testplan("run").flags("--out out --workers 2");
    let run = run.run().code_is(kind.pick(0, 1));
    if kind == Kind::TestCenter {
        run.says("has 2 executions, and testplan.yml has 3 for template \"T\"");
    }
}

/// Counted on the wire: twenty plans of a list that was not published.
pub(crate) fn a_list_travels_once(kind: Kind) {
    let stage = Stage::new();
    let [old, new] = revisions(&stage);
    let house = House::of(kind, stage, &old);
    new.on(&house.stage);
    for _ in 0..20 {
        execute(&house);
    }
    assert_eq!(
        house.count("POST /execution/v1/executeplan"),
        kind.pick(20, 21)
    );
    assert_eq!(house.count(PACKED), kind.pick(0, 1));
    let named = house.count("\"tests\":{\"digest\":\"01");
    assert_eq!(named, kind.pick(0, 20), "with the digest alone");
}

/// What the file and the service cannot mean together.
pub(crate) fn a_mismatch_is_a_mistake(kind: Kind) {
    let stage = Stage::new();
    let [old, _] = revisions(&stage);
    let house = House::of(kind, stage, &old);
    let file = house.stage.read("testplan.yml");
    let other_template = file.replace("\"T\"", "\"U\"");
    house.stage.write("testplan.yml", &other_template);
    let unpublished = house.testplan("execute").run();
    unpublished
        .code_is(kind.pick(4, 2))
        .says(kind.pick("no template \"U\"", "testplan publish --template \"U\""));
    let published = house.testplan("execute").flags("--template T").run();
    let published = published.code_is(0);
    if kind != Kind::TestCenter {
        published.says(
            "testplan.yml has no template \"T\": the plan gets the tests that were published",
        );
    }
    let other_project = file.replace("\"p\"", "\"q\"");
    house.stage.write("testplan.yml", &other_project);
    let other = house.testplan("execute").flags("--project p").run();
    other.code_is(kind.pick(0, 2));
}

pub(crate) fn publishing(kind: Kind) {
    let stage = Stage::new();
    let [old, new] = revisions(&stage);
    let house = House::of(kind, stage, &old);
    new.on(&house.stage);
    let publish = |flags: &str| -> Ended { house.testplan("publish").flags(flags).run() };
    if kind == Kind::TestCenter {
        publish("")
            .code_is(2)
            .says("Test Center owns its templates");
        return;
    }
    let dry = publish("--dry-run").code_is(0).stdout;
    assert_eq!(
        dry,
        "changed    T: 3 tests, 1 added, 0 removed\n           + s/t3\nnothing was published: --dry-run\n"
    );
    let count = || {
        let show = house.testplan("template show").flags("--format json");
        show.run().code_is(0).json()["count"].as_u64()
    };
    assert_eq!(count(), Some(2));
    let done = publish("--format json").code_is(0).json();
    assert_eq!(done["templates"][0]["change"], "changed");
    assert_eq!(done["templates"][0]["added"], 1);
    assert_eq!(count(), Some(3));
    let again = publish("--template T --format json").code_is(0).json();
    assert_eq!(again["templates"][0]["change"], "unchanged");
    publish("--template V").code_is(2).says("choose from: T");
}

/// A client of the vendor's API: it sends no list.
fn vendor_plan(service: &Service, title: &str) -> i64 {
    raw_plan(
        service,
        &json!({ "templateId": 1, "title": title, "batch": "b" }),
    )
}

fn raw_plan(service: &Service, body: &Value) -> i64 {
    let token = std::fs::read_to_string(service.token_file()).unwrap();
    let body = body.to_string();
    let mut stream = TcpStream::connect(service.address()).unwrap();
    write!(
        stream,
        "POST /execution/v1/executeplan HTTP/1.0\r\nHost: {}\r\nAuthorization: Token {}\r\nContent-Length: {}\r\n\r\n{body}",
        service.address(),
        token.trim(),
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 201 "), "{answer}");
    let plan: Value = serde_json::from_str(body).unwrap();
    assert_eq!(plan["tests_digest"], Value::Null, "as the vendor has it");
    plan["id"].as_i64().unwrap()
}

#[test]
fn restarts_and_kills_keep_revisions_apart() {
    let stage = Stage::new();
    let [old, new] = revisions(&stage);
    new.on(&stage);
    stage.write("new.yml", stage.read("testplan.yml"));
    // The file that the service reads at each start.
    old.on(&stage);
    let (old, new) = ("testplan.yml", "new.yml");
    let mut service = Service::start(&stage);
    let tap = Tap::before(&service);
    let execute = |file: &str, service: &Service| {
        let execute = stage.testplan("execute").through(&tap, service);
        let execute = execute.flags("--format json --config").arg(file);
        let ended = execute.run().code_is(0);
        ended.json()["plan_id"].as_i64().unwrap()
    };
    let tests = |service: &Service, plan| -> Vec<String> {
        let executions = service.executions(plan).into_iter();
        executions.map(|it| it.testcase).collect()
    };
    let mut plans = vec![(execute(new, &service), 3)];
    service.kill();
    service.restart();
    plans.push((execute(old, &service), 2));
    plans.push((vendor_plan(&service, "vendor"), 2));
    plans.push((execute(new, &service), 3));
    assert_eq!(tap.requests().matches(PACKED).count(), 1, "it was kept");
    // Published on request, and not taken back by a restart with the old file.
    let publish = stage.testplan("publish").at(&service);
    publish.flags("--config").arg(new).run().code_is(0);
    service.kill();
    service.restart();
    plans.push((vendor_plan(&service, "published"), 3));
    plans.push((execute(old, &service), 2));
    for (plan, count) in plans {
        let expected = &["t1", "t2", "t3"][..count];
        assert_eq!(tests(&service, plan), expected, "plan {plan}");
    }
}

/// The plan's account travels through the service: the machine that reports need not be the one that listed.
#[test]
fn report_warns_of_lines_that_were_left_out() {
    let stage = Stage::new();
    let [old, _] = revisions(&stage);
    old.on(&stage);
    let service = Service::start(&stage);
    let left_out = json!([{ "line": "my tests/t9", "number": 3, "reason": "it has a blank", "suspicious": true }]);
    let plan = raw_plan(
        &service,
        &json!({
            "templateId": 1, "title": "listed", "batch": "b",
            "discovery": {
                "listed": 3, "taken": 2, "left_out_lines": 1, "suspicious_lines": 1, "duplicate_lines": 0, "left_out": left_out,
            },
        }),
    );
    let work = stage.testplan("work").at(&service).on(plan);
    work.flags("--out out").run().code_is(0);
    let report = stage.testplan("report").at(&service).on(plan);
    let report = report.flags("--out out").run().code_is(0);
    report.says("line 3: my tests/t9 (it has a blank)");
}
