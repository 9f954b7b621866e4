//! A worker's records are withheld from the report: never green, and what is missing is named.

use crate::support::{PlanFile, Service, Stage};

const TESTS: [&str; 3] = ["tst_open", "tst_save", "tst_close"];

#[test]
fn a_report_without_a_workers_records_is_incomplete_and_names_what_is_missing() {
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test)
        .on_each(&["OS=Linux", "OS=Windows"])
        .tests("suite_main", TESTS)
        .on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    for system in ["Linux", "Windows"] {
        stage
            .testplan("work")
            .at(&service)
            .on(plan)
            .flags(&format!("--capability OS={system} --out {system}"))
            .run()
            .code_is(0);
    }
    let report = |records: &str, out: &str| {
        stage.testplan("report").flags(&format!(
            "--format json --plan-id {plan} --records {records} --out {out}"
        ))
    };
    let whole = report("Linux/records Windows/records", "whole").run();
    assert_eq!(whole.code_is(0).json()["total"], 6);

    let alone = report("Linux/records", "alone");
    let told = report("Linux/records", "told").at(&service);
    let unheard = "no worker in the given records ran it";
    let withheld = "passed according to the service, but no given record has it";
    for (report, out, reason) in [(alone, "alone", unheard), (told, "told", withheld)] {
        let ended = report.run().code_is(5);
        let said = ended.json();
        for (word, count) in [("total", 6), ("passed", 3), ("missing", 3)] {
            assert_eq!(said[word], count, "{word} {ended}");
        }
        assert_eq!(said["conclusion"], "incomplete");
        let summary = stage.read(&format!("{out}/summary.md"));
        let junit = stage.read(&format!("{out}/junit.xml"));
        let cases: Vec<&str> = junit.split("<testcase ").skip(1).collect();
        assert_eq!(cases.len(), 6, "{junit}");
        for test in TESTS {
            let line = format!("suite_main / {test} (OS=Windows): {reason}");
            assert!(summary.contains(&line), "{line} {summary}");
            let case = format!(r#"name="{test}" classname="suite_main [OS=Windows]""#);
            let case = cases.iter().find(|it| it.starts_with(&case)).unwrap();
            assert!(case.contains(r#"type="missing""#), "{case}");
        }
    }
}
