//! testplan as a process, started as a user or a CI would.

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

/// A testplan process to be. Its output goes to `NAME.out` and `NAME.err` on its stage.
#[derive(Clone)]
pub(crate) struct Testplan {
    folder: PathBuf,
    name: String,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
}

impl Testplan {
    pub(super) fn new(folder: &Path, subcommand: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            name: subcommand.to_owned(),
            arguments: subcommand.split(' ').map(Into::into).collect(),
            variables: Vec::new(),
        }
    }

    /// What its output files are called, and the worker where it is one.
    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
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

    /// With a variable in its environment.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.into(), value.as_ref().into()));
        self
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

    pub(crate) fn start(self) -> Process {
        let (out, err) = (self.output("out"), self.output("err"));
        let file = |path| Stdio::from(std::fs::File::create(path).unwrap());
        let inherited = INHERITED
            .iter()
            .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
        let child = Command::new(env!("CARGO_BIN_EXE_testplan"))
            .args(&self.arguments)
            .env_clear()
            .envs(inherited)
            .envs(self.variables)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(file(&out))
            .stderr(file(&err))
            .spawn()
            .unwrap();
        Process::new(self.name, child, out, err)
    }

    /// Starts it and waits for its end.
    #[track_caller]
    pub(crate) fn run(self) -> Ended {
        self.start().end()
    }

    fn output(&self, extension: &str) -> PathBuf {
        let name = self.name.replace(' ', "-");
        self.folder.join(format!("{name}.{extension}"))
    }
}
