//! A squishserver of this machine: started, registered, stopped; and nothing left behind where it does not come up.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    process::Command,
};

use super::{mistakes::helps, vendor_registry::Vendor};
use crate::support::{Ended, Service, Stage, free_port, stand_in};

/// A squishserver that ends at once, as one without a licence; and one that listens elsewhere.
const DIES: &str = "printf 'no licence for you\\033[31m\\n'; exit 7";
const ELSEWHERE: &str = "echo Port: 1; while [ -e \"$0\" ]; do sleep 0.1; done";

/// A folder with a squishserver below `squish/bin`, and a port for it.
struct Lab {
    stage: Stage,
    port: String,
}

impl Lab {
    fn new() -> Self {
        let stand_in = stand_in("squishserver");
        let own = format!("exec '{}' \"$@\"", stand_in.display());
        Self::with(&format!("[ -z \"$TESTCENTER_TOKEN\" ] || exit 9\n{own}"))
    }

    /// With a squishserver that does this.
    fn with(script: &str) -> Self {
        let stage = Stage::with("project: p\nrunner: { command: [x] }\n");
        stage.write("squish/bin/squishserver", format!("#!/bin/sh\n{script}\n"));
        let path = stage.path("squish/bin/squishserver");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        let port = free_port().to_string();
        Self { stage, port }
    }

    fn servers(&self, command: &str, more: &[&str], variables: &[(&str, &str)]) -> Ended {
        let arguments = [&["servers", command, "--port", &self.port], more].concat();
        let prefix = self.stage.path("squish");
        self.stage
            .command(&arguments)
            .with("SQUISH_PREFIX", prefix)
            .with_all(variables.iter().copied())
            .run()
    }

    fn is_open(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port.parse().unwrap())).is_ok()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // What a failed test left.
        if self.is_open() {
            let stop = ["--stop", "--port", &self.port];
            let _ = Command::new(stand_in("squishserver")).args(stop).status();
        }
    }
}

fn list(service: &Service, lab: &Lab) -> serde_json::Value {
    let ended = service.run(&lab.stage, &["servers", "list", "--format=json"]);
    ended.json()["servers"].clone()
}

#[test]
fn squishserver_is_started_registered_reused_and_stopped() {
    let lab = Lab::new();
    let service = Service::start(&lab.stage);
    let exports = service.exports();
    let started = lab.servers("start", &["--label=OS=Linux", "--format=json"], &exports);
    assert_eq!(started.code, Some(0), "{started:#?}");
    assert!(lab.is_open(), "it goes on without us");
    let told = started.json();
    assert_eq!(told["server"]["port"].as_str(), Some(&*lab.port));
    assert_eq!(told["server"]["host"], "127.0.0.1");
    assert_eq!(told["started"], true);
    assert!(
        lab.stage
            .read(told["log"].as_str().unwrap())
            .contains("Port: ")
    );
    assert_eq!(list(&service, &lab)[0]["labels"][0]["value"], "Linux");

    let again = lab.servers("start", &["--label=OS=mac", "--format=json"], &exports);
    assert_eq!(again.code, Some(0), "{again:#?}");
    assert_eq!(again.json()["started"], false);
    assert!(again.stderr.contains("used as it is"), "{again:#?}");
    let listed = list(&service, &lab);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["labels"][0]["value"], "mac");
    assert_eq!(lab.servers("start", &[], &exports).code, Some(0));
    let listed = list(&service, &lab);
    assert_eq!(listed[0]["labels"][0]["value"], "mac", "none named: kept");

    let stopped = lab.servers("stop", &[], &exports);
    assert_eq!(stopped.code, Some(0), "{stopped:#?}");
    assert!(!lab.is_open(), "stopped means closed");
    assert_eq!(list(&service, &lab), serde_json::json!([]));
    let twice = lab.servers("stop", &[], &exports);
    assert_eq!(twice.code, Some(0), "{twice:#?}");
    for word in ["nothing to stop", "not registered"] {
        assert!(twice.stderr.contains(word), "{twice:#?}");
    }
}

#[test]
fn squishserver_without_a_service_is_not_registered() {
    let lab = Lab::new();
    let started = lab.servers("start", &["--log", "my.log"], &[]);
    assert_eq!(started.code, Some(0), "{started:#?}");
    assert!(
        started.stderr.contains("registered nowhere"),
        "{started:#?}"
    );
    assert!(
        started.stdout.starts_with("squishserver listens: port "),
        "{started:#?}"
    );
    assert!(lab.stage.read("my.log").contains("Port: "));
    helps(
        &lab.servers("start", &[], &[]),
        3,
        &["port", "in use", "servers stop"],
    );
    assert!(lab.is_open(), "the other one is left alone");
    assert_eq!(lab.servers("stop", &[], &[]).code, Some(0));
    assert!(!lab.is_open());
}

#[test]
fn squishserver_that_does_not_start_leaves_nothing() {
    for (script, says) in [
        (DIES, ["exit code 7", "no licence for you"]),
        (ELSEWHERE, ["instead of", "Port: "]),
    ] {
        let lab = Lab::with(script);
        let service = Service::start(&lab.stage);
        let ended = lab.servers("start", &[], &service.exports());
        helps(&ended, 3, &says);
        assert!(!ended.stderr.contains('\u{1b}'), "{ended:#?}");
        assert!(!lab.is_open(), "{script}");
        assert_eq!(list(&service, &lab), serde_json::json!([]), "{script}");
    }
}

#[test]
fn squishserver_that_cannot_be_registered_is_killed() {
    let lab = Lab::new();
    let vendor = Vendor::new(&[]);
    vendor.registry.lock().unwrap().refuses = Some((lab.port.clone().leak(), 400));
    let ended = lab.servers(
        "start",
        &["--patience=0s"],
        &[("TESTCENTER_URL", &vendor.url)],
    );
    assert_eq!(ended.code, Some(3), "{ended:#?}");
    for word in ["could not be registered", "not this one"] {
        assert!(ended.stderr.contains(word), "{ended:#?}");
    }
    assert!(!lab.is_open());
}

#[test]
fn vendors_registry_gets_and_loses_one_entry() {
    let lab = Lab::new();
    let vendor = Vendor::new(&[(3, "127.0.0.1", &lab.port), (5, "other", &lab.port)]);
    let exports = [("TESTCENTER_URL", &*vendor.url)];
    let started = lab.servers("start", &["--label=OS=Linux"], &exports);
    assert_eq!(started.code, Some(0), "{started:#?}");
    assert_eq!(
        vendor.registry.lock().unwrap().changes,
        ["PATCH /3 {\"enabled\":true}"]
    );
    assert_eq!(lab.servers("stop", &[], &exports).code, Some(0));
    let left: Vec<u64> = vendor
        .registry
        .lock()
        .unwrap()
        .servers
        .keys()
        .copied()
        .collect();
    assert_eq!(left, [5], "only this machine's");
}

#[test]
fn foreign_process_on_the_port_is_not_killed() {
    let lab = Lab::with("exit 1");
    let foreign = TcpListener::bind((Ipv4Addr::LOCALHOST, lab.port.parse().unwrap())).unwrap();
    let stopped = lab.servers("stop", &[], &[]);
    helps(
        &stopped,
        3,
        &["check whether the process on port", "a squishserver"],
    );
    assert!(lab.is_open());
    drop(foreign);
}

#[test]
fn mistakes_are_reported_before_squishserver_starts() {
    let lab = Lab::new();
    let elsewhere = [("TESTCENTER_URL", "https://testcenter.example.com")];
    helps(
        &lab.servers("start", &[], &elsewhere),
        2,
        &["the name of this machine", "--host"],
    );
    helps(
        &lab.servers("start", &["--squishserver", "none"], &[]),
        2,
        &["none", "no such file"],
    );
    helps(
        &lab.servers("start", &[], &[("SQUISH_PREFIX", "/nowhere")]),
        2,
        &["SQUISH_PREFIX is /nowhere"],
    );
    let nowhere = [("SQUISH_PREFIX", ""), ("PATH", "/nowhere")];
    helps(
        &lab.servers("start", &[], &nowhere),
        2,
        &["PATH", "--squishserver"],
    );
    helps(
        &lab.stage.run(["servers", "start", "--port", "0"]),
        2,
        &["0"],
    );
    assert!(!lab.is_open());
}
