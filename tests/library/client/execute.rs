//! One plan per start, whatever happens on the way.

use testplan::{
    client::{ClientError, ErrorKind, Sent, StartPlan},
    model::{Plan, PlanId, Timestamp, plan::LinkedRepository},
};

use super::script::{Script, Step, answer, client, page, refused};

pub(super) fn start() -> StartPlan {
    StartPlan {
        project: "my project".into(),
        template: PlanId(64),
        title: "T #1.1".into(),
        batch: "B".into(),
        planned: Some(Timestamp(7)),
        linked: vec![LinkedRepository {
            id: 2,
            branch: "abc".into(),
        }],
        tests: None,
        discovery: None,
        origin: testplan::model::PlanOrigin::default(),
    }
}

fn plan(status: u16, id: i64, batch: &str) -> Step {
    let body =
        format!(r#"{{"id":{id},"title":"T #1.1","batch_name":"{batch}","type":"instance"}}"#);
    answer(status, body)
}

fn none() -> Step {
    refused(404, 1002)
}

async fn play(steps: Vec<Step>) -> (Result<Plan, ClientError>, String) {
    let script = Script::new(steps);
    let result = client(&script).execute_plan(&start()).await;
    // L: a look-up, P: a start.
    let lines = script.lines();
    let letters = lines.iter().map(|line| {
        assert!(
            line == "POST /execution/v1/executeplan"
                || line == "GET /execution/v1/testplans?project=my%20project&title=T%20%231.1&type=instance",
            "{line}"
        );
        if line.starts_with("POST") { 'P' } else { 'L' }
    });
    let letters = letters.collect();
    let keys: Vec<_> = script
        .seen()
        .iter()
        .map(|seen| seen.header("idempotency-key").to_owned())
        .filter(|key| !key.is_empty())
        .collect();
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
    (result, letters)
}

#[tokio::test(start_paused = true)]
async fn sends_what_was_asked_for() {
    let script = Script::new([none(), plan(201, 5, "B")]);
    client(&script).execute_plan(&start()).await.unwrap();
    let sent = script.seen()[1].json();
    let expected = serde_json::json!({
        "templateId": 64, "title": "T #1.1", "batch": "B", "time": 7, "linkedRepos": [{"id": 2, "branch": "abc"}]
    });
    assert_eq!(sent, expected);
    assert_eq!(script.seen()[1].header("idempotency-key").len(), 32);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_not_sent_is_repeated_without_look_up() {
    let steps = vec![
        none(),
        Step::Fail(Sent::No),
        answer(429, ""),
        plan(201, 5, "B"),
    ];
    let (result, letters) = play(steps).await;
    assert_eq!(result.unwrap().id, PlanId(5));
    assert_eq!(letters, "LPPP");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_not_sent_started_no_plan() {
    let mut steps = vec![none()];
    steps.extend(std::iter::repeat_n(Step::Fail(Sent::No), 200));
    let script = Script::new(steps);
    let error = client(&script).execute_plan(&start()).await.unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Unreachable { .. }),
        "{error}"
    );
    assert!(!error.may_have_happened);
    let seen = script.seen();
    assert!(seen[1..].iter().all(|seen| seen.line.starts_with("POST")));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final() {
    let (result, letters) = play(vec![none(), refused(400, 1001)]).await;
    let error = result.unwrap_err();
    assert!(
        !error.may_have_happened && letters == "LP",
        "{error} {letters}"
    );
}

#[tokio::test(start_paused = true)]
async fn every_unknown_outcome_is_looked_up_and_adopted() {
    for lost in [
        Step::Fail(Sent::Unclear),
        page(502),
        page(200),
        page(404),
        answer(500, ""),
        answer(503, "").with("retry-after", "1"),
        answer(201, r#"{"id":5,"ti"#),
        answer(201, r#"{"id":true}"#),
    ] {
        let (result, letters) = play(vec![none(), lost.clone(), plan(200, 5, "B")]).await;
        assert_eq!(result.unwrap().id, PlanId(5), "{lost:?}");
        assert_eq!(letters, "LPL", "{lost:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_plan_is_found_by_the_second_look_up() {
    let steps = vec![none(), page(504), none(), plan(200, 5, "B")];
    let (result, letters) = play(steps).await;
    assert_eq!((result.unwrap().id, letters.as_str()), (PlanId(5), "LPLL"));
}

#[tokio::test(start_paused = true)]
async fn after_two_empty_look_ups_it_is_sent_once_more_and_only_once() {
    let lost = || Step::Fail(Sent::Unclear);
    let (result, letters) = play(vec![none(), lost(), none(), none(), plan(201, 5, "B")]).await;
    assert_eq!((result.unwrap().id, letters.as_str()), (PlanId(5), "LPLLP"));

    let (result, letters) = play(vec![
        none(),
        lost(),
        none(),
        none(),
        lost(),
        plan(200, 6, "B"),
    ])
    .await;
    assert_eq!(
        (result.unwrap().id, letters.as_str()),
        (PlanId(6), "LPLLPL")
    );

    let (result, letters) =
        play(vec![none(), lost(), none(), none(), lost(), none(), none()]).await;
    let error = result.unwrap_err();
    assert_eq!(letters, "LPLLPLL");
    assert!(matches!(error.kind, ErrorKind::Unclear { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("not known whether the plan \"T #1.1\" was started"),
        "{error}"
    );
    assert_eq!((error.tries, error.conclusion().code()), (2, 3));
    assert!(error.may_have_happened && !error.is_transient());
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_the_same_title_is_not_taken_for_the_new_one() {
    let old = || plan(200, 4, "B");
    // It was there before and still is the one found: nobody knows.
    let (result, letters) = play(vec![old(), page(502), old()]).await;
    let error = result.unwrap_err();
    assert!(error.to_string().contains("in use before"), "{error}");
    assert_eq!(letters, "LPL");
    // Another one is found now: that is it.
    let (result, _) = play(vec![old(), page(502), plan(200, 5, "B")]).await;
    assert_eq!(result.unwrap().id, PlanId(5));
    // Another one, of another batch: somebody else's.
    let (result, letters) = play(vec![none(), page(502), plan(200, 5, "theirs")]).await;
    assert!(matches!(
        result.unwrap_err().kind,
        ErrorKind::Unclear { .. }
    ));
    assert_eq!(letters, "LPL");
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_look_up_allows_a_start_but_proves_nothing() {
    let odd = || answer(404, "[1]");
    let (result, letters) = play(vec![answer(200, "7"), plan(201, 5, "B")]).await;
    assert_eq!((result.unwrap().id, letters.as_str()), (PlanId(5), "LP"));
    let (result, letters) = play(vec![answer(200, "7"), page(502), plan(200, 5, "B")]).await;
    assert!(matches!(
        result.unwrap_err().kind,
        ErrorKind::Unclear { .. }
    ));
    assert_eq!(letters, "LPL");
    let (result, letters) = play(vec![odd(), page(502), answer(200, "7")]).await;
    assert!(matches!(
        result.unwrap_err().kind,
        ErrorKind::Unclear { .. }
    ));
    assert_eq!(letters, "LPL");
}

#[tokio::test(start_paused = true)]
async fn no_plan_is_started_if_the_service_does_not_answer() {
    let script = Script::always(Step::Fail(Sent::Unclear));
    let error = client(&script).execute_plan(&start()).await.unwrap_err();
    assert!(script.lines().iter().all(|line| line.starts_with("GET")));
    assert!(
        matches!(error.kind, ErrorKind::Unreachable { .. }),
        "{error}"
    );
}
