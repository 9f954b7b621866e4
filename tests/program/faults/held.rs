//! A worker is killed without a word, and whoever comes after gives its leases back at once: not before its tests have
//! ended, and without touching anybody else's processes.

use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

use serde_json::{Value, json};
use testplan::{
    client::{Client, Credentials, Endpoint, HttpOptions, HttpTransport, Patience},
    model::ExecutionState,
    run::{
        lease_files::{LeaseService, ReleaseOutcome, ReleasedLease, release_abandoned},
        process::orphans::Orphans,
    },
};

use crate::support::{PlanFile, Process, Service, Stage, alive, until};

fn client(url: &str, token: &str) -> Client {
    testplan::client::install_tls_provider();
    let transport = HttpTransport::new(&HttpOptions::default()).unwrap();
    let patience = Patience {
        service: Duration::from_secs(1),
        ..Patience::default()
    };
    Client::new(
        Arc::new(transport),
        Endpoint::parse(url, false).unwrap(),
        Credentials::Token(token.to_owned().into()),
        patience,
    )
    .unwrap()
}

fn give(stage: &Stage, client: Option<&Client>) -> Vec<ReleasedLease> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime
        .block_on(release_abandoned(
            &stage.path("held"),
            client.map_or(LeaseService::Gone, LeaseService::At),
        ))
        .unwrap()
}

fn work(stage: &Stage, service: &Service, plan: i64, name: &str, lease: &str) -> Process {
    let work = stage.testplan("work").named(name).at(service).on(plan);
    work.flags(&format!("--workers 1 --lease {lease} --out {name}"))
        .with("TESTPLAN_HELD", stage.path("held"))
        .start()
}

/// The files of the leases held now, by name.
fn held(stage: &Stage) -> Vec<(String, Value)> {
    let Ok(entries) = fs::read_dir(stage.path("held")) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = names
        .filter_map(|name| {
            let text = fs::read_to_string(stage.path("held").join(&name)).ok()?;
            Some((name, serde_json::from_str(&text).ok()?))
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

/// A worker in the middle of a test whose processes ignore signals, and one of which left its group: all their numbers.
fn started(stage: &Stage, service: &Service, plan: i64) -> (Process, Vec<u32>) {
    let worker = work(stage, service, plan, "lost", "60s");
    let lines = stage.wait_for_lines("tree", 3);
    until("the process to be written down", || {
        held(stage).first()?.1.get("process").map(|_| ())
    });
    (worker, lines.iter().map(|it| it.parse().unwrap()).collect())
}

fn stage_with_tree() -> Stage {
    let stage = Stage::new();
    let leaf = stage.script("leaf.sh", "trap '' TERM INT HUP\necho $$ >> tree\nhang");
    let leaf = leaf.display();
    let away = if cfg!(target_os = "linux") {
        format!("setsid {leaf}")
    } else {
        leaf.to_string()
    };
    let body = format!("[ -e tree ] && exit 0\necho $$ >> tree\n{leaf} &\n{away} &\nhang");
    let test = stage.script("test.sh", &body);
    PlanFile::run_with(&test).numbered("s", 2).on(&stage);
    stage
}

#[cfg(target_os = "linux")]
#[test]
fn cleanup_reopens_executions_of_a_killed_worker() {
    let stage = stage_with_tree();
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let (mut worker, tree) = started(&stage, &service, plan);
    let files = held(&stage);
    assert_eq!(files.len(), 1);
    let (name, file) = &files[0];
    let execution = file["execution"].as_i64().unwrap();
    assert_eq!(*name, format!("{execution}.json"));
    assert_eq!(file["plan"], plan);
    assert!(file["process"]["started"].is_number(), "{file}");
    let path = stage.path("held").join(name);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = fs::read_to_string(service.token_file()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    for secret in [token.trim(), &service.url] {
        assert!(!text.contains(secret), "{text}");
    }

    worker.kill();
    assert!(tree.iter().all(|pid| alive(*pid)), "they outlive it");
    // The first process ends, and the group is known by the others' mark alone.
    let first = rustix::process::Pid::from_raw(i32::try_from(tree[0]).unwrap()).unwrap();
    rustix::process::kill_process(first, rustix::process::Signal::KILL).unwrap();
    until("its end", || (!alive(tree[0])).then_some(()));

    let given = give(&stage, Some(&client(&service.url, token.trim())));
    assert!(
        matches!(
            given[..],
            [ReleasedLease {
                outcome: ReleaseOutcome::Released,
                orphans: Orphans::Ended(2..),
                ..
            }]
        ),
        "{given:?}"
    );
    let said = given[0].to_string();
    assert!(
        said.contains("were ended, its lease was given back"),
        "{said}"
    );
    let left: Vec<_> = tree.iter().filter(|pid| alive(**pid)).collect();
    assert!(left.is_empty(), "of {tree:?} there are still {left:?}");
    let executions = service.executions(plan);
    let state = executions.iter().find(|it| it.execution_id.0 == execution);
    assert_eq!(state.unwrap().state, ExecutionState::Open);
    assert_eq!(service.history(plan, execution), ["reserved", "released"]);
    assert_eq!(held(&stage).len(), 0);
    assert!(give(&stage, None).is_empty(), "once");

    work(&stage, &service, plan, "heir", "60s").end().code_is(0);
    assert_eq!(held(&stage).len(), 0, "a lease that was traded has no file");
    let kinds = service.history(plan, execution);
    assert_eq!(kinds, ["reserved", "released", "reserved", "finished"]);
}

#[cfg(target_os = "linux")]
#[test]
fn reused_process_id_is_left_alone() {
    let stage = stage_with_tree();
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let (mut worker, tree) = started(&stage, &service, plan);
    let (name, mut file) = held(&stage).remove(0);
    worker.kill();
    // As if the test had ended and its number had gone to somebody else, who started later.
    let started = file["process"]["started"].as_u64().unwrap();
    file["process"]["started"] = json!(started - 1);
    file["mark"] = json!("nobody's");
    stage.write(&format!("held/{name}"), file.to_string());
    let given = give(&stage, None);
    assert!(
        matches!(
            given[..],
            [ReleasedLease {
                orphans: Orphans::Gone,
                ..
            }]
        ),
        "{given:?}"
    );
    assert!(tree.iter().all(|pid| alive(*pid)), "nobody was ended");

    // Known by the time of its start alone, as where a test cleans its environment: the group, and not who left it.
    file["process"]["started"] = json!(started);
    stage.write(&format!("held/{name}"), file.to_string());
    let given = give(&stage, None);
    assert!(
        matches!(
            given[..],
            [ReleasedLease {
                orphans: Orphans::Ended(_),
                ..
            }]
        ),
        "{given:?}"
    );
    assert!(!alive(tree[0]));
    assert_eq!(tree.iter().filter(|pid| alive(**pid)).count(), 1);
}

#[test]
fn a_lease_that_cannot_be_given_back_is_kept_for_later_and_one_that_is_over_is_not() {
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test).numbered("s", 1).on(&stage);
    let mut service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let token = fs::read_to_string(service.token_file()).unwrap();
    work(&stage, &service, plan, "one", "60s").end().code_is(0);
    assert_eq!(held(&stage).len(), 0);
    let execution = service.executions(plan)[0].execution_id.0;

    let file = json!({ "v": 1, "plan": plan, "execution": execution, "lease": "x", "mark": "m" });
    stage.write("held/1.json", file.to_string());
    stage.write("held/2.json", "{ torn");
    let url = service.url.clone();
    let client = client(&url, token.trim());
    service.kill();
    let given = give(&stage, Some(&client));
    assert!(
        matches!(
            given[..],
            [ReleasedLease {
                outcome: ReleaseOutcome::Stands(_),
                ..
            }]
        ),
        "{given:?}"
    );
    assert!(stage.path("held/1.json").exists());
    service.restart();
    let given = give(&stage, Some(&client));
    assert!(
        matches!(
            given[..],
            [ReleasedLease {
                outcome: ReleaseOutcome::AlreadyEnded(_),
                ..
            }]
        ),
        "{given:?}"
    );
    assert!(!stage.path("held/1.json").exists());
}

/// A warm process serves many leases: it is found by those that are left when the files of its ended tests are gone.
#[cfg(target_os = "linux")]
#[test]
fn process_of_a_killed_warm_worker_is_ended_and_all_its_leases_are_released() {
    let Some(stage) = super::warm_workers::stage(true) else {
        return;
    };
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let mut worker = work(&stage, &service, plan, "lost", "60s");
    let pid: u32 = stage.wait_for_lines("hangs", 1)[0].parse().unwrap();
    let reserved = || {
        let executions = service.executions(plan).into_iter();
        let reserved = executions.filter(|it| it.state == ExecutionState::Reserved);
        reserved.count()
    };
    let has_process = |file: &Value| file["process"].is_object();
    until("leases beside that of the running test", || {
        let files = held(&stage);
        let begun = files.iter().filter(|(_, file)| has_process(file)).count();
        // A lease that was just granted has no file for a moment.
        (files.len() >= 2 && begun == 1 && files.len() == reserved()).then_some(())
    });
    worker.kill();
    assert!(alive(pid), "it outlives its worker");
    let files = held(&stage);
    assert_eq!(files.len(), reserved());
    let marks: std::collections::BTreeSet<String> = files
        .iter()
        .map(|(_, file)| file["mark"].to_string())
        .collect();
    assert_eq!(marks.len(), 1, "{marks:?}");
    // As if the running test had ended at that moment: the others have no process of their own yet.
    for (name, file) in &files {
        if has_process(file) {
            fs::remove_file(stage.path("held").join(name)).unwrap();
        }
    }
    let left = held(&stage).len();
    assert!(left >= 1 && left < files.len(), "{left} of {}", files.len());
    let token = fs::read_to_string(service.token_file()).unwrap();
    let given = give(&stage, Some(&client(&service.url, token.trim())));
    assert_eq!(given.len(), left);
    assert!(!alive(pid), "{given:?}");
    let released = |it: &&ReleasedLease| matches!(it.outcome, ReleaseOutcome::Released);
    assert_eq!(given.iter().filter(released).count(), left, "{given:?}");
    let counts = given
        .iter()
        .filter(|it| matches!(it.orphans, Orphans::Ended(_)));
    assert_eq!(counts.count(), 1, "its processes are counted once");
    assert_eq!(reserved(), files.len() - left);
}

#[test]
fn cleanup_without_a_token_still_ends_processes_and_says_what_stands() {
    let stage = Stage::new();
    let test = stage.script("test.sh", "echo $$ >> tree\nhang");
    PlanFile::run_with(&test).numbered("s", 1).on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let worker = stage.testplan("work").at(&service).on(plan);
    let held = stage.path("held");
    let mut worker = worker.with("TESTPLAN_HELD", &held).start();
    let pid = stage.wait_for_lines("tree", 1)[0].parse().unwrap();
    until("the process to be in the lease's file", || {
        let mut files = fs::read_dir(&held).ok()?;
        let file = files.find_map(|it| fs::read_to_string(it.ok()?.path()).ok())?;
        file.contains("\"process\":{").then_some(())
    });
    worker.kill();
    let back = stage.testplan("give-back").flags("--held held --url");
    let back = back.arg(&service.url).flags("--token-file gone").run();
    let said = back.code_is(0).stderr;
    assert!(!alive(pid), "{said}");
    for word in [
        "processes of its test were ended",
        "its lease expires by itself",
        "gone",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // With the token it is given back; then there is nothing.
    let again = stage
        .testplan("give-back")
        .flags("--held held")
        .at(&service);
    let said = again.clone().run().code_is(0).stderr;
    assert!(said.contains("its lease was given back"), "{said}");
    let said = again.run().code_is(0).stderr;
    assert!(said.contains("nothing to give back: no lease in"), "{said}");
    let said = stage.testplan("give-back").run().code_is(0).stderr;
    assert!(said.contains("no folder of leases is named"), "{said}");
}
