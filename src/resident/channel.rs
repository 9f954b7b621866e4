//! The connection of a process that stays: a socket in a private folder, elsewhere than on Unix a port of this machine alone.
//!
//! The process connects, so that it may be started through any wrapper (`uv run`, a shell script), which need not pass an
//! open file on. Not its standard input and output: tests use those.

use std::{io, path::Path};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[cfg(not(unix))]
use tokio::net::{TcpListener as Listener, TcpStream as Stream};
#[cfg(unix)]
use tokio::net::{UnixListener as Listener, UnixStream as Stream};

/// Longest line that is read: a process that sends a longer one is ended.
const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// Waits for a process to connect.
#[derive(Debug)]
pub(crate) struct Door {
    listener: Listener,
    address: String,
}

impl Door {
    /// Opens one. `name` is used once per folder.
    #[cfg(unix)]
    #[expect(clippy::unused_async, reason = "elsewhere it waits")]
    pub(crate) async fn open(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(name);
        let listener = Listener::bind(&path)?;
        let address = format!("unix:{}", path.display());
        Ok(Self { listener, address })
    }

    /// Opens one.
    #[cfg(not(unix))]
    pub(crate) async fn open(_folder: &Path, _name: &str) -> io::Result<Self> {
        let listener = Listener::bind(("127.0.0.1", 0)).await?;
        let address = format!("tcp:{}", listener.local_addr()?);
        Ok(Self { listener, address })
    }

    /// The address that the process connects to.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The next connection. May be dropped and called again.
    pub(crate) async fn connection(&self) -> io::Result<Channel> {
        let (stream, _) = self.listener.accept().await?;
        Ok(Channel {
            stream,
            read: Vec::new(),
            searched: 0,
        })
    }
}

/// An open connection: lines both ways.
#[derive(Debug)]
pub(crate) struct Channel {
    stream: Stream,
    /// Bytes read and not returned yet.
    read: Vec<u8>,
    /// So much of it has no end of a line.
    searched: usize,
}

impl Channel {
    /// The next line without its end; `None` at the end of the connection. May be dropped and called again. An error is the
    /// end too.
    pub(crate) async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let unsearched = &self.read[self.searched..];
            if let Some(at) = unsearched.iter().position(|byte| *byte == b'\n') {
                let rest = self.read.split_off(self.searched + at + 1);
                let mut line = std::mem::replace(&mut self.read, rest);
                line.pop();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.read.len();
            if self.searched > LONGEST_LINE {
                let why = format!("it sent a line of more than {LONGEST_LINE} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    pub(crate) async fn send(&mut self, lines: &[u8]) -> io::Result<()> {
        self.stream.write_all(lines).await
    }
}
