//! Where a PostgreSQL database is, and how it is connected to.

mod connect_fault;
mod connect_settings;
mod connection_string;
mod parameters;
mod password_file;
mod process_owner;
mod server_trust;
mod service_file;
mod session_settings;
mod settings_error;
mod tls_fault;

use std::{fmt, future::poll_fn, path::Path};

use tokio::sync::mpsc;
use tokio_postgres::{
    AsyncMessage, Client, Config, NoTls, Socket,
    config::SslMode,
    tls::{MakeTlsConnect, TlsConnect},
};
use tokio_postgres_rustls::MakeRustlsConnect;

pub(super) use self::session_settings::Planning;
pub use self::settings_error::SettingsError;
use self::{
    connect_fault::{
        Attempt, PasswordOrigin, connect_fault, may_depend_on_options, may_depend_on_tls,
        no_changes,
    },
    connect_settings::{ConnectSettings, Machine, Server},
    parameters::{Parameters, Source},
    password_file::{Found, Login},
    server_trust::TlsMode,
};
use super::failure::{Fault, FaultKind};
use crate::store::{Outage, OutageKind, StoreError};

/// A connection, and what its transactions begin with.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Statements that each transaction begins with, because a pooler may give it a session that others use too. Empty for a
    /// session of its own.
    pub(super) transaction_settings: String,
    /// The texts of notifications; ends with the connection.
    pub(super) notices: mpsc::UnboundedReceiver<String>,
}

/// A database to connect to. Its password is not in its debug output.
#[derive(Clone)]
pub struct Target {
    settings: ConnectSettings,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("place", &self.to_string())
            .field("user", &self.settings.user)
            .field("tls", &self.settings.tls)
            .finish_non_exhaustive()
    }
}

/// `PostgreSQL at db:5432, database "testplan"`, for messages.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<_> = self.settings.servers.iter().map(Server::place).collect();
        let database = &self.settings.database;
        write!(
            f,
            "PostgreSQL at {}, database {database:?}",
            places.join(" or ")
        )
    }
}

impl Target {
    /// What to print about [`has_password_in_url`](Self::has_password_in_url).
    pub const PASSWORD_IN_URL: &str = "every user of this machine can read the password in the address of the database; \
         set PGPASSWORD, or write it to the password file ~/.pgpass";

    /// Reads a URL (`postgres://user@host:5432/database`) or libpq's `key=value` pairs, without the environment and without
    /// files of the user's home.
    ///
    /// # Errors
    ///
    /// A text for the user, as [`SettingsError`].
    pub fn parse(text: &str) -> Result<Self, String> {
        let owner = process_owner::owner(&|_| None);
        let machine = Machine {
            user: owner.name,
            home: None,
            exists: &Path::exists,
        };
        let read = || Self::new(&Parameters::of_text(text)?, &machine);
        read().map_err(|error| error.to_string())
    }

    /// The same, completed as libpq does: by a service file, by variables such as PGHOST and PGSSLMODE, by the password file,
    /// and by certificates in `~/.postgresql`. Without a text these have it all.
    ///
    /// # Errors
    ///
    /// If a setting or a file cannot be used.
    pub fn from_environment(
        text: Option<&str>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let owner = process_owner::owner(variable);
        let parameters = Parameters::complete(text, variable, owner.home.as_deref())?;
        let machine = Machine {
            user: owner.name,
            home: owner.home,
            exists: &Path::exists,
        };
        Self::new(&parameters, &machine)
    }

    fn new(parameters: &Parameters, machine: &Machine<'_>) -> Result<Self, SettingsError> {
        let settings = ConnectSettings::new(parameters, machine)?;
        let is_remote = |it: &Server| matches!(it, Server::Tcp { .. });
        if settings.tls.mode != TlsMode::Disable && settings.servers.iter().any(is_remote) {
            // So that a file that is missing is found at the start.
            settings.tls.client_config()?;
        }
        Ok(Self { settings })
    }

    /// Whether the password is in the text, where all users of the machine can read it if the text is an argument of a command.
    pub fn has_password_in_url(&self) -> bool {
        matches!(self.settings.password, Some((_, Source::Text)))
    }

    /// The setting of `synchronous_commit` that is not used, because an answer would come before the commit is durable.
    pub(super) fn refused_commit(&self) -> Option<String> {
        session_settings::refused_commit(self.settings.options.as_deref())
    }

    /// Connects to the first server that takes changes; the connection runs on the current runtime.
    pub(super) async fn connect(&self, planning: Planning) -> Result<Connection, StoreError> {
        let mut faults: Vec<(&Server, Fault)> = Vec::new();
        for server in &self.settings.servers {
            let fault = match self.connect_to(server, planning).await {
                Ok(connection) => return Ok(connection),
                Err(fault) => fault,
            };
            // As libpq: the next server would refuse as well, and its message would hide this one.
            let is_last = fault.kind == FaultKind::Refused;
            faults.push((server, fault));
            if is_last {
                break;
            }
        }
        Err(StoreError::Away(outage(&faults, &self.settings.database)))
    }

    async fn connect_to(&self, server: &Server, planning: Planning) -> Result<Connection, Fault> {
        let settings = &self.settings;
        let (password, origin) = self.password_for(server);
        let kinds: &[SslMode] = match (server, settings.tls.mode) {
            (Server::Socket { .. }, _) | (_, TlsMode::Disable) => &[SslMode::Disable],
            (_, TlsMode::Allow) => &[SslMode::Disable, SslMode::Require],
            (_, TlsMode::Prefer) => &[SslMode::Prefer, SslMode::Disable],
            (_, TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull) => &[SslMode::Require],
        };
        let attempt = Attempt {
            host: match server {
                Server::Tcp { name, .. } => name.clone(),
                Server::Socket { .. } => String::new(),
            },
            user: settings.user.clone(),
            database: settings.database.clone(),
            password: origin,
            forbids_tls: matches!(server, Server::Tcp { .. })
                && settings.tls.mode == TlsMode::Disable,
            timeout: settings.connect_timeout,
        };
        let mut first = None;
        for kind in kinds {
            // A pooler may refuse the options of a connection.
            for options in [Some(self.options(planning)), None] {
                let config = self.config(server, password.as_deref(), *kind, options);
                match self.start(&config, *kind, &attempt).await {
                    Ok(connection) => return Ok(connection),
                    Err((_, NextTry::WithoutOptions)) if config.get_options().is_some() => {}
                    Err((fault, NextTry::OtherTls)) => {
                        first.get_or_insert(fault);
                        break;
                    }
                    Err((fault, _)) => return Err(first.unwrap_or(fault)),
                }
            }
        }
        // There is no list without an entry.
        Err(first.unwrap_or_else(|| connect_fault::timeout(attempt.whole_timeout())))
    }

    /// Connects once. An error comes with what the same server may accept instead.
    async fn start(
        &self,
        config: &Config,
        tls: SslMode,
        attempt: &Attempt,
    ) -> Result<Connection, (Fault, NextTry)> {
        if tls == SslMode::Disable {
            return self.start_with(config, NoTls, attempt).await;
        }
        let settings = self.settings.tls.client_config().map_err(|error| {
            let fault = Fault::new(FaultKind::Refused, error.message, error.advice);
            (fault, NextTry::Nothing)
        })?;
        let tls = MakeRustlsConnect::new(settings);
        self.start_with(config, tls, attempt).await
    }

    async fn start_with<T>(
        &self,
        config: &Config,
        tls: T,
        attempt: &Attempt,
    ) -> Result<Connection, (Fault, NextTry)>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let connecting = tokio::time::timeout(attempt.whole_timeout(), config.connect(tls));
        let (client, mut connection) = match connecting.await {
            Err(_elapsed) => {
                let fault = connect_fault::timeout(attempt.whole_timeout());
                return Err((fault, NextTry::Nothing));
            }
            Ok(Err(error)) => {
                let next = if may_depend_on_options(&error) {
                    NextTry::WithoutOptions
                } else if may_depend_on_tls(&error) {
                    NextTry::OtherTls
                } else {
                    NextTry::Nothing
                };
                return Err((connect_fault(&error, attempt), next));
            }
            Ok(Ok(connected)) => connected,
        };
        let (heard, notices) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notification(notice)) => {
                        // Nobody listens on most connections.
                        let _ = heard.send(notice.payload().to_owned());
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "a connection to PostgreSQL ended");
                        break;
                    }
                }
            }
        });
        let has_options = check(&client, attempt, self.settings.needs_changes)
            .await
            .map_err(|fault| (fault, NextTry::Nothing))?;
        let own = self.settings.options.as_deref();
        Ok(Connection {
            client,
            transaction_settings: if has_options {
                String::new()
            } else {
                session_settings::of_transaction(own)
            },
            notices,
        })
    }

    fn options(&self, planning: Planning) -> String {
        session_settings::options(self.settings.options.as_deref(), planning)
    }

    fn config(
        &self,
        server: &Server,
        password: Option<&str>,
        tls: SslMode,
        options: Option<String>,
    ) -> Config {
        let settings = &self.settings;
        let mut config = Config::new();
        match server {
            Server::Tcp {
                name,
                address,
                port,
            } => {
                config.host(name).port(*port);
                if let Some(address) = address {
                    config.hostaddr(*address);
                }
            }
            #[cfg(unix)]
            Server::Socket { folder, port } => {
                config.host_path(folder).port(*port);
            }
            #[cfg(not(unix))]
            Server::Socket { folder, port } => {
                config.host(folder.display().to_string()).port(*port);
            }
        }
        config
            .user(&settings.user)
            .dbname(&settings.database)
            .ssl_mode(tls)
            .ssl_negotiation(settings.ssl_negotiation)
            .channel_binding(settings.channel_binding)
            .application_name(&settings.application_name)
            .connect_timeout(settings.connect_timeout)
            .tcp_user_timeout(settings.tcp_user_timeout)
            .keepalives(settings.keepalives_idle.is_some());
        if let Some(options) = options {
            config.options(options);
        }
        if let Some(password) = password {
            config.password(password);
        }
        if let Some(idle) = settings.keepalives_idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = settings.keepalives_interval {
            config.keepalives_interval(interval);
        }
        if let Some(count) = settings.keepalives_count {
            config.keepalives_retries(count);
        }
        config
    }

    /// The password for a server and where it is from. The file is read every time: passwords change.
    fn password_for(&self, server: &Server) -> (Option<String>, PasswordOrigin) {
        let settings = &self.settings;
        if let Some((password, source)) = &settings.password {
            return (Some(password.clone()), PasswordOrigin::Set(source.clone()));
        }
        let Some(path) = &settings.password_file else {
            return (None, PasswordOrigin::Nowhere);
        };
        let login = Login {
            host: server.name_in_password_file(),
            port: server.port(),
            database: &settings.database,
            user: &settings.user,
        };
        match password_file::look_up(path, login) {
            Found::Password(password) => (Some(password), PasswordOrigin::File(path.clone())),
            Found::Nothing => (None, PasswordOrigin::Nowhere),
            Found::Ignored(why) => {
                tracing::warn!(path = %path.display(), why, "the password file is not used");
                (None, PasswordOrigin::IgnoredFile(path.clone(), why))
            }
        }
    }
}

/// What a server may accept that refused a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NextTry {
    Nothing,
    /// A connection with TLS instead of without, or the other way round.
    OtherTls,
    /// A connection without options.
    WithoutOptions,
}

/// Asks a server whether it takes changes, and returns whether the session got the options of the connection.
async fn check(client: &Client, attempt: &Attempt, needs_changes: bool) -> Result<bool, Fault> {
    let question = format!(
        "SELECT pg_is_in_recovery(), current_setting('transaction_read_only'), current_setting('{}', true)",
        session_settings::MARK
    );
    let question = client.simple_query(&question);
    let messages = match tokio::time::timeout(attempt.whole_timeout(), question).await {
        Ok(Ok(messages)) => messages,
        Ok(Err(error)) => return Err(connect_fault(&error, attempt)),
        Err(_elapsed) => return Err(connect_fault::timeout(attempt.whole_timeout())),
    };
    let mut has_options = false;
    for message in messages {
        if let tokio_postgres::SimpleQueryMessage::Row(row) = message {
            let is_standby = row.get(0) == Some("t");
            if needs_changes && (is_standby || row.get(1) == Some("on")) {
                return Err(no_changes(is_standby));
            }
            has_options = row.get(2) == Some("on");
        }
    }
    Ok(has_options)
}

/// Why no server of a list was connected to, with the advice for the one that answered, if any did.
fn outage(faults: &[(&Server, Fault)], database: &str) -> Outage {
    let telling = faults
        .iter()
        .rev()
        .find(|(_, it)| it.kind != FaultKind::Unreachable)
        .or(faults.first());
    let advice = telling.map_or("", |(_, it)| it.advice.as_str());
    let reasons = match faults {
        [(server, fault)] => format!(
            "cannot connect to PostgreSQL at {}, database {database:?}: {}",
            server.place(),
            fault.why
        ),
        several => {
            let reason =
                |(server, fault): &(&Server, Fault)| format!("{}: {}", server.place(), fault.why);
            format!(
                "cannot connect to any server of the PostgreSQL database {database:?}: {}",
                several.iter().map(reason).collect::<Vec<_>>().join(", ")
            )
        }
    };
    Outage {
        kind: OutageKind::Connection,
        reason: telling.map_or_else(String::new, |(_, it)| it.reason()),
        text: format!("{reasons}; {advice}"),
    }
}
