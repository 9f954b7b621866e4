//! How squishrunner is started, as `testplan.yml` says under `runner.squish`.

use std::{fmt, path::PathBuf, time::Duration};

use crate::runner::settings::Scenarios;

/// How long a licence is waited for where the file does not say.
pub const LICENCE_PATIENCE: Duration = Duration::from_secs(30 * 60);

/// How squishrunner is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SquishSettings {
    /// The program; `None` until [`super::program::find`] has found it.
    pub squishrunner: Option<PathBuf>,
    /// Where the suites are, relative to the runner's folder; at least one.
    pub suites: Vec<PathBuf>,
    /// Which Squish server runs the application.
    pub server: ServerChoice,
    /// What squishrunner writes.
    pub report: Report,
    /// What is a case of a behaviour-driven test.
    pub scenarios: Scenarios,
    /// Each an expression over the tags of scenarios.
    pub tags: Vec<String>,
    /// More arguments, as they stand, after ours.
    pub options: Vec<String>,
    /// How long an execution that finds no licence is tried again; zero is not at all.
    pub licence_patience: Duration,
}

impl Default for SquishSettings {
    fn default() -> Self {
        Self {
            squishrunner: None,
            suites: vec![PathBuf::from(".")],
            server: ServerChoice::Allocated,
            report: Report::Xml34,
            scenarios: Scenarios::Each,
            tags: Vec::new(),
            options: Vec::new(),
            licence_patience: LICENCE_PATIENCE,
        }
    }
}

/// Which Squish server runs the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerChoice {
    /// The one that comes with the reservation.
    Allocated,
    /// One of squishrunner's own, for each run.
    Local,
    /// Always this one.
    At(Address),
}

/// Where a Squish server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// Host name or address, without brackets.
    pub host: String,
    /// Port, not 0.
    pub port: u16,
}

impl Address {
    /// Reads `HOST:PORT`; an IPv6 address stands in brackets. `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']')?,
            None if host.contains(':') => return None,
            None => host,
        };
        Self::new(host, port)
    }

    /// A host and a port that a Squish server can have; `None` for anything else.
    pub fn new(host: &str, port: &str) -> Option<Self> {
        let port = port.parse().ok().filter(|port| *port != 0)?;
        crate::runner::command::is_host(host).then(|| Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') && !self.host.starts_with('[') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// What squishrunner writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Squish XML 3.4, a folder.
    Xml34,
    /// Squish XML 3.5, a folder.
    Xml35,
    /// One JUnit file, without screenshots.
    JUnit,
}

impl Report {
    /// The generator's name, as `--reportgen` takes it.
    pub fn generator(self) -> &'static str {
        match self {
            Self::Xml34 => "xml3.4",
            Self::Xml35 => "xml3.5",
            Self::JUnit => "junit",
        }
    }

    /// What the generator is given, below the execution's results folder. It does not exist before.
    pub fn target(self) -> &'static str {
        match self {
            Self::Xml34 | Self::Xml35 => "squish",
            Self::JUnit => "junit.xml",
        }
    }

    /// The file with the results, below the execution's results folder.
    pub fn file(self) -> &'static str {
        match self {
            Self::Xml34 | Self::Xml35 => "squish/results.xml",
            Self::JUnit => "junit.xml",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses() {
        for (text, host, port) in [
            ("lab-3:4322", "lab-3", 4322),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:65535", "::1", 65535),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port));
            assert_eq!(address.to_string(), text);
        }
        for text in [
            "lab-3",
            "lab-3:",
            ":4322",
            "lab-3:0",
            "lab-3:65536",
            "::1:4322",
            "[::1:4322",
            "-x:1",
            "a b:1",
            "lab:4a",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
