//! Holds the lines of ARCHITECTURE.md: which room may know which, one home per outside crate, and files that fit in
//! a head.

mod counts;
mod imports;
mod tree;

use std::collections::BTreeMap;

use tree::{code, sources, statements};

/// What each room may import from this crate, beside itself.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("exit_code", &[]),
    ("clock", &["model", "sync"]),
    ("fs", &[]),
    ("files", &["fs", "random", "sync"]),
    ("signal", &[]),
    ("credentials", &[]),
    ("sync", &[]),
    ("text", &[]),
    ("pace", &["clock", "model"]),
    ("api", &["model"]),
    (
        "client",
        &[
            "api",
            "model",
            "clock",
            "credentials",
            "exit_code",
            "pace",
            "random",
            "sync",
            "text",
        ],
    ),
    ("store", &["model", "clock", "fs", "random", "sync"]),
    (
        "service",
        &[
            "store",
            "api",
            "attribution",
            "model",
            "clock",
            "files",
            "fs",
            "pages",
            "random",
            "result_file",
            "sync",
            "trend",
        ],
    ),
    ("trend", &["model", "random", "store"]),
    (
        "pages",
        &["api", "model", "report", "store", "text", "trend", "wait"],
    ),
    ("result_file", &["model"]),
    ("attribution", &["model"]),
    (
        "runner",
        &["attribution", "model", "preset", "result_file", "text"],
    ),
    ("ci", &["model", "pace", "text"]),
    ("failure", &["client", "config", "exit_code", "signal"]),
    (
        "publication",
        &["ci", "config", "exit_code", "fs", "model", "report", "text"],
    ),
    (
        "doctor",
        &[
            "ci",
            "client",
            "clock",
            "config",
            "credentials",
            "exit_code",
            "failure",
            "listing",
            "model",
            "publication",
            "random",
            "report",
            "run",
            "runner",
            "text",
        ],
    ),
    (
        "init",
        &[
            "config",
            "failure",
            "fs",
            "model",
            "preset",
            "report",
            "report_files",
            "run",
            "runner",
        ],
    ),
    ("earlier_runs", &["api", "client", "model", "report"]),
    ("leftovers", &["clock", "failure", "model"]),
    (
        "matrix",
        &["client", "credentials", "failure", "model", "text"],
    ),
    (
        "fleet",
        &[
            "client", "clock", "config", "failure", "model", "report", "run", "runner", "signal",
        ],
    ),
    ("report", &["model", "exit_code", "text"]),
    (
        "config",
        &["credentials", "model", "preset", "runner", "sync", "text"],
    ),
    (
        "wait",
        &[
            "client", "clock", "config", "model", "pace", "report", "text",
        ],
    ),
    (
        "run",
        &[
            "client",
            "runner",
            "model",
            "clock",
            "exit_code",
            "signal",
            "fs",
            "pace",
            "text",
            "sync",
            "wait",
        ],
    ),
    (
        "single",
        &["client", "run", "runner", "model", "clock", "fs"],
    ),
    (
        "batch",
        &[
            "attribution",
            "client",
            "clock",
            "fs",
            "model",
            "preset",
            "random",
            "reporter",
            "resident",
            "result_file",
            "run",
            "runner",
            "single",
            "sync",
            "text",
        ],
    ),
    ("resident", &["clock", "random", "run", "runner"]),
    (
        "squish",
        &[
            "single", "run", "runner", "client", "model", "clock", "pace", "sync",
        ],
    ),
    (
        "warm",
        &[
            "single", "resident", "run", "runner", "client", "model", "clock", "fs", "random",
            "sync", "text",
        ],
    ),
    (
        "demo",
        &[
            "client",
            "clock",
            "config",
            "exit_code",
            "failure",
            "fs",
            "listing",
            "local_service",
            "model",
            "random",
            "report",
            "report_files",
            "run",
            "runner",
            "service",
            "store",
        ],
    ),
    (
        "listing",
        &[
            "client", "config", "failure", "fs", "model", "preset", "report", "reporter", "run",
            "runner", "store", "text", "warm",
        ],
    ),
    (
        "local_service",
        &[
            "client", "clock", "failure", "files", "listing", "service", "store",
        ],
    ),
    ("selection", &["config", "model", "text"]),
    ("preset", &["attribution", "model", "reporter"]),
    ("random", &[]),
    ("reporter", &["fs", "random"]),
    (
        "report_files",
        &["failure", "fs", "model", "random", "report"],
    ),
    (
        "rerun",
        &[
            "ci",
            "client",
            "clock",
            "failure",
            "model",
            "report",
            "report_files",
            "run",
        ],
    ),
    (
        "result_upload",
        &["ci", "client", "failure", "model", "report_files", "run"],
    ),
    (
        "cli",
        &[
            "api",
            "batch",
            "ci",
            "client",
            "clock",
            "config",
            "credentials",
            "demo",
            "doctor",
            "earlier_runs",
            "exit_code",
            "failure",
            "files",
            "fleet",
            "fs",
            "init",
            "leftovers",
            "listing",
            "local_service",
            "matrix",
            "model",
            "preset",
            "publication",
            "random",
            "report",
            "report_files",
            "rerun",
            "result_upload",
            "run",
            "runner",
            "selection",
            "service",
            "signal",
            "single",
            "squish",
            "store",
            "text",
            "wait",
            "warm",
        ],
    ),
];

/// Where each outside crate lives. What is not listed (serde, tokio's channels, thiserror …) may be used anywhere.
const HOMES: &[(&str, &[&str])] = &[
    // Two: octocrab takes its connection as a reqwest client, and `ci` must not know `client`.
    ("reqwest", &["client", "ci/github"]),
    // Two: TLS to a service and TLS to a database.
    ("rustls", &["client", "store/postgres"]),
    ("rustls_platform_verifier", &["client", "store/postgres"]),
    ("tokio_postgres", &["store/postgres"]),
    ("tokio_postgres_rustls", &["store/postgres"]),
    ("axum", &["service"]),
    ("hyper", &["service"]),
    ("tower", &["service"]),
    ("tower_http", &["service"]),
    ("rusqlite", &["store/sqlite"]),
    ("object_store", &["files"]),
    ("tokio_postgres", &["store/postgres"]),
    ("http_body", &["client", "service"]),
    (
        "memchr",
        &["service/connections", "service/imports", "result_file"],
    ),
    ("flate2", &["client", "service"]),
    ("encoding_rs", &["result_file"]),
    ("encoding_rs_io", &["result_file"]),
    // Packed by whoever uploads, read by whoever takes it.
    ("zip", &["run/upload", "service/imports"]),
    ("octocrab", &["ci/github"]),
    ("quick_junit", &["batch", "report/junit"]),
    ("quick_xml", &["report/junit", "result_file"]),
    ("process_wrap", &["run/process"]),
    ("tokio::process", &["run/process"]),
    ("serde_saphyr", &["config"]),
    ("clap", &["cli"]),
    ("anyhow", &["cli", "failure", "report_files"]),
    ("indicatif", &["cli"]),
    ("open", &["cli"]),
    ("anstream", &["cli"]),
    ("anstyle_parse", &["report/sanitise"]),
    ("similar", &["report/value_comparison"]),
];

/// Most lines of a file before its tests.
const LONGEST: usize = 500;

#[test]
fn rooms_know_only_whom_they_may() {
    let allowed: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let room = room(&path);
        if room == "lib" || room == "main" {
            continue;
        }
        let Some(known) = allowed.get(room.as_str()) else {
            wrong.push(format!(
                "{path}: the room {room} is not in this test's list"
            ));
            continue;
        };
        for (number, line) in statements(&text) {
            for other in imported(&line) {
                if other != room && !known.contains(&other.as_str()) {
                    wrong.push(format!("{path}:{number}: {room} must not know {other}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn outside_crates_have_one_home() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (number, line) in code(&text) {
            for (name, homes) in HOMES {
                let used =
                    line.contains(&format!("{name}::")) || line.contains(&format!("use {name};"));
                let inside = line.find(&format!("{name}::")).is_some_and(|at| {
                    line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                });
                if used && !inside && !homes.iter().any(|home| at_home(&path, home)) {
                    wrong.push(format!(
                        "{path}:{number}: {name} lives in {}",
                        homes.join(", ")
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_fit_in_a_head_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    let mut lengths = Vec::new();
    for (path, text) in sources() {
        let length = code(&text).count();
        lengths.push(length);
        if length > LONGEST {
            wrong.push(format!(
                "{path}: {length} lines before its tests, at most {LONGEST}"
            ));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{path}: does not open with //!, what it is for"));
        }
        if path.ends_with("/mod.rs")
            || ["util", "utils", "common", "manager", "imp"]
                .iter()
                .any(|name| path.ends_with(&format!("/{name}.rs")))
        {
            wrong.push(format!("{path}: a name that says nothing"));
        }
    }
    lengths.sort_unstable();
    let under = lengths.iter().filter(|length| **length < 300).count();
    assert!(
        under * 10 >= lengths.len() * 9,
        "nine of ten files are under 300 lines, here {under} of {}",
        lengths.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_imports_reads_them() {
    let text = "use std::{\n    fs::File,\n};\nuse crate::{\n    api::{self, plan::X},\n    model::Y,\n};\nlet a = crate::store::z();\n";
    let found: Vec<String> = statements(text)
        .iter()
        .flat_map(|(_, line)| imported(line))
        .collect();
    assert_eq!(found, ["api", "model", "store"]);
}

fn room(path: &str) -> String {
    path.split(['/', '.']).next().unwrap_or(path).to_owned()
}

fn at_home(path: &str, home: &str) -> bool {
    path == format!("{home}.rs") || path.starts_with(&format!("{home}/"))
}

/// The rooms of this crate that a statement names: `use crate::{…}` by its groups, and paths as `crate::room::x`.
fn imported(statement: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in statement.match_indices("crate::") {
        let rest = &statement[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.extend(first_word(rest)),
            Some(group) => {
                let mut depth = 0_i32;
                let mut expecting = true;
                for (index, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => expecting = true,
                        c if depth == 0 && expecting && c.is_alphanumeric() => {
                            expecting = false;
                            found.extend(first_word(&group[index..]));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found.retain(|word| ROOMS.iter().any(|(room, _)| room == word));
    found
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}
