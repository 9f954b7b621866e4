//! `testplan serve`, or another service, as a process.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;

/// The binary that users get.
pub(crate) const TESTPLAN: &str = env!("CARGO_BIN_EXE_testplan");

/// A process that serves; killed when dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
    /// The access token; empty where none is needed.
    pub(crate) token: String,
}

impl Serving {
    /// `testplan serve` with its files in `folder` and a store that two arguments name.
    pub(crate) fn testplan(folder: &Path, store: [&str; 2]) -> anyhow::Result<Self> {
        let mut command = Command::new(TESTPLAN);
        command
            .args(["--quiet", "serve", "--listen", "127.0.0.1:0"])
            .args(store)
            .arg("--data")
            .arg(folder)
            // Not where a testplan.yml may be.
            .current_dir(folder)
            .env_remove("TESTCENTER_TOKEN")
            .env_remove("TESTCENTER_USER")
            .env_remove("TESTCENTER_PASSWORD");
        let mut serving = Self::start(command)?;
        let token = folder.join("token");
        serving.token = fs::read_to_string(&token).with_context(|| token.display().to_string())?;
        Ok(serving)
    }

    /// A process that prints where it listens.
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let mut serving = Self {
            child,
            url: String::new(),
            token: String::new(),
        };
        let at = line.find("http://").context("it says no address")?;
        line[at..].trim().clone_into(&mut serving.url);
        Ok(serving)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
