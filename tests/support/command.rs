//! testplan, or another program, as a process that a user or a CI starts.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Ended, Process, Service, Tap};

/// What a process inherits. Everything else is withheld, above all what a CI, a proxy or a colour lover sets: tests
/// put back what they are about.
const INHERITED: [&str; 15] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "LLVM_PROFILE_FILE",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "SYSTEMROOT",
    "WINDIR",
    "PATHEXT",
    "TEMP",
    "TMP",
];

/// A process to be, in the folder of a stage.
#[derive(Clone)]
pub(crate) struct Testplan {
    program: OsString,
    folder: PathBuf,
    /// Its output is kept in `NAME.out` and `NAME.err` on the stage.
    name: Option<String>,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
}

impl Testplan {
    pub(super) fn new(folder: &Path, program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            folder: folder.to_owned(),
            name: None,
            arguments: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Its name in messages, and that of the worker where it is one.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self.with("TESTPLAN_WORKER", name)
    }

    /// Flags that hold no blanks, as `--lease 2s`.
    pub(crate) fn flags(mut self, flags: &str) -> Self {
        self.arguments
            .extend(flags.split_whitespace().map(Into::into));
        self
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// The same without being a worker.
    pub(super) fn called(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    pub(crate) fn args<T: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        let arguments = arguments.into_iter();
        self.arguments
            .extend(arguments.map(|it| it.as_ref().to_owned()));
        self
    }

    /// With a variable in its environment.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.into(), value.as_ref().into()));
        self
    }

    /// Without a variable that it got before.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    /// In another folder than that of the stage.
    pub(crate) fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// With several variables in its environment.
    pub(crate) fn with_all<'a, T: AsRef<OsStr>>(
        self,
        variables: impl IntoIterator<Item = (&'a str, T)>,
    ) -> Self {
        let variables = variables.into_iter();
        variables.fold(self, |it, (name, value)| it.with(name, value))
    }

    /// At a service, with its access token from its file.
    pub(crate) fn at(self, service: &Service) -> Self {
        self.at_url(&service.url, &service.token_file())
    }

    /// At a service, through a tap.
    pub(crate) fn through(self, tap: &Tap, service: &Service) -> Self {
        self.at_url(&tap.url, &service.token_file())
    }

    /// At whatever is there.
    pub(crate) fn at_url(self, url: &str, token_file: &Path) -> Self {
        self.flags("--url")
            .arg(url)
            .flags("--token-file")
            .arg(token_file)
    }

    /// On a plan.
    pub(crate) fn on(self, plan: i64) -> Self {
        self.flags(&format!("--plan-id {plan}"))
    }

    #[track_caller]
    pub(crate) fn start(self) -> Process {
        let kept = |extension| {
            let name = self.name.as_ref()?.replace(' ', "-");
            Some(self.folder.join(format!("{name}.{extension}")))
        };
        let name = self.name.clone();
        let name = name.unwrap_or_else(|| self.program.display().to_string());
        Process::start(name, &mut self.to_std(), [kept("out"), kept("err")])
    }

    /// The command, for tests that choose its streams themselves.
    pub(crate) fn to_std(&self) -> Command {
        let inherited = INHERITED
            .iter()
            .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(inherited)
            .envs(variables)
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command
    }

    /// Starts it and waits for its end.
    #[track_caller]
    pub(crate) fn run(self) -> Ended {
        self.start().end()
    }
}
