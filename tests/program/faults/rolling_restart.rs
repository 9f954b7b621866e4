//! Two replicas that are restarted one after the other, as an upgrade does it: no worker and no test notices.

use std::collections::BTreeSet;

use testplan::model::ExecutionState;

use crate::support::{PlanFile, PostgresSchema, Service, Stage};

const TESTS: usize = 300;

#[test]
fn rolling_restart_of_both_replicas_goes_unnoticed() {
    let Some(schema) = PostgresSchema::create() else {
        return;
    };
    let stage = Stage::new();
    // The second half waits, so that both restarts fall into the plan.
    let test = stage.script(
        "test.sh",
        r#"before=$(wc -l < ran 2>/dev/null || echo 0)
           echo "$2" >> ran
           [ "$before" -lt 150 ] || while [ ! -e go ]; do sleep 0.05; done"#,
    );
    PlanFile::run_with(&test).numbered("s", TESTS).on(&stage);
    let serve = || {
        Service::start_with(&stage, |serve| {
            serve.flags("--drain 500ms --database").arg(schema.url())
        })
    };
    let mut replicas = [serve(), serve()];
    let plan = replicas[0].start_plan(&stage);
    let urls = format!("{},{}", replicas[0].url, replicas[1].url);
    let workers = ["one", "two"].map(|out| {
        stage
            .testplan("work")
            .named(out)
            .at_url(&urls, &replicas[0].token_file())
            .on(plan)
            .flags(&format!("--workers 4 --out {out}"))
            .start()
    });
    for (count, replica) in [40, 100].into_iter().zip(&mut replicas) {
        stage.wait_for_lines("ran", count);
        replica.stop_and_restart();
    }
    let ran = stage.lines("ran").len();
    assert!(ran < TESTS, "the plan ended before the restarts");
    stage.write("go", "");
    for worker in workers {
        let ended = worker.end().code_is(0);
        for word in ["WARN", "ERROR", "warning", "error"] {
            assert!(!ended.stderr.contains(word), "{word}: {ended}");
        }
    }
    let ran = stage.lines("ran");
    let each: BTreeSet<_> = ran.iter().collect();
    assert_eq!((ran.len(), each.len()), (TESTS, TESTS));
    let executions = replicas[1].executions(plan);
    assert_eq!(executions.len(), TESTS);
    assert!(
        executions
            .iter()
            .all(|it| it.state == ExecutionState::Done && it.attempts == 1),
        "{executions:?}"
    );
}
