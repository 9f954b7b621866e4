//! Results and resets.

use testplan::{
    model::{ExecutionId, ExecutionState, LeaseToken, Outcome, TestResult, TestVerdict},
    store::{Event, Finish, Granted, RefusalCode, Reset, Rules},
};

use crate::store::world::{Fresh, World, refused, result_of, said};

type Make = fn(Rules) -> Fresh;

fn error(of: &Granted, message: &str, details: &str) -> Finish {
    Finish {
        message: message.to_owned(),
        details: details.to_owned(),
        ..result_of(of, None)
    }
}

async fn events(world: &World) -> Vec<Event> {
    let page = world.store.events(world.plan, 0, 1_000, world.now());
    page.await.unwrap().items
}

pub(crate) async fn repeated_finish_counts_once(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    for _ in 0..3 {
        world.pass_it(&granted).await.unwrap();
        world.pass(60_000);
    }
    assert_eq!(world.counts().await, (0, 0, 1));
    let done = &world.executions().await[0];
    assert_eq!(done.state, ExecutionState::Done);
    let result = said(TestVerdict::Passed, 5);
    assert_eq!(done.outcome, Some(Outcome::Completed { result }));
    assert_eq!(done.duration_ms, Some(5));
    assert_eq!(world.history().await, ["reserved", "finished"]);
}

pub(crate) async fn finish_with_another_payload_is_refused(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    world.pass_it(&granted).await.unwrap();
    assert_eq!(
        refused(world.fail_it(&granted).await),
        RefusalCode::OtherResult
    );
    let other = error(&granted, "broke", "");
    assert_eq!(refused(world.finish(other).await), RefusalCode::OtherResult);
    let kept = events(&world).await;
    assert!(kept.last().unwrap().detail.contains("broke"), "{kept:?}");
    assert_eq!(kept.last().unwrap().kind, "other-result");
    let plan = world.store.plan(world.plan, world.now()).await.unwrap();
    assert_eq!((plan.passes, plan.failed), (1, 0));
}

pub(crate) async fn finish_counts_until_another_worker_reserves(make: Make) {
    for (pass, swept) in [
        (9_999, false),
        (10_000, false),
        (10_000, true),
        (600_000, true),
    ] {
        let world = World::new(make, &[""]).await;
        let granted = world.take().await;
        world.pass(pass);
        if swept {
            world.store.sweep(world.now()).await.unwrap();
        }
        world.pass_it(&granted).await.unwrap();
        assert_eq!(world.counts().await, (0, 0, 1));
    }
}

pub(crate) async fn finish_of_a_lost_lease_is_only_kept_in_the_history(make: Make) {
    let world = World::new(make, &[""]).await;
    let lost = world.take().await;
    world.pass(10_000);
    let second = world.take().await;
    let late = error(&lost, "late words", "");
    assert_eq!(
        refused(world.finish(late.clone()).await),
        RefusalCode::ResultNotCounted
    );
    assert_eq!(world.counts().await, (0, 1, 0));
    world.pass(10_000);
    assert_eq!(
        refused(world.finish(late.clone()).await),
        RefusalCode::ResultNotCounted
    );
    world.pass_it(&second).await.unwrap();
    assert_eq!(
        refused(world.finish(late).await),
        RefusalCode::ResultNotCounted
    );
    let kept: Vec<_> = events(&world)
        .await
        .into_iter()
        .filter(|e| e.kind == "late-result")
        .collect();
    assert_eq!((kept.len(), kept[0].attempt), (3, 1));
    assert!(kept[0].detail.contains("late words"));
}

pub(crate) async fn finish_after_reset_or_release_is_not_counted(make: Make) {
    let world = World::new(make, &[""]).await;
    let first = world.take().await;
    world.release(&first).await.unwrap();
    assert_eq!(
        refused(world.pass_it(&first).await),
        RefusalCode::ResultNotCounted
    );
    let second = world.take().await;
    world.fail_it(&second).await.unwrap();
    world.reset(second.execution, None).await.unwrap();
    assert_eq!(
        refused(world.fail_it(&second).await),
        RefusalCode::ResultNotCounted
    );
    assert_eq!(world.counts().await, (1, 0, 0));
}

pub(crate) async fn finish_by_others_is_refused(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let (first, second) = (world.take().await, world.take().await);
    let finish = |lease: &LeaseToken, principal: &str| Finish {
        lease: Some(lease.clone()),
        principal: principal.to_owned(),
        ..result_of(&first, None)
    };
    for (finish, code) in [
        (
            finish(&second.lease, "alice"),
            RefusalCode::ResultNotCounted,
        ),
        (
            finish(&LeaseToken::new("1.x"), "alice"),
            RefusalCode::ResultNotCounted,
        ),
        (finish(&first.lease, "bob"), RefusalCode::CannotFinish),
    ] {
        assert_eq!(refused(world.finish(finish).await), code);
    }
    let mut unknown = result_of(&first, None);
    unknown.execution = ExecutionId(9_999);
    assert_eq!(refused(world.finish(unknown).await), RefusalCode::Unknown);
    assert_eq!(world.counts().await, (0, 2, 0));
}

pub(crate) async fn finish_without_lease_is_checked_by_principal(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let id = world.executions().await[0].id;
    let finish = |message: &str, principal: &str| Finish {
        execution: id,
        lease: None,
        message: message.to_owned(),
        details: String::new(),
        result: None,
        server_trouble: None,
        principal: principal.to_owned(),
        failure: String::new(),
    };
    let refusal = |f| async { refused(world.finish(f).await) };
    assert_eq!(
        refusal(finish("", "alice")).await,
        RefusalCode::CannotFinish,
        "never reserved"
    );
    assert_eq!(
        refusal(finish("", "")).await,
        RefusalCode::CannotFinish,
        "never reserved"
    );
    world.take().await;
    assert_eq!(refusal(finish("", "bob")).await, RefusalCode::CannotFinish);
    world.pass(10_000);
    world.finish(finish("", "alice")).await.unwrap();
    world.finish(finish("", "alice")).await.unwrap();
    assert_eq!(
        refusal(finish("x", "alice")).await,
        RefusalCode::CannotFinish
    );
    assert_eq!(refusal(finish("", "bob")).await, RefusalCode::CannotFinish);
    let done = &world.executions().await[0];
    assert_eq!(done.outcome, Some(Outcome::Completed { result: None }));
    let plan = world.store.plan(world.plan, world.now()).await.unwrap();
    assert_eq!(
        (plan.passes, plan.failed, plan.skipped),
        (0, 0, 0),
        "an unknown verdict"
    );
}

pub(crate) async fn finish_with_a_message_is_an_execution_error(make: Make) {
    let world = World::new(make, &["", ""]).await;
    for (message, details) in [("no display", "DISPLAY is empty"), ("", "only details")] {
        let granted = world.take().await;
        let mut finish = error(&granted, message, details);
        finish.result = said(TestVerdict::Passed, 1);
        world.finish(finish).await.unwrap();
        let expected = Outcome::ExecutionError {
            message: message.to_owned(),
            details: details.to_owned(),
        };
        let list = world.executions().await;
        let done = list.iter().find(|e| e.id == granted.execution).unwrap();
        assert_eq!(done.outcome, Some(expected));
    }
    let plan = world.store.plan(world.plan, world.now()).await.unwrap();
    assert_eq!(plan.passes, 0, "what could not run did not pass");
}

pub(crate) async fn long_texts_are_cut(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    let finish = error(&granted, &"ä".repeat(5_000), &"€\0".repeat(30_000));
    world.finish(finish.clone()).await.unwrap();
    world.finish(finish).await.unwrap();
    match world.executions().await[0].outcome.clone().unwrap() {
        Outcome::ExecutionError { message, details } => {
            assert_eq!(message, "ä".repeat(4_096));
            assert!(details.starts_with("€\u{fffd}€") && !details.contains('\0'));
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn late_results_are_bounded(make: Make) {
    let world = World::new(make, &[""]).await;
    let lost = world.take().await;
    world.pass(10_000);
    world.take().await;
    for number in 0..40 {
        let late = error(&lost, &number.to_string(), "");
        assert_eq!(
            refused(world.finish(late).await),
            RefusalCode::ResultNotCounted
        );
    }
    let kept = world
        .history()
        .await
        .into_iter()
        .filter(|k| k == "late-result")
        .count();
    assert_eq!(kept, 16);
}

pub(crate) async fn verdicts_update_the_counts_of_the_plan(make: Make) {
    let world = World::new(make, &["OS=Linux", "", "", ""]).await;
    for verdict in [
        TestVerdict::Failed,
        TestVerdict::Passed,
        TestVerdict::Skipped,
        TestVerdict::Passed,
    ] {
        let granted = world.take().await;
        world
            .finish(result_of(&granted, said(verdict, 1)))
            .await
            .unwrap();
    }
    let totals = async || {
        let plan = world.store.plan(world.plan, world.now()).await.unwrap();
        (plan.passes, plan.failed, plan.skipped, plan.count)
    };
    assert_eq!(totals().await, (2, 1, 1, 4));
    world
        .reset(world.executions().await[0].id, None)
        .await
        .unwrap();
    assert_eq!(totals().await, (2, 0, 1, 4));
}

/// Why a test failed belongs to no other end, and makes no other result of it.
pub(crate) async fn failed_test_keeps_why(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let result = |verdict| {
        Some(TestResult {
            verdict,
            duration_ms: 1,
            flaky: false,
        })
    };
    let failure_of = async |id| {
        let list = world.executions().await;
        let found = list.into_iter().find(|it| it.id == id).unwrap();
        (found.failure, found.outcome)
    };
    for (verdict, kept) in [
        (TestVerdict::Failed, Some("expected 3, got 4".to_owned())),
        (TestVerdict::Passed, None),
    ] {
        let granted = world.take().await;
        let finish = Finish {
            failure: "expected 3, got 4".to_owned(),
            ..result_of(&granted, result(verdict))
        };
        world.finish(finish.clone()).await.unwrap();
        let other_words = Finish {
            failure: "other words".to_owned(),
            ..finish
        };
        world.finish(other_words).await.expect("a repetition");
        let outcome = Outcome::Completed {
            result: result(verdict),
        };
        assert_eq!(failure_of(granted.execution).await, (kept, Some(outcome)));
    }
    let failed = world.executions().await;
    let failed = failed.iter().find(|it| it.failure.is_some()).unwrap().id;
    world.reset(failed, None).await.unwrap();
    assert_eq!(failure_of(failed).await, (None, None));
}

pub(crate) async fn reset_opens_only_failures(make: Make) {
    let world = World::new(make, &["", "", "", "", ""]).await;
    let verdict = |v| {
        Some(TestResult {
            verdict: v,
            duration_ms: 1,
            flaky: true,
        })
    };
    let cases = [
        (verdict(TestVerdict::Failed), "", true),
        (None, "broke", true),
        (verdict(TestVerdict::Passed), "", false),
        (verdict(TestVerdict::Skipped), "", false),
        (None, "", false),
    ];
    for (result, message, resets) in cases {
        let granted = world.take().await;
        let finish = Finish {
            message: message.to_owned(),
            ..result_of(&granted, result)
        };
        world.finish(finish).await.unwrap();
        let answer = world.reset(granted.execution, None).await;
        if resets {
            answer.unwrap();
            let list = world.executions().await;
            let open = list.iter().find(|e| e.id == granted.execution).unwrap();
            assert_eq!((open.state, open.generation), (ExecutionState::Open, 1));
            assert_eq!((&open.outcome, open.attempts), (&None, 1));
            let last = events(&world).await.pop().unwrap();
            assert_eq!(last.kind, "reset");
            assert!(last.detail.contains(if message.is_empty() {
                "failed"
            } else {
                message
            }));
            world.pass_it(&world.take().await).await.unwrap();
        } else {
            assert_eq!(refused(answer), RefusalCode::NotFailed);
        }
    }
    assert_eq!(world.counts().await, (0, 0, 5));
    assert_eq!(
        refused(world.reset(ExecutionId(9_999), None).await),
        RefusalCode::Unknown
    );
}

pub(crate) async fn reset_can_be_repeated(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    world.fail_it(&granted).await.unwrap();
    world.reset(granted.execution, None).await.unwrap();
    world.reset(granted.execution, None).await.unwrap();
    assert_eq!(world.executions().await[0].generation, 1);
    let second = world.take().await;
    world.release(&second).await.unwrap();
    let late = world.reset(granted.execution, None).await;
    assert_eq!(refused(late), RefusalCode::NotFailed, "reserved since");
}

pub(crate) async fn reset_of_a_generation_counts_once(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    world.fail_it(&granted).await.unwrap();
    let id = granted.execution;
    world.reset(id, Some(0)).await.unwrap();
    let second = world.take().await;
    world.reset(id, Some(0)).await.unwrap();
    world.fail_it(&second).await.unwrap();
    world.reset(id, Some(0)).await.unwrap();
    assert_eq!(
        world.counts().await,
        (0, 0, 1),
        "the second failure is not of generation 0"
    );
    assert_eq!(
        refused(world.reset(id, Some(2)).await),
        RefusalCode::Malformed
    );
    world.reset(id, Some(1)).await.unwrap();
    assert_eq!(world.executions().await[0].generation, 2);
}

pub(crate) async fn reset_of_open_and_reserved_is_refused(make: Make) {
    let world = World::new(make, &[""]).await;
    let id = world.executions().await[0].id;
    assert_eq!(refused(world.reset(id, None).await), RefusalCode::NotFailed);
    world.take().await;
    world.pass(9_999);
    assert_eq!(
        refused(world.reset(id, None).await),
        RefusalCode::InProgress
    );
    world.pass(1);
    assert_eq!(
        refused(world.reset(id, None).await),
        RefusalCode::NotFailed,
        "effectively open"
    );
}

pub(crate) async fn history_is_complete(make: Make) {
    let world = World::new(make, &[""]).await;
    let first = world.take().await;
    world.beat(&first, 10_500).await.unwrap();
    world.beat(&first, 60_000).await.unwrap();
    world.pass(60_000);
    let second = world.take().await;
    world.release(&second).await.unwrap();
    let third = world.take().await;
    world.fail_it(&third).await.unwrap();
    let reset = Reset {
        execution: third.execution,
        generation: None,
        principal: "bob".to_owned(),
    };
    world.store.reset(reset, world.now()).await.unwrap();
    let told: Vec<_> = events(&world)
        .await
        .into_iter()
        .map(|e| (e.kind, e.attempt, e.principal))
        .collect();
    let expected = [
        ("reserved", 1, "alice"),
        ("heartbeat", 1, "alice"),
        ("expired", 1, "alice"),
        ("reserved", 2, "alice"),
        ("released", 2, "alice"),
        ("reserved", 3, "alice"),
        ("finished", 3, "alice"),
        ("reset", 3, "bob"),
    ];
    assert_eq!(
        told,
        expected.map(|(k, n, p)| (k.to_owned(), n, p.to_owned()))
    );
}
