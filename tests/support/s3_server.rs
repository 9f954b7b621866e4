//! A real S3 server of a test's own: `s3s-fs`, which keeps objects as files in a temporary folder.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use super::{http_server::free_port, skip::missing};

/// A running server with a bucket named `uploads`.
pub(crate) struct S3Server {
    program: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
}

impl S3Server {
    /// The bucket and a prefix in it.
    pub(crate) const URL: &str = "s3://uploads/ci/testplan";
    pub(crate) const KEY: &str = "canary-key";
    pub(crate) const SECRET: &str = "canary-secret";

    /// Without the program that `TESTPLAN_S3S_FS` names the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = std::env::var_os("TESTPLAN_S3S_FS") else {
            missing(
                "TESTPLAN_S3S_FS names no S3 server; `cargo install s3s-fs --version 0.14.1 --locked --features binary` installs one",
            );
            return None;
        };
        let mut server = Self {
            program: program.into(),
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            child: None,
        };
        fs::create_dir(server.bucket()).unwrap();
        server.start_again();
        Some(server)
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn start_again(&mut self) {
        let mut command = Command::new(&self.program);
        command
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--access-key", Self::KEY, "--secret-key", Self::SECRET])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn();
        self.child = Some(child.unwrap_or_else(|error| panic!("{command:?}: {error}")));
        for _ in 0..1_000 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{command:?} does not listen");
    }

    /// The variables of a client.
    pub(crate) fn variables(&self) -> [(&'static str, String); 5] {
        [
            (
                "AWS_ENDPOINT_URL",
                format!("http://127.0.0.1:{}", self.port),
            ),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", Self::KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", Self::SECRET.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }

    fn bucket(&self) -> PathBuf {
        self.folder.path().join("uploads")
    }

    /// The names of all objects, below the prefix of the URL.
    pub(crate) fn objects(&self) -> Vec<String> {
        let root = self.bucket().join("ci/testplan");
        let mut found: Vec<_> = files(&root)
            .iter()
            .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
            .collect();
        found.sort();
        found
    }

    /// Bytes of all objects.
    pub(crate) fn object_bytes(&self) -> u64 {
        let lengths = files(&self.bucket());
        lengths
            .iter()
            .filter_map(|path| Some(path.metadata().ok()?.len()))
            .sum()
    }

    /// Names of what belongs to unfinished multipart uploads.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().display().to_string());
        names
            .filter(|name| name.starts_with(".upload") || name.starts_with(".tmp."))
            .collect()
    }

    /// How many parts of unfinished uploads are stored.
    pub(crate) fn parts(&self) -> usize {
        let names = self.unfinished();
        names.iter().filter(|name| name.contains(".part-")).count()
    }

    /// Makes all objects look as if they were written before this span.
    pub(crate) fn age(&self, span: Duration) {
        for path in files(&self.bucket()) {
            let file = fs::File::options().append(true).open(path).unwrap();
            file.set_modified(SystemTime::now() - span).unwrap();
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| {
            if entry.path().is_dir() {
                files(&entry.path())
            } else {
                vec![entry.path()]
            }
        })
        .collect()
}
