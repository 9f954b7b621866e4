//! Every JSON example of the vendor's page, read and written.

use std::time::Duration;

use serde_json::Value;
use testplan::{
    client::{Reservation, ReserveOptions, ServiceKind, StartPlan},
    model::{
        Capabilities, Capability, ExecutionId, NewSquishServer, Outcome, PlanId, PlanKind,
        PlanStatus, Port, SquishServer, SquishServerChange, SquishServerId, TestId, Timestamp,
    },
};

use super::script::{Script, answer, client};

macro_rules! example {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/vendor/", $name, ".json"))
    };
}

fn example_json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn labels(list: &[(&str, &str)]) -> Capabilities {
    list.iter()
        .map(|(key, value)| Capability::new(*key, *value))
        .collect()
}

fn not_found() -> super::script::Step {
    answer(404, r#"{"code":404,"message":"Template not found"}"#)
}

#[tokio::test]
async fn look_up() {
    let script = Script::new([
        answer(200, example!("testplans-lookup")),
        answer(200, example!("testplans-by-id")),
    ]);
    let client = client(&script);
    let found = client
        .find_plan("MyProject", "CI-Tests-master", PlanKind::Template)
        .await
        .unwrap();
    assert_eq!(found.id, PlanId(64));
    assert_eq!(found.kind, PlanKind::Template);
    assert_eq!(found.title, "CI Tests master");
    assert_eq!(found.project, "example");
    assert_eq!(found.server_time, Timestamp(1_755_876_217_390));
    assert_eq!(found.planned, None);
    assert!(found.tags.is_empty() && found.repositories.is_empty() && found.batch.is_empty());
    assert_eq!(
        (found.passes, found.failed, found.skipped, found.count),
        (0, 0, 0, 0)
    );
    assert_eq!(client.plan(PlanId(64)).await.unwrap(), found);
    assert_eq!(
        script.lines(),
        [
            "GET /execution/v1/testplans?project=MyProject&title=CI-Tests-master&type=template",
            "GET /execution/v1/testplans/64"
        ]
    );
    assert_eq!(client.service_kind(), ServiceKind::TestCenter);
    assert_eq!(client.requests(), 2);
}

#[tokio::test]
async fn executeplan() {
    let script = Script::new([not_found(), answer(201, example!("executeplan-response"))]);
    let plan = client(&script)
        .execute_plan(&StartPlan {
            project: "example".into(),
            template: PlanId(64),
            title: "Nightly Regression Run".into(),
            batch: "Nightly_Tests_2025".into(),
            planned: None,
            linked: Vec::new(),
            tests: None,
            discovery: None,
            origin: testplan::model::PlanOrigin::default(),
        })
        .await
        .unwrap();
    assert_eq!((plan.id, plan.kind), (PlanId(105), PlanKind::Instance));
    assert_eq!(plan.title, "Nightly Regression Run");
    assert_eq!(plan.batch, "Nightly_Tests_2025");
    assert!(plan.tags.is_empty(), "absent in this example");
    let seen = &script.seen()[1];
    assert_eq!(seen.line, "POST /execution/v1/executeplan");
    assert_eq!(seen.json(), example_json(example!("executeplan-request")));
    assert_eq!(seen.header("content-type"), "application/json");
}

#[tokio::test]
async fn status() {
    let script = Script::new([answer(200, example!("status-response"))]);
    let filter = labels(&[("OS", "Linux")]);
    let status = client(&script).status(PlanId(105), &filter).await.unwrap();
    assert_eq!(
        status,
        PlanStatus {
            open: 18,
            reserved: 7,
            done: 3
        }
    );
    assert_eq!(script.lines(), ["GET /execution/v1/status/105?OS=Linux"]);
}

#[tokio::test]
async fn status_by_the_words_of_the_table() {
    let script = Script::new([
        answer(200, r#"{"open":1,"reserved":0,"finished":4}"#),
        answer(200, r#"{"open":1,"reserved":0}"#),
    ]);
    let client = client(&script);
    let status = client
        .status(PlanId(1), &Capabilities::default())
        .await
        .unwrap();
    assert_eq!(status.done, 4);
    let error = client
        .status(PlanId(1), &Capabilities::default())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("`done` or `finished`"),
        "{error}"
    );
}

#[tokio::test]
async fn reserve() {
    let script = Script::new([
        answer(200, example!("reserve-response")),
        answer(200, example!("reserve-no-executions")),
        answer(200, example!("reserve-no-servers")),
    ]);
    let client = client(&script);
    let mut options = ReserveOptions {
        offered: labels(&[("OS", "Linux"), ("browser", "chrome")]),
        lease: Duration::from_secs(10),
        allocate_server: true,
        wait: Duration::ZERO,
    };
    let first = client.reserve(PlanId(105), &options, "w/1").await.unwrap();
    let Reservation::Granted(granted) = first else {
        panic!("{first:?}");
    };
    assert_eq!(granted.execution, ExecutionId(3339));
    assert_eq!(granted.project, "example");
    assert_eq!(granted.batch, "Nightly_Tests_2025");
    assert_eq!(granted.test.to_string(), "suite_example / tst_example");
    assert_eq!(granted.test_id, TestId(508_832));
    assert_eq!(
        granted.timeout,
        Duration::from_secs(10),
        "what was asked for"
    );
    assert_eq!(
        (granted.lease, granted.attempt, granted.required),
        (None, None, None)
    );
    assert_eq!(
        granted.server,
        Some(SquishServer {
            id: SquishServerId(1),
            enabled: true,
            host: "127.0.0.1".into(),
            port: "4322".into(),
            labels: labels(&[("OS", "Linux"), ("browser", "Chrome")]),
            busy_with: None,
            busy_test: None,
            cooling: None,
            note: String::new(),
        })
    );
    options.offered = labels(&[("OS", "Windows"), ("browser", "chrome")]);
    assert_eq!(
        client.reserve(PlanId(105), &options, "w/1").await.unwrap(),
        Reservation::NoExecution { pending: None }
    );
    assert_eq!(
        client.reserve(PlanId(105), &options, "w/1").await.unwrap(),
        Reservation::NoServer { pending: None }
    );
    let seen = script.seen();
    assert_eq!(seen[0].line, "POST /execution/v1/reserve/105");
    assert_eq!(seen[0].json(), example_json(example!("reserve-request")));
    assert_eq!(
        seen[1].json(),
        example_json(example!("reserve-request-windows"))
    );
}

#[tokio::test]
async fn heartbeat_and_finished() {
    let script = Script::new([
        answer(200, ""),
        answer(200, example!("finished-response")),
        answer(200, example!("finished-response")),
        answer(200, ""),
    ]);
    let client = client(&script);
    let ten = Duration::from_secs(10);
    client
        .heartbeat(ExecutionId(3339), None, ten, ten)
        .await
        .unwrap();
    let passed = Outcome::Completed { result: None };
    client
        .finish(ExecutionId(3339), None, &passed)
        .await
        .unwrap();
    let broken = Outcome::ExecutionError {
        message: "Test execution failed".into(),
        details: "squishrunner not found".into(),
    };
    client
        .finish(ExecutionId(3339), None, &broken)
        .await
        .unwrap();
    client.reset(ExecutionId(3339), None).await.unwrap();
    let seen = script.seen();
    assert_eq!(seen[0].json(), example_json(example!("heartbeat-request")));
    assert_eq!(seen[1].json(), example_json(example!("finished-request")));
    assert_eq!(
        seen[2].json(),
        example_json(example!("finished-error-request"))
    );
    assert!(seen[3].request.body().is_empty());
    assert_eq!(
        script.lines(),
        [
            "POST /execution/v1/heartbeat/3339",
            "POST /execution/v1/finished/3339",
            "POST /execution/v1/finished/3339",
            "POST /execution/v1/reset/3339"
        ]
    );
}

#[tokio::test]
async fn squish_servers() {
    let script = Script::new([
        answer(200, example!("squishservers-list")),
        answer(200, example!("squishservers-add-response")),
        answer(200, example!("squishservers-update-response")),
        answer(200, ""),
    ]);
    let client = client(&script);
    let list = client.squish_servers().await.unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0].busy_with, Some(ExecutionId(3339)));
    assert_eq!(
        list[1].labels,
        labels(&[("OS", "Windows"), ("browser", "firefox")])
    );
    assert_eq!((list[1].enabled, list[1].busy_with), (false, None));

    let new = NewSquishServer {
        host: Some("192.168.1.101".into()),
        port: Port::new(4324).unwrap(),
        enabled: true,
        labels: labels(&[("OS", "Linux"), ("browser", "firefox")]),
    };
    let added = client.add_squish_server(&new).await.unwrap();
    assert_eq!((added.id, added.port.as_str()), (SquishServerId(3), "4324"));
    let change = SquishServerChange {
        enabled: Some(false),
        port: Port::new(4325),
        ..SquishServerChange::default()
    };
    let changed = client
        .change_squish_server(added.id, &change)
        .await
        .unwrap();
    assert_eq!((changed.enabled, changed.port.as_str()), (false, "4325"));
    client.remove_squish_server(added.id).await.unwrap();
    let seen = script.seen();
    assert_eq!(
        seen[1].json(),
        example_json(example!("squishservers-add-request"))
    );
    assert_eq!(
        seen[2].json(),
        example_json(example!("squishservers-update-request"))
    );
    assert_eq!(
        script.lines(),
        [
            "GET /execution/v1/squishservers",
            "POST /execution/v1/squishservers",
            "PATCH /execution/v1/squishservers/3",
            "DELETE /execution/v1/squishservers/3"
        ]
    );
}

#[tokio::test]
async fn what_the_tables_say_other_than_the_examples() {
    let script = Script::new([
        answer(
            200,
            r#"{"status":"ok","execution_id":"7","test_id":"8","testcase":"t","suite":"s","server":{"id":"9","port":4322}}"#,
        ),
        answer(
            200,
            r#"[{"id":"64","title":"T","type":"template","tags":null,"repository_information":{"id":"12","branch":"main"}}]"#,
        ),
        answer(200, "[]"),
        answer(
            200,
            r#"[{"id":3,"title":"T","type":"instance"},{"id":9,"title":"T","type":"instance"}]"#,
        ),
    ]);
    let client = client(&script);
    let options = ReserveOptions {
        offered: Capabilities::default(),
        lease: Duration::from_secs(1),
        allocate_server: false,
        wait: Duration::ZERO,
    };
    let Reservation::Granted(granted) = client.reserve(PlanId(1), &options, "w").await.unwrap()
    else {
        panic!("not granted");
    };
    assert_eq!(
        (granted.execution, granted.test_id),
        (ExecutionId(7), TestId(8))
    );
    assert_eq!(granted.server.unwrap().port, "4322");
    let plan = client
        .find_plan("p", "T", PlanKind::Template)
        .await
        .unwrap();
    assert_eq!((plan.id, plan.repositories[0].id), (PlanId(64), 12));
    let none = client
        .find_plan("p", "T", PlanKind::Template)
        .await
        .unwrap_err();
    assert_eq!(none.conclusion().code(), 4, "{none}");
    let newest = client
        .find_plan("p", "T", PlanKind::Instance)
        .await
        .unwrap();
    assert_eq!(newest.id, PlanId(9));
}
