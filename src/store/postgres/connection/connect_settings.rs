//! Settings of a connection from its parameters.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio_postgres::config::{ChannelBinding, SslNegotiation};

use super::{
    parameters::{Parameters, Source},
    server_trust::{TlsMode, TlsSettings},
    settings_error::SettingsError,
};

/// How long connecting to one server may take unless it is set.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
const DEFAULT_PORT: u16 = 5432;
/// Where servers keep their socket: Debian's folder and PostgreSQL's own.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// A server to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// Over the network; the name is the one of its certificate.
    Tcp {
        name: String,
        address: Option<IpAddr>,
        port: u16,
    },
    /// By the socket in a folder.
    Socket { folder: PathBuf, port: u16 },
}

impl Server {
    /// For messages.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Tcp { name, port, .. } if name.contains(':') => format!("[{name}]:{port}"),
            Self::Tcp { name, port, .. } => format!("{name}:{port}"),
            Self::Socket { folder, port } => folder
                .join(format!(".s.PGSQL.{port}"))
                .display()
                .to_string(),
        }
    }

    /// What a line of the password file names.
    pub(super) fn name_in_password_file(&self) -> &str {
        match self {
            Self::Tcp { name, .. } => name,
            Self::Socket { folder, .. } => match folder.to_str() {
                Some(path) if !SOCKET_FOLDERS.contains(&path) => path,
                _ => "localhost",
            },
        }
    }

    pub(super) fn port(&self) -> u16 {
        match self {
            Self::Tcp { port, .. } | Self::Socket { port, .. } => *port,
        }
    }
}

/// What this machine provides for what is not set.
pub(super) struct Machine<'a> {
    /// The name of the user whom this process runs as.
    pub(super) user: Option<String>,
    pub(super) home: Option<PathBuf>,
    /// Whether a file is there.
    pub(super) exists: &'a dyn Fn(&Path) -> bool,
}

/// All that connecting needs.
#[derive(Clone)]
pub(super) struct ConnectSettings {
    pub(super) servers: Vec<Server>,
    pub(super) user: String,
    pub(super) database: String,
    /// A password that is set, and where.
    pub(super) password: Option<(String, Source)>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) tls: TlsSettings,
    pub(super) ssl_negotiation: SslNegotiation,
    pub(super) channel_binding: ChannelBinding,
    pub(super) connect_timeout: Duration,
    /// Whether a server that takes no changes is left for the next one.
    pub(super) needs_changes: bool,
    pub(super) application_name: String,
    pub(super) options: Option<String>,
    /// `None` switches them off.
    pub(super) keepalives_idle: Option<Duration>,
    pub(super) keepalives_interval: Option<Duration>,
    pub(super) keepalives_count: Option<u32>,
    pub(super) tcp_user_timeout: Duration,
}

impl ConnectSettings {
    pub(super) fn new(given: &Parameters, machine: &Machine<'_>) -> Result<Self, SettingsError> {
        let Some(user) = given
            .get("user")
            .map(ToOwned::to_owned)
            .or_else(|| machine.user.clone())
        else {
            return Err(SettingsError::new(
                "no user of the database is named, and the name of this process's user is unknown",
                "set PGUSER",
            ));
        };
        let own = |name: &str| machine.home.as_ref().map(|home| home.join(name));
        let tls = TlsSettings::new(given, machine.home.as_deref(), machine.exists)?;
        let ssl_negotiation =
            given.read("sslnegotiation", "postgres or direct", |it| match it {
                "postgres" => Some(SslNegotiation::Postgres),
                "direct" => Some(SslNegotiation::Direct),
                _ => None,
            })?;
        let ssl_negotiation = ssl_negotiation.unwrap_or_default();
        if ssl_negotiation == SslNegotiation::Direct && tls.mode < TlsMode::Require {
            return Err(SettingsError::new(
                "sslnegotiation=direct needs TLS, and sslmode does not require it",
                "set sslmode to verify-full, verify-ca or require",
            ));
        }
        let keepalives = given.read("keepalives", "0 or 1", |it| it.parse::<u8>().ok())?;
        let idle = seconds(given, "keepalives_idle")?.unwrap_or(Duration::from_secs(10));
        let unacknowledged =
            given.read("tcp_user_timeout", "milliseconds, such as 10000", |it| {
                it.parse().ok().map(Duration::from_millis)
            })?;
        Ok(Self {
            servers: servers(given, machine.exists)?,
            database: given.get("dbname").unwrap_or(&user).to_owned(),
            user,
            password: given
                .get("password")
                .zip(given.source("password"))
                .map(|(password, source)| (password.to_owned(), source.clone())),
            password_file: given
                .get("passfile")
                .map(PathBuf::from)
                .or_else(|| own(".pgpass")),
            tls,
            ssl_negotiation,
            channel_binding: given
                .read(
                    "channel_binding",
                    "disable, prefer or require",
                    |it| match it {
                        "disable" => Some(ChannelBinding::Disable),
                        "prefer" => Some(ChannelBinding::Prefer),
                        "require" => Some(ChannelBinding::Require),
                        _ => None,
                    },
                )?
                .unwrap_or(ChannelBinding::Prefer),
            // 0 is for ever in libpq; a service that waits for ever answers no request.
            connect_timeout: seconds(given, "connect_timeout")?.unwrap_or(CONNECT),
            needs_changes: needs_changes(given)?,
            application_name: given
                .get("application_name")
                .unwrap_or("testplan")
                .to_owned(),
            options: given.get("options").map(ToOwned::to_owned),
            keepalives_idle: (keepalives != Some(0)).then_some(idle),
            keepalives_interval: seconds(given, "keepalives_interval")?,
            keepalives_count: given.read("keepalives_count", "a number", |it| it.parse().ok())?,
            tcp_user_timeout: unacknowledged
                .filter(|it| !it.is_zero())
                .unwrap_or(Duration::from_secs(10)),
        })
    }
}

/// A number of seconds; 0 and less stand for the default.
fn seconds(given: &Parameters, keyword: &str) -> Result<Option<Duration>, SettingsError> {
    let seconds = given.read(keyword, "whole seconds, such as 5", |it| {
        it.trim().parse::<i64>().ok()
    })?;
    let seconds = seconds.and_then(|it| u64::try_from(it).ok());
    Ok(seconds.filter(|it| *it > 0).map(Duration::from_secs))
}

fn needs_changes(given: &Parameters) -> Result<bool, SettingsError> {
    let expected = "read-write, because a service changes its database";
    let needs = given.read("target_session_attrs", expected, |it| match it {
        "read-write" | "primary" => Some(true),
        "any" => Some(false),
        _ => None,
    })?;
    Ok(needs.unwrap_or(true))
}

fn servers(
    given: &Parameters,
    exists: &dyn Fn(&Path) -> bool,
) -> Result<Vec<Server>, SettingsError> {
    let list = |keyword| -> Vec<&str> {
        given
            .get(keyword)
            .map_or_else(Vec::new, |it| it.split(',').map(str::trim).collect())
    };
    let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = hosts.len().max(addresses.len()).max(1);
    for (keyword, length) in [("host", hosts.len()), ("hostaddr", addresses.len())] {
        if length != 0 && length != count {
            return Err(SettingsError::new(
                format!("{keyword} has {length} entries for {count} servers of the database"),
                "give host and hostaddr the same number of entries",
            ));
        }
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(SettingsError::new(
            format!(
                "port has {} entries for {count} servers of the database",
                ports.len()
            ),
            "give one port, or one for each host",
        ));
    }
    let server = |index: usize| {
        let port = ports.get(index).or(ports.first()).copied().unwrap_or("");
        let port = if port.is_empty() {
            DEFAULT_PORT
        } else {
            let port: Option<u16> = port.parse().ok().filter(|it| *it > 0);
            port.ok_or_else(|| {
                // Its text may be a part of a password that was not encoded.
                let source = given.source("port").unwrap_or(&Source::Text);
                SettingsError::new(
                    format!("{source} has a port that is not a number from 1 to 65535"),
                    "correct it; in the user or password of a URL write `:` as %3A and `/` as %2F",
                )
            })?
        };
        let address = match addresses.get(index).copied().unwrap_or("") {
            "" => None,
            text => Some(text.parse::<IpAddr>().map_err(|_| {
                SettingsError::new(
                    format!("hostaddr {text:?} is not a numeric address"),
                    "write a name to host instead",
                )
            })?),
        };
        let host = hosts.get(index).copied().unwrap_or("");
        Ok(match (host, address) {
            ("", Some(address)) => tcp(&address.to_string(), Some(address), port),
            ("", None) => default_server(port, exists),
            (folder, _) if folder.starts_with('/') => Server::Socket {
                folder: PathBuf::from(folder),
                port,
            },
            (name, address) => tcp(name, address, port),
        })
    };
    (0..count).map(server).collect()
}

fn tcp(name: &str, address: Option<IpAddr>, port: u16) -> Server {
    Server::Tcp {
        name: name.to_owned(),
        address,
        port,
    }
}

/// The socket of a server on this machine if there is one, else `localhost`.
fn default_server(port: u16, exists: &dyn Fn(&Path) -> bool) -> Server {
    let mut folders = SOCKET_FOLDERS.iter().map(PathBuf::from);
    match folders.find(|it| exists(&it.join(format!(".s.PGSQL.{port}")))) {
        Some(folder) if cfg!(unix) => Server::Socket { folder, port },
        _ => tcp("localhost", None, port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<ConnectSettings, SettingsError> {
        let machine = Machine {
            user: Some("me".to_owned()),
            home: Some(PathBuf::from("/home/me")),
            exists: &|path| path == Path::new("/tmp/.s.PGSQL.7"),
        };
        ConnectSettings::new(&Parameters::of_text(text)?, &machine)
    }

    fn places(text: &str) -> String {
        let settings = settings(text).unwrap();
        let places: Vec<_> = settings.servers.iter().map(Server::place).collect();
        places.join(" ")
    }

    #[test]
    fn servers_are_hosts_with_their_ports() {
        for (text, expected) in [
            ("", "localhost:5432"),
            ("port=7", "/tmp/.s.PGSQL.7"),
            ("host=a,b,c port=1,,3", "a:1 b:5432 c:3"),
            ("host=a,b port=9", "a:9 b:9"),
            ("postgres://[::1]:9/x", "[::1]:9"),
            ("host=/run/pg port=9", "/run/pg/.s.PGSQL.9"),
            ("hostaddr=127.0.0.1", "127.0.0.1:5432"),
        ] {
            assert_eq!(places(text), expected, "{text}");
        }
        let named = settings("host=db hostaddr=10.0.0.1").unwrap();
        let address = Some("10.0.0.1".parse().unwrap());
        assert_eq!(named.servers, [tcp("db", address, 5432)]);
    }

    #[test]
    fn lists_of_different_lengths_are_refused() {
        for text in [
            "host=a,b hostaddr=127.0.0.1",
            "host=a,b,c port=1,2",
            "hostaddr=x",
            "port=0",
            "port=65536",
        ] {
            assert!(settings(text).is_err(), "{text}");
        }
    }

    #[test]
    fn error_about_a_port_does_not_repeat_it() {
        let error = settings("postgres://ci:secret/x")
            .err()
            .unwrap()
            .to_string();
        assert!(
            !error.contains("secret") && error.contains("%2F"),
            "{error}"
        );
    }

    #[test]
    fn what_is_not_set_has_a_default() {
        let found = settings("").unwrap();
        assert_eq!((found.user.as_str(), found.database.as_str()), ("me", "me"));
        assert_eq!(found.connect_timeout, CONNECT);
        assert_eq!(found.password_file, Some(PathBuf::from("/home/me/.pgpass")));
        assert_eq!(found.application_name, "testplan");
        assert!(found.needs_changes && found.keepalives_idle.is_some());

        let found = settings("user=ci connect_timeout=0 keepalives=0 target_session_attrs=any");
        let found = found.unwrap();
        assert_eq!((found.user.as_str(), found.database.as_str()), ("ci", "ci"));
        assert_eq!(found.connect_timeout, CONNECT);
        assert!(!found.needs_changes && found.keepalives_idle.is_none());
    }

    #[test]
    fn sessions_that_take_no_changes_are_refused() {
        for value in ["standby", "read-only", "prefer-standby"] {
            let text = format!("target_session_attrs={value}");
            let error = settings(&text).err().unwrap().to_string();
            assert!(error.contains("read-write"), "{error}");
        }
        assert!(
            settings("target_session_attrs=primary")
                .unwrap()
                .needs_changes
        );
    }

    #[test]
    fn direct_tls_needs_a_mode_that_requires_it() {
        assert!(settings("sslnegotiation=direct").is_err());
        assert!(settings("sslnegotiation=direct sslmode=require").is_ok());
    }

    #[test]
    fn socket_of_a_usual_folder_is_localhost_in_the_password_file() {
        for (text, name) in [
            ("host=/tmp", "localhost"),
            ("host=/run/pg", "/run/pg"),
            ("host=db", "db"),
            ("hostaddr=10.0.0.1", "10.0.0.1"),
        ] {
            let found = settings(text).unwrap();
            assert_eq!(found.servers[0].name_in_password_file(), name);
        }
    }
}
