//! That `dist` is fresh and whole: its version, its files, its targets, and the tool that writes its manifest.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::launcher::node::node;

const SCRIPTS: [&str; 8] = [
    "build.js",
    "cache.js",
    "child.js",
    "download.js",
    "github.js",
    "main.js",
    "post.js",
    "resolve.js",
];

/// Most lines of all scripts together: they are read by whoever decides to trust the action.
const MOST_LINES: usize = 510;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// The targets that the launcher knows.
fn targets(node: &Path) -> BTreeSet<String> {
    let script = "JSON.stringify(Object.values(require('./dist/resolve.js').TARGETS))";
    let told = Command::new(node)
        .args(["-p", script])
        .current_dir(repository())
        .output()
        .unwrap();
    serde_json::from_slice(&told.stdout).unwrap()
}

#[test]
fn dist_holds_what_it_should_and_nothing_else() {
    let files = fs::read_dir(repository().join("dist")).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected: BTreeSet<String> = SCRIPTS
        .iter()
        .copied()
        .chain(["manifest.json"])
        .map(str::to_owned)
        .collect();
    assert_eq!(files, expected);

    let lines: usize = SCRIPTS
        .iter()
        .map(|script| text(&format!("dist/{script}")).lines().count())
        .sum();
    assert!(lines <= MOST_LINES, "{lines} lines");
    let action = text("action.yml");
    for line in ["using: node24", "main: dist/main.js", "post: dist/post.js"] {
        assert!(action.lines().any(|found| found.trim() == line), "{line}");
    }
}

#[test]
fn scripts_need_nothing_but_node_and_each_other() {
    for script in SCRIPTS {
        let text = text(&format!("dist/{script}"));
        assert!(text.starts_with("'use strict';\n//"), "{script}");
        for required in text.split("require('").skip(1) {
            let required = required.split('\'').next().unwrap();
            let own = required
                .strip_prefix("./")
                .is_some_and(|name| SCRIPTS.contains(&name) || name == "manifest.json");
            assert!(
                own || required.starts_with("node:"),
                "{script} requires {required}"
            );
        }
    }
}

#[test]
fn node_can_read_every_script() {
    let Some(node) = node() else { return };
    let scripts = SCRIPTS.iter().map(|script| format!("dist/{script}"));
    for script in scripts.chain(["scripts/manifest.mjs".to_owned()]) {
        let checked = Command::new(&node)
            .arg("--check")
            .arg(repository().join(&script))
            .output()
            .unwrap();
        assert!(
            checked.status.success(),
            "{script}: {}",
            String::from_utf8_lossy(&checked.stderr)
        );
    }
}

#[test]
fn the_manifest_is_of_this_version_and_names_what_can_be_had() {
    let manifest: Value = serde_json::from_str(&text("dist/manifest.json")).unwrap();
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    let files = manifest["files"].as_object().unwrap();
    let Some(node) = node() else { return };
    let known = targets(&node);
    // All, or none before the first release.
    let named: BTreeSet<String> = files.keys().cloned().collect();
    assert!(named.is_empty() || named == known, "{named:?}");
    let source = manifest["source"].as_str().unwrap();
    assert_eq!(source.len(), if named.is_empty() { 0 } else { 40 });
    for file in files.values() {
        assert!(file["url"].as_str().unwrap().starts_with("https://"));
        let sha256 = file["sha256"].as_str().unwrap();
        assert!(
            sha256.len() == 64
                && sha256
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
        );
        assert!(file["size"].as_u64().unwrap() > 0);
    }
}

#[test]
fn what_is_released_is_what_the_launcher_looks_for() {
    let Some(node) = node() else { return };
    let known = targets(&node);
    assert_eq!(known.len(), 5);
    let Ok(workflow) = fs::read_to_string(repository().join(".github/workflows/release.yml"))
    else {
        return;
    };
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let released: BTreeSet<String> = workflow
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(|line| line.split(word))
        .filter(|name| {
            (name.starts_with("x86_64-") || name.starts_with("aarch64-"))
                && name.split('-').count() >= 3
        })
        .map(str::to_owned)
        .collect();
    assert_eq!(released, known);
}

/// Runs a copy of the tool beside a copy of dist.
fn write_manifest(node: &Path, folder: &Path, arguments: &[&str]) -> Output {
    for place in ["dist", "scripts"] {
        fs::create_dir_all(folder.join(place)).unwrap();
        for file in fs::read_dir(repository().join(place)).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_dir() {
                continue;
            }
            fs::copy(file.path(), folder.join(place).join(file.file_name())).unwrap();
        }
    }
    let script = folder.join("scripts/manifest.mjs");
    Command::new(node)
        .arg(script)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn the_tool_writes_what_the_launcher_reads() {
    let Some(node) = node() else { return };
    let folder = tempfile::tempdir().unwrap();
    let assets = folder.path().join("assets");
    fs::create_dir(&assets).unwrap();
    fs::write(assets.join("testplan.cdx.json"), "{}").unwrap();
    for target in targets(&node) {
        let end = if target.contains("windows") {
            ".exe"
        } else {
            ""
        };
        fs::write(assets.join(format!("testplan-{target}{end}")), &target).unwrap();
    }
    let arguments = ["2.0.0-rc.1", COMMIT, "https://host.example/v2/", "assets"];
    let written = write_manifest(&node, folder.path(), &arguments);
    assert!(
        written.status.success(),
        "{}",
        String::from_utf8_lossy(&written.stderr)
    );
    let manifest = fs::read_to_string(folder.path().join("dist/manifest.json")).unwrap();
    assert!(manifest.ends_with("}\n"));
    let read: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(
        (&read["version"], &read["source"]),
        (&"2.0.0-rc.1".into(), &COMMIT.into())
    );
    assert_eq!(
        read["files"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<BTreeSet<_>>(),
        targets(&node)
    );
    let target = "x86_64-pc-windows-msvc";
    let sha256 = format!("{:x}", Sha256::digest(target));
    let file = serde_json::json!({
        "url": "https://host.example/v2/testplan-x86_64-pc-windows-msvc.exe", "sha256": sha256, "size": target.len(),
    });
    assert_eq!(read["files"][target], file);

    write_manifest(&node, folder.path(), &arguments);
    assert_eq!(
        fs::read_to_string(folder.path().join("dist/manifest.json")).unwrap(),
        manifest
    );
}

#[test]
fn the_tool_refuses_what_is_not_a_release() {
    let Some(node) = node() else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("assets")).unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&[], "four arguments"),
        (
            &["v1.0.0", COMMIT, "https://host.example", "assets"],
            "VERSION is v1.0.0",
        ),
        (
            &["1.0.0", "main", "https://host.example", "assets"],
            "COMMIT is main",
        ),
        (
            &["1.0.0", COMMIT, "http://host.example", "assets"],
            "BASE_URL is http:",
        ),
        (
            &["1.0.0", COMMIT, "https://host.example", "assets"],
            "there is no testplan-aarch64-apple-darwin in assets",
        ),
        (
            &["1.0.0", COMMIT, "https://host.example", "assets", "more"],
            "four arguments",
        ),
    ];
    for (arguments, what) in cases {
        let refused = write_manifest(&node, folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(2));
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains(what), "{said}");
        assert_eq!(
            fs::read(folder.path().join("dist/manifest.json")).unwrap(),
            text("dist/manifest.json").as_bytes()
        );
    }
}
