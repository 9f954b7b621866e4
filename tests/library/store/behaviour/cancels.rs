//! What people do to plans, leases and servers: cancels, revoked leases, retries, and the list of it.

use std::{
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use testplan::{
    model::{Execution, ExecutionState, Outcome, PlanId, SquishServerChange, TestVerdict},
    store::{
        CancelPlan, CancelledPlan, ChangeListener, Changes, ExecutionFilter, Granted, NewAction,
        RefusalCode, ReportedTest, Reservation, Reset, Revoke, Rules,
    },
};

use crate::store::world::{Fresh, World, refused, request_for, result_of, template, upload};

type Make = fn(Rules) -> Fresh;

const ERROR: &str = "cancelled by Ann: wrong branch";

fn request(plan: PlanId, stop_running: bool) -> CancelPlan {
    CancelPlan {
        plan,
        reason: "wrong\nbranch".to_owned(),
        stop_running,
        principal: "Ann".to_owned(),
    }
}

async fn cancel(world: &World, stop_running: bool) -> (u64, u64) {
    let request = request(world.plan, stop_running);
    let CancelledPlan { open, running, .. } =
        world.store.cancel(request, world.now()).await.unwrap();
    (open, running)
}

async fn revoke(world: &World, of: &Granted) -> Result<(), testplan::store::StoreError> {
    let request = Revoke {
        plan: world.plan,
        execution: of.execution,
        reason: "stuck".to_owned(),
        principal: "Ann".to_owned(),
    };
    world.store.revoke(request, world.now()).await
}

fn error(execution: &Execution) -> Option<&str> {
    match &execution.outcome {
        Some(Outcome::ExecutionError { message, .. }) => Some(message),
        _ => None,
    }
}

/// The errors of all executions, in order.
async fn errors(world: &World) -> Vec<Option<String>> {
    let all = world.executions().await;
    all.iter().map(|it| error(it).map(str::to_owned)).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "an execution may also have none")]
fn cancelled() -> Option<String> {
    Some(ERROR.to_owned())
}

async fn pending(world: &World) -> Option<u64> {
    match world.try_reserve(world.wish("OS=Linux")).await.unwrap() {
        Reservation::NoExecution { pending } => Some(pending),
        Reservation::NoServer { .. } | Reservation::Granted(_) => None,
    }
}

/// What the overview of the plan says about its cancel.
async fn headline(world: &World) -> Option<String> {
    let detail = world.store.plan_detail(world.plan, world.now()).await;
    let of_page = detail.unwrap().overview.cancelled;
    let listed = world.store.recent_plans(None, 10, world.now()).await;
    let mut listed = listed.unwrap().items.into_iter();
    let listed = listed.find(|it| it.plan.id == world.plan).unwrap();
    assert_eq!(listed.cancelled, of_page);
    of_page
}

pub(crate) async fn cancelled_plan_hands_nothing_out(make: Make) {
    let world = World::new(make, &["", "OS=Linux", "OS=mac"]).await;
    assert_eq!(headline(&world).await, None);
    assert_eq!(cancel(&world, false).await, (3, 0));
    assert_eq!(world.counts().await, (0, 0, 3));
    assert_eq!(pending(&world).await, Some(0), "workers leave");
    assert_eq!(
        errors(&world).await,
        [cancelled(), cancelled(), cancelled()]
    );
    assert_eq!(headline(&world).await, cancelled());
    let events = world.store.events(world.plan, 0, 10, world.now()).await;
    let events = events.unwrap().items;
    assert_eq!(events[0].kind, "plan-cancelled");
    assert_eq!(
        (events[0].execution.0, events[0].principal.as_str()),
        (0, "Ann")
    );
    assert_eq!(
        events[0].detail,
        r#"{"open":3,"reason":"wrong branch","running":0,"stop_running":false}"#
    );
    assert!(
        events[1..]
            .iter()
            .all(|it| it.kind == "cancelled" && it.detail == ERROR)
    );
    let notable = world
        .store
        .notable_events(world.plan, 10, world.now())
        .await;
    assert_eq!(
        notable.unwrap().len(),
        1,
        "the plan's event stands for the others"
    );
    let filter = ExecutionFilter::CouldNotRun;
    let listed = world
        .store
        .filtered_executions(world.plan, filter, 0, 10, world.now());
    assert_eq!(listed.await.unwrap().items.len(), 3);
}

pub(crate) async fn running_test_of_a_cancelled_plan_finishes_and_counts(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let granted = world.take().await;
    assert_eq!(cancel(&world, false).await, (1, 1));
    assert_eq!(world.counts().await, (0, 1, 1));
    world.beat(&granted, 10_000).await.unwrap();
    world.pass_it(&granted).await.unwrap();
    assert_eq!(world.counts().await, (0, 0, 2));
    assert_eq!(errors(&world).await, [None, cancelled()]);
    let plan = world.store.plan(world.plan, world.now()).await.unwrap();
    assert_eq!((plan.passes, plan.failed), (1, 0));
}

pub(crate) async fn lease_that_ends_after_a_cancel_ends_its_execution(make: Make) {
    for how in ["release", "expiry", "revoke"] {
        let world = World::new(make, &[""]).await;
        let granted = world.take().await;
        cancel(&world, false).await;
        match how {
            "release" => world.release(&granted).await.unwrap(),
            "expiry" => {
                world.pass(10_000);
                world.store.sweep(world.now()).await.unwrap();
            }
            _ => revoke(&world, &granted).await.unwrap(),
        }
        assert_eq!(world.counts().await, (0, 0, 1), "{how}");
        assert_eq!(pending(&world).await, Some(0), "{how}");
        assert_eq!(errors(&world).await, [cancelled()], "{how}");
        assert_eq!(world.history().await.last().unwrap(), "cancelled", "{how}");
        assert_eq!(
            refused(world.pass_it(&granted).await),
            RefusalCode::ResultNotCounted,
            "{how}"
        );
    }
}

pub(crate) async fn stopped_test_is_refused_and_its_result_does_not_count(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let granted = world.take().await;
    assert_eq!(cancel(&world, true).await, (1, 1));
    assert_eq!(world.counts().await, (0, 0, 2));
    let beat = world.beat(&granted, 10_000).await;
    assert!(
        beat.as_ref()
            .unwrap_err()
            .to_string()
            .contains("it was cancelled by Ann: wrong branch"),
        "{beat:?}"
    );
    assert_eq!(refused(beat), RefusalCode::ReservationLost);
    assert_eq!(
        refused(world.fail_it(&granted).await),
        RefusalCode::ResultNotCounted
    );
    assert_eq!(errors(&world).await, [cancelled(), cancelled()]);
    assert_eq!(world.history().await.last().unwrap(), "late-result");
    let plan = world.store.plan(world.plan, world.now()).await.unwrap();
    assert_eq!((plan.passes, plan.failed), (0, 0));
}

pub(crate) async fn stopped_squish_server_cools_down(make: Make) {
    let world = World::new(make, &[""]).await;
    world.squish_server(4322, "OS=Linux").await;
    world.reserve(world.wish_with_server()).await;
    cancel(&world, true).await;
    let servers = world.store.squish_servers(world.now()).await.unwrap();
    assert_eq!(servers[0].busy_with, None);
    assert!(servers[0].cooling.is_some(), "its worker does not know yet");
    world.pass(10_000);
    let servers = world.store.squish_servers(world.now()).await.unwrap();
    assert!(servers[0].cooling.is_none());
}

pub(crate) async fn expired_executions_are_cancelled_too(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let granted = world.take().await;
    world.pass(10_000);
    assert_eq!(cancel(&world, false).await, (2, 0));
    assert_eq!(world.counts().await, (0, 0, 2));
    assert_eq!(
        refused(world.beat(&granted, 10_000).await),
        RefusalCode::ReservationLost
    );
}

pub(crate) async fn reset_execution_of_a_cancelled_plan_runs_again(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let kept = world.take().await;
    cancel(&world, false).await;
    let all = world.executions().await;
    world.reset(all[1].id, Some(0)).await.unwrap();
    assert_eq!(world.counts().await, (1, 1, 0));
    assert_eq!(
        headline(&world).await,
        None,
        "no execution is as the cancel left it"
    );
    let again = world.take().await;
    assert_eq!(again.execution, all[1].id);
    world.release(&again).await.unwrap();
    assert_eq!(world.counts().await, (1, 1, 0), "it opens as any other");
    let again = world.take().await;
    world.pass_it(&again).await.unwrap();
    world.release(&kept).await.unwrap();
    assert_eq!(
        world.counts().await,
        (0, 0, 2),
        "the first one is cancelled still"
    );
    assert_eq!(headline(&world).await, cancelled());
}

pub(crate) async fn second_cancel_changes_only_what_is_left(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let granted = world.take().await;
    assert_eq!(cancel(&world, false).await, (1, 1));
    let before = world.history().await;
    assert_eq!(cancel(&world, false).await, (0, 1));
    assert_eq!(world.history().await, before, "nothing was left to cancel");
    assert_eq!(cancel(&world, true).await, (0, 1), "now stopped");
    assert_eq!(world.counts().await, (0, 0, 2));
    assert_eq!(
        refused(world.beat(&granted, 10_000).await),
        RefusalCode::ReservationLost
    );
    let added = &world.history().await[before.len()..];
    assert_eq!(added, ["plan-cancelled", "cancelled"]);
}

pub(crate) async fn cancel_after_the_end_changes_nothing(make: Make) {
    let world = World::new(make, &[""]).await;
    let granted = world.take().await;
    world.fail_it(&granted).await.unwrap();
    for stop in [false, true] {
        assert_eq!(cancel(&world, stop).await, (0, 0));
    }
    assert_eq!(world.history().await, ["reserved", "finished"]);
    assert_eq!(headline(&world).await, None);
    let actions = world.store.actions(None, 10, world.now()).await.unwrap();
    assert!(actions.items.is_empty(), "{actions:?}");
}

pub(crate) async fn import_gives_no_verdict_to_cancelled_executions(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let granted = world.take().await;
    world.finish(result_of(&granted, None)).await.unwrap();
    cancel(&world, false).await;
    // An upload that was under way when the plan was cancelled.
    let result = testplan::model::TestResult {
        verdict: TestVerdict::Passed,
        duration_ms: 7,
        flaky: false,
    };
    let tests = ["t1", "t2"].map(|testcase| ReportedTest {
        test: testplan::model::Test {
            suite: "suite".to_owned(),
            testcase: testcase.to_owned(),
        },
        result,
    });
    let mut import = upload("folder");
    import.tests = tests.to_vec();
    world.store.import(import, world.now()).await.unwrap();
    let plan = world.store.plan(world.plan, world.now()).await.unwrap();
    assert_eq!(plan.passes, 1, "of the one that had run");
    assert_eq!(world.counts().await, (0, 0, 2));
    assert_eq!(errors(&world).await, [None, cancelled()]);
}

/// More executions than one transaction ends.
const MANY: usize = 1_050;

pub(crate) async fn large_plan_is_cancelled_in_several_transactions(make: Make) {
    let world = World::new(make, &vec![""; MANY]).await;
    let granted = world.take().await;
    assert_eq!(cancel(&world, true).await, (MANY as u64 - 1, 1));
    assert_eq!(world.counts().await, (0, 0, MANY as u64));
    assert_eq!(
        refused(world.beat(&granted, 10_000).await),
        RefusalCode::ReservationLost
    );
    world.reset(granted.execution, None).await.unwrap();
    assert_eq!(world.counts().await, (1, 0, MANY as u64 - 1));
}

pub(crate) async fn cancel_goes_on_with_a_sweep(make: Make) {
    let world = World::new(make, &vec![""; MANY]).await;
    {
        // The caller is gone after the first transaction.
        let mut left = world.store.cancel(request(world.plan, false), world.now());
        assert!(futures_util::poll!(&mut left).is_pending());
    }
    // A store may take other requests before the first transaction.
    let mut looks = 0;
    while world.counts().await.0 == MANY as u64 {
        looks += 1;
        assert!(looks < 2_000, "the cancel does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(world.counts().await.0, MANY as u64 - 1_000);
    assert_eq!(pending(&world).await, Some(0), "nothing is handed out");
    let ended = world.executions().await;
    let ended = ended.iter().find(|it| it.state == ExecutionState::Done);
    let ended = ended.expect("some have ended").id;
    assert_eq!(
        refused(world.reset(ended, None).await),
        RefusalCode::InProgress
    );
    assert_eq!(headline(&world).await, cancelled());
    world.store.sweep(world.now()).await.unwrap();
    assert_eq!(world.counts().await, (0, 0, MANY as u64));
    world.reset(ended, None).await.unwrap();
    world.take().await;
}

pub(crate) async fn cancel_of_a_template_is_refused(make: Make) {
    let world = World::new(make, &[""]).await;
    let ids = world
        .store
        .publish(vec![template("other", &[""])], world.now())
        .await
        .unwrap();
    let of_template = world.store.cancel(request(ids[0], false), world.now());
    assert_eq!(refused(of_template.await), RefusalCode::Malformed);
    let unknown = world
        .store
        .cancel(request(PlanId(9_999), false), world.now());
    assert_eq!(refused(unknown.await), RefusalCode::Unknown);
    world.execute(request_for(ids[0])).await.unwrap();
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<Changes>>);

impl ChangeListener for Heard {
    fn changed(&self, changes: &Changes) {
        self.0.lock().unwrap().push(changes.clone());
    }
}

pub(crate) async fn cancel_wakes_waiting_workers(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let heard = Arc::new(Heard::default());
    let listener: Weak<Heard> = Arc::downgrade(&heard);
    world.store.listen(listener);
    cancel(&world, false).await;
    let heard = heard.0.lock().unwrap();
    let drained = heard.iter().filter_map(|it| it.plans.get(&world.plan));
    assert_eq!(
        drained.map(|it| it.drained.len()).sum::<usize>(),
        1,
        "{heard:?}"
    );
}

pub(crate) async fn revoked_lease_opens_the_execution_uncounted(make: Make) {
    let rules = Rules {
        max_expiries: 1,
        ..Rules::default()
    };
    let world = World::with(make, rules, &[""]).await;
    world.squish_server(4322, "OS=Linux").await;
    for _ in 0..3 {
        let granted = world.reserve(world.wish_with_server()).await;
        revoke(&world, &granted).await.unwrap();
        assert_eq!(world.counts().await, (1, 0, 0));
        let beat = world.beat(&granted, 10_000).await;
        assert_eq!(refused(beat), RefusalCode::ReservationLost);
        let late = world.pass_it(&granted).await;
        assert_eq!(refused(late), RefusalCode::ResultNotCounted);
        assert_eq!(
            refused(world.release(&granted).await),
            RefusalCode::ReservationLost
        );
        let early = world.try_reserve(world.wish_with_server()).await.unwrap();
        assert_eq!(
            early,
            Reservation::NoServer { pending: 1 },
            "the server rests"
        );
        world.pass(10_000);
    }
    let events = world.store.events(world.plan, 0, 2, world.now()).await;
    let revoked = events.unwrap().items.pop().unwrap();
    assert_eq!(
        (
            revoked.kind.as_str(),
            revoked.principal.as_str(),
            revoked.detail.as_str()
        ),
        ("revoked", "Ann", "stuck")
    );
    let granted = world.reserve(world.wish_with_server()).await;
    world.pass_it(&granted).await.unwrap();
}

pub(crate) async fn revoke_without_a_lease_is_refused(make: Make) {
    let world = World::new(make, &["", ""]).await;
    let granted = world.take().await;
    world.release(&granted).await.unwrap();
    assert_eq!(
        refused(revoke(&world, &granted).await),
        RefusalCode::NotReserved
    );
    let granted = world.take().await;
    world.pass(10_000);
    assert_eq!(
        refused(revoke(&world, &granted).await),
        RefusalCode::NotReserved,
        "expired"
    );
    let granted = world.take().await;
    world.pass_it(&granted).await.unwrap();
    assert_eq!(
        refused(revoke(&world, &granted).await),
        RefusalCode::NotReserved,
        "done"
    );
    let elsewhere = world.take_from_another_plan().await;
    assert_eq!(
        refused(revoke(&world, &elsewhere).await),
        RefusalCode::Unknown
    );
}

pub(crate) async fn several_executions_are_reset_at_once(make: Make) {
    let world = World::new(make, &["", "", ""]).await;
    let failed = world.take().await;
    world.fail_it(&failed).await.unwrap();
    let passed = world.take().await;
    world.pass_it(&passed).await.unwrap();
    let entries = [failed.execution, passed.execution].map(|execution| Reset {
        execution,
        generation: Some(0),
        principal: "Ann".to_owned(),
    });
    let answers = world
        .store
        .reset_many(world.plan, entries.to_vec(), world.now())
        .await
        .unwrap();
    assert!(answers[0].is_ok());
    assert_eq!(
        answers[1].as_ref().unwrap_err().code,
        RefusalCode::NotFailed
    );
    assert_eq!(world.counts().await, (2, 0, 1));
}

pub(crate) async fn disabling_a_server_keeps_who_and_why(make: Make) {
    let world = World::new(make, &[""]).await;
    let server = world.squish_server(4322, "OS=Linux").await;
    let switch = |enabled: bool, reason: &str| SquishServerChange {
        enabled: Some(enabled),
        reason: reason.to_owned(),
        by: "Ann".to_owned(),
        ..SquishServerChange::default()
    };
    let change = |change| {
        world
            .store
            .change_squish_server(server.id, change, world.now())
    };
    let off = change(switch(false, "new\ndisk")).await.unwrap();
    assert_eq!(
        (off.enabled, off.note.as_str()),
        (false, "by Ann: new disk")
    );
    let same = change(switch(false, "")).await.unwrap();
    assert_eq!(same.note, "by Ann: new disk", "it was disabled before");
    let on = change(switch(true, "")).await.unwrap();
    assert_eq!((on.enabled, on.note.as_str()), (true, "by Ann"));
    let actions = world.store.actions(None, 10, world.now()).await.unwrap();
    let actions = actions.items.iter().map(|it| &it.action);
    let words: Vec<_> = actions
        .map(|it| (it.action.as_str(), it.detail.as_str()))
        .collect();
    assert_eq!(words, [("enable", ""), ("disable", "new disk")]);
}

pub(crate) async fn actions_are_listed_newest_first(make: Make) {
    let world = World::new(make, &[""]).await;
    for number in 0..5 {
        let action = NewAction {
            principal: "Ann".to_owned(),
            action: "retry".to_owned(),
            subject: format!("plan {number}"),
            detail: String::new(),
        };
        world
            .store
            .record_action(action, world.now())
            .await
            .unwrap();
        world.pass(1_000);
    }
    let mut before = None;
    let mut found = Vec::new();
    loop {
        let page = world.store.actions(before, 2, world.now()).await.unwrap();
        found.extend(page.items);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let subjects: Vec<&str> = found.iter().map(|it| it.action.subject.as_str()).collect();
    assert_eq!(subjects, ["plan 4", "plan 3", "plan 2", "plan 1", "plan 0"]);
    assert_eq!(found[0].at.since(found[4].at), Duration::from_secs(4));
}
