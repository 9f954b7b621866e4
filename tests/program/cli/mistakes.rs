//! Mistakes of users: every one is told as what, where and what to do, with exit code 2 and an empty stdout.

use super::plan::{PASSES, plan};
use crate::support::{Ended, Stage};

/// A message that helps: it says all of this, what failed first and what to do at the end, in a bounded text.
pub(crate) fn helps(ended: &Ended, code: i32, says: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:#?}");
    assert_eq!(ended.stdout, "", "{ended:#?}");
    for part in says {
        assert!(
            ended.stderr.contains(part),
            "not said: {part:?}: {ended:#?}"
        );
    }
    let failed = ended.stderr.lines().any(|line| line.starts_with("error: "));
    assert!(failed, "{ended:#?}");
    assert!(!ended.stderr.contains("error: error"), "{ended:#?}");
    let todo = [
        "help: ",
        "tip: ",
        "did you mean",
        "upgrade this one",
        "name one with --plan-id",
        "Stop that one",
        "Restore a backup",
        "write ",
        "For more information, try '--help'",
    ];
    assert!(
        todo.iter().any(|word| ended.stderr.contains(word)),
        "{ended:#?}"
    );
    for never in [
        "panicked",
        "panicked at",
        "\u{1b}[",
        "RUST_BACKTRACE",
        "os error 0",
    ] {
        assert!(!ended.stderr.contains(never), "{ended:#?}");
    }
    assert!(ended.stderr.len() < 8 * 1024, "{ended:#?}");
}

/// Runs each command in a folder with a fine plan; `says` has what its message must hold.
fn table(stage: &Stage, rows: &[(&[&str], &[&str])]) {
    for (arguments, says) in rows {
        helps(&stage.run(*arguments), 2, says);
    }
}

fn stage() -> Stage {
    Stage::with(&plan(&[PASSES]))
}

#[test]
fn flags() {
    let long = format!("OS={}", "x".repeat(300));
    table(
        &stage(),
        &[
            (&["exceute"], &["'exceute'", "similar", "'execute'"]),
            (&["run", "--wrokers=3"], &["'--wrokers'", "'--workers'"]),
            (&["run", "extra"], &["'extra'"]),
            (
                &["run", "--workers"],
                &["a value is required", "--workers <N>"],
            ),
            (
                &["run", "--workers", "0"],
                &["'0'", "--workers", "1 to 1024"],
            ),
            (&["run", "--workers", "99999"], &["'99999'", "1 to 1024"]),
            (&["run", "--lease", "90"], &["'90'", "--lease", "90s"]),
            (&["run", "--lease", "100ms"], &["between 1s and 24h"]),
            (&["run", "--lease", "25h"], &["between 1s and 24h"]),
            (
                &["run", "--deadline", "1.5h"],
                &["--deadline", "fraction", "1h 30m"],
            ),
            (&["run", "--deadline", "5 parsecs"], &["parsecs", "1h 30m"]),
            (&["run", "--deadline", ""], &["--deadline", "30s"]),
            (&["run", "--deadline", "9999999h"], &["longer than a year"]),
            (&["run", "--patience", "-3s"], &["-3"]),
            (
                &["run", "--capability", "OS"],
                &["\"OS\"", "KEY=VALUE", "OS=Linux"],
            ),
            (&["run", "--capability", "=Linux"], &["KEY=VALUE"]),
            (&["run", "--capability", "OS= "], &["KEY=VALUE"]),
            (
                &["run", "--capability", "OS=Linux\nbrowser=chrome"],
                &["one line"],
            ),
            (&["run", "--capability", &long], &["longer than 256"]),
            (&["run", "--quiet", "--verbose"], &["--quiet", "--verbose"]),
            (&["run", "--junit", "lenient"], &["'lenient'", "strict"]),
            (&["run", "--color", "pink"], &["'pink'", "always"]),
            (&["work"], &["--plan-id <N>"]),
            (
                &["work", "--plan-id", "7a"],
                &["'7a'", "--plan-id", "number"],
            ),
            (
                &["work", "--plan-id", "99999999999999999999"],
                &["--plan-id", "number"],
            ),
            (&["plan", "show", "--plan-id", "1.5"], &["'1.5'", "number"]),
            (
                &["finish", "--execution", "seven"],
                &["'seven'", "--execution", "number"],
            ),
            (
                &["finish", "--execution=1", "--verdict=maybe"],
                &["'maybe'", "passed"],
            ),
            (&["finish", "--execution=1", "--details=x"], &["--message"]),
            (
                &["reset", "--execution=1", "--generation=-1"],
                &["--generation"],
            ),
            (
                &["servers", "add", "--port", "70000"],
                &["'70000'", "65535"],
            ),
            (&["servers", "remove", "first"], &["'first'", "number"]),
            (
                &["servers", "update", "1", "--enable", "--disable"],
                &["--enable", "--disable"],
            ),
            (
                &["execute", "--tests-per-worker=0"],
                &["--tests-per-worker", "'0'"],
            ),
            (
                &["execute", "--target-time=0s"],
                &["--target-time", "more than 0s"],
            ),
            (
                &["execute", "--target-time=5"],
                &["--target-time", "has no unit: write 5s"],
            ),
            (&["execute", "--format=xml"], &["'xml'", "json"]),
            (
                &["serve", "--listen", "localhost"],
                &["'localhost'", "127.0.0.1:8800"],
            ),
            (
                &["serve", "--listen", "127.0.0.1:99999"],
                &["127.0.0.1:8800"],
            ),
            (&["completions", "tcsh"], &["'tcsh'", "zsh"]),
        ],
    );
}

#[test]
fn urls_and_credentials() {
    let stage = stage();
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("blank", b" \n\n"),
        ("two", b"zX4AAEdK\nzX4AAEdL\n"),
        ("spaced", b"zX4A AEdK\n"),
        ("binary", b"\xff\xfe\x00\x01"),
        ("not.pem", b"hello"),
        ("torn.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n"),
    ] {
        stage.write(name, bytes);
    }
    stage.write("large", "x".repeat(20_000));
    let ask = |rest: &[&str]| {
        let mut arguments = vec!["plan", "show", "--plan-id=1", "--patience=0s"];
        arguments.extend(rest);
        stage.run(&arguments)
    };
    let rows: &[(&[&str], &[&str])] = &[
        (&[], &["no service is named", "TESTCENTER_URL"]),
        (&["--url="], &["http://"]),
        (
            &["--url=testcenter.example.com"],
            &["\"testcenter.example.com\"", "http://"],
        ),
        (
            &["--url=127.0.0.1:8800"],
            &["\"127.0.0.1:8800\"", "http://"],
        ),
        (&["--url=ftp://x"], &["\"ftp://x\"", "http://"]),
        (&["--url=file:///etc/passwd"], &["http://"]),
        (&["--url=http://"], &["\"http://\"", "host"]),
        (&["--url=http://localhost:99999"], &["99999", "port"]),
        (
            &["--url=http://ann:hunter2@localhost"],
            &["user or password", "TESTCENTER_TOKEN"],
        ),
        (&["--url=http://localhost/?token=hunter2"], &["after ?"]),
        (
            &["--url=http://localhost", "--token-file=none"],
            &["token file none"],
        ),
        (
            &["--url=http://localhost", "--token-file=empty"],
            &["token file empty", "is empty"],
        ),
        (
            &["--url=http://localhost", "--token-file=blank"],
            &["token file blank"],
        ),
        (
            &["--url=http://localhost", "--token-file=two"],
            &["token file two", "one line"],
        ),
        (
            &["--url=http://localhost", "--token-file=spaced"],
            &["token file spaced", "blanks"],
        ),
        (
            &["--url=http://localhost", "--token-file=binary"],
            &["token file binary", "not text"],
        ),
        (
            &["--url=http://localhost", "--token-file=large"],
            &["token file large", "too large"],
        ),
        (
            &["--url=http://localhost", "--token-file=."],
            &["token file ."],
        ),
        (
            &["--url=https://localhost", "--ca-cert=none"],
            &["--ca-cert none"],
        ),
        (
            &["--url=https://localhost", "--ca-cert=not.pem"],
            &["not.pem", "BEGIN CERTIFICATE"],
        ),
        (
            &["--url=https://localhost", "--ca-cert=torn.pem"],
            &["torn.pem", "BEGIN CERTIFICATE"],
        ),
    ];
    for (arguments, says) in rows {
        let ended = ask(arguments);
        helps(&ended, 2, says);
        for secret in ["hunter2", "zX4A", "xxxx"] {
            assert!(!ended.stderr.contains(secret), "{ended:#?}");
        }
    }

    let with = |variables: &[(&str, &str)]| {
        let command = stage.command(["plan", "show", "--plan-id=1", "--patience=0s"]);
        command.with_all(variables.iter().copied()).run()
    };
    let half = with(&[
        ("TESTCENTER_URL", "http://localhost"),
        ("TESTCENTER_USER", "ann"),
    ]);
    helps(&half, 2, &["TESTCENTER_USER", "TESTCENTER_PASSWORD"]);
    // A token would cross the network readable.
    let plain = with(&[
        ("TESTCENTER_URL", "http://testcenter.example.com"),
        ("TESTCENTER_TOKEN", "hunter2"),
    ]);
    helps(
        &plain,
        2,
        &["testcenter.example.com", "--allow-http", "https://"],
    );
    assert!(!plain.stderr.contains("hunter2"), "{plain:#?}");
}

#[test]
fn plan_files() {
    let stage = stage();
    stage.write("binary.yml", b"project: \xff\xfe\x00");
    stage.write("huge.yml", "#".repeat(4 * 1024 * 1024 + 1));
    stage.write("empty.yml", "");
    stage.write(
        "two.yml",
        plan(&[PASSES]) + "  - title: more\n    tests:\n      - { suite: s, testcases: [t] }\n",
    );
    stage.write(
        "unknown.yml",
        plan(&[PASSES]).replace("exit-codes:", "exit-code:"),
    );
    stage.write(
        "placeholder.yml",
        plan(&[PASSES]).replace("{testcase}", "{test-case}"),
    );
    stage.write(
        "runner.yml",
        "project: example\nrunner: { command: [true, \"{testcase}\"] }\n",
    );
    stage.write("no-runner.yml", "project: example\ntemplates:\n  - title: all\n    tests:\n      - { suite: s, testcases: [t] }\n");
    let validate: &[(&str, &[&str])] = &[
        ("none.yml", &["none.yml", "cannot be read", "--config"]),
        (".", &["cannot be read"]),
        ("binary.yml", &["binary.yml", "UTF-8", "byte 10"]),
        ("huge.yml", &["huge.yml", "4 MiB"]),
        ("empty.yml", &["empty.yml"]),
        (
            "unknown.yml",
            &[
                "unknown.yml:5:3",
                "`exit-code`",
                "did you mean `exit-codes`?",
            ],
        ),
        (
            "placeholder.yml",
            &[
                "placeholder.yml:3:",
                "{test-case}",
                "did you mean `{testcase}`?",
            ],
        ),
    ];
    for (file, says) in validate {
        helps(&stage.run(["validate", "--config", file]), 2, says);
        helps(&stage.run(["run", "--config", file]), 2, says);
        helps(
            &stage.run(["serve", "--listen=127.0.0.1:0", "--plans", file]),
            2,
            says,
        );
    }
    table(
        &stage,
        &[
            (
                &["run", "--config=two.yml"],
                &["several templates", "all", "more", "--template"],
            ),
            (
                &["run", "--config=no-runner.yml"],
                &["no-runner.yml", "runner"],
            ),
            (&["run", "--config=runner.yml"], &["no template"]),
        ],
    );
    let unknown = stage.run(["run", "--template", "al"]);
    helps(&unknown, 4, &["\"al\"", "\"all\"", "\"example\""]);

    let elsewhere = Stage::new();
    table(
        &elsewhere,
        &[
            (&["run"], &["no testplan.yml", "--config"]),
            (&["work", "--plan-id=1"], &["no testplan.yml", "--config"]),
            (&["validate"], &["no testplan.yml", "--config"]),
        ],
    );
    elsewhere.write("testplan.yaml", plan(&[PASSES]));
    table(&elsewhere, &[(&["run"], &["testplan.yaml", "rename"])]);
}

#[cfg(unix)]
#[test]
fn files_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = stage();
    for name in ["secret.yml", "token", "records.ndjson"] {
        stage.write(name, "x");
        let closed = std::fs::Permissions::from_mode(0o000);
        std::fs::set_permissions(stage.path(name), closed).unwrap();
    }
    if std::fs::read(stage.path("token")).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    table(
        &stage,
        &[
            (
                &["validate", "--config=secret.yml"],
                &["secret.yml", "Permission denied"],
            ),
            (
                &["run", "--url=http://localhost", "--token-file=token"],
                &["token", "Permission denied"],
            ),
            (
                &["report", "--records=records.ndjson"],
                &["records.ndjson", "Permission denied"],
            ),
        ],
    );
}

#[test]
fn folders_and_records() {
    let stage = stage();
    stage.write("file", "x");
    stage.write("garbage/a.ndjson", b"\x00\xff\xfe not a record\n{}\n");
    stage.write("empty/a.ndjson", "");
    stage.write("none/readme.txt", "x");
    let left = r#"{"v":1,"at":5,"worker":"a","event":"left","reason":"drained"}"#;
    stage.write(
        "newer/a.ndjson",
        format!("{left}\n{}\n", left.replace("\"v\":1", "\"v\":2")),
    );
    let began = |plan| {
        format!(
            r#"{{"v":1,"at":5,"worker":"a","event":"began","plan":{plan},"title":"t","project":"p","batch":"b","capabilities":[],"status":{{"open":0,"reserved":0,"done":0}},"version":"0"}}"#
        ) + "\n"
    };
    stage.write("two/a.ndjson", began(1));
    stage.write("two/b.ndjson", began(2));
    table(
        &stage,
        &[
            (&["run", "--out=file"], &["--out file"]),
            (&["report", "--out=file"], &["records"]),
            (&["report"], &["testplan-out", "--records"]),
            (&["report", "--records=nowhere"], &["nowhere", "--records"]),
            (
                &["report", "--records=none"],
                &["no records in none", "--records"],
            ),
            (
                &["report", "--records=garbage"],
                &["garbage", "a.ndjson", "line 1", "--records"],
            ),
            // An empty plan would be fine, but what nobody can read is no empty plan.
            (
                &["report", "--records=garbage", "--allow-empty"],
                &["garbage", "a.ndjson"],
            ),
            (
                &["report", "--records=empty"],
                &["empty", "a.ndjson", "--records"],
            ),
            (&["report", "--records=file"], &["file", "--records"]),
            (
                &["report", "--records=newer"],
                &["a.ndjson", "line 2", "version 2", "upgrade"],
            ),
            (
                &["report", "--records=two", "--plan-id=9"],
                &["no record is of plan 9", "plans 1, 2", "--plan-id"],
            ),
            (
                &["serve", "--listen=127.0.0.1:0", "--data=file"],
                &["--data file"],
            ),
        ],
    );
    for folder in ["garbage", "two"] {
        assert!(!stage.path(folder).join("junit.xml").exists());
    }
}

#[cfg(unix)]
#[test]
fn an_output_folder_that_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = stage();
    std::fs::create_dir(stage.path("closed")).unwrap();
    let closed = std::fs::Permissions::from_mode(0o500);
    std::fs::set_permissions(stage.path("closed"), closed).unwrap();
    // Root writes everywhere but where there is nothing to write to.
    for out in ["closed/out", "/proc/testplan"] {
        if out.starts_with("closed") && std::fs::create_dir(stage.path("closed/probe")).is_ok() {
            continue;
        }
        helps(&stage.run(["run", "--out", out]), 2, &["--out", out]);
    }
}
