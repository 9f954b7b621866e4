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

#[expect(clippy::disallowed_methods, reason = "the clock of the stand-in")]
fn until_planned(shared: &Shared, plan: i64) -> std::time::Duration {
    let time = shared.world.lock().unwrap().plan(plan).unwrap().time;
    let planned = u64::try_from(time.unwrap_or(0)).unwrap_or(0);
    let planned = std::time::UNIX_EPOCH + std::time::Duration::from_millis(planned);
    planned
        .duration_since(std::time::SystemTime::now())
        .unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "the clock of the stand-in")]
fn far() -> std::time::Instant {
    std::time::Instant::now() + std::time::Duration::from_secs(24 * 3600)
}
