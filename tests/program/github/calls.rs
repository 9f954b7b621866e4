//! Each call against a GitHub with a memory.

use serde_json::{Value, json};
use testplan::ci::github::{CheckConclusion, CheckRun, CheckState, CommitStatus, PublishError};

use super::{
    fake_github::{FakeGitHub, ScriptedFault},
    stage::{BRIEF, PULL, SHA, check_run, github, status},
};
use crate::support::Answer;

#[tokio::test]
async fn check_run_is_created_once_and_then_updated() {
    let fake = FakeGitHub::start(Vec::new());
    let github = github(&fake.url, BRIEF);
    let begun = CheckRun {
        state: CheckState::InProgress,
        ..check_run(0)
    };
    github.put_check_run(SHA, &begun).await.unwrap();
    github.put_check_run(SHA, &check_run(3)).await.unwrap();
    github.put_check_run(SHA, &check_run(3)).await.unwrap();
    let again = CheckRun {
        external_id: "105/77.2".to_owned(),
        state: CheckState::Completed(CheckConclusion::Success),
        ..check_run(0)
    };
    github.put_check_run(SHA, &again).await.unwrap();
    let runs = fake.world(|world| world.check_runs.clone());
    let facts = |run: &Value| {
        let count = &run["output"]["annotations_count"];
        format!("{} {} {count}", run["external_id"], run["conclusion"])
    };
    assert_eq!(
        runs.iter().map(facts).collect::<Vec<_>>(),
        [r#""105/77.1" "failure" 3"#, r#""105/77.2" "success" 0"#]
    );
    let first = fake.requests().swap_remove(0);
    assert_eq!(
        first.line(),
        format!(
            "GET /repos/octo-org/app/commits/{SHA}/check-runs?check_name=gui%20%2F%20nightly%20%26%20more\
             &filter=latest&per_page=100 HTTP/1.1"
        )
    );
    let made = fake.requests().swap_remove(1);
    assert_eq!(
        made.json(),
        json!({
            "name": "gui / nightly & more",
            "external_id": "105/77.1",
            "head_sha": SHA,
            "status": "in_progress",
            "output": { "title": "1 failed", "summary": "| a |" },
        })
    );
}

#[tokio::test]
async fn annotations_arrive_once_and_in_order() {
    for (count, arriving) in [(50, 50), (51, 51), (120, 120), (600, 500)] {
        let fake = FakeGitHub::start(vec![
            // The third fifty arrive, and nobody hears of it.
            ScriptedFault {
                on: "PATCH",
                happens: true,
                answer: Answer::json(200, "{}"),
            },
            ScriptedFault {
                on: "PATCH",
                happens: true,
                answer: Answer::close(),
            },
        ]);
        let github = github(&fake.url, BRIEF);
        github.put_check_run(SHA, &check_run(count)).await.unwrap();
        let (runs, asked) = (
            fake.world(|world| world.check_runs.clone()),
            fake.requests(),
        );
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0]["output"]["annotations_count"], arriving);
        let sent: Vec<u64> = asked
            .iter()
            .filter(|request| !request.body.is_empty())
            .flat_map(|request| {
                let body = request.json();
                let annotations = body["output"]["annotations"].as_array().cloned();
                annotations.unwrap_or_default()
            })
            .map(|annotation| annotation["start_line"].as_u64().unwrap())
            .collect();
        assert_eq!(sent, (1..=arriving).collect::<Vec<u64>>());
    }
}

#[tokio::test]
async fn comment_is_updated_among_hundreds() {
    let fake = FakeGitHub::start(Vec::new());
    let github = github(&fake.url, BRIEF);
    fake.world(|world| {
        // Somebody who would like to have our words.
        world.comment(&json!("<!-- testplan: gui -->\nall is well"), "User");
        for number in 0..230 {
            world.comment(&json!(format!("number {number}")), "User");
        }
    });
    github.put_comment(PULL, "gui", "2 failed").await.unwrap();
    github.put_comment(PULL, "gui", "1 failed").await.unwrap();
    github
        .put_comment(PULL, "gui / nightly", &"é\n".repeat(40_000))
        .await
        .unwrap();
    let comments = fake.world(|world| world.comments.clone());
    assert_eq!(comments.len(), 233);
    assert_eq!(comments[0]["body"], "<!-- testplan: gui -->\nall is well");
    assert_eq!(comments[231]["body"], "<!-- testplan: gui -->\n1 failed");
    let long = comments[232]["body"].as_str().unwrap();
    assert!((64_900..=65_000).contains(&long.len()), "{}", long.len());
}

#[tokio::test]
async fn endless_thread_gets_no_second_comment() {
    let fake = FakeGitHub::start(Vec::new());
    fake.world(|world| (0..2000).for_each(|_| world.comment(&json!("x"), "User")));
    let github = github(&fake.url, BRIEF);
    let result = github.put_comment(PULL, "gui", "1 failed").await;
    assert_eq!(
        result,
        Err(PublishError::TooManyComments { comments: 2000 })
    );
    assert_eq!(fake.world(|world| world.comments.len()), 2000);
}

#[tokio::test]
async fn pull_request_of_a_commit_is_found_at_an_enterprise() {
    let fake = FakeGitHub::start(Vec::new());
    for base in ["", "/", "/api/v3", "/api/v3/"] {
        let github = github(&format!("{}{base}", fake.url), BRIEF);
        assert_eq!(github.pull_request_of(SHA).await, Ok(Some(5)), "{base}");
    }
}

#[tokio::test]
async fn status_is_cut_to_the_limit() {
    let fake = FakeGitHub::start(Vec::new());
    let github = github(&fake.url, BRIEF);
    let status = CommitStatus {
        description: "é".repeat(141),
        ..status()
    };
    github.set_status(SHA, &status).await.unwrap();
    let sent = fake.world(|world| world.statuses.pop()).unwrap();
    assert_eq!(sent["description"], format!("{}…", "é".repeat(139)));
    assert_eq!(sent["state"], "pending");
    let odd = github.set_status("../x", &status).await;
    assert_eq!(odd, Err(PublishError::BadCommit));
}
