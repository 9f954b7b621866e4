//! A step that uses an action: main, then post.

use std::{
    collections::BTreeMap, ffi::OsString, fmt, fs, process::Command, process::ExitStatus,
    time::Duration,
};

use super::{
    Action, Annotation, Job, Level, Reached, Running, files::Files, running::Ended, said::Said,
    variables,
};

/// A step to be.
#[derive(Clone)]
pub(crate) struct Step<'a> {
    pub(super) job: &'a Job,
    action: &'a Action,
    with: Vec<(String, String)>,
    env: Vec<(String, String)>,
}

/// A stage of it that runs.
pub(crate) struct Started<'a> {
    step: Step<'a>,
    pub(crate) running: Running,
    files: Files,
    state: BTreeMap<String, String>,
}

/// A stage of it that is over, and what it told the runner.
pub(crate) struct Finished<'a> {
    step: Step<'a>,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Whether somebody else still held its output open when the runner went on.
    pub(crate) held_open: bool,
    /// How far a cancellation had to go, and how long it took.
    pub(crate) cancelled: Option<(Reached, Duration)>,
    pub(crate) annotations: Vec<Annotation>,
    /// Annotations above the runner's limit.
    pub(crate) lost: usize,
    pub(crate) masks: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) path: Vec<String>,
    pub(crate) state: BTreeMap<String, String>,
    pub(crate) summary: String,
    /// What the runner itself says against the step.
    pub(crate) errors: Vec<String>,
    pub(crate) success: bool,
}

impl<'a> Step<'a> {
    pub(super) fn new(job: &'a Job, action: &'a Action) -> Self {
        let (with, env) = (action.with.clone(), Vec::new());
        Self {
            job,
            action,
            with,
            env,
        }
    }

    /// An input.
    pub(crate) fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.with.retain(|(given, _)| given != name);
        self.with.push((name.to_owned(), value.to_string()));
        self
    }

    /// A variable of `env:`.
    pub(crate) fn env(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.env.push((name.to_owned(), value.to_string()));
        self
    }

    /// Starts main.
    pub(crate) fn start(self) -> Started<'a> {
        let main = self.action.main.clone();
        self.start_stage(&main, BTreeMap::new())
    }

    /// Runs main to its end.
    #[track_caller]
    pub(crate) fn run(self) -> Finished<'a> {
        self.start().end()
    }

    fn start_stage(self, words: &[OsString], state: BTreeMap<String, String>) -> Started<'a> {
        let files = Files::create(&self.job.file_commands());
        let mut environment = variables::of_job(self.job);
        environment.extend(self.env.clone());
        let states = state.iter();
        environment.extend(states.map(|(name, value)| (format!("STATE_{name}"), value.clone())));
        environment.extend(variables::inputs(self.job, self.action, &self.with));
        environment.extend(files.variables());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .envs(environment)
            .current_dir(self.job.workspace());
        Started {
            running: Running::start(command),
            step: self,
            files,
            state,
        }
    }
}

impl<'a> Started<'a> {
    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(self) -> Finished<'a> {
        self.finish(None)
    }

    /// Cancels it, as people do with the workflow's run.
    #[track_caller]
    pub(crate) fn cancel(mut self) -> Finished<'a> {
        let cancelled = self.running.cancel();
        self.finish(Some(cancelled))
    }

    #[track_caller]
    fn finish(self, cancelled: Option<(Reached, Duration)>) -> Finished<'a> {
        let Ended {
            status,
            stdout,
            stderr,
            held_open,
        } = self.running.end();
        let mut written = self.files.read();
        // Links in the workspace's path are resolved, as by whoever tells where a file is.
        let workspace = fs::canonicalize(self.step.job.workspace()).unwrap();
        let said = Said::of([&stdout, &stderr], &workspace);
        let success = status.success() && !written.failed && said.errors.is_empty();
        let mut annotations = said.annotations;
        written.errors.extend(said.errors);
        annotations.extend(written.errors.iter().map(|message| Annotation {
            level: Level::Error,
            message: message.clone(),
            properties: BTreeMap::new(),
        }));
        let mut state = self.state;
        state.extend(said.state);
        state.extend(written.state);
        let mut outputs = said.outputs;
        outputs.extend(written.outputs);
        Finished {
            step: self.step,
            status,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            held_open,
            cancelled,
            annotations,
            lost: said.lost,
            masks: said.masks,
            groups: said.groups,
            env: written.env,
            outputs,
            path: written.path,
            state,
            summary: written.summary,
            errors: written.errors,
            success,
        }
    }
}

impl Finished<'_> {
    /// Runs post, which knows what main wrote to `GITHUB_STATE`. The runner drops its outputs; act, Gitea and Forgejo put
    /// them in place of the step's own.
    #[track_caller]
    pub(crate) fn post(&self) -> Self {
        let step = self.step.clone();
        let post = step.action.post.clone();
        step.start_stage(&post, self.state.clone()).end()
    }

    /// That it ended with this exit code, by itself.
    #[track_caller]
    pub(crate) fn code_is(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// An output; empty if it was not set, as in expressions.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    /// The messages of one level, in order.
    pub(crate) fn messages(&self, level: Level) -> Vec<&str> {
        let of_it = self.annotations.iter().filter(|it| it.level == level);
        of_it.map(|it| it.message.as_str()).collect()
    }
}

impl fmt::Display for Finished<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, cancelled {:?}", self.status, self.cancelled)?;
        writeln!(f, "--- outputs {:#?}", self.outputs)?;
        writeln!(f, "--- errors of the runner {:?}", self.errors)?;
        writeln!(f, "--- summary\n{}", self.summary)?;
        write!(
            f,
            "--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        )
    }
}
