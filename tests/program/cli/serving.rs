//! `serve` where it cannot, and how it begins and ends.

use std::net::TcpListener;

use super::{
    mistakes::helps,
    plan::{PASSES, plan},
};
use crate::support::{PlanFile, Service, Stage, until};

const ANY: &str = "--listen=127.0.0.1:0";

#[test]
fn taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = Stage::new().run(["serve", "--listen", &address]);
    helps(&ended, 3, &[&address, "--listen"]);
}

#[test]
fn serve_beyond_localhost_needs_allow_http() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let ended = Stage::new().run(["serve", "--listen", address]);
        helps(&ended, 2, &[address, "TLS", "--allow-http"]);
    }
}

#[test]
fn second_serve_on_one_folder_is_refused() {
    let stage = Stage::with(&plan(&[PASSES]));
    let first = Service::start(&stage);
    let second = stage.run(["serve", ANY, "--data=data"]);
    helps(&second, 3, &["testplan.sqlite", "another testplan"]);
    // The first goes on.
    let shown = first.run(&stage, &["template", "show"]);
    assert_eq!(shown.code, Some(0), "{shown:#?}");
}

#[test]
fn file_that_is_no_database_is_refused() {
    let stage = Stage::new();
    stage.write(
        "data/testplan.sqlite",
        "this is no database, whatever its name says\n".repeat(200),
    );
    helps(
        &stage.run(["serve", ANY, "--data=data"]),
        3,
        &[
            "testplan.sqlite",
            "not a database",
            "name another data folder",
        ],
    );
}

#[test]
fn damaged_database_is_refused() {
    let stage = Stage::with(&plan(&[PASSES]));
    drop(Service::start(&stage));
    // What is not in the file yet is in its log, and a damaged file has none that fits.
    for side in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(stage.path(&format!("data/testplan.sqlite{side}")));
    }
    let path = stage.path("data/testplan.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.resize(bytes.len().max(8192), 0);
    bytes[100..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    helps(
        &stage.run(["serve", ANY, "--data=data"]),
        3,
        &["testplan.sqlite", "damaged", "Restore a backup"],
    );
}

#[test]
fn failed_listings_stop_serve() {
    let stage = Stage::new();
    let binary = serde_json::Value::from(env!("CARGO_BIN_EXE_testplan"));
    for (command, says) in [
        (
            format!("[{binary}, validate]"),
            &["exit code 2", "there is no testplan.yml here"][..],
        ),
        (
            format!("[{binary}, --quiet, validate, --config, fine.yml, --color=never]"),
            &["no line", "fine.yml"],
        ),
        ("[no-such-lister]".to_owned(), &["no-such-lister", "PATH"]),
        ("[./there/is/none]".to_owned(), &["none", "does not exist"]),
    ] {
        stage.write("fine.yml", plan(&[PASSES]));
        stage.write(
            "plans.yml",
            format!(
                "project: example\ntemplates:\n  - title: found\n    tests:\n      - discover:\n          \
                 command: {command}\n          line: \"(?<suite>[^:]+)::(?<testcase>.+)\"\n"
            ),
        );
        let says: Vec<&str> = says.iter().copied().chain(["\"found\""]).collect();
        helps(&stage.run(["serve", ANY, "--plans=plans.yml"]), 2, &says);
    }
}

/// The first line on stdout is what scripts wait for, the token is its owner's, and SIGTERM is a good end.
#[cfg(unix)]
#[test]
fn serve_prints_its_url_and_ends_on_sigterm() {
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::with(&plan(&[PASSES]));
    let service = Service::start(&stage);
    let mode = std::fs::metadata(stage.path("data/token"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        service.url.starts_with("http://127.0.0.1:"),
        "{}",
        service.url
    );
    let (token, url) = (service.token.clone(), service.url.clone());
    let ended = service.stop().code_is(0);
    assert_eq!(ended.stdout, format!("listening on {url}\n"));
    assert!(
        ended.stderr.contains("data/token") && !ended.stderr.contains(&token),
        "{ended:#?}"
    );
    // The same token the next time.
    assert_eq!(Service::start(&stage).token, token);
}

#[test]
fn serve_uses_the_token_of_the_environment() {
    let stage = Stage::new();
    let command = stage.command(["serve", ANY, "--data=data"]);
    let started = command.with("TESTCENTER_TOKEN", "chosen-by-me").start();
    let url = started.wait_for_line("listening on ");
    let ask = stage.command(["servers", "list", "--url", &url]);
    let listed = ask.with("TESTCENTER_TOKEN", "chosen-by-me").run();
    assert_eq!(listed.code, Some(0), "{listed:#?}");
    assert!(!stage.path("data/token").exists());
}

#[cfg(unix)]
#[test]
fn service_reads_its_plan_files_again_after_a_hangup() {
    let stage = Stage::new();
    let file = |tests| {
        PlanFile::run_with("true".as_ref())
            .numbered("s", tests)
            .on(&stage);
    };
    file(1);
    let service = Service::start(&stage);
    let tests = || {
        let show = ["template", "show", "--project", "p", "--template", "T"];
        let shown = service.run(&stage, &[&show[..], &["--format", "json"]].concat());
        shown.code_is(0).json()["count"].clone()
    };
    let hang_up = |word: &str| {
        service.process().send(rustix::process::Signal::HUP);
        until(word, || {
            service.process().stderr().contains(word).then_some(())
        });
    };
    assert_eq!(tests(), 1);
    file(3);
    hang_up("the plan files were read again");
    assert_eq!(tests(), 3);
    stage.write("testplan.yml", "templates: 7");
    hang_up("the plan files stay as they were read before");
    file(5);
    assert_eq!(tests(), 3);
}

/// A request on a connection of its own; the status of the answer.
fn ask(address: &str, path: &str, token: &str) -> u16 {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Token {token}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

const SERVERS: &str = "/execution/v1/squishservers";

#[test]
fn refused_logins_are_logged_with_their_address_and_counted() {
    let stage = Stage::with(&plan(&[PASSES]));
    let service = Service::start(&stage);
    let address = service.url.trim_start_matches("http://").to_owned();
    for _ in 0..50 {
        assert_eq!(ask(&address, SERVERS, "wrong-secret"), 401);
    }
    assert_eq!(ask(&address, SERVERS, &service.token), 200);
    let log = service.stop().code_is(0).stderr;
    let refused: Vec<_> = log
        .lines()
        .filter(|line| line.contains("refused"))
        .collect();
    assert!((2..=4).contains(&refused.len()), "no flood: {log}");
    assert!(refused[0].contains("peer=127.0.0.1"), "{log}");
    assert!(refused.last().unwrap().contains("all=50"), "{log}");
    assert!(!log.contains("wrong-secret"), "{log}");
    let time = regex::Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z +(INFO|WARN) ").unwrap();
    assert!(refused.iter().all(|line| time.is_match(line)), "{log}");
}

#[test]
fn log_of_serve_is_json_by_choice() {
    let stage = Stage::with(&plan(&[PASSES]));
    let service = Service::start_with(&stage, |serve| serve.flags("--log-format json"));
    let address = service.url.trim_start_matches("http://").to_owned();
    assert_eq!(ask(&address, SERVERS, "wrong-secret"), 401);
    let log = service.stop().code_is(0).stderr;
    let events: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(events.iter().all(|it| it["timestamp"].is_string()), "{log}");
    let refused = events.iter().find(|it| it["message"] == "refused a login");
    let refused = refused.unwrap_or_else(|| panic!("{log}"));
    assert_eq!(refused["peer"], "127.0.0.1");
    assert_eq!(
        (&refused["level"], &refused["all"]),
        (&"WARN".into(), &1.into())
    );
    assert!(
        events.iter().any(|it| {
            let message = it["message"].as_str().unwrap();
            message.starts_with("stopping")
        }),
        "{log}"
    );
}

/// With `limits` set by the shell that starts it.
#[cfg(unix)]
fn serve_under(stage: &Stage, limits: &str) -> (crate::support::Process, String) {
    let binary = env!("CARGO_BIN_EXE_testplan");
    let script = format!("{limits}; exec '{binary}' serve {ANY} --data=data");
    let process = stage.program("sh").arg("-c").arg(script).start();
    let url = process.wait_for_line("listening on ");
    (process, url.trim_start_matches("http://").to_owned())
}

#[cfg(unix)]
#[test]
fn soft_limit_on_open_files_is_raised() {
    let stage = Stage::with(&plan(&[PASSES]));
    let (_serving, address) = serve_under(&stage, "ulimit -Sn 64 && ulimit -Hn 512");
    let held: Vec<_> = (0..150)
        .map(|_| std::net::TcpStream::connect(&address).unwrap())
        .collect();
    let token = std::fs::read_to_string(stage.path("data/token")).unwrap();
    assert_eq!(ask(&address, SERVERS, &token), 200);
    for stream in &held {
        stream.set_nonblocking(true).unwrap();
        let error = stream.peek(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "still open");
    }
}

#[cfg(unix)]
#[test]
fn idle_connections_are_closed_at_the_limit_on_open_files() {
    let stage = Stage::with(&plan(&[PASSES]));
    let (serving, address) = serve_under(&stage, "ulimit -n 64");
    let token = std::fs::read_to_string(stage.path("data/token")).unwrap();
    let mut held = Vec::new();
    for _ in 0..5 {
        held.extend((0..100).map(|_| std::net::TcpStream::connect(&address).unwrap()));
        assert_eq!(ask(&address, SERVERS, &token), 200);
    }
    serving.send(rustix::process::Signal::TERM);
    let log = serving.end().stderr;
    let lines = log.lines().filter(|line| line.contains("connection"));
    assert!(
        (1..=5).contains(&lines.count()),
        "one line, no flood: {log}"
    );
}
