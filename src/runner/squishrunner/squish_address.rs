//! Host and port of a Squish server.

use std::fmt;

/// Where a Squish server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SquishAddress {
    /// Host name or address, without brackets.
    pub host: String,
    /// Port, not 0.
    pub port: u16,
}

impl SquishAddress {
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
        is_host(host).then(|| Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for SquishAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') && !self.host.starts_with('[') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Whether a text can be the name or address of a machine.
pub(in crate::runner) fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && !host.starts_with('-')
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-_:[]%".contains(c))
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
            let address = SquishAddress::parse(text).unwrap();
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
            assert_eq!(SquishAddress::parse(text), None, "{text}");
        }
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for host in [
            "127.0.0.1",
            "lab-3.example.com",
            "[::1]",
            "::1",
            "fe80::1%eth0",
        ] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "-x", "a b", "a;b", "ä"] {
            assert!(!is_host(host), "{host}");
        }
    }
}
