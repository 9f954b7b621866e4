//! What can go wrong at GitHub, with each call: told once, in time, and nothing doubled.

use std::time::{Duration, Instant};

use testplan::ci::github::{NotSet, Trouble, notices};

use super::{
    fake::{Fake, Fault},
    mock::{Mock, Reply},
    stage::{BRIEF, Call, PULL, SHA, TOKEN, check_run, github},
};

/// A sort of refusal, without what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Refused(u16),
    Limit(u16),
    Lost,
    Silent,
    Odd,
}

fn sort(why: &NotSet) -> Sort {
    match why {
        NotSet::Refused {
            code,
            is_limit: true,
            ..
        } => Sort::Limit(*code),
        NotSet::Refused { code, .. } => Sort::Refused(*code),
        NotSet::Unreachable {
            trouble: Trouble::Lost,
            ..
        } => Sort::Lost,
        NotSet::Silent => Sort::Silent,
        NotSet::Odd { .. } => Sort::Odd,
        other => panic!("{other:?}"),
    }
}

const LACKING: &str = r#"{"message":"Resource not accessible by integration"}"#;
const SECONDARY: &str = r#"{"message":"You have exceeded a secondary rate limit"}"#;

/// What is answered always, what it comes to, how many requests it takes, and a word of the cure.
const ALWAYS: [(Reply, Sort, usize, &str); 19] = [
    (
        Reply::Says(401, "", r#"{"message":"Bad credentials"}"#),
        Sort::Refused(401),
        1,
        "expired",
    ),
    (
        Reply::Says(403, "", LACKING),
        Sort::Refused(403),
        1,
        ": write`",
    ),
    (
        Reply::Says(404, "", r#"{"message":"Not Found"}"#),
        Sort::Refused(404),
        1,
        "GITHUB_REPOSITORY",
    ),
    (
        Reply::Says(410, "", r#"{"message":"Issues are disabled"}"#),
        Sort::Refused(410),
        1,
        "switch it on",
    ),
    (
        Reply::Says(422, "", r#"{"message":"Validation Failed"}"#),
        Sort::Refused(422),
        1,
        "GitHub",
    ),
    (
        Reply::Says(429, "retry-after: 90\r\n", "{}"),
        Sort::Limit(429),
        1,
        "in 2 min",
    ),
    (
        Reply::Says(403, "retry-after: 60\r\n", SECONDARY),
        Sort::Limit(403),
        1,
        "in 1 min",
    ),
    (
        Reply::Says(403, "", SECONDARY),
        Sort::Limit(403),
        1,
        "in 1 min",
    ),
    (
        Reply::Says(403, "x-ratelimit-remaining: 0\r\n", "{}"),
        Sort::Limit(403),
        1,
        "in 1 min",
    ),
    (Reply::Says(500, "", ""), Sort::Refused(500), 3, "later"),
    (
        Reply::Says(503, "retry-after: 60\r\n", ""),
        Sort::Refused(503),
        1,
        "later",
    ),
    (Reply::Page(502), Sort::Refused(502), 3, "later"),
    (Reply::Page(203), Sort::Odd, 1, "GITHUB_API_URL"),
    (Reply::Endless(500), Sort::Refused(500), 3, "later"),
    (Reply::Half(404), Sort::Refused(404), 1, "GITHUB_REPOSITORY"),
    (Reply::Cuts, Sort::Lost, 3, "later"),
    (Reply::Hangs, Sort::Silent, 1, "later"),
    (Reply::Echo(403), Sort::Refused(403), 1, ": write`"),
    (
        Reply::Says(307, "location: http://127.0.0.1:1/x\r\n", ""),
        Sort::Refused(307),
        1,
        "renamed",
    ),
];

#[tokio::test]
async fn each_fault_of_each_call_is_told_once_and_in_time() {
    let mut tasks = tokio::task::JoinSet::new();
    for call in Call::ALL {
        for (reply, expected, requests, cure) in ALWAYS {
            tasks.spawn(async move {
                let mock = Mock::start(Box::leak(Box::new([reply])));
                let github = github(&mock.url, BRIEF);
                let began = Instant::now();
                let why = call.make(&github).await.unwrap_err();
                let took = began.elapsed();
                assert!(
                    took < BRIEF.total + Duration::from_secs(3),
                    "{call:?} {expected:?} {took:?}"
                );
                assert_eq!(sort(&why), expected, "{call:?}: {why:?}");
                assert_eq!(mock.asked().len(), requests, "{call:?}: {why:?}");
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
async fn what_is_made_is_made_once_whatever_becomes_of_the_answer() {
    let table = [
        // Done, and the answer lost: found again.
        (true, Reply::Cuts, None, 1),
        (true, Reply::Half(500), None, 1),
        (true, Reply::Says(502, "", ""), None, 1),
        (true, Reply::Page(504), None, 1),
        (true, Reply::Says(503, "retry-after: 1\r\n", ""), None, 1),
        (true, Reply::Endless(201), None, 1),
        (true, Reply::Half(201), None, 1),
        (true, Reply::Hangs, Some(Sort::Silent), 1),
        // Not done: done by the next try.
        (false, Reply::Cuts, None, 1),
        (false, Reply::Says(500, "", ""), None, 1),
        (false, Reply::Says(429, "retry-after: 1\r\n", "{}"), None, 1),
        // Refused for good.
        (false, Reply::Hangs, Some(Sort::Silent), 0),
        (
            false,
            Reply::Says(422, "", "{}"),
            Some(Sort::Refused(422)),
            0,
        ),
        (
            false,
            Reply::Says(403, "", LACKING),
            Some(Sort::Refused(403)),
            0,
        ),
    ];
    let mut tasks = tokio::task::JoinSet::new();
    for call in [Call::CheckRun, Call::Comment] {
        for (happens, reply, expected, count) in table {
            tasks.spawn(async move {
                let fault = Fault {
                    on: "POST",
                    happens,
                    reply,
                };
                let fake = Fake::start(vec![fault]);
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
async fn no_second_one_is_made_where_nobody_can_look() {
    // The answer to the POST is lost, and so is each look after it.
    let lost = |on, happens| Fault {
        on,
        happens,
        reply: Reply::Cuts,
    };
    for call in [Call::CheckRun, Call::Comment] {
        let look = Fault {
            on: "GET",
            happens: false,
            reply: Reply::Says(200, "", if call == Call::Comment { "[]" } else { "{}" }),
        };
        let faults = vec![
            look,
            lost("POST", true),
            lost("GET", false),
            lost("GET", false),
        ];
        let fake = Fake::start(faults);
        let result = call.make(&github(&fake.url, BRIEF)).await;
        assert_eq!(
            result.as_ref().err().map(sort),
            Some(Sort::Lost),
            "{result:?}"
        );
        let posts = fake.world(|world| {
            let posts = world
                .asked
                .iter()
                .filter(|request| request.parts().0 == "POST");
            posts.count()
        });
        assert_eq!(posts, 1, "{call:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_understood_is_no_success() {
    for (reply, expected) in [
        (Reply::Page(200), Sort::Odd),
        (
            Reply::Says(200, "", r#"{"ghs_CanaryCanaryCanary0123456789":"x"}"#),
            Sort::Odd,
        ),
        (Reply::Endless(200), Sort::Odd),
        (Reply::Half(200), Sort::Lost),
    ] {
        let fake = Fake::start(vec![
            Fault {
                on: "GET",
                happens: false,
                reply
            };
            3
        ]);
        let github = github(&fake.url, BRIEF);
        let why = github.put_comment(PULL, "gui", "x").await.unwrap_err();
        assert_eq!(sort(&why), expected, "{reply:?} {why:?}");
        assert!(!format!("{why} {why:?}").contains(TOKEN), "{why:?}");
        assert_eq!(fake.world(|world| world.comments.len()), 0, "{why:?}");
    }
    let fake = Fake::start(vec![Fault {
        on: "GET",
        happens: false,
        reply: Reply::Page(200),
    }]);
    let why = github(&fake.url, BRIEF)
        .put_check_run(SHA, &check_run(1))
        .await
        .unwrap_err();
    assert_eq!(sort(&why), Sort::Odd);
}
