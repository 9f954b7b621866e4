//! Squish servers, as the registry of the service has them.

use std::{fmt, num::NonZeroU16, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use super::{Capabilities, ExecutionId, ServerTrouble, SquishServerId, Test, Timestamp};

/// A registered Squish server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SquishServer {
    /// Identifies it.
    pub id: SquishServerId,
    /// Whether the service allocates it.
    pub enabled: bool,
    /// Host name or address.
    pub host: String,
    /// Port, as text because the vendor's API has it so.
    pub port: String,
    /// What it offers.
    pub labels: Capabilities,
    /// The execution that uses it now.
    pub busy_with: Option<ExecutionId>,
    /// The test of that execution, where the service says.
    #[serde(default)]
    pub busy_test: Option<Test>,
    /// Its cool-down, where the service says.
    #[serde(default)]
    pub cooling: Option<Cooling>,
    /// Who enabled or disabled it last and why, where the service says.
    #[serde(default)]
    pub note: String,
}

impl SquishServer {
    /// Host and port, as `lab-1:4322`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// A cool-down: the service does not allocate the Squish server before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cooling {
    /// Its end, by the service's clock.
    pub until: Timestamp,
    /// What started it.
    pub because: CoolingReason,
}

/// Why a Squish server cools down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CoolingReason {
    /// A lease on it expired: a worker that no longer answers may still use it.
    Expired,
    /// A worker could not connect to it.
    Unreachable,
    /// An execution on it reached its time limit.
    Hung,
}

impl From<ServerTrouble> for CoolingReason {
    fn from(trouble: ServerTrouble) -> Self {
        match trouble {
            ServerTrouble::Unreachable => Self::Unreachable,
            ServerTrouble::Hung => Self::Hung,
        }
    }
}

impl CoolingReason {
    /// The word for it, on the wire and for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Unreachable => ServerTrouble::Unreachable.word(),
            Self::Hung => ServerTrouble::Hung.word(),
        }
    }
}

/// A Squish server to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSquishServer {
    /// Host name or address; [`Self::DEFAULT_HOST`] if absent.
    pub host: Option<String>,
    /// Where it listens.
    pub port: Port,
    /// Whether the service allocates it.
    pub enabled: bool,
    /// What it offers.
    pub labels: Capabilities,
}

impl NewSquishServer {
    /// The service's own machine.
    pub const DEFAULT_HOST: &str = "127.0.0.1";

    /// The host, or the default.
    pub fn host(&self) -> &str {
        self.host.as_deref().unwrap_or(Self::DEFAULT_HOST)
    }
}

/// What to change of a Squish server; `None` leaves as is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SquishServerChange {
    /// New host.
    pub host: Option<String>,
    /// New port.
    pub port: Option<Port>,
    /// Enable or disable.
    pub enabled: Option<bool>,
    /// New labels, all of them.
    pub labels: Option<Capabilities>,
    /// Why it is enabled or disabled. Only `testplan serve` keeps it.
    pub reason: String,
    /// Who changes it; filled in by the service.
    pub by: String,
}

/// A TCP port that a server can have: 1 to 65535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(NonZeroU16);

/// A text is not a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a port is a number from 1 to 65535")]
pub struct NotAPort;

impl Port {
    /// `None` for 0.
    pub fn new(number: u16) -> Option<Self> {
        NonZeroU16::new(number).map(Self)
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0.get()
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Port {
    type Err = NotAPort;

    fn from_str(text: &str) -> Result<Self, NotAPort> {
        text.parse().map(Self).map_err(|_| NotAPort)
    }
}

/// As text, as the vendor's API has ports.
impl Serialize for Port {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_a_number_from_1_to_65535() {
        for (text, expected) in [("1", 1), ("04322", 4322), ("65535", 65_535)] {
            assert_eq!(text.parse::<Port>().map(Port::get), Ok(expected));
        }
        for text in ["0", "65536", "-1", "", "x", " 1", "1.0"] {
            assert_eq!(text.parse::<Port>(), Err(NotAPort), "{text:?}");
        }
        assert_eq!(Port::new(0), None);
    }

    #[test]
    fn server_without_a_host_is_on_the_machine_of_the_service() {
        let mut server = NewSquishServer {
            host: None,
            port: Port::new(4322).unwrap(),
            enabled: true,
            labels: Capabilities::default(),
        };
        assert_eq!(server.host(), "127.0.0.1");
        server.host = Some("lab".to_owned());
        assert_eq!(server.host(), "lab");
    }
}
