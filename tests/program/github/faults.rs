//! What can go wrong at GitHub, with each call: told once, in time, and nothing doubled.

use std::time::{Duration, Instant};

use testplan::ci::github::{NetworkFailure, PublishError, notices};

use super::{
    fake_github::{FakeGitHub, ScriptedFault},
    stage::{BRIEF, Call, PULL, SHA, TOKEN, check_run, echo, github},
};
use crate::support::{Answer, HttpRequest, HttpServer};

/// A sort of refusal, without what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Refused(u16),
    Limit(u16),
    Lost,
    Silent,
    Odd,
}

fn sort(why: &PublishError) -> Sort {
    match why {
        PublishError::Refused {
            code,
            is_limit: true,
            ..
        } => Sort::Limit(*code),
        PublishError::Refused { code, .. } => Sort::Refused(*code),
        PublishError::Unreachable {
            failure: NetworkFailure::Lost,
            ..
        } => Sort::Lost,
        PublishError::Timeout => Sort::Silent,
        PublishError::Unexpected { .. } => Sort::Odd,
        other => panic!("{other:?}"),
    }
}

const LACKING: &str = r#"{"message":"Resource not accessible by integration"}"#;
const SECONDARY: &str = r#"{"message":"You have exceeded a secondary rate limit"}"#;

/// An answer, the error it makes, how many requests it takes, and a word of the cure.
type FaultRow = (fn(&HttpRequest) -> Answer, Sort, usize, &'static str);

const ALWAYS: [FaultRow; 19] = [
    (
        |_| Answer::json(401, r#"{"message":"Bad credentials"}"#),
        Sort::Refused(401),
        1,
        "expired",
    ),
    (
        |_| Answer::json(403, LACKING),
        Sort::Refused(403),
        1,
        ": write`",
    ),
    (
        |_| Answer::json(404, r#"{"message":"Not Found"}"#),
        Sort::Refused(404),
        1,
        "GITHUB_REPOSITORY",
    ),
    (
        |_| Answer::json(410, r#"{"message":"Issues are disabled"}"#),
        Sort::Refused(410),
        1,
        "enable it in the settings",
    ),
    (
        |_| Answer::json(422, r#"{"message":"Validation Failed"}"#),
        Sort::Refused(422),
        1,
        "GitHub",
    ),
    (
        |_| Answer::json(429, "{}").header("retry-after: 90"),
        Sort::Limit(429),
        1,
        "in 2 min",
    ),
    (
        |_| Answer::json(403, SECONDARY).header("retry-after: 60"),
        Sort::Limit(403),
        1,
        "in 1 min",
    ),
    (
        |_| Answer::json(403, SECONDARY),
        Sort::Limit(403),
        1,
        "in 1 min",
    ),
    (
        |_| Answer::json(403, "{}").header("x-ratelimit-remaining: 0"),
        Sort::Limit(403),
        1,
        "in 1 min",
    ),
    (|_| Answer::json(500, ""), Sort::Refused(500), 3, "later"),
    (
        |_| Answer::json(503, "").header("retry-after: 60"),
        Sort::Refused(503),
        1,
        "later",
    ),
    (|_| Answer::page(502), Sort::Refused(502), 3, "later"),
    (|_| Answer::page(203), Sort::Odd, 1, "GITHUB_API_URL"),
    (|_| Answer::endless(500), Sort::Refused(500), 3, "later"),
    (
        |_| Answer::half(404),
        Sort::Refused(404),
        1,
        "GITHUB_REPOSITORY",
    ),
    (|_| Answer::close(), Sort::Lost, 3, "later"),
    (|_| Answer::hang(), Sort::Silent, 1, "later"),
    (echo, Sort::Refused(403), 1, ": write`"),
    (
        |_| Answer::json(307, "").header("location: http://127.0.0.1:1/x"),
        Sort::Refused(307),
        1,
        "renamed",
    ),
];

#[tokio::test]
async fn each_fault_of_each_call_is_one_warning_in_time() {
    let mut tasks = tokio::task::JoinSet::new();
    for call in Call::ALL {
        for (answer, expected, requests, cure) in ALWAYS {
            tasks.spawn(async move {
                let mock = HttpServer::start(answer);
                let github = github(&mock.url, BRIEF);
                let began = Instant::now();
                let why = call.make(&github).await.unwrap_err();
                let took = began.elapsed();
                assert!(
                    took < BRIEF.total + Duration::from_secs(3),
                    "{call:?} {expected:?} {took:?}"
                );
                assert_eq!(sort(&why), expected, "{call:?}: {why:?}");
                assert_eq!(mock.requests().len(), requests, "{call:?}: {why:?}");
                let [line] = &notices(github.address(), &[(call.ask(), why.clone())], None)[..]
                else {
                    panic!("not one notice of {why:?}");
                };
                assert!(line.contains(cure), "{call:?}: {cure:?} not in {line}");
                let all = format!("{line} {why:?} {github:?}");
                assert!(!all.contains("Canary"), "{all}");
            });
        }
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// The first POST comes to this, whether it happens or not; what the call comes to, and how many things there are then.
#[tokio::test]
async fn lost_answer_creates_no_second_one() {
    let table = [
        // Done, and the answer lost: found again.
        (true, Answer::close(), None, 1),
        (true, Answer::half(500), None, 1),
        (true, Answer::json(502, ""), None, 1),
        (true, Answer::page(504), None, 1),
        (
            true,
            Answer::json(503, "").header("retry-after: 1"),
            None,
            1,
        ),
        (true, Answer::endless(201), None, 1),
        (true, Answer::half(201), None, 1),
        (true, Answer::hang(), Some(Sort::Silent), 1),
        // Not done: done by the next try.
        (false, Answer::close(), None, 1),
        (false, Answer::json(500, ""), None, 1),
        (
            false,
            Answer::json(429, "{}").header("retry-after: 1"),
            None,
            1,
        ),
        // Refused for good.
        (false, Answer::hang(), Some(Sort::Silent), 0),
        (false, Answer::json(422, "{}"), Some(Sort::Refused(422)), 0),
        (
            false,
            Answer::json(403, LACKING),
            Some(Sort::Refused(403)),
            0,
        ),
    ];
    let mut tasks = tokio::task::JoinSet::new();
    for call in [Call::CheckRun, Call::Comment] {
        for (happens, answer, expected, count) in table.clone() {
            tasks.spawn(async move {
                let fault = ScriptedFault {
                    on: "POST",
                    happens,
                    answer,
                };
                let fake = FakeGitHub::start(vec![fault.clone()]);
                let result = call.make(&github(&fake.url, BRIEF)).await;
                assert_eq!(
                    result.as_ref().err().map(sort),
                    expected,
                    "{call:?} {fault:?}: {result:?}"
                );
                let things = fake.world(|world| world.check_runs.len() + world.comments.len());
                assert_eq!(things, count, "{call:?} {fault:?}");
            });
        }
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn nothing_is_created_if_the_search_fails() {
    // The answer to the POST is lost, and so is each look after it.
    let lost = |on, happens| ScriptedFault {
        on,
        happens,
        answer: Answer::close(),
    };
    for call in [Call::CheckRun, Call::Comment] {
        let look = ScriptedFault {
            on: "GET",
            happens: false,
            answer: Answer::json(200, if call == Call::Comment { "[]" } else { "{}" }),
        };
        let faults = vec![
            look,
            lost("POST", true),
            lost("GET", false),
            lost("GET", false),
        ];
        let fake = FakeGitHub::start(faults);
        let result = call.make(&github(&fake.url, BRIEF)).await;
        assert_eq!(
            result.as_ref().err().map(sort),
            Some(Sort::Lost),
            "{result:?}"
        );
        let requests = fake.requests();
        let posts = requests.iter().filter(|it| it.parts().0 == "POST");
        assert_eq!(posts.count(), 1, "{call:?}");
    }
}

#[tokio::test]
async fn malformed_answer_is_not_a_success() {
    for (answer, expected) in [
        (Answer::page(200), Sort::Odd),
        (
            Answer::json(200, r#"{"ghs_CanaryCanaryCanary0123456789":"x"}"#),
            Sort::Odd,
        ),
        (Answer::endless(200), Sort::Odd),
        (Answer::half(200), Sort::Lost),
    ] {
        let fake = FakeGitHub::start(vec![
            ScriptedFault {
                on: "GET",
                happens: false,
                answer: answer.clone(),
            };
            3
        ]);
        let github = github(&fake.url, BRIEF);
        let why = github.put_comment(PULL, "gui", "x").await.unwrap_err();
        assert_eq!(sort(&why), expected, "{answer:?} {why:?}");
        assert!(!format!("{why} {why:?}").contains(TOKEN), "{why:?}");
        assert_eq!(fake.world(|world| world.comments.len()), 0, "{why:?}");
    }
    let fake = FakeGitHub::start(vec![ScriptedFault {
        on: "GET",
        happens: false,
        answer: Answer::page(200),
    }]);
    let why = github(&fake.url, BRIEF)
        .put_check_run(SHA, &check_run(1))
        .await
        .unwrap_err();
    assert_eq!(sort(&why), Sort::Odd);
}
