//! A disk that is full where the worker writes: no test fails for it, what ran without a record goes back, and what is known is
//! reported somewhere.

use testplan::{
    api::execution_list::ExecutionResponse,
    model::{ExecutionState, TestVerdict},
};

use crate::support::{PlanFile, Service, Stage};

/// No file of the program after `exec` gets larger than 16 KiB: what is beyond fails as on a full disk.
const SMALL_FILES: &str = "trap '' XFSZ; ulimit -f 32; exec \"$@\"";
const TESTS: usize = 60;

#[test]
fn worker_whose_records_have_no_room_gives_its_executions_back() {
    let stage = Stage::new();
    // Its output has no room either, which is nobody's failure.
    let test = stage.script("test.sh", "head -c 50000 /dev/zero | tr '\\0' x");
    PlanFile::run_with(&test).numbered("s", TESTS).on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let full = stage.program("/bin/sh").named("full");
    let work = [
        "-c",
        SMALL_FILES,
        "sh",
        env!("CARGO_BIN_EXE_testplan"),
        "work",
    ];
    let full = full.args(work).at(&service).on(plan);
    let ended = full.flags("--workers 2 --out full").run().code_is(3);
    for word in [
        "the record file cannot be written",
        "make room",
        "could not be written to",
    ] {
        assert!(ended.stderr.contains(word), "{word}: {ended}");
    }
    let all = service.executions(plan);
    let passed = |it: &&ExecutionResponse| it.verdict == Some(TestVerdict::Passed);
    let open = |it: &&ExecutionResponse| it.state == ExecutionState::Open;
    let (passed, open) = (
        all.iter().filter(passed).count(),
        all.iter().filter(open).count(),
    );
    assert!(
        passed > 0 && open > 0 && passed + open == TESTS,
        "{passed} {open}"
    );
    let heir = stage.testplan("work").named("heir").at(&service).on(plan);
    heir.flags("--workers 2 --out heir").run().code_is(0);
    let report = stage.testplan("report").at(&service).on(plan);
    let report = report.flags("--records full heir --out report").run();
    report.code_is(0);
}

#[test]
fn reports_that_have_no_room_are_written_elsewhere() {
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test).numbered("s", 3).on(&stage);
    stage.testplan("run").flags("--out ran").run().code_is(0);
    let temporary = stage.path("temporary");
    std::fs::create_dir(&temporary).unwrap();
    // No file can take the place of this folder.
    std::fs::create_dir_all(stage.path("out/report.html/inside")).unwrap();
    let report = stage.testplan("report").with("TMPDIR", &temporary);
    let ended = report.flags("--records ran --out out").run().code_is(3);
    assert!(ended.stderr.contains("the reports are in"), "{ended}");
    let aside = std::fs::read_dir(&temporary)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut names: Vec<_> = std::fs::read_dir(aside)
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["junit.xml", "report.html", "summary.md"]);
}
