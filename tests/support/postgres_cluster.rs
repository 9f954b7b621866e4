//! A PostgreSQL server of a test's own: made by initdb in a temporary folder, stopped at the end.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{http_server::free_port, skip::missing};

/// A running server on loopback, and on a socket in its folder.
pub(crate) struct Cluster {
    programs: PathBuf,
    folder: tempfile::TempDir,
    /// The user who runs it, because PostgreSQL refuses root.
    runs_as: Option<&'static str>,
    pub(crate) port: u16,
}

impl Cluster {
    /// Starts a server with lines of `postgresql.conf` and of `pg_hba.conf`; the user `postgres` may always connect. Without
    /// PostgreSQL on this machine the test is skipped.
    pub(crate) fn start(settings: &str, access: &str) -> Option<Self> {
        let cluster = Self::make(settings, access)?;
        cluster.control(&["start"]);
        Some(cluster)
    }

    /// The same as a standby of no server.
    pub(crate) fn start_standby() -> Option<Self> {
        let cluster = Self::make("", "")?;
        cluster.write("data/standby.signal", b"");
        cluster.control(&["start"]);
        Some(cluster)
    }

    fn make(settings: &str, access: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            missing("there is no PostgreSQL server on this machine");
            return None;
        };
        let cluster = Self {
            programs,
            folder: tempfile::tempdir().unwrap(),
            runs_as: (user_id("") == "0").then_some("nobody"),
            port: free_port(),
        };
        cluster.own(cluster.folder.path());
        let data = cluster.path("data");
        cluster.run(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                "postgres",
                "--auth=trust",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C",
            ],
        );
        let own = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\nfsync = off\n{settings}\n",
            cluster.port,
            cluster.folder.path().display()
        );
        let defaults = fs::read_to_string(cluster.path("data/postgresql.conf")).unwrap();
        cluster.write(
            "data/postgresql.conf",
            format!("{defaults}\n{own}").as_bytes(),
        );
        let access =
            format!("local all all trust\nhost all postgres 127.0.0.1/32 trust\n{access}\n");
        cluster.write("data/pg_hba.conf", access.as_bytes());
        Some(cluster)
    }

    /// A file in its folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Writes a file that only the server's user may read.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        private(&path);
        self.own(&path);
        path.display().to_string()
    }

    /// A URL of a user and a database.
    pub(crate) fn url(&self, user: &str, rest: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{rest}", self.port)
    }

    /// Runs statements as the superuser.
    pub(crate) fn sql(&self, database: &str, sql: &str) {
        let (host, port) = (self.path(""), self.port.to_string());
        let place = ["-h", &host, "-p", &port, "-U", "postgres", "-d", database];
        let rest = ["-q", "-X", "-v", "ON_ERROR_STOP=1", "-c", sql];
        self.run("psql", &[&place[..], &rest[..]].concat());
    }

    pub(crate) fn stop(&self) {
        self.control(&["stop", "-m", "fast"]);
    }

    pub(crate) fn start_again(&self) {
        self.control(&["start"]);
    }

    fn control(&self, action: &[&str]) {
        let (data, log) = (self.path("data"), self.path("log"));
        self.run(
            "pg_ctl",
            &[action, &["-D", &data, "-l", &log, "-s", "-w"]].concat(),
        );
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = match self.runs_as {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(&program);
                command
            }
            None => Command::new(&program),
        };
        // A server keeps what it inherits: with pipes the end of pg_ctl would not be seen.
        let output = self.folder.path().join("output");
        let file = || {
            fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(&output)
                .unwrap()
        };
        command.args(arguments).current_dir(self.folder.path());
        let status = command.stdout(file()).stderr(file()).status().unwrap();
        let text = || {
            let log = fs::read_to_string(self.path("log")).unwrap_or_default();
            format!("{}{log}", fs::read_to_string(&output).unwrap_or_default())
        };
        assert!(
            status.success() || std::thread::panicking(),
            "{command:?}: {}",
            text()
        );
    }

    fn own(&self, path: &Path) {
        #[cfg(unix)]
        if let Some(user) = self.runs_as {
            std::os::unix::fs::chown(path, Some(user_id(user).parse().unwrap()), None).unwrap();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if Path::new(&self.path("data/postmaster.pid")).exists() {
            self.control(&["stop", "-m", "immediate"]);
        }
    }
}

/// The folder of the newest server: Debian's, or one on the path.
fn programs() -> Option<PathBuf> {
    let installed = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut installed: Vec<_> = installed.map(|it| it.path().join("bin")).collect();
    installed.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = installed
        .into_iter()
        .rev()
        .chain(std::env::split_paths(&path))
        .collect();
    folders
        .into_iter()
        .find(|it| it.join("initdb").exists() && it.join("pg_ctl").exists())
}

/// The number of a user; of the one who runs the test without a name.
fn user_id(name: &str) -> String {
    let mut command = Command::new("id");
    command.arg("-u").args((!name.is_empty()).then_some(name));
    String::from_utf8(command.output().unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

/// Makes a file readable for its owner alone.
pub(crate) fn private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}
