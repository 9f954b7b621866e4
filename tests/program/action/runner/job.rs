//! A job: folders of its own, variables, and the end of all that its steps left running.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{Action, Event, Step, left};
use crate::support::Stage;

/// A job on a machine of its own, as far as folders go.
pub(crate) struct Job {
    pub(super) name: String,
    pub(super) event: Event,
    folder: PathBuf,
    /// What all its processes have in their environment.
    pub(crate) tracking: String,
    /// Other than by default, and `env:`.
    pub(super) variables: BTreeMap<String, String>,
    /// `toJSON(matrix)`.
    pub(super) matrix: String,
    steps: AtomicU32,
}

impl Job {
    /// `github.token`. Looks like no other text.
    pub(crate) const TOKEN: &str = "ghs_CanaryOfTheJob0123456789";
    /// `job.check_run_id`.
    pub(crate) const ID: &str = "32000000123";
    /// What the runner's own services are asked with; ours is never to show it.
    pub(crate) const RUNTIME_TOKEN: &str = "eyCanaryOfTheRuntime0123456789";

    /// A name is one job of a stage.
    pub(crate) fn new(stage: &Stage, name: &str, event: &Event) -> Self {
        let job = Self {
            name: name.to_owned(),
            event: event.clone(),
            folder: stage.path("jobs").join(name),
            tracking: format!("github_{name}_{}", stage.folder().display()),
            variables: BTreeMap::new(),
            matrix: "null".to_owned(),
            steps: AtomicU32::new(0),
        };
        for folder in [job.workspace(), job.temp(), job.tools()] {
            fs::create_dir_all(folder).unwrap();
        }
        let event_path = job.event_path();
        fs::create_dir_all(event_path.parent().unwrap()).unwrap();
        fs::write(event_path, event.payload.to_string()).unwrap();
        job
    }

    /// With `env:`, or with one of the runner's own variables as told here.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// As one of a matrix.
    pub(crate) fn of_matrix(mut self, values: &serde_json::Value) -> Self {
        self.matrix = serde_json::to_string_pretty(values).unwrap();
        self
    }

    /// With the `testplan.yml` of its stage in the workspace, at a commit: what of a checkout matters here.
    pub(crate) fn checked_out(self, stage: &Stage, commit: &str) -> Self {
        let workspace = self.workspace();
        fs::copy(stage.path("testplan.yml"), workspace.join("testplan.yml")).unwrap();
        fs::create_dir_all(workspace.join(".git")).unwrap();
        fs::write(workspace.join(".git/HEAD"), format!("{commit}\n")).unwrap();
        self
    }

    /// A step that uses an action.
    pub(crate) fn uses<'a>(&'a self, action: &'a Action) -> Step<'a> {
        Step::new(self, action)
    }

    /// The folder that steps start in.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.join("work/app/app")
    }

    /// `RUNNER_TEMP`.
    pub(crate) fn temp(&self) -> PathBuf {
        self.folder.join("work/_temp")
    }

    /// The processes that it left.
    pub(crate) fn left(&self) -> Vec<u32> {
        left(&self.tracking)
    }

    pub(super) fn tools(&self) -> PathBuf {
        self.folder.join("work/_tool")
    }

    pub(super) fn event_path(&self) -> PathBuf {
        self.temp().join("_github_workflow/event.json")
    }

    /// A folder for the files of the next step.
    pub(super) fn file_commands(&self) -> PathBuf {
        let number = self.steps.fetch_add(1, Ordering::Relaxed);
        self.temp().join(format!("_runner_file_commands/{number}"))
    }
}

impl Drop for Job {
    /// As the runner does when a job is over.
    fn drop(&mut self) {
        for pid in self.left() {
            let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}
