//! A tool in a folder of its own, a session for it, and an engine as small as can be.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use testplan::{
    batch::BatchRunner,
    config::plan_file::PlanFile,
    model::{Capabilities, ExecutionId, Outcome, PlanId, TestVerdict},
    run::{Attempt, Disposition, Phase, Runner as _, Session, SessionEvent},
    single::TestSetup,
};
use tokio::sync::watch;

use crate::work_item::item_under_lease;

/// Longest that anything may take here.
const LONG: Duration = Duration::from_secs(120);

/// A folder with the tool.
pub(crate) struct Workbench {
    folder: tempfile::TempDir,
    runner: BatchRunner,
    pub(crate) sends: watch::Sender<Phase>,
    phase: watch::Receiver<Phase>,
}

/// What came of a test.
#[derive(Debug)]
pub(crate) struct Final {
    pub(crate) attempt: Attempt,
    /// How often it was released before, and why.
    pub(crate) released: Vec<String>,
}

/// What came of all tests.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) finals: BTreeMap<String, Final>,
    pub(crate) start_costs: Vec<Duration>,
}

/// A way to run the tool: keys of `runner` and its environment.
#[derive(Clone, Default)]
pub(crate) struct Way<'a> {
    /// Lines below `runner:`.
    pub(crate) keys: &'a str,
    /// As `A: x, B: y`.
    pub(crate) environment: &'a str,
    /// Whether the tests come in a file.
    pub(crate) in_a_file: bool,
    pub(crate) writes_results: bool,
}

impl Workbench {
    pub(crate) fn new(way: &Way<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/library/batch/tool.sh");
        let tests = if way.in_a_file {
            "@{tests.file}"
        } else {
            "{tests}"
        };
        let text = format!(
            "runner:\n  command: [sh, \"{tool}\", \"{{results}}\", \"{tests}\"]\n  test: \"{{suite}}::{{testcase}}\"\n  \
             results: {{ format: junit }}\n  environment: {{ TRACE: \"{trace}\", {environment} }}\n{keys}",
            tool = tool.display(),
            trace = folder.path().join("trace").display(),
            environment = way.environment,
            keys = way.keys,
        );
        let file = PlanFile::parse("testplan.yml", &text);
        let runner = file
            .unwrap_or_else(|error| panic!("{}", error.render(false)))
            .runner;
        let out = folder.path().join("out");
        fs::create_dir_all(out.join("logs")).unwrap();
        let setup = TestSetup {
            runner: runner.unwrap(),
            out,
            plan: PlanId(1),
            offered: Capabilities::default(),
            capture_limit: 1024 * 1024,
        };
        let (sends, phase) = watch::channel(Phase::Working);
        Self {
            folder,
            runner: BatchRunner::new(setup, way.writes_results).unwrap(),
            sends,
            phase,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn session(&self) -> Box<dyn Session> {
        self.runner.start(self.phase.clone())
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.traced("call ").len()
    }

    /// The tests that the tool ran, in order.
    pub(crate) fn ran(&self) -> Vec<String> {
        self.traced("test ")
    }

    fn traced(&self, sign: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path("trace")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.strip_prefix(sign));
        lines.map(str::to_owned).collect()
    }

    /// Runs all tests, with as many of them at once as the session wants. What it releases is handed out again, alone.
    pub(crate) async fn run(&self, names: &[&str]) -> Done {
        let running = self.run_to_end(names);
        tokio::time::timeout(LONG, running)
            .await
            .expect("the session hangs")
    }

    async fn run_to_end(&self, names: &[&str]) -> Done {
        let mut session = self.session();
        let mut queue: VecDeque<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut alone: VecDeque<String> = VecDeque::new();
        let mut open: BTreeMap<ExecutionId, String> = BTreeMap::new();
        let mut ids: BTreeMap<String, ExecutionId> = BTreeMap::new();
        let mut released: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut done = Done::default();
        while done.finals.len() < names.len() {
            match session.next().await {
                SessionEvent::Wants(options) => {
                    let most = usize::try_from(options.max).unwrap().min(queue.len());
                    let mut taken: Vec<String> = queue.drain(..most).collect();
                    if taken.is_empty() {
                        taken.extend(alone.pop_front());
                    }
                    assert!(
                        !taken.is_empty(),
                        "nothing is left, and not all ended: {open:?}"
                    );
                    let mut items = Vec::new();
                    for name in taken {
                        let next = ExecutionId(i64::try_from(ids.len()).unwrap() + 1);
                        let execution = *ids.entry(name.clone()).or_insert(next);
                        let attempt = released.get(&name).map_or(1, |it| it.len() + 1);
                        items.push(item_under_lease(execution, &name, attempt).0);
                        open.insert(execution, name);
                    }
                    session.take(items);
                }
                SessionEvent::StartCost(cost) => done.start_costs.push(cost),
                SessionEvent::Started { execution, pid } => {
                    assert!(open.contains_key(&execution) && pid > 0);
                }
                SessionEvent::Ended { execution, attempt } => {
                    let name = open.remove(&execution).expect("it ends once");
                    let reasons = released.entry(name.clone()).or_default();
                    if let Disposition::Release {
                        reason,
                        alone: is_alone,
                        ..
                    } = &attempt.disposition
                    {
                        assert!(is_alone);
                        reasons.push(reason.clone());
                        alone.push_back(name);
                        continue;
                    }
                    let end = Final {
                        attempt: *attempt,
                        released: reasons.clone(),
                    };
                    done.finals.insert(name, end);
                }
            }
        }
        session.end().await;
        done
    }
}

impl Done {
    /// `passed`, `failed`, `skipped`, or `error: ` and why.
    #[track_caller]
    pub(crate) fn verdict(&self, name: &str) -> String {
        verdict(&self.end(name).attempt)
    }

    #[track_caller]
    pub(crate) fn end(&self, name: &str) -> &Final {
        &self.finals[name]
    }

    /// The names of the tests with a verdict.
    pub(crate) fn with_verdict(&self, word: &str) -> Vec<&str> {
        let found = self.finals.iter();
        let found = found.filter(|(_, end)| verdict(&end.attempt) == word);
        found.map(|(name, _)| name.as_str()).collect()
    }

    /// How many tests were released once or more.
    pub(crate) fn released(&self) -> usize {
        let ends = self.finals.values();
        ends.filter(|end| !end.released.is_empty()).count()
    }
}

pub(crate) fn verdict(attempt: &Attempt) -> String {
    match &attempt.outcome {
        Outcome::Completed {
            result: Some(result),
        } => match result.verdict {
            TestVerdict::Passed => "passed".to_owned(),
            TestVerdict::Failed => "failed".to_owned(),
            TestVerdict::Skipped => "skipped".to_owned(),
        },
        Outcome::ExecutionError { message, .. } => format!("error: {message}"),
        Outcome::LeaseLost => "lease lost".to_owned(),
        Outcome::Cancelled => "cancelled".to_owned(),
        Outcome::Completed { result: None } => "no result".to_owned(),
    }
}
