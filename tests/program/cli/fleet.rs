//! A fleet of Squish servers from a file: shown as a difference, made so, and nothing to do the second time.

use serde_json::{Value, json};

use super::{mistakes::helps, vendor_registry::Vendor};
use crate::support::{Ended, Service, Stage};

const FLEET: &str = "servers:
  - { host: 127.0.0.1, port: 4322, labels: { OS: Linux } }
  - { host: 127.0.0.1, port: 4323, labels: { OS: Linux, browser: chrome } }
  - { host: lab, port: '4322', labels: { OS: Windows }, enabled: false }
";

fn apply(stage: &Stage, vendor: &Vendor, more: &[&str]) -> Ended {
    let arguments = [&["servers", "apply", "fleet.yml", "--patience=0s"], more].concat();
    stage
        .command(&arguments)
        .with("TESTCENTER_URL", &vendor.url)
        .with("TESTCENTER_TOKEN", "hunter2hunter2")
        .run()
}

fn ports(list: &Value) -> Vec<String> {
    let of = |server: &Value| format!("{}:{}", server["host"], server["port"]);
    let list = list.as_array().unwrap();
    list.iter().map(|it| of(it).replace('"', "")).collect()
}

#[test]
fn apply_shows_and_makes_the_declared_fleet() {
    let stage = Stage::with("project: p\nrunner: { command: [x] }\n");
    stage.write("fleet.yml", FLEET);
    let service = Service::start(&stage);
    for port in ["4322", "5000"] {
        let labels = "--label=OS=mac";
        let added = service.run(
            &stage,
            &["servers", "add", "--host=127.0.0.1", "--port", port, labels],
        );
        assert_eq!(added.code, Some(0), "{added:#?}");
    }
    let apply = |more: &[&str]| {
        let ended = service.run(&stage, &[&["servers", "apply", "fleet.yml"], more].concat());
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        ended
    };
    let planned = apply(&["--dry-run"]).stdout;
    let expected = "\
~ 127.0.0.1:4322  OS=mac -> OS=Linux
+ 127.0.0.1:4323  OS=Linux, browser=chrome
+ lab:4322  OS=Windows, disabled
? 127.0.0.1:5000  not in the file (Squish server 2); --prune would remove it
2 to add, 1 to change, 0 to remove, 0 unchanged; nothing was changed (--dry-run)
";
    assert_eq!(planned, expected);
    assert_eq!(
        apply(&["--dry-run"]).stdout,
        expected,
        "nothing was changed"
    );

    let done = apply(&["--format=json"]).json();
    assert_eq!(ports(&done["add"]), ["127.0.0.1:4323", "lab:4322"]);
    assert_eq!(
        done["change"][0]["labels"],
        json!({
            "from": [{ "key": "OS", "value": "mac" }], "to": [{ "key": "OS", "value": "Linux" }],
        })
    );
    assert_eq!(done["change"][0]["status"], "done");
    assert_eq!(ports(&done["not_in_file"]), ["127.0.0.1:5000"]);

    let again = apply(&["--format=json"]).json();
    for kind in ["add", "change", "remove"] {
        assert_eq!(again[kind], json!([]), "{kind}");
    }
    assert_eq!(again["unchanged"].as_array().unwrap().len(), 3);
    assert!(apply(&[]).stdout.ends_with("nothing to do: 3 unchanged\n"));

    stage.write(
        "fleet.yml",
        FLEET.replace("enabled: false", "enabled: true"),
    );
    let pruned = apply(&["--prune"]).stdout;
    assert_eq!(
        pruned,
        "~ lab:4322  disabled -> enabled\n- 127.0.0.1:5000  OS=mac\n0 added, 1 changed, 1 removed, 2 unchanged\n"
    );
    let listed = service
        .run(&stage, &["servers", "list", "--format=json"])
        .json();
    assert_eq!(
        ports(&listed["servers"]),
        ["127.0.0.1:4322", "127.0.0.1:4323", "lab:4322"],
        "in order"
    );
}

#[test]
fn apply_speaks_the_vendors_dialect() {
    let stage = Stage::new();
    stage.write("fleet.yml", FLEET);
    let vendor = Vendor::new(&[
        (7, "127.0.0.1", "4322"),
        (9, "127.0.0.1", "4322"),
        (12, "127.0.0.1", "4323"),
    ]);
    let first = apply(&stage, &vendor, &[]);
    assert_eq!(first.code, Some(0), "{first:#?}");
    assert!(first.stdout.contains(
        "? 127.0.0.1:4322  registered twice, as Squish servers 7 and 9; --prune would remove 9"
    ));
    let changes = std::mem::take(&mut vendor.registry.lock().unwrap().changes);
    assert_eq!(changes.len(), 2, "{changes:#?}");
    assert!(
        changes[0].starts_with("PATCH /12 {\"labels\":[{"),
        "{changes:#?}"
    );
    assert!(
        !changes[0].contains("port"),
        "only what changes: {changes:#?}"
    );
    assert!(changes[1].contains("\"enabled\":false"), "{changes:#?}");
    assert!(changes[1].contains("\"port\":\"4322\""), "{changes:#?}");
    let second = apply(&stage, &vendor, &["--prune", "--format=json"]).json();
    assert_eq!(second["remove"][0]["id"], 9);
    assert_eq!(vendor.registry.lock().unwrap().changes, ["DELETE /9 null"]);
    let third = apply(&stage, &vendor, &["--prune"]);
    assert_eq!(third.stdout, "nothing to do: 3 unchanged\n");
}

#[test]
fn apply_lists_failed_changes_beside_done_ones() {
    let stage = Stage::new();
    stage.write("fleet.yml", FLEET);
    let vendor = Vendor::new(&[]);
    vendor.registry.lock().unwrap().refuses = Some(("4323", 400));
    let ended = apply(&stage, &vendor, &[]);
    assert_eq!(ended.code, Some(3), "{ended:#?}");
    assert!(
        ended.stderr.contains("1 of 3 changes are not made, 2 are"),
        "{ended:#?}"
    );
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(
        lines[1].starts_with("+ 127.0.0.1:4323") && lines[1].contains("FAILED"),
        "{ended:#?}"
    );
    assert!(lines[1].contains("not this one"), "{ended:#?}");
    assert_eq!(
        lines[3],
        "2 added, 0 changed, 0 removed, 0 unchanged, 1 failed"
    );
    // Mended, the rest is done.
    vendor.registry.lock().unwrap().refuses = None;
    let ended = apply(&stage, &vendor, &["--format=json"]);
    assert_eq!(ports(&ended.json()["add"]), ["127.0.0.1:4323"]);
}

#[test]
fn apply_stops_when_the_service_is_down() {
    let stage = Stage::new();
    stage.write("fleet.yml", FLEET);
    let vendor = Vendor::new(&[]);
    vendor.registry.lock().unwrap().refuses = Some(("4322", 401));
    let ended = apply(&stage, &vendor, &["--format=json"]);
    assert_eq!(ended.code, Some(3), "{ended:#?}");
    let told = ended.json();
    let statuses = told["add"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["status"].clone());
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        ["failed", "not-tried", "not-tried"]
    );
    assert!(
        told["add"][0]["error"]
            .as_str()
            .unwrap()
            .contains("rejected")
    );
    assert!(!ended.stderr.contains("hunter2"), "{ended:#?}");
    assert_eq!(vendor.registry.lock().unwrap().changes.len(), 1);
}

#[test]
fn mistakes_in_a_fleet_file_are_reported() {
    let stage = Stage::new();
    let vendor = Vendor::new(&[]);
    let rows: &[(&str, &[&str])] = &[
        ("project: p\n", &["declares no Squish servers", "servers:"]),
        ("servers: [{ host: h, port: 70000 }]\n", &["not a port"]),
        (
            "servers: [{ host: h, port: 1 }, { host: H, port: 1 }]\n",
            &["there twice"],
        ),
        (
            "servers: [{ host: h, port: 1, lables: { a: b } }]\n",
            &["lables"],
        ),
    ];
    for (file, says) in rows {
        stage.write("fleet.yml", file);
        let ended = apply(&stage, &vendor, &[]);
        assert_eq!((ended.code, &*ended.stdout), (Some(2), ""), "{ended:#?}");
        for part in *says {
            assert!(ended.stderr.contains(part), "{part}: {ended:#?}");
        }
    }
    helps(
        &stage.run(["servers", "apply", "missing.yml"]),
        2,
        &["missing.yml", "cannot be read"],
    );
    helps(&stage.run(["servers", "apply"]), 2, &["FILE"]);
    assert!(vendor.registry.lock().unwrap().changes.is_empty());
}

#[test]
fn empty_registry_is_listed_as_empty() {
    let vendor = Vendor::new(&[]);
    let stage = Stage::new();
    let list = stage.command(["servers", "list"]);
    let ended = list.with("TESTCENTER_URL", &vendor.url).run();
    assert_eq!(ended.stdout, "no Squish servers are registered\n");
    assert_eq!(ended.code, Some(0));
}
