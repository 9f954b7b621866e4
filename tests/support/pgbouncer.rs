//! PgBouncer before the database for tests, in transaction mode: each transaction may get another session.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{http_server::free_port, skip::missing};

/// A running pooler, ended at the end.
pub(crate) struct PgBouncer {
    process: Child,
    port: u16,
    /// Its configuration.
    _folder: tempfile::TempDir,
}

impl PgBouncer {
    /// Starts it before the server of a URL such as `postgres://user@host:port/database`, with `sessions` sessions for everybody.
    /// Without PgBouncer on this machine the test is skipped.
    pub(crate) fn start(url: &str, sessions: u32) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"];
        let Some(program) = program.into_iter().find(|it| Path::new(it).exists()) else {
            missing("there is no PgBouncer on this machine (Debian's package pgbouncer)");
            return None;
        };
        let config: tokio_postgres::Config = url.parse().unwrap();
        let (user, port) = (config.get_user().unwrap(), config.get_ports()[0]);
        let folder = tempfile::tempdir().unwrap();
        let own_port = free_port();
        let users = folder.path().join("users");
        fs::write(&users, format!("\"{user}\" \"\"\n")).unwrap();
        let settings = folder.path().join("pgbouncer.ini");
        fs::write(
            &settings,
            format!(
                "[databases]\n* = host=127.0.0.1 port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own_port}\n\
                 auth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = {sessions}\nmax_client_conn = 100\n\
                 unix_socket_dir =\n",
                users.display()
            ),
        )
        .unwrap();
        let mut command = as_ordinary_user(program, folder.path());
        let process = command
            .arg(&settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pooler = Self {
            process,
            port: own_port,
            _folder: folder,
        };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", own_port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "no PgBouncer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(pooler)
    }

    /// The same database by way of the pooler.
    pub(crate) fn url(&self, direct: &str) -> String {
        let config: tokio_postgres::Config = direct.parse().unwrap();
        let before = format!(":{}/", config.get_ports()[0]);
        assert!(direct.contains(&before), "{direct}");
        direct.replacen(&before, &format!(":{}/", self.port), 1)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// It refuses root.
fn as_ordinary_user(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    #[cfg(unix)]
    {
        use std::os::unix::{
            fs::{MetadataExt as _, chown},
            process::CommandExt as _,
        };
        const NOBODY: u32 = 65_534;
        if fs::metadata(folder).unwrap().uid() == 0 {
            let files = fs::read_dir(folder).unwrap();
            for path in files.map(|it| it.unwrap().path()) {
                chown(path, Some(NOBODY), None).unwrap();
            }
            chown(folder, Some(NOBODY), None).unwrap();
            command.uid(NOBODY).gid(NOBODY);
        }
    }
    command
}
