//! A project, a warm pytest for it, and an engine as small as can be: one queue for all sessions.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use testplan::{
    client::BatchOptions,
    model::{ExecutionId, Outcome, PlanId, TestVerdict},
    run::{Attempt, Disposition, Phase, Runner as _, Session, SessionEvent, WorkItem},
    runner::{command_line::CommandLine, runner_settings::FreshProcess},
    warm::{
        Collected, InheritedVariables, NotCollected, WarmHost, WarmPlan, WarmRunner, WarmSetup,
    },
};
use tokio::sync::watch;

use crate::{skip, work_item::item_under_lease};

/// Longest that anything may take here.
const LONG: Duration = Duration::from_secs(120);
/// How often a session looks for tests that another one released.
const LOOK: Duration = Duration::from_millis(20);

/// A Python with pytest 9; without it the test that asks is skipped.
pub(crate) fn python() -> Option<PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        let named = std::env::var_os("TESTPLAN_PYTEST").filter(|path| !path.is_empty());
        let path = PathBuf::from(named.unwrap_or_else(|| "python3".into()));
        has(&path, "pytest").filter(|version| version.starts_with("9."))?;
        Some(path)
    });
    if python.is_none() {
        skip::missing("no Python with pytest 9 in TESTPLAN_PYTEST or on PATH");
    }
    python.clone()
}

/// The version of a package of that Python.
fn has(python: &Path, package: &str) -> Option<String> {
    let ask = format!("import importlib.metadata as m; print(m.version('{package}'))");
    let answer = Command::new(python).args(["-c", &ask]).output().ok()?;
    let version = String::from_utf8(answer.stdout).ok()?;
    answer.status.success().then(|| version.trim().to_owned())
}

/// A folder with tests.
pub(crate) struct Project {
    folder: tempfile::TempDir,
    python: PathBuf,
}

/// How its tests are run.
pub(crate) struct Way {
    pub(crate) arguments: Vec<String>,
    pub(crate) keeps_randomly: bool,
    pub(crate) workers: usize,
    pub(crate) order: Order,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) writes_results: bool,
    pub(crate) fresh: FreshProcess,
    /// How many tests the plan is said to have: many of them make a second process pay at once.
    pub(crate) open_tests: u64,
}

/// The order in which tests are handed out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Collected,
    Shuffled,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            arguments: Vec::new(),
            keeps_randomly: false,
            workers: 1,
            order: Order::Collected,
            time_limit: Some(LONG),
            writes_results: false,
            fresh: FreshProcess::default(),
            open_tests: 1_000_000,
        }
    }
}

/// What came of it.
pub(crate) struct Done {
    pub(crate) collected: Collected,
    pub(crate) attempts: BTreeMap<String, Attempt>,
    /// What was handed out once more, and why.
    pub(crate) released: Vec<(String, String)>,
    /// Ids in the order of their ends.
    pub(crate) ended: Vec<String>,
}

impl Project {
    /// A project of these files; `None` if there is no pytest here.
    pub(crate) fn of(files: &[(&str, &str)]) -> Option<Self> {
        let project = Self {
            python: python()?,
            folder: tempfile::tempdir().unwrap(),
        };
        for (name, text) in files {
            let path = project.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Some(project)
    }

    /// One file of tests.
    pub(crate) fn of_tests(text: &str) -> Option<Self> {
        Self::of(&[("test_it.py", text)])
    }

    /// A copy of one below `tests/fixtures/pytest`.
    pub(crate) fn fixture(name: &str) -> Option<Self> {
        let project = Self::of(&[])?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytest");
        copy(&root.join(name), project.folder.path());
        let verdicts = project.path("verdicts.py");
        std::fs::copy(root.join("verdicts.py"), verdicts).unwrap();
        Some(project)
    }

    /// Whether the Python has a package; a test that needs one that is missing is skipped.
    pub(crate) fn has(&self, package: &str) -> bool {
        let found = has(&self.python, package).is_some();
        if !found {
            skip::missing(&format!("no {package} beside pytest"));
        }
        found
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Plain pytest: its verdicts, and what the tests traced.
    pub(crate) fn plain(&self) -> BTreeMap<String, String> {
        let (verdicts, trace) = (self.path("verdicts.json"), self.path("plain.txt"));
        Command::new(&self.python)
            .args([
                "-m",
                "pytest",
                "-p",
                "verdicts",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:randomly",
            ])
            .current_dir(self.folder.path())
            .env("PYTHONPATH", self.folder.path())
            .env("VERDICTS", &verdicts)
            .env("TRACE", trace)
            .output()
            .unwrap();
        serde_json::from_slice(&std::fs::read(verdicts).unwrap()).unwrap()
    }

    /// Starts and runs without a listing.
    pub(crate) fn runner(&self, way: &Way) -> WarmRunner {
        WarmRunner::new(self.host(way), self.plan(way))
    }

    pub(crate) fn host(&self, way: &Way) -> WarmHost {
        let out = self.path("out");
        std::fs::create_dir_all(out.join("logs")).unwrap();
        let python = self.python.as_os_str().to_owned();
        let mut argv = vec![python, "-m".into(), "pytest".into()];
        if !way.keeps_randomly {
            argv.push("-pno:randomly".into());
        }
        argv.extend(way.arguments.iter().map(Into::into));
        let setup = WarmSetup {
            command: CommandLine {
                argv,
                env: vec![("TRACE".to_owned(), self.path("trace.txt").into())],
                env_remove: Vec::new(),
                cwd: Some(self.folder.path().to_owned()),
            },
            inherited: InheritedVariables::default(),
            logs: Some(out.join("logs")),
            capture_limit: 1024 * 1024,
            workers: way.workers,
        };
        WarmHost::new(setup).unwrap()
    }

    pub(crate) fn plan(&self, way: &Way) -> WarmPlan {
        WarmPlan {
            plan: PlanId(1),
            tests: way.open_tests,
            out: self.path("out"),
            variables: vec![("TESTPLAN_PLAN_ID".to_owned(), "1".to_owned())],
            time_limit: way.time_limit,
            writes_results: way.writes_results,
            fresh: way.fresh,
        }
    }

    /// Collects the tests and runs each once.
    pub(crate) async fn run(&self, way: &Way) -> Done {
        self.run_also(way, &[]).await
    }

    /// The same, and tests of these ids before all others.
    pub(crate) async fn run_also(&self, way: &Way, first: &[&str]) -> Done {
        let mut host = self.host(way);
        let collected = host.collect(LONG).await.unwrap();
        let runner = WarmRunner::new(host, self.plan(way));
        let mut ids: Vec<String> = first.iter().map(|id| (*id).to_owned()).collect();
        let tests = collected.tests().into_iter();
        let mut listed: Vec<String> = tests
            .map(|test| format!("{}::{}", test.suite, test.testcase))
            .collect();
        if way.order == Order::Shuffled {
            shuffle(&mut listed);
        }
        ids.extend(listed);
        let queue = Arc::new(Mutex::new(Open {
            waiting: (1..).map(ExecutionId).zip(ids).collect(),
            held: 0,
        }));
        let (_phase, watched) = watch::channel(Phase::Working);
        let sessions = (0..way.workers).map(|_| {
            let session = runner.start(watched.clone());
            work(session, Arc::clone(&queue))
        });
        let sessions: Vec<_> = sessions.map(tokio::spawn).collect();
        let mut done = Done {
            collected,
            attempts: BTreeMap::new(),
            released: Vec::new(),
            ended: Vec::new(),
        };
        for session in sessions {
            let ended = tokio::time::timeout(LONG, session).await;
            for (id, attempt) in ended.expect("the session hangs").unwrap() {
                if let Disposition::Release { reason, .. } = attempt.disposition {
                    done.released.push((id, reason));
                    continue;
                }
                done.ended.push(id.clone());
                let before = done.attempts.insert(id, attempt);
                assert!(before.is_none(), "a test ended twice");
            }
        }
        done
    }

    /// Why its tests cannot be collected.
    pub(crate) async fn refusal(&self, way: &Way) -> NotCollected {
        self.host(way).collect(LONG).await.unwrap_err()
    }
}

/// What the service knows: executions to run, each with its id, and how many sessions hold.
#[derive(Default)]
struct Open {
    waiting: VecDeque<(ExecutionId, String)>,
    held: usize,
}

type Queue = Mutex<Open>;

/// The part of the engine, until the queue is empty. A test that could not be started is not tried again.
async fn work(mut session: Box<dyn Session>, queue: Arc<Queue>) -> Vec<(String, Attempt)> {
    let mut open: BTreeMap<ExecutionId, String> = BTreeMap::new();
    let mut done = Vec::new();
    // A session reports that it wants tests once, until it gets some.
    let mut wanted = 0;
    loop {
        let event = tokio::select! {
            event = session.next() => Some(event),
            () = tokio::time::sleep(LOOK) => None,
        };
        match event {
            // Without an event, another session may have released a test: a waiting worker hears that from the service.
            None | Some(SessionEvent::StartCost(_)) => {}
            Some(SessionEvent::Wants(BatchOptions { max, .. })) => {
                wanted = usize::try_from(max).unwrap();
                if queue.lock().unwrap().waiting.is_empty() {
                    session.none_now();
                }
            }
            Some(SessionEvent::Started { execution, pid }) => {
                assert!(open.contains_key(&execution) && pid > 0);
            }
            Some(SessionEvent::Ended { execution, attempt }) => {
                let id = open.remove(&execution).unwrap();
                let mut pause = None;
                {
                    let mut queue = queue.lock().unwrap();
                    queue.held -= 1;
                    if let Disposition::Release { pause: wanted, .. } = attempt.disposition {
                        queue.waiting.push_back((execution, id.clone()));
                        pause = wanted;
                    }
                }
                tokio::time::sleep(pause.unwrap_or_default()).await;
                done.push((id, *attempt));
            }
        }
        let mut items = Vec::new();
        for (execution, id) in take(&queue, wanted) {
            items.push(item(execution, &id));
            open.insert(execution, id);
        }
        if !items.is_empty() {
            wanted = 0;
            session.take(items);
        }
        let is_over = {
            let queue = queue.lock().unwrap();
            queue.waiting.is_empty() && queue.held == 0
        };
        // What another session holds may come back, so this one stays until then.
        if is_over {
            session.end().await;
            return done;
        }
    }
}

fn take(queue: &Queue, most: usize) -> Vec<(ExecutionId, String)> {
    let mut queue = queue.lock().unwrap();
    let count = most.min(queue.waiting.len());
    queue.held += count;
    queue.waiting.drain(..count).collect()
}

pub(crate) fn item(execution: ExecutionId, id: &str) -> WorkItem {
    item_under_lease(execution, id, 1).0
}

impl Done {
    /// Verdicts in the words of `verdicts.py`; what could not run is `error: ` and why.
    pub(crate) fn verdicts(&self) -> BTreeMap<String, String> {
        let verdict = |(id, attempt): (&String, &Attempt)| (id.clone(), verdict(attempt));
        self.attempts.iter().map(verdict).collect()
    }

    /// The verdict of a test, by the last part of its id.
    pub(crate) fn verdict(&self, name: &str) -> String {
        verdict(self.attempt(name))
    }

    pub(crate) fn attempt(&self, name: &str) -> &Attempt {
        let found = self
            .attempts
            .iter()
            .find(|(id, _)| id.ends_with(&format!("::{name}")));
        found
            .unwrap_or_else(|| panic!("{name} did not end: {:?}", self.ended))
            .1
    }
}

pub(crate) fn verdict(attempt: &Attempt) -> String {
    match (&attempt.outcome, &attempt.disposition) {
        (
            Outcome::Completed {
                result: Some(result),
            },
            Disposition::Report,
        ) => {
            let word = match result.verdict {
                TestVerdict::Passed => "passed",
                TestVerdict::Failed => "failed",
                TestVerdict::Skipped => "skipped",
            };
            word.to_owned()
        }
        (Outcome::ExecutionError { message, .. }, Disposition::Report) => {
            format!("error: {message}")
        }
        (outcome, disposition) => format!("{outcome:?} {disposition:?}"),
    }
}

/// Always the same disorder.
fn shuffle(ids: &mut [String]) {
    let mut state = 12_345_u64;
    for last in (1..ids.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let at = usize::try_from(state >> 33).unwrap() % (last + 1);
        ids.swap(last, at);
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
