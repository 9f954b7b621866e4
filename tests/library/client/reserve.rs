//! Reservations: never two for one question, and a lease is never believed to last longer than it does.

use std::{collections::HashSet, time::Duration};

use testplan::{
    client::{ErrorKind, Granted, Reservation, ReserveOptions, Sent},
    model::{Capabilities, Capability, PlanId},
};

use super::script::{Script, Step, answer, client, ours, page, refused};

const COUNTS: &str = r#"{"open":1,"reserved":0,"done":0}"#;
const GRANTED: &str = r#"{"status":"Reservation successful","execution_id":7,"project_name":"p","batch":"b",
    "test_id":1,"testcase":"t","suite":"s","lease":"secret-lease","timeout":60000,"expires_dt":1,"attempt":2,
    "labels":[{"key":"OS","value":"Linux"}]}"#;
const NONE: &str =
    r#"{"status":"No executions available that match requested capabilities.","pending":3}"#;

pub(super) fn options() -> ReserveOptions {
    ReserveOptions {
        offered: [Capability::new("OS", "Linux")].into_iter().collect(),
        lease: Duration::from_secs(20),
        allocate_server: false,
        wait: Duration::from_secs(25),
    }
}

fn granted(reservation: Reservation) -> Granted {
    match reservation {
        Reservation::Granted(granted) => *granted,
        Reservation::NoExecution { .. } | Reservation::NoServer { .. } => panic!("{reservation:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn reads_what_our_service_adds() {
    let script = Script::new([ours(200, GRANTED), ours(200, NONE)]);
    let client = client(&script);
    let granted = granted(
        client
            .reserve(PlanId(1), &options(), "wörker/1\n")
            .await
            .unwrap(),
    );
    assert_eq!(granted.lease.unwrap().expose(), "secret-lease");
    assert_eq!(
        granted.timeout,
        Duration::from_secs(60),
        "what was granted, not what was asked"
    );
    assert_eq!(
        (granted.attempt, granted.required.unwrap().len()),
        (Some(2), 1)
    );
    assert!(granted.sent_at <= script.seen()[0].at);
    let second = client.reserve(PlanId(1), &options(), "w").await.unwrap();
    assert_eq!(second, Reservation::NoExecution { pending: Some(3) });
    let seen = script.seen();
    assert_eq!(seen[0].header("testplan-worker"), "w?rker/1?");
    assert_eq!(seen[0].json()["timeout"], 20000);
    // It is asked to wait only once it is known to be ours.
    assert_eq!(
        (seen[0].header("prefer"), seen[0].limit.as_secs()),
        ("", 30)
    );
    assert_eq!(
        (seen[1].header("prefer"), seen[1].limit.as_secs()),
        ("wait=25", 55)
    );
    let keys: HashSet<_> = seen
        .iter()
        .map(|seen| seen.header("idempotency-key"))
        .collect();
    assert_eq!(keys.len(), 2, "a fresh key for each question");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reservation_of_test_center_is_not_requested_again() {
    for lost in [
        Step::Fail(Sent::Unclear),
        page(502),
        page(200),
        answer(500, ""),
        answer(503, ""),
    ] {
        let script = Script::new([
            answer(200, COUNTS),
            Step::Fail(Sent::No),
            refused(429, 1),
            lost,
        ]);
        let client = client(&script);
        client
            .status(PlanId(1), &Capabilities::default())
            .await
            .unwrap();
        let error = client
            .reserve(PlanId(1), &options(), "w")
            .await
            .unwrap_err();
        assert!(error.may_have_happened && error.is_transient(), "{error}");
        assert_eq!((error.tries, script.lines().len()), (3, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_service_may_be_test_center() {
    let script = Script::new([Step::Fail(Sent::Unclear)]);
    let error = client(&script)
        .reserve(PlanId(1), &options(), "w")
        .await
        .unwrap_err();
    assert!(error.may_have_happened);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reservation_is_requested_again_with_the_same_key() {
    let script = Script::new([
        ours(200, COUNTS),
        Step::Fail(Sent::Unclear),
        page(502),
        answer(503, "").with("retry-after", "2"),
        ours(200, GRANTED),
    ]);
    let client = client(&script);
    client
        .status(PlanId(1), &Capabilities::default())
        .await
        .unwrap();
    let granted = granted(client.reserve(PlanId(1), &options(), "w").await.unwrap());
    let seen = script.seen();
    let keys: HashSet<_> = seen[1..]
        .iter()
        .map(|seen| seen.header("idempotency-key"))
        .collect();
    assert_eq!(keys.len(), 1);
    // The lease may stem from the first request, so it is counted from there.
    assert!(granted.sent_at <= seen[1].at);
}

#[tokio::test]
async fn an_old_lease_is_given_a_known_beginning() {
    let short = GRANTED.replace("60000", "1");
    for (answer, fresh) in [
        (ours(200, ""), true),
        (ours(400, r#"{"code":1201,"message":"lost"}"#), false),
    ] {
        let script = Script::new([
            ours(200, COUNTS),
            Step::Fail(Sent::Unclear),
            ours(200, short.clone()),
            answer,
        ]);
        let client = client(&script);
        client
            .status(PlanId(1), &Capabilities::default())
            .await
            .unwrap();
        // A real pause lies between both tries, so that the lease of one millisecond is old when it is known.
        let granted = granted(client.reserve(PlanId(1), &options(), "w").await.unwrap());
        let seen = script.seen();
        assert_eq!(seen[3].line, "POST /execution/v1/heartbeat/7");
        assert_eq!(seen[3].json()["lease"], "secret-lease");
        assert_eq!(granted.sent_at > seen[2].at, fresh);
        assert_eq!(granted.sent_at <= seen[1].at, !fresh);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_an_execution_id_is_granted() {
    let script = Script::new([
        answer(200, r#"{"status":"whatever","execution_id":null}"#),
        answer(200, r#"{"status":"No servers available, sorry."}"#),
        // Granted, but unreadable: not "nothing fits".
        answer(
            200,
            r#"{"status":"Reservation successful","execution_id":7,"suite":"s"}"#,
        ),
        answer(
            200,
            r#"{"status":"Reservation successful","execution_id":"seven","suite":"s","testcase":"t"}"#,
        ),
        answer(200, r#"{"execution_id":7}"#),
        answer(200, r#"{"execution_id":7,"status":"","lease":"secret"}"#),
    ]);
    let client = client(&script);
    let ask = async || client.reserve(PlanId(1), &options(), "w").await;
    assert_eq!(
        ask().await.unwrap(),
        Reservation::NoExecution { pending: None }
    );
    assert_eq!(
        ask().await.unwrap(),
        Reservation::NoServer { pending: None }
    );
    for _ in 0..4 {
        let error = ask().await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        assert!(
            matches!(error.kind, ErrorKind::NotUnderstood { .. }),
            "{error}"
        );
        assert!(error.may_have_happened && !error.is_transient());
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_capabilities_for_a_query_are_an_error() {
    let script = Script::new([]);
    let many: Capabilities = (0..900)
        .map(|n| Capability::new(format!("k{n}"), "ä".repeat(60)))
        .collect();
    let error = client(&script).status(PlanId(1), &many).await.unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::NotSendable { .. }),
        "{error}"
    );
    assert_eq!(script.lines().len(), 0);
}
