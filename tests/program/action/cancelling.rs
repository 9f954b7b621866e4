//! A run that people cancel, again and again: no process is left, and nothing stays reserved.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use testplan::model::ExecutionState;

use rustix::process::{Pid, Signal, kill_process};

use super::runner::{Action, Event, Finished, Job, Level, Reached, Started};
use crate::support::{Answer, HttpServer, PlanFile, Service, Stage, until};

const TIMES: usize = 50;
/// At once, each with a plan of its own.
const LANES: usize = 2;
/// How many may need a second signal, on a machine that is busy with other things. None may need the last.
const LATE: usize = 4;
const LIMIT: Duration = Duration::from_secs(180);

/// What the tests of a plan are like.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Never end by themselves, but when they are told to.
    Polite,
    /// Never end, nor do their children and grandchildren, whatever they are told.
    Stubborn,
    /// End at once.
    Quick,
}

/// When a run is cancelled, in milliseconds.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// After its start.
    Starting(u64),
    /// After its tests are running.
    Running(u64),
}

/// `KIND` of the job decides how a test behaves; each leaves its process id in the workspace.
const TEST: &str = r#"
if [ "$KIND" = Quick ]; then sleep 0.02; exit 0; fi
[ "$KIND" = Stubborn ] && trap '' TERM INT HUP
if [ -z "$DEPTH" ]; then
    DEPTH=1 "$0" & DEPTH=2 setsid "$0" &
elif [ "$DEPTH" = 1 ]; then
    DEPTH=2 "$0" &
fi
echo $$ >> "$GITHUB_WORKSPACE/running"
hang"#;
/// Processes of two tests.
const TREE: usize = 8;

struct Scene {
    stage: Stage,
    service: Service,
    action: Action,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::new();
        let test = stage.script("test.sh", TEST);
        PlanFile::run_with(&test).numbered("s", 6).on(&stage);
        Self {
            service: Service::start(&stage),
            action: Action::ours(),
            stage,
        }
    }

    fn job(&self, name: &str, kind: Kind) -> Job {
        let push = Event::some_push();
        Job::new(&self.stage, name, &push)
            .checked_out(&self.stage, &push.sha)
            .env("KIND", &format!("{kind:?}"))
    }

    /// Two workers of a plan, as a step of a job.
    fn work<'a>(&'a self, job: &'a Job, plan: i64) -> Started<'a> {
        job.uses(&self.action)
            .with("command", "work")
            .with("url", &self.service.url)
            .with(
                "token",
                fs::read_to_string(self.service.token_file()).unwrap(),
            )
            .with("plan-id", plan)
            .with("workers", 2)
            .start()
    }

    fn plan(&self, name: &str) -> i64 {
        let execute = self.stage.testplan("execute").named(name).at(&self.service);
        let started = execute.flags("--format json").run().code_is(0);
        started.json()["plan_id"].as_i64().unwrap()
    }

    fn reserved(&self, plan: i64) -> usize {
        let executions = self.service.executions(plan);
        let reserved = executions
            .iter()
            .filter(|it| it.state == ExecutionState::Reserved);
        reserved.count()
    }

    fn cancel_once(&self, number: usize) -> Reached {
        let (kind, moment) = scenario(number);
        let name = format!("cancelled-{number}");
        let job = self.job(&name, kind);
        let plan = self.plan(&name);
        let mut step = self.work(&job, plan);
        let pause = match moment {
            Moment::Starting(pause) => pause,
            Moment::Running(pause) => {
                wait_for_tests(&job, &mut step);
                pause
            }
        };
        thread::sleep(Duration::from_millis(pause));
        let done = step.cancel();
        let what = format!("{number}: {kind:?} {moment:?}: {done}");
        self.clean(&job, plan, &what);
        assert!(!done.held_open, "{what}");
        let post = done.post();
        assert!(post.success, "{what}\n--- post\n{post}");
        assert_eq!(
            post.messages(Level::Warning),
            [""; 0],
            "{what}\n--- post\n{post}"
        );
        self.clean(&job, plan, &what);
        done.cancelled.unwrap().0
    }

    /// Nothing runs, and nothing is held.
    #[track_caller]
    fn clean(&self, job: &Job, plan: i64, what: &str) {
        let left: Vec<String> = job.left().into_iter().map(command_line).collect();
        assert_eq!(left, [""; 0], "{what}");
        assert_eq!(self.reserved(plan), 0, "{what}");
    }
}

/// Every kind at every moment, a little different each time.
fn scenario(number: usize) -> (Kind, Moment) {
    let spread = (number as u64 * 37) % 50;
    match number % 5 {
        0 => (Kind::Polite, Moment::Starting(spread * 6)),
        1 => (Kind::Stubborn, Moment::Running(spread * 4)),
        2 => (Kind::Quick, Moment::Starting(50 + spread * 10)),
        3 => (Kind::Polite, Moment::Running(spread)),
        _ => (Kind::Stubborn, Moment::Starting(spread * 8)),
    }
}

/// Until all processes of both workers' first tests are there.
#[track_caller]
fn wait_for_tests(job: &Job, step: &mut Started<'_>) {
    let running = job.workspace().join("running");
    until("the tests of a job", || {
        let text = fs::read_to_string(&running).unwrap_or_default();
        let over = step.running.is_over();
        assert!(!over, "it ended by itself: {}", step.running.said());
        (text.lines().count() >= TREE).then_some(())
    });
}

fn command_line(pid: u32) -> String {
    let text = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    format!(
        "{pid}: {}",
        String::from_utf8_lossy(&text).replace('\0', " ")
    )
}

#[test]
fn cancellation_at_any_moment_leaves_no_process() {
    let scene = Scene::new();
    let began = Instant::now();
    let lane = |lane: usize| {
        let numbers = (0..TIMES).filter(move |number| number % LANES == lane);
        numbers
            .map(|number| scene.cancel_once(number))
            .collect::<Vec<_>>()
    };
    let reached: Vec<Reached> = thread::scope(|scope| {
        let lane = &lane;
        let lanes: Vec<_> = (0..LANES)
            .map(|number| scope.spawn(move || lane(number)))
            .collect();
        lanes
            .into_iter()
            .flat_map(|it| it.join().unwrap())
            .collect()
    });
    assert_eq!(reached.len(), TIMES);
    assert!(!reached.contains(&Reached::Kill), "{reached:?}");
    let late = reached
        .iter()
        .filter(|it| **it > Reached::Interrupt)
        .count();
    assert!(late <= LATE, "{reached:?}");
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
}

/// Between the runner's first signal and its second there is time for all that people look at.
#[test]
fn cancelled_run_still_writes_reports() {
    let scene = Scene::new();
    let api = HttpServer::replay([Answer::json(201, r#"{"id":1,"state":"error"}"#)]);
    let job = scene
        .job("cancelled", Kind::Stubborn)
        .env("GITHUB_API_URL", &api.url);
    let mut step = job.uses(&scene.action).with("workers", 2).start();
    wait_for_tests(&job, &mut step);
    let done = step.cancel().code_is(130);
    assert_eq!(done.cancelled.unwrap().0, Reached::Interrupt, "{done}");
    assert_eq!(job.left(), [] as [u32; 0], "{done}");
    assert_eq!(done.output("conclusion"), "cancelled", "{done}");
    assert_eq!(
        (done.output("total"), done.output("missing")),
        ("6", "6"),
        "{done}"
    );
    assert!(done.summary.contains("6 missing"), "{done}");
    let status = api.requests().pop().unwrap().json();
    assert_eq!(status["state"], "error", "{status}");
    assert!(done.post().success);
}

/// The end of a report is not held up by whoever is told of it.
#[test]
fn cancelled_run_ends_in_time_while_github_hangs() {
    let scene = Scene::new();
    let api = HttpServer::replay([Answer::hang()]);
    let job = scene
        .job("hanging", Kind::Quick)
        .env("GITHUB_API_URL", &api.url);
    let step = job.uses(&scene.action).with("command", "run").start();
    until("a request", || (!api.requests().is_empty()).then_some(()));
    let done = step.cancel();
    let (reached, took) = done.cancelled.unwrap();
    assert_eq!(reached, Reached::Interrupt, "{took:?}: {done}");
    assert_eq!(job.left(), [] as [u32; 0], "{done}");
    // What the tests said is told all the same.
    assert!(done.summary.contains("6 passed"), "{done}");
}

/// A binary that is killed can give nothing back itself: its post step does.
#[test]
fn post_step_releases_leases_of_a_killed_binary() {
    after(Signal::KILL, |step| {
        let done = step.end();
        assert!(!done.success, "{done}");
        if Action::ours().is_launched() {
            assert_eq!(done.status.code(), Some(3), "{done}");
            let errors = done.messages(Level::Error);
            assert!(errors.len() == 1 && errors[0].contains("SIGKILL"), "{done}");
        }
        done
    });
}

/// Nor can one that hangs, and outlives the launcher that the runner killed.
#[test]
fn post_step_releases_leases_of_a_frozen_binary() {
    after(Signal::STOP, |step| {
        let done = step.cancel();
        assert_eq!(done.cancelled.unwrap().0, Reached::Kill, "{done}");
        done
    });
}

/// Sends the binary a signal while its tests run; `end` is how the step ends then.
#[track_caller]
fn after(signal: Signal, end: impl for<'a> FnOnce(Started<'a>) -> Finished<'a>) {
    let scene = Scene::new();
    let job = scene.job("struck", Kind::Stubborn);
    let plan = scene.plan("struck");
    let mut step = scene.work(&job, plan);
    wait_for_tests(&job, &mut step);
    let mut binaries = job.left();
    binaries.retain(|pid| command_line(*pid).contains("testplan action"));
    let [binary] = binaries[..] else {
        panic!("not one of {binaries:?}");
    };
    let pid = Pid::from_raw(binary.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
    let done = end(step);
    assert_eq!(
        scene.reserved(plan),
        2,
        "nobody could give them back yet: {done}"
    );
    let post = done.post();
    assert!(post.success, "{done}\n--- post\n{post}");
    scene.clean(&job, plan, &format!("{done}\n--- post\n{post}"));
}
