//! A proxy before the service answers in its place for a while: every command ends in time, and no result is lost.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use testplan::model::ExecutionState;

use crate::support::{
    Answer, Ended, Ending, HttpRequest, HttpServer, PlanFile, Service, Stage, until,
};

/// What a proxy may do to a request.
const FAULTS: [Fault; 12] = [
    Fault::Status(502),
    Fault::Status(504),
    Fault::Page(200),
    Fault::Page(403),
    Fault::Page(404),
    Fault::Rejected,
    Fault::Redirect,
    Fault::Hang,
    Fault::Cut,
    Fault::Close,
    Fault::RetryAfter,
    Fault::Drip,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Status(u16),
    Page(u16),
    Rejected,
    Redirect,
    Hang,
    Cut,
    Close,
    RetryAfter,
    Drip,
}

impl Fault {
    fn answer(self) -> Answer {
        match self {
            Self::Status(status) => Answer::new(status, ""),
            Self::Page(status) => Answer::page(status),
            Self::Rejected => Answer::json(401, r#"{"code":401,"message":"who?"}"#),
            Self::Redirect => Answer::redirect(302, "https://sso.example.com/login"),
            Self::Hang => Answer::hang(),
            Self::Cut => Answer::half(200),
            Self::Close => Answer::close(),
            Self::RetryAfter => Answer::new(503, "").header("retry-after: 3600"),
            Self::Drip => {
                Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").then(Ending::Drip)
            }
        }
    }

    /// How many requests in a row meet it, so that patience of eight seconds is enough for all of them.
    fn times(self) -> usize {
        match self {
            Self::Hang | Self::Drip | Self::RetryAfter => 1,
            _ => 3,
        }
    }
}

/// Forwards what `answers` does not answer itself.
fn proxy(
    service: &Service,
    answers: impl Fn(&mut HttpRequest) -> Option<Answer> + Send + Sync + 'static,
) -> HttpServer {
    let to = service.address().to_owned();
    HttpServer::connections_to(move |connection| {
        loop {
            let mut request = connection.request()?;
            let answer = answers(&mut request).unwrap_or_else(|| forwarded(&to, &request));
            connection.answer(&answer)?;
        }
    })
}

/// The answer of the service to one request on a connection of its own.
fn forwarded(to: &str, request: &HttpRequest) -> Answer {
    let Ok(mut stream) = TcpStream::connect(to) else {
        return Answer::new(502, "");
    };
    let head = format!("{}\r\nconnection: close\r\n\r\n", request.head);
    let mut answer = Vec::new();
    let sent = stream
        .write_all(&[head.as_bytes(), &request.body].concat())
        .and_then(|()| stream.read_to_end(&mut answer));
    let _ = stream.shutdown(Shutdown::Both);
    match sent {
        Ok(_) => Answer::raw(answer),
        Err(_) => Answer::new(502, ""),
    }
}

fn passing_tests(stage: &Stage, count: usize) {
    let test = stage.script("test.sh", r#"echo "$TESTPLAN_EXECUTION_ID" >> ran"#);
    PlanFile::run_with(&test).numbered("s", count).on(stage);
}

#[test]
fn results_are_delivered_after_every_fault_of_a_proxy() {
    thread::scope(|scope| {
        for fault in FAULTS {
            scope.spawn(move || result_survives(fault));
        }
    });
}

fn result_survives(fault: Fault) {
    let stage = Stage::new();
    passing_tests(&stage, 2);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let met = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&met);
    let proxy = proxy(&service, move |request| {
        let is_result = request.line().contains("/finished");
        (is_result && counted.fetch_add(1, Ordering::SeqCst) < fault.times())
            .then(|| fault.answer())
    });
    let work = stage
        .testplan("work")
        .at_url(&proxy.url, &service.token_file());
    let ended = work
        .on(plan)
        .flags("--workers 1 --patience 8s --out out")
        .run();
    assert_eq!(ended.code, Some(0), "{fault:?}: {ended}");
    assert!(met.load(Ordering::SeqCst) > fault.times(), "{fault:?}");
    let executions = service.executions(plan);
    let done = executions
        .iter()
        .filter(|it| it.state == ExecutionState::Done);
    assert_eq!(done.count(), 2, "{fault:?}: {executions:?}");
    assert_eq!(stage.lines("ran").len(), 2, "{fault:?}: each ran once");
}

#[test]
fn plan_is_started_once_although_a_proxy_keeps_losing_the_answers() {
    let stage = Stage::new();
    passing_tests(&stage, 1);
    let service = Service::start(&stage);
    let to = service.address().to_owned();
    let met = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&met);
    // The service starts the plan with the second request; each answer before the fourth is a page of the proxy.
    let proxy = proxy(&service, move |request| {
        if !request.line().contains("/executeplan") {
            return None;
        }
        match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Some(Answer::page(502)),
            1 | 2 => {
                forwarded(&to, request);
                Some(Answer::page(502))
            }
            _ => None,
        }
    });
    let execute = stage
        .testplan("execute")
        .at_url(&proxy.url, &service.token_file());
    let flags = execute.flags("--format json --template T --patience 20s");
    let started = flags.run().code_is(0).json();
    assert_eq!(met.load(Ordering::SeqCst), 4);
    let next = service.start_plan(&stage);
    assert_eq!(started["plan_id"], next - 1, "no other plan was started");
}

/// Commands that ask the service, with the number of a plan where they need one.
const COMMANDS: [&str; 9] = [
    "plan show --plan-id PLAN",
    "template show --project p --template t",
    "execute --project p --template t",
    "run --workers 1 --out OUT",
    "work --plan-id PLAN --workers 1 --out OUT",
    "wait --plan-id PLAN",
    "retry --plan-id PLAN",
    "servers list",
    "upload --project p --batch b results.xml",
];

#[test]
fn commands_end_in_time_whatever_a_proxy_does() {
    let stage = Stage::new();
    passing_tests(&stage, 1);
    stage.write("results.xml", "<testsuite><testcase name='t'/></testsuite>");
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    for faults in FAULTS.chunks(3) {
        thread::scope(|scope| {
            for (fault, command) in faults
                .iter()
                .flat_map(|fault| COMMANDS.map(|command| (*fault, command)))
            {
                let (stage, service) = (&stage, &service);
                scope.spawn(move || ends_in_time(stage, service, plan, fault, command));
            }
        });
    }
}

/// Patience of a second, and requests of three: the first, and one that begins within the patience. The rest is for a busy
/// machine.
const IN_TIME: Duration = Duration::from_secs(3 + 1 + 3 + 15);

fn ends_in_time(stage: &Stage, service: &Service, plan: i64, fault: Fault, command: &str) {
    let proxy = proxy(service, move |_| Some(fault.answer()));
    let name = command.split(' ').next().unwrap();
    let out = format!("out-{name}-{fault:?}").replace(['(', ')'], "");
    let words = command
        .replace("PLAN", &plan.to_string())
        .replace("OUT", &out);
    let mut words = words.split(' ');
    let began = Instant::now();
    let ended: Ended = stage
        .testplan(words.next().unwrap())
        .args(words)
        .at_url(&proxy.url, &service.token_file())
        .flags("--patience 1s")
        .run();
    let took = began.elapsed();
    assert!(took < IN_TIME, "{command}, {fault:?}: {took:?}: {ended}");
    assert_eq!(ended.code, Some(3), "{command}, {fault:?}: {ended}");
    assert!(
        ended.stderr.contains("help: "),
        "{command}, {fault:?}: {ended}"
    );
    let help = ended.stderr.lines().filter(|line| line.starts_with("help"));
    assert!(
        help.clone().all(|line| !line.contains("sso.example.com")),
        "{command}, {fault:?}: {ended}"
    );
}

#[test]
fn token_that_is_rotated_while_a_test_runs_costs_nothing() {
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"echo "$$" >> begun
           while [ ! -e go ]; do sleep 0.05; done"#,
    );
    PlanFile::run_with(&test).numbered("s", 2).on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let valid = std::fs::read_to_string(service.token_file()).unwrap();
    let file = stage.write("token", "first");
    let accepted = Arc::new(Mutex::new("Token first"));
    let rejected = Arc::new(AtomicUsize::new(0));
    let (accepts, rejects) = (Arc::clone(&accepted), Arc::clone(&rejected));
    let proxy = proxy(&service, move |request| {
        let accepted = *accepts.lock().unwrap();
        if request.header("authorization") != [accepted] {
            rejects.fetch_add(1, Ordering::SeqCst);
            return Some(Fault::Rejected.answer());
        }
        request.head = request
            .head
            .replace(accepted, &format!("Token {}", valid.trim()));
        None
    });
    let worker = stage
        .testplan("work")
        .at_url(&proxy.url, &file)
        .on(plan)
        .flags("--workers 1 --lease 3s --patience 20s --out out")
        .start();
    stage.wait_for_lines("begun", 1);
    // The service knows the new token before the file has it: heartbeats are rejected meanwhile.
    *accepted.lock().unwrap() = "Token other";
    until("a rejected heartbeat", || {
        (rejected.load(Ordering::SeqCst) > 0).then_some(())
    });
    stage.write("token", "other");
    stage.write("go", "");
    worker.end().code_is(0);
    assert_eq!(stage.lines("begun").len(), 2, "no test ran twice");
}

#[test]
fn service_that_is_slower_than_the_lease_is_named_with_what_to_do() {
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        "echo $$ >> begun\n[ $(wc -l < begun) -gt 1 ] || hang",
    );
    PlanFile::run_with(&test).numbered("s", 1).on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let proxy = proxy(&service, |request| {
        let is_beat = request.line().contains("/heartbeat/");
        is_beat.then(|| Fault::Hang.answer())
    });
    let work = stage
        .testplan("work")
        .at_url(&proxy.url, &service.token_file());
    let ended = work
        .on(plan)
        .flags("--workers 1 --lease 2s --patience 5s --out out")
        .run();
    for words in [
        "the service took longer than 0.",
        "which is what a lease of 2.0 s allows",
        "ask for longer leases with --lease",
    ] {
        assert!(ended.stderr.contains(words), "{words:?}: {ended}");
    }
    let why = "before the lease was about to end: the service took longer than 0.";
    let (stdout, stderr) = (&ended.stdout, &ended.stderr);
    assert!(stdout.contains(why) || stderr.contains(why), "{ended}");
}
