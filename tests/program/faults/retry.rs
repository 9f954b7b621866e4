//! What failed or broke is opened once per re-run, however many ask for it.

use std::collections::BTreeMap;

use crate::support::{PlanFile, Service, Stage, Tap, until};

#[test]
fn each_failure_gets_one_more_try_per_rerun() {
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"echo "$2" >> ran
           tries=$(grep -c "^$2\$" ran)
           case $2 in
             wavers) [ "$tries" -gt 1 ] ;;
             breaks) [ "$tries" -gt 1 ] || exit 42 ;;
             stays) exit 1 ;;
           esac"#,
    );
    PlanFile::run_with(&test)
        .tests("s", ["passes", "wavers", "breaks", "stays"])
        .on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let command = |subcommand: &str| {
        stage
            .testplan(subcommand)
            .at(&service)
            .on(plan)
            .flags("--out out")
    };
    let work = |code: i32| {
        command("work").flags("--workers 1").run().code_is(code);
    };
    let retry = |rerun: u32| command("retry").flags(&format!("--format json --rerun {rerun}"));
    let opened = |rerun: u32| {
        let said = retry(rerun).run().code_is(0).json();
        said["reset"].as_array().unwrap().len()
    };

    work(3);
    // Jobs of one re-run come at the same time; one of them sees the failures and is slow to act.
    let tap = Tap::before(&service);
    tap.hold_back("POST /execution/v1/reset/");
    let slow = stage
        .testplan("retry")
        .named("slow")
        .through(&tap, &service)
        .on(plan)
        .flags("--out out --rerun 1")
        .start();
    until("the slow job to act", || {
        tap.requests().contains("/reset/").then_some(())
    });
    let quick = [retry(1).named("one").start(), retry(1).named("two").start()];
    for caller in quick {
        caller.end().code_is(0);
    }
    let resets = || {
        let kinds = service.events(plan).into_iter().map(|event| event.kind);
        kinds.filter(|kind| kind == "reset").count()
    };
    assert_eq!(resets(), 3, "three did not pass, each is opened once");
    assert_eq!(opened(1), 0, "before they are taken again");
    work(1);
    assert_eq!(opened(1), 0, "one failed again, and had its try");
    tap.let_go();
    slow.end().code_is(0);
    assert_eq!(resets(), 3, "too late is not once more");

    let report = command("report")
        .flags("--format json")
        .run()
        .code_is(1)
        .json();
    for (word, count) in [
        ("total", 4),
        ("passed", 3),
        ("failed", 1),
        ("errors", 0),
        ("flaky", 1),
        ("recovered", 1),
    ] {
        assert_eq!(report[word], count, "{word}");
    }
    assert_eq!(report["broken"].as_array().unwrap().len(), 0);
    let entries = report["executions"].as_array().unwrap();
    let flags: BTreeMap<&str, (bool, bool)> = entries
        .iter()
        .map(|entry| {
            let flag = |name: &str| entry[name].as_bool().unwrap();
            let name = entry["testcase"].as_str().unwrap();
            (name, (flag("flaky"), flag("recovered")))
        })
        .collect();
    assert_eq!(flags["wavers"], (true, false), "failed, then passed");
    assert_eq!(flags["breaks"], (false, true), "a machine's trouble");
    assert_eq!(flags["passes"], (false, false));

    let mut ran = stage.lines("ran");
    ran.sort();
    assert_eq!(
        ran,
        [
            "breaks", "breaks", "passes", "stays", "stays", "wavers", "wavers"
        ]
    );
    assert_eq!(opened(2), 1, "the next re-run gives it another try");
    assert_eq!(resets(), 4);
}
