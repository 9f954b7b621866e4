//! A service that is reached by several URLs: workers go on with another one, and no test runs twice.

use std::collections::BTreeSet;

use rustix::process::Signal;
use testplan::model::ExecutionState;

use crate::support::{
    Answer, Ended, Forwarder, HttpServer, PlanFile, Process, Service, Stage, UrlFault, free_port,
    until,
};

const TESTS: usize = 24;
/// Far more calls than those that meet a fault before workers know of it, and its few tries later; far fewer than the tests
/// need.
const FEW_CALLS: usize = 12;

/// A service with a plan, behind two URLs. Its tests wait for the file `go`, but for the first four.
struct TwoUrls {
    stage: Stage,
    service: Service,
    plan: i64,
    /// In the order in which workers got them.
    urls: [Forwarder; 2],
}

impl TwoUrls {
    fn new() -> Self {
        let stage = Stage::new();
        let test = stage.script(
            "test.sh",
            r#"before=$(cat ran 2>/dev/null | wc -l)
               echo "$2" >> ran
               [ "$before" -lt 4 ] || while [ ! -e go ]; do sleep 0.05; done"#,
        );
        PlanFile::run_with(&test).numbered("s", TESTS).on(&stage);
        let service = Service::start(&stage);
        let plan = service.start_plan(&stage);
        let urls = [(); 2].map(|()| Forwarder::to(service.address()));
        Self {
            stage,
            service,
            plan,
            urls,
        }
    }

    fn start_worker(&self, flags: &str) -> Process {
        let urls = format!("{},{}", self.urls[0].url, self.urls[1].url);
        self.stage
            .testplan("work")
            .at_url(&urls, &self.service.token_file())
            .on(self.plan)
            .flags(&format!("--patience 30s --out out {flags}"))
            .start()
    }

    /// The place of the URL that a worker uses.
    fn used(&self) -> usize {
        until("calls of the worker", || {
            self.urls.iter().position(|url| url.calls() > 0)
        })
    }

    /// Asserts that each test ran once and was counted, and that nothing worth a line happened.
    fn is_green(&self, ended: Ended) {
        let ended = ended.code_is(0);
        let ran = self.stage.lines("ran");
        let each: BTreeSet<_> = ran.iter().collect();
        assert_eq!((ran.len(), each.len()), (TESTS, TESTS), "{ran:?}");
        let executions = self.service.executions(self.plan);
        assert!(
            executions
                .iter()
                .all(|it| it.state == ExecutionState::Done && it.attempts == 1),
            "{executions:?}"
        );
        for word in ["WARN", "ERROR", "warning", "error"] {
            assert!(!ended.stderr.contains(word), "{word}: {ended}");
        }
    }
}

#[test]
fn workers_go_on_with_the_other_url_whatever_is_wrong_with_theirs() {
    std::thread::scope(|scope| {
        for fault in [
            UrlFault::Dead,
            UrlFault::Cut,
            UrlFault::Hang,
            UrlFault::Page(502),
            UrlFault::Page(503),
        ] {
            scope.spawn(move || goes_on(fault));
        }
    });
}

fn goes_on(fault: UrlFault) {
    let mut two = TwoUrls::new();
    let worker = two.start_worker("--workers 2");
    two.stage.wait_for_lines("ran", 6);
    let home = two.used();
    assert_eq!(two.urls[1 - home].calls(), 0, "{fault:?}");
    two.urls[home].set(fault);
    two.stage.write("go", "");
    two.is_green(worker.end());
    let (bad, good) = (two.urls[home].calls(), two.urls[1 - home].calls());
    assert!(bad <= FEW_CALLS, "{fault:?}: {bad} calls met it");
    assert!(good >= TESTS - 6, "{fault:?}: {good} calls");
    assert_eq!(bad == 0, fault == UrlFault::Dead, "{fault:?}: {bad}");
}

#[test]
fn workers_survive_a_rolling_restart_of_both_urls_and_come_home() {
    let mut two = TwoUrls::new();
    let worker = two.start_worker("--workers 2");
    two.stage.wait_for_lines("ran", 6);
    let home = two.used();
    two.urls[home].set(UrlFault::Dead);
    // Heartbeats and results go the other way.
    two.stage.write("go", "");
    two.stage.wait_for_lines("ran", 8);
    std::fs::remove_file(two.stage.path("go")).unwrap();
    until("calls at the other URL", || {
        (two.urls[1 - home].calls() > 0).then_some(())
    });
    two.urls[home].set(UrlFault::None);
    two.urls[1 - home].set(UrlFault::Dead);
    two.stage.write("go", "");
    two.is_green(worker.end());
    assert!(two.urls[home].calls() > 0);
}

#[test]
fn processes_are_spread_over_the_urls() {
    let stage = Stage::new();
    let count = HttpServer::replay([Answer::json(200, "[]")]);
    let other = HttpServer::replay([Answer::json(200, "[]")]);
    let urls = format!("{},{}", count.url, other.url);
    until("calls at both URLs", || {
        stage
            .testplan("servers list")
            .flags("--url")
            .arg(&urls)
            .run()
            .code_is(0);
        let both = [&count, &other].map(|it| it.requests().len());
        both.iter().all(|calls| *calls > 0).then_some(())
    });
}

#[test]
fn waiting_worker_leaves_a_stopping_service_at_once() {
    let stage = Stage::new();
    let test = stage.script("test.sh", "echo $$ >> begun\nhang");
    PlanFile::run_with(&test).numbered("s", 1).on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let holder = stage
        .testplan("work")
        .at(&service)
        .on(plan)
        .flags("--workers 1 --out holder")
        .start();
    stage.wait_for_lines("begun", 1);
    let mut home = Forwarder::to(service.address());
    // Nothing listens at the other URL yet.
    let other = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
    let waiting = stage
        .testplan("work")
        .at_url(
            &format!("{},http://{other}", home.url),
            &service.token_file(),
        )
        .on(plan)
        .flags("--workers 1 --out waiting")
        .start();
    until("a worker that waits", || {
        home.was_asked("prefer: wait=").then_some(())
    });
    let another = HttpServer::connections_at(other, |connection| {
        let request = connection.request()?;
        let none = r#"{"status":"No executions available that match requested capabilities.","pending":3}"#;
        let is_reserve = request.line().contains("/reserve/");
        connection.answer(&if is_reserve {
            Answer::json(200, none).header("testplan-service: 0.1.0")
        } else {
            Answer::hang()
        })
    });
    let another = another.expect("the port is free");
    service.process().send(Signal::TERM);
    until("its reservation at the other URL", || {
        let requests = another.requests();
        requests
            .iter()
            .any(|it| it.line().contains("/reserve/"))
            .then_some(())
    });
    assert!(!waiting.stderr().contains("WARN"), "{}", waiting.stderr());
    home.set(UrlFault::Dead);
    drop((waiting, holder));
}

#[test]
fn service_that_drains_stops_at_once_on_another_signal() {
    let stage = Stage::new();
    let test = stage.script("test.sh", "true");
    PlanFile::run_with(&test).numbered("s", 1).on(&stage);
    let service = Service::start_with(&stage, |serve| serve.flags("--drain 1h"));
    assert_eq!(service.answer("/readyz").0, 200);
    service.process().send(Signal::TERM);
    until("a service that is not ready", || {
        (service.answer("/readyz").0 == 503).then_some(())
    });
    assert_eq!(service.answer("/healthz").0, 200);
    let plan = service.start_plan(&stage);
    assert!(
        service
            .process()
            .stderr()
            .contains("stopping (SIGTERM) in 1h: /readyz is 503")
    );
    assert!(plan > 0, "new work is still taken");
    service.stop().code_is(0);
}
