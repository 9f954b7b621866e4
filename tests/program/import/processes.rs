//! Uploads by real processes: as large as they come with flat memory, killed in the middle, left over and made good.

use std::path::{Path, PathBuf};

use testplan::{api::import::ImportResponse, model::record::RecordEvent};

use super::large_files::{LONG, large, large_zip, peak};
use crate::support::{PlanFile, Process, Records, Service, Stage, until, until_within};

/// An upload that can be met in its middle.
const MIDDLING: u64 = 192 * 1024 * 1024;

/// Most that a process may ever have held, in KiB: twice what they do, and less than the smallest large upload.
const FLAT: u64 = 60 * 1024;

fn imports(service: &Service) -> Vec<ImportResponse> {
    service.list("/testplan/v1/imports")
}

fn kept(stage: &Stage) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(stage.path("data/imports")) else {
        return Vec::new();
    };
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Bytes of the file that arrives, or arrived.
fn arrived(stage: &Stage) -> u64 {
    let files = kept(stage).into_iter().flat_map(|folder| {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
    });
    files.sum()
}

fn upload(stage: &Stage, service: &Service, file: &Path) -> Process {
    stage
        .testplan("upload")
        .at(service)
        .arg(file)
        .flags("--project p --batch b --label OS=Linux --patience 40s --format json")
        .start()
}

#[test]
fn a_large_zip_goes_through_two_processes_with_flat_memory() {
    let stage = Stage::new();
    PlanFile::run_with(&stage.script("true.sh", "true"))
        .numbered("s", 1)
        .on(&stage);
    let file = large_zip(&stage, large());
    let service = Service::start(&stage);
    let mut process = upload(&stage, &service, &file);
    let mut most = 0;
    until_within(LONG, "the end of the upload", || {
        most = most.max(peak(process.pid()).unwrap_or(0));
        process.has_ended().then_some(())
    });
    let told = process.end().code_is(0).json();
    let length = file.metadata().unwrap().len();
    assert_eq!(told["uploads"][0]["bytes"], length);
    assert_eq!(told["uploads"][0]["import"]["cases"], 2);
    assert_eq!(arrived(&stage), length);
    let held = peak(service.process().pid()).unwrap();
    assert!(most > 0 && most < FLAT, "the client held {most} KiB");
    assert!(held < FLAT, "the service held {held} KiB");
}

#[test]
fn a_service_killed_in_the_middle_counts_no_half_import_and_gets_it_once_after() {
    let stage = Stage::new();
    PlanFile::run_with(&stage.script("true.sh", "true"))
        .numbered("s", 1)
        .on(&stage);
    let file = large_zip(&stage, MIDDLING);
    let mut service = Service::start(&stage);
    let process = upload(&stage, &service, &file);
    until("an upload that has begun", || {
        (arrived(&stage) > 1024 * 1024).then_some(())
    });
    service.kill();
    service.restart();
    let ended = process.end();
    let known = imports(&service);
    // Killed too late on a quick machine, it had got in, and is known by its key.
    ended.code_is(0);
    assert_eq!(known.len(), 1);
    assert_eq!(kept(&stage).len(), 1, "nothing is left of the first try");
    assert_eq!(arrived(&stage), file.metadata().unwrap().len());
}

#[test]
fn a_client_killed_in_the_middle_leaves_nothing() {
    let stage = Stage::new();
    PlanFile::run_with(&stage.script("true.sh", "true"))
        .numbered("s", 1)
        .on(&stage);
    let file = large_zip(&stage, MIDDLING);
    let service = Service::start(&stage);
    let mut process = upload(&stage, &service, &file);
    until("an upload that has begun", || {
        (arrived(&stage) > 1024 * 1024).then_some(())
    });
    process.kill();
    until("the service to notice", || {
        let left = kept(&stage).len();
        (left == imports(&service).len()).then_some(())
    });
}

/// A test that leaves a result file, and a picture if it is the second.
fn with_results(stage: &Stage) {
    let script = stage.script(
        "test.sh",
        r#"printf '<testsuite name="s"><testcase classname="s" name="%s"/></testsuite>' "$2" > "$1/results.xml"
case $2 in *2) echo picture > "$1/shot.png";; esac"#,
    );
    stage.write(
        "testplan.yml",
        format!(
            "project: p\nrunner:\n  command: ['{}', '{{results}}', '{{testcase}}']\n  results: {{ format: junit, files: '*.xml' }}\ntemplates:\n  - title: T\n    tests: [{{ suite: s, testcases: [t1, t2] }}]\n",
            script.display()
        ),
    );
}

#[test]
fn results_that_did_not_get_in_make_code_3_and_are_made_good_once() {
    let stage = Stage::new();
    with_results(&stage);
    // Any upload is too large at first.
    let service = Service::start_with(&stage, |serve| serve.flags("--import-limit 10"));
    let run = |flags: &str| stage.testplan("run").at(&service).flags(flags).run();
    let ended = run("--template T --workers 1 --upload always --out out").code_is(3);
    assert!(ended.stderr.contains("not uploaded: s / t1"), "{ended}");
    assert!(
        ended.stderr.contains("testplan upload --records"),
        "{ended}"
    );
    assert!(stage.read("out/summary.md").contains("not uploaded"));
    assert!(stage.read("out/report.html").contains("not uploaded"));
    assert!(stage.read("out/junit.xml").contains("not uploaded"));
    assert_eq!(imports(&service).len(), 0);
    drop(service);

    let service = Service::start(&stage);
    let later = || {
        stage
            .testplan("upload")
            .at(&service)
            .flags("--records out --format json")
            .run()
    };
    let told = later().code_is(0).json();
    assert_eq!(told["uploads"].as_array().unwrap().len(), 2);
    let again = later().code_is(0).json();
    assert_eq!(again["uploads"].as_array().unwrap().len(), 0);
    let known = imports(&service);
    assert_eq!(known.len(), 2);
    let mut types: Vec<_> = known
        .iter()
        .map(|it| it.files[0].content_type.as_str())
        .collect();
    types.sort_unstable();
    assert_eq!(types, ["application/xml", "application/zip"]);
    let zips = std::fs::read_dir(stage.path("out/results")).unwrap();
    assert_eq!(zips.count(), 2, "no zip is left behind");
    stage.testplan("report").flags("--out out").run().code_is(0);
}

#[test]
fn a_worker_uploads_under_its_lease_before_it_tells_the_result() {
    let stage = Stage::new();
    with_results(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    stage
        .testplan("work")
        .named("w")
        .at(&service)
        .on(plan)
        .flags("--upload always --workers 1 --out out --capability OS=Linux")
        .with("GITHUB_ACTIONS", "true")
        .with("GITHUB_REPOSITORY", "o/r")
        .with("GITHUB_SERVER_URL", "https://github.com")
        .with("GITHUB_RUN_ID", "7")
        .with("GITHUB_SHA", "11c02e5a9f0b11c02e5a9f0b11c02e5a9f0b1234")
        .with("GITHUB_REF", "refs/heads/main")
        .with("GITHUB_REF_NAME", "main")
        .with("GITHUB_REF_TYPE", "branch")
        .run()
        .code_is(0);
    let order = Records::below(stage.path("out")).pick(|event| match event {
        RecordEvent::Results { .. } => Some("results"),
        RecordEvent::Ended { .. } => Some("ended"),
        RecordEvent::Uploading { .. } => Some("uploading"),
        RecordEvent::Uploaded { .. } => Some("uploaded"),
        RecordEvent::Confirmed { .. } => Some("confirmed"),
        _ => None,
    });
    let once = ["results", "ended", "uploading", "uploaded", "confirmed"];
    assert_eq!(order, [once, once].concat());
    for import in imports(&service) {
        let labels: Vec<String> = import.labels.iter().map(ToString::to_string).collect();
        assert!(labels.contains(&"OS=Linux".to_owned()), "{labels:?}");
        assert!(
            labels.contains(&".git.branch=main".to_owned()),
            "{labels:?}"
        );
        assert!(
            labels.contains(&".git.revision=11c02e5a9f0b11c02e5a9f0b11c02e5a9f0b1234".to_owned()),
            "{labels:?}"
        );
        assert!(
            labels.iter().any(|label| label.starts_with(
                ".reference.url=[GitHub Actions 7](https://github.com/o/r/actions/runs/7"
            )),
            "{labels:?}"
        );
    }
}

#[test]
fn by_default_our_own_service_gets_no_files_and_a_label_that_cannot_be_is_told_first() {
    let stage = Stage::new();
    with_results(&stage);
    let service = Service::start(&stage);
    let run = |flags: &str| stage.testplan("run").at(&service).flags(flags);
    run("--template T --out out").run().code_is(0);
    assert_eq!(imports(&service).len(), 0);
    let ended = run("--template T --out other --upload always --capability")
        .arg("a=b,c")
        .run()
        .code_is(2);
    assert!(ended.stderr.contains("a comma"), "{ended}");
    for (file, word) in [
        ("nowhere.xml", "nowhere.xml"),
        ("testplan.yml", "Squish XML"),
    ] {
        let ended = stage
            .testplan("upload")
            .at(&service)
            .flags(file)
            .run()
            .code_is(2);
        assert!(ended.stderr.contains(word), "{ended}");
    }
    let ended = stage
        .testplan("upload")
        .flags("--url http://127.0.0.1:1 --patience 1s out/junit.xml")
        .run()
        .code_is(3);
    assert!(ended.stderr.contains("nothing listens"), "{ended}");
}
