//! The runner's side of the wire to a Squish server, which with `--local` is one of its own.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{options::Options, wire};

/// A suite on a Squish server. Dropping it ends a Squish server of its own.
pub(crate) struct Connection {
    stream: TcpStream,
    own: Option<Child>,
}

impl Connection {
    /// Brings a suite to the Squish server.
    pub(crate) fn open(options: &Options, suite: &str) -> Result<Self, String> {
        let mut own = None;
        let mut address = (options.host.clone(), options.port);
        if options.local {
            let (child, port) = start()?;
            own = Some(child);
            address = ("127.0.0.1".to_owned(), port);
        }
        let stream = TcpStream::connect((address.0.as_str(), address.1)).map_err(|error| {
            format!(
                "cannot connect to squishserver on {}:{}: {error}",
                address.0, address.1
            )
        })?;
        let mut connection = Self { stream, own };
        match connection.ask(&format!("{}{suite}", wire::RUN))?.as_str() {
            wire::READY => Ok(connection),
            wire::BUSY => Err("squishserver runs another suite".to_owned()),
            other => Err(format!("squishserver said {other:?}")),
        }
    }

    /// Starts an application, if it is registered.
    pub(crate) fn start(&mut self, aut: &str) -> Result<bool, String> {
        Ok(self.ask(&format!("{}{aut}", wire::START))? == wire::READY)
    }

    /// Fails if the Squish server is gone.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        let short = Some(Duration::from_millis(20));
        self.stream.set_read_timeout(short).unwrap();
        let read = self.stream.read(&mut [0]);
        self.stream.set_read_timeout(None).unwrap();
        match read {
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                Ok(())
            }
            Ok(_) | Err(_) => Err(lost()),
        }
    }

    /// The suite is over.
    pub(crate) fn end(mut self) -> Result<(), String> {
        self.ask(wire::END).map(drop)
    }

    fn ask(&mut self, line: &str) -> Result<String, String> {
        writeln!(self.stream, "{line}").map_err(|_| lost())?;
        let mut answer = String::new();
        let mut reader = BufReader::new(self.stream.try_clone().unwrap());
        match reader.read_line(&mut answer) {
            Ok(1..) => Ok(answer.trim_end().to_owned()),
            Ok(0) | Err(_) => Err(lost()),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            let _ = own.kill();
            let _ = own.wait();
        }
    }
}

fn lost() -> String {
    "the connection to squishserver was lost".to_owned()
}

fn start() -> Result<(Child, u16), String> {
    let this = std::env::current_exe().unwrap();
    // What links to it is asked for by the link's name.
    let this = std::fs::canonicalize(this).unwrap();
    let file = format!("squishserver{}", std::env::consts::EXE_SUFFIX);
    let mut child = Command::new(this.with_file_name(file))
        .args(["--port", "0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start squishserver: {error}"))?;
    let mut line = String::new();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let _ = said.read_line(&mut line);
    let port = line
        .trim()
        .strip_prefix("Port: ")
        .and_then(|port| port.parse().ok());
    let port = port.ok_or("squishserver said no port")?;
    Ok((child, port))
}
