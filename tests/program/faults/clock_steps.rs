//! The wall clock of a real service steps by an hour and back, while it runs and while it is down, and the service restarts 30
//! times in a row. libfaketime steps the clock: it puts the wall clock, not the monotonic one, beside the real one by what a file
//! says.

use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};

use crate::support::{PlanFile, Service, Stage, skip, until_within};

const RESTARTS: usize = 30;
const LEASE: Duration = Duration::from_secs(8);
/// Of the lease that is renewed: a busy machine may stop everything for longer than the other lasts.
const RENEWED: Duration = Duration::from_secs(40);
/// The most by which a lease may end late, and room for a busy machine.
const LATE: Duration = Duration::from_secs(20);
const BUSY: Duration = Duration::from_secs(3);
const HOUR: i64 = 3_600;

/// Before this start of the service the clock is put to `offset` seconds beside the real one.
struct Step {
    restart: usize,
    when: When,
    offset: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// The service still runs, and may be killed before it notices.
    Running,
    /// The service still runs, and lives until it shows the new time.
    Noticed,
    /// The service is down.
    Down,
}
use When::{Down, Noticed, Running};

const fn step(restart: usize, when: When, offset: i64) -> Step {
    Step {
        restart,
        when,
        offset,
    }
}

/// Each ends with the right time. The first steps fall into the lease, the last ones behind it.
const STORIES: [(&str, &[Step]); 6] = [
    ("no step", &[]),
    (
        "forward and back while it runs",
        &[
            step(2, Noticed, HOUR),
            step(4, Noticed, 0),
            step(20, Running, HOUR),
            step(25, Noticed, 0),
        ],
    ),
    (
        "forward and back while it is down",
        &[
            step(2, Down, HOUR),
            step(5, Down, 0),
            step(20, Down, HOUR),
            step(25, Down, 0),
        ],
    ),
    (
        "back and forward while it runs",
        &[
            step(2, Running, -HOUR),
            step(5, Running, 0),
            step(20, Noticed, -HOUR),
            step(25, Noticed, 0),
        ],
    ),
    (
        "back and forward while it is down",
        &[
            step(2, Down, -HOUR),
            step(5, Down, 0),
            step(20, Down, -HOUR),
            step(25, Down, 0),
        ],
    ),
    (
        "to both sides",
        &[
            step(1, Down, HOUR),
            step(3, Running, -HOUR),
            step(5, Down, HOUR),
            step(6, Running, 0),
        ],
    ),
];

#[test]
fn leases_end_in_time_over_thirty_restarts_and_steps_of_the_wall_clock() {
    let Some(library) = library() else {
        skip::missing("libfaketime is not installed");
        return;
    };
    thread::scope(|scope| {
        for (name, steps) in STORIES {
            let library = &library;
            scope.spawn(move || Story::begin(name, library).run(steps));
        }
    });
}

/// Debian's place of the library for programs with threads.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut found = folders.map(|it| it.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists())
}

struct Story {
    name: &'static str,
    stage: Stage,
    service: Service,
    /// Its one execution is held under a lease that no worker renews.
    abandoned: i64,
    /// When that lease was asked for and granted, and its end by the monotonic clock.
    asked: Instant,
    granted: Instant,
    ended: Option<Instant>,
    /// The plan of all other leases.
    other: i64,
    renewed: Value,
    offset: i64,
}

impl Story {
    fn begin(name: &'static str, library: &std::path::Path) -> Self {
        let stage = Stage::new();
        let passes = stage.script("passes.sh", "exit 0");
        PlanFile::run_with(&passes).numbered("s", 1).on(&stage);
        let clock = stage.write("clock", "+0");
        let service = Service::start_with(&stage, |serve| {
            serve
                .with("LD_PRELOAD", library)
                .with("FAKETIME_TIMESTAMP_FILE", clock)
                .with("FAKETIME_NO_CACHE", "1")
                .with("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .with("NO_FAKE_STAT", "1")
        });
        let abandoned = service.start_plan(&stage);
        PlanFile::run_with(&passes).numbered("s", 2).on(&stage);
        let other = service.start_plan(&stage);
        let asked = Instant::now();
        assert!(reserve(&service, abandoned, LEASE)["lease"].is_string());
        let granted = Instant::now();
        let renewed = reserve(&service, other, RENEWED);
        Self {
            name,
            stage,
            service,
            abandoned,
            asked,
            granted,
            ended: None,
            other,
            renewed,
            offset: 0,
        }
    }

    fn run(mut self, steps: &[Step]) {
        for restart in 1..=RESTARTS {
            let due: Vec<&Step> = steps.iter().filter(|it| it.restart == restart).collect();
            for step in due.iter().filter(|it| it.when != Down) {
                self.set_clock(step.offset);
                if step.when == Noticed {
                    self.wait_until_ends_are_right();
                }
            }
            self.look();
            self.kill();
            for step in due.iter().filter(|it| it.when == Down) {
                self.set_clock(step.offset);
            }
            self.service.restart();
            if due.iter().any(|it| it.when == Down) {
                assert_eq!(
                    self.error_of_end(),
                    0,
                    "{}: right after the start",
                    self.name
                );
            }
            self.renew();
            self.look();
        }
        self.wait_until_ends_are_right();
        let name = self.name;
        until_within(
            LATE + LEASE + BUSY,
            "the end of the abandoned lease",
            || {
                self.renew();
                self.look();
                self.ended
            },
        );
        let late = self
            .ended
            .unwrap()
            .duration_since(self.granted)
            .saturating_sub(LEASE);
        assert!(late <= LATE + BUSY, "{name}: {late:?} late");
        self.starts_planned_executions_in_time();
        let execution = self.renewed["execution_id"].as_i64().unwrap();
        let history = self.service.history(self.other, execution);
        assert!(
            !history.contains(&"expired".to_owned()),
            "{name}: {history:?}"
        );
        self.kill();
    }

    /// The offset of the service's wall clock, for it and its next processes.
    fn set_clock(&mut self, offset: i64) {
        self.offset = offset;
        // It is read at any time, so it is never half there.
        let next = self.stage.write("clock.next", format!("{offset:+}"));
        fs::rename(next, self.stage.path("clock")).unwrap();
    }

    fn kill(&mut self) {
        self.remove_shared_memory();
        self.service.kill();
    }

    /// libfaketime leaves it behind where a process is killed.
    fn remove_shared_memory(&self) {
        let pid = self.service.process().pid();
        for name in ["faketime_shm_", "sem.faketime_sem_"] {
            let _ = fs::remove_file(format!("/dev/shm/{name}{pid}"));
        }
    }

    /// Notices when the abandoned lease is over.
    fn look(&mut self) {
        let (status, body) = self
            .service
            .answer(&format!("/execution/v1/status/{}", self.abandoned));
        assert_eq!(status, 200, "{body}");
        let counts: Value = serde_json::from_str(&body).unwrap();
        if self.ended.is_none() && counts["open"] == 1 {
            let now = Instant::now();
            let lasted = now.duration_since(self.asked);
            assert!(lasted >= LEASE, "{}: it ended after {lasted:?}", self.name);
            self.ended = Some(now);
        }
    }

    /// A holder that renews its lease never loses it.
    fn renew(&self) {
        let path = format!("/execution/v1/heartbeat/{}", self.renewed["execution_id"]);
        let timeout = u64::try_from(RENEWED.as_millis()).unwrap();
        let beat = json!({ "lease": self.renewed["lease"], "timeout": timeout });
        let (status, body) = self.service.post(&path, &beat);
        assert_eq!(status, 200, "{}: {body}", self.name);
    }

    /// By how many seconds `expires_dt` of a new lease is beside the wall clock of the service; less than 3 are 0.
    fn error_of_end(&self) -> i64 {
        let lease = Duration::from_secs(1);
        let wall = real_ms() + self.offset * 1_000;
        let got = reserve(&self.service, self.other, lease);
        let error = got["expires_dt"].as_i64().unwrap() - wall - 1_000;
        let path = format!("/execution/v1/heartbeat/{}", got["execution_id"]);
        let release = json!({ "lease": got["lease"], "timeout": 1, "release": true });
        let (status, body) = self.service.post(&path, &release);
        assert_eq!(status, 200, "{}: {body}", self.name);
        // The machine may be busy.
        if error.abs() < 3_000 {
            0
        } else {
            error / 1_000
        }
    }

    /// The service compares its clocks each second.
    fn wait_until_ends_are_right(&self) {
        let what = format!(
            "{}: the ends of new leases to follow the wall clock",
            self.name
        );
        until_within(Duration::from_secs(5), &what, || {
            // On a busy machine this and a restart may take as long as a lease.
            self.renew();
            (self.error_of_end() == 0).then_some(())
        });
    }

    /// A plan for later starts by the corrected clock.
    fn starts_planned_executions_in_time(&self) {
        let wait = Duration::from_secs(3);
        let template = "/execution/v1/testplans?project=p&type=template&title=T";
        let template: Value = serde_json::from_str(&self.service.answer(template).1).unwrap();
        let begun = Instant::now();
        let execute = json!({
            "templateId": template["id"],
            "title": "later",
            "batch": "later",
            "time": real_ms() + 3_000,
        });
        let (status, started) = self.service.post("/execution/v1/executeplan", &execute);
        assert_eq!(status, 201, "{}: {started}", self.name);
        let plan = started["id"].as_i64().unwrap();
        let what = format!("{}: the start of a planned execution", self.name);
        until_within(wait + BUSY, &what, || {
            let got = reserve(&self.service, plan, Duration::from_secs(1));
            got["lease"].as_str().map(|_| ())
        });
        // The time is in whole milliseconds.
        let waited = begun.elapsed() + Duration::from_millis(1);
        assert!(waited >= wait, "{}: after {waited:?}", self.name);
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        if self.service.is_running() {
            self.remove_shared_memory();
        }
    }
}

fn real_ms() -> i64 {
    let real = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(real.unwrap().as_millis()).unwrap()
}

fn reserve(service: &Service, plan: i64, lease: Duration) -> Value {
    let path = format!("/execution/v1/reserve/{plan}");
    let timeout = u64::try_from(lease.as_millis()).unwrap();
    let wish = json!({ "capabilities": [], "timeout": timeout });
    let (status, body) = service.post(&path, &wish);
    assert_eq!(status, 200, "{body}");
    body
}
