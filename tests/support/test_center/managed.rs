//! Plans whose scripts Test Center runs itself. An execution is done as soon as it is started; its result comes later.

use std::sync::Arc;

use super::{Shared, State};

/// What a script that Test Center runs comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    Skipped,
    /// It is started, and never heard of again.
    Lost,
    /// It is never started.
    Stuck,
}

/// Runs a plan from beginning to end, one execution after another.
pub(super) async fn run(shared: Arc<Shared>, plan: i64) {
    let executions: Vec<(i64, String)> = {
        let world = shared.world.lock().unwrap();
        let all = world.of_plan(plan);
        all.map(|it| (it.id, it.testcase.clone())).collect()
    };
    tokio::time::sleep(until_planned(&shared, plan)).await;
    for (execution, testcase) in executions {
        let verdict = shared.dialect.verdicts.get(&testcase);
        let verdict = verdict.copied().unwrap_or(Verdict::Passed);
        if verdict == Verdict::Stuck {
            continue;
        }
        let set = |state| {
            let mut world = shared.world.lock().unwrap();
            world.execution(execution).unwrap().state = state;
        };
        set(State::Reserved { until: far() });
        tokio::time::sleep(shared.dialect.pace).await;
        set(State::Done { with_error: false });
        tokio::time::sleep(shared.dialect.pace).await;
        let mut world = shared.world.lock().unwrap();
        let plan = world.plans.iter_mut().find(|it| it.id == plan).unwrap();
        match verdict {
            Verdict::Passed => plan.passes += 1,
            Verdict::Failed => plan.failed += 1,
            Verdict::Skipped => plan.skipped += 1,
            Verdict::Lost | Verdict::Stuck => {}
        }
    }
}

fn until_planned(shared: &Shared, plan: i64) -> std::time::Duration {
    let time = shared.world.lock().unwrap().plan(plan).unwrap().time;
    let left = time.unwrap_or(0) - shared.dialect.time();
    std::time::Duration::from_millis(u64::try_from(left).unwrap_or(0))
}

#[expect(clippy::disallowed_methods, reason = "the clock of the stand-in")]
fn far() -> std::time::Instant {
    std::time::Instant::now() + std::time::Duration::from_secs(24 * 3600)
}
