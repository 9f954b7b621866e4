//! A plan drained by two processes with different capabilities: everything once, each on the right one.

use std::collections::BTreeMap;

use crate::support::{PlanFile, Service, Stage};

#[test]
fn two_workers_run_every_execution_once_where_it_fits() {
    let stage = Stage::new();
    let note = stage.script(
        "note.sh",
        r#"echo "$TESTPLAN_EXECUTION_ID $TESTPLAN_CAPABILITY_OS $2" >> ran"#,
    );
    PlanFile::run_with(&note)
        .on_each(&["OS=Linux", "OS=Windows"])
        .numbered("s", 250)
        .on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);

    let work = |system: &str| {
        stage
            .testplan("work")
            .named(system)
            .at(&service)
            .on(plan)
            .flags(&format!(
                "--workers 2 --capability OS={system} --out {system}"
            ))
            .start()
    };
    let workers = ["Linux", "Windows"].map(work);
    for worker in workers {
        worker.end().code_is(0);
    }

    let ran: Vec<String> = stage.lines("ran");
    let by_execution: BTreeMap<&str, &str> =
        ran.iter().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!((ran.len(), by_execution.len()), (500, 500), "each ran once");
    let executions = service.executions(plan);
    assert_eq!(executions.len(), 500);
    for execution in &executions {
        let ran = by_execution[execution.execution_id.to_string().as_str()];
        let system = &execution.labels[0].value;
        assert_eq!(ran, format!("{system} {}", execution.testcase));
        assert_eq!(execution.attempts, 1);
    }

    let report = stage
        .testplan("report")
        .at(&service)
        .on(plan)
        .flags("--format json --records Linux/records Windows/records --out report")
        .run()
        .code_is(0)
        .json();
    assert_eq!(report["conclusion"], "passed");
    for (word, count) in [
        ("total", 500),
        ("passed", 500),
        ("failed", 0),
        ("skipped", 0),
        ("errors", 0),
        ("missing", 0),
        ("flaky", 0),
        ("recovered", 0),
    ] {
        assert_eq!(report[word], count, "{word}");
    }
    for execution in report["executions"].as_array().unwrap() {
        let attempts = execution["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 1, "{execution}");
        assert_eq!(
            attempts[0]["capabilities"], execution["capabilities"],
            "on the right worker"
        );
    }
    let workers = report["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 4, "{workers:?}");
    for worker in workers {
        assert_eq!(worker["left"], "nothing left for these workers", "{worker}");
    }
    assert_eq!(report["broken"].as_array().unwrap().len(), 0);
}
