//! Secrets and leases do not show: not in a file, in anything that is said, in a list of processes, or in the
//! environment of a test.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::support::{PlanFile, Service, Stage, Tap, Testplan, files_below};

const TOKEN: &str = "canary-5Q8vN2hWtoken";
const PASSWORD: &str = "canary-5Q8vN2hWpassword";
/// `ada:` and the password, as basic authentication sends them.
const BASIC: &str = "YWRhOmNhbmFyeS01UTh2TjJoV3Bhc3N3b3Jk";
/// What must not be found, beside leases.
const CANARIES: [&str; 2] = ["canary-5Q8vN2hW", BASIC];

#[test]
fn a_token_and_its_leases_do_not_show() {
    nothing_shows(&[("TESTCENTER_TOKEN", TOKEN)], &format!("Token {TOKEN}"));
}

#[test]
fn a_password_and_its_leases_do_not_show() {
    let variables = [
        ("TESTCENTER_USER", "ada"),
        ("TESTCENTER_PASSWORD", PASSWORD),
    ];
    nothing_shows(&variables, &format!("Basic {BASIC}"));
}

fn nothing_shows(variables: &[(&str, &str)], header: &str) {
    let stage = Stage::new();
    let dump = stage.script(
        "dump.sh",
        r#"if [ "$1" = list ]; then env > listing; echo s:fails; echo s:breaks; exit; fi
           while [ ! -e spied ] && [ -d "$PWD" ]; do sleep 0.02; done
           ps -ef
           ps -o args= -p $PPID
           env
           [ "$2" = breaks ] && exit 42
           exit 1"#,
    );
    PlanFile::run_with(&dump)
        .discover(&dump, "^(?<suite>s):(?<testcase>.+)$")
        .on(&stage);
    let secretly = |command: Testplan| {
        let with = |command: Testplan, (name, value): &(&str, &str)| command.with(name, value);
        variables
            .iter()
            .fold(command, with)
            .with("INPUT_TOKEN", TOKEN)
            .with("INPUT_PASSWORD", PASSWORD)
            .with("TESTPLAN_LEASE_TOKEN", TOKEN)
            .flags("--verbose --verbose")
    };
    let service = Service::start_with(&stage, secretly);
    let tap = Tap::before(&service);
    let at = |command: Testplan| secretly(command).flags("--url").arg(&tap.url);
    let overheard = while_spying(&stage, || {
        let started = at(stage.testplan("execute"))
            .flags("--format json")
            .run()
            .code_is(0)
            .json();
        let plan = started["plan_id"].as_i64().unwrap();
        at(stage.testplan("work").on(plan))
            .flags("--out out")
            .run()
            .code_is(3);
        at(stage.testplan("retry").on(plan))
            .flags("--out out")
            .run()
            .code_is(0);
        at(stage.testplan("work").on(plan).named("again"))
            .flags("--out out")
            .run()
            .code_is(3);
        at(stage.testplan("report").on(plan))
            .flags("--out out")
            .run()
            .code_is(3);
        // Alone, with a service in itself.
        secretly(stage.testplan("run"))
            .flags("--out own")
            .run()
            .code_is(3);
        // Turned away.
        let by_password = variables.iter().any(|(name, _)| *name == "TESTCENTER_USER");
        let (secret, right) = if by_password {
            ("TESTCENTER_PASSWORD", PASSWORD)
        } else {
            ("TESTCENTER_TOKEN", TOKEN)
        };
        at(stage.testplan("plan status").on(plan))
            .with(secret, format!("{right}-wrong"))
            .run()
            .code_is(3);
        // Not even answered.
        secretly(stage.testplan("plan show").on(plan))
            .flags("--url http://127.0.0.1:9 --patience 0s")
            .run()
            .code_is(3);
    });

    assert!(tap.requests().contains(header), "the secret is in use");
    let leases = tap.leases();
    assert_eq!(leases.len(), 4, "two executions, twice: {leases:?}");
    let secrets = || {
        CANARIES
            .into_iter()
            .chain(leases.iter().map(String::as_str))
    };

    let files = files_below(stage.folder());
    let is_log = |path: &&PathBuf| path.extension().is_some_and(|it| it == "log");
    let logs: Vec<_> = files.iter().filter(is_log).collect();
    assert_eq!(logs.len(), 6, "{logs:?}");
    for log in logs {
        let text = fs::read_to_string(log).unwrap();
        assert!(text.contains("TESTPLAN_ATTEMPT="), "it dumped what it saw");
    }
    assert!(stage.read("listing").contains("PATH="));
    for path in &files {
        let bytes = fs::read(path).unwrap();
        for secret in secrets() {
            assert!(!holds(&bytes, secret), "{secret} is in {}", path.display());
        }
    }
    assert!(overheard.contains(" --verbose"), "we were seen");
    for secret in secrets() {
        assert!(!overheard.contains(secret), "{secret} in {overheard}");
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Lists processes, and the environments of the stage's tests where the system shows them, until something is over.
/// Tests wait until they were seen.
fn while_spying(stage: &Stage, something: impl FnOnce()) -> String {
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let spy = scope.spawn(|| {
            let mut seen = String::new();
            while !over.load(Ordering::Relaxed) {
                let listed = Command::new("ps").arg("-ef").output().unwrap();
                seen += &String::from_utf8_lossy(&listed.stdout);
                let environments = environments_of_tests(stage);
                if !environments.is_empty() || !cfg!(target_os = "linux") {
                    stage.write("spied", "");
                }
                seen += &environments;
            }
            seen
        });
        let end = Over(&over);
        something();
        drop(end);
        spy.join().unwrap()
    })
}

/// The environments of processes that a testplan on this stage has started. Empty where the system does not show them.
fn environments_of_tests(stage: &Stage) -> String {
    let here = stage.folder().to_str().unwrap();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read(process.path().join("environ")).ok())
        .filter(|environment| holds(environment, "TESTPLAN_ATTEMPT=") && holds(environment, here))
        .map(|environment| String::from_utf8_lossy(&environment).into_owned())
        .collect()
}
