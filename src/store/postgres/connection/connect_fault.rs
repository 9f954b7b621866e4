//! Why a connection was not made: the error of tokio-postgres in words, with one thing to do.

use std::{io, path::PathBuf, time::Duration};

use tokio_postgres::{Error, error::SqlState};

use super::{
    parameters::Source,
    tls_fault::{find, tls_fault},
};
use crate::store::postgres::failure::{
    Fault,
    FaultKind::{Bug, NotNow, Refused, Unreachable},
    cause_of, fault_of,
};

/// Where the password of a login is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PasswordOrigin {
    Set(Source),
    File(PathBuf),
    /// The file was not used, for this reason.
    IgnoredFile(PathBuf, String),
    Nowhere,
}

/// What a connection was tried with.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// The host in the certificate.
    pub(super) host: String,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) password: PasswordOrigin,
    /// Whether the settings forbid TLS where there could be.
    pub(super) forbids_tls: bool,
    /// The limit for one address of the host.
    pub(super) timeout: Duration,
}

impl Attempt {
    /// The limit for a host with several addresses, and for TLS and login, which the other one does not include.
    pub(super) fn whole_timeout(&self) -> Duration {
        self.timeout * 2
    }
}

/// Whether the same server may accept another kind of connection, with or without TLS.
pub(super) fn may_depend_on_tls(error: &Error) -> bool {
    is_tls(error) || error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
}

/// Whether the same server may accept a connection without options: poolers often do not pass them on.
pub(super) fn may_depend_on_options(error: &Error) -> bool {
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::PROTOCOL_VIOLATION
            && error.message().contains("unsupported startup parameter")
    })
}

/// The fault of a server that did not answer in time.
pub(super) fn timeout(limit: Duration) -> Fault {
    Fault::new(
        Unreachable,
        format!("it did not answer within {} s", limit.as_secs()),
        "check host, port and firewalls",
    )
}

/// The fault of a server that takes no changes.
pub(super) fn no_changes(is_standby: bool) -> Fault {
    let why = if is_standby {
        "it is a standby, which takes no changes"
    } else {
        "it is set to read-only"
    };
    Fault::new(
        NotNow,
        why,
        "name the primary server, or all servers with host=a,b",
    )
}

/// Why connecting failed.
pub(super) fn connect_fault(error: &Error, attempt: &Attempt) -> Fault {
    tracing::debug!(?error, "cannot connect to PostgreSQL");
    if let Some(database) = error.as_db_error() {
        let mut fault = refused_login(database.code(), database.message(), attempt);
        fault.why = format!("{} (SQLSTATE {})", fault.why, database.code().code());
        return fault;
    }
    match find::<rustls::Error>(error) {
        // It was read as an answer in TLS.
        Some(rustls::Error::InvalidMessage(_)) => return not_postgres(),
        Some(tls) => return tls_fault(tls, &attempt.host),
        None => {}
    }
    let cause = cause_of(error);
    match (error.to_string().as_str(), cause.as_str()) {
        (_, "password missing") => missing_password(attempt),
        (_, "server does not support TLS") => Fault::new(
            Refused,
            "it does not offer TLS, and sslmode requires it",
            "switch on `ssl` at the server; sslmode=prefer would connect without TLS",
        ),
        (_, "server did not use channel binding") => Fault::new(
            Refused,
            "it does not use channel binding, and channel_binding requires it",
            "use a password of the kind scram-sha-256, over TLS",
        ),
        (_, "unsupported authentication method" | "unsupported SASL mechanism") => Fault::new(
            Refused,
            "it asks for a login that testplan does not have, such as Kerberos",
            "allow scram-sha-256 or cert for this user in its pg_hba.conf",
        ),
        ("error connecting to server", _) => unreachable_server(error, attempt),
        ("authentication error", _) => Fault::new(
            Refused,
            format!("it did not prove that it knows the password ({cause})"),
            "check that this is the right server",
        ),
        ("error parsing response from server" | "unexpected message from server", _) => {
            not_postgres()
        }
        // The start of another protocol, read as the length or kind of a message.
        (_, cause)
            if cause.starts_with("unknown message tag") || cause.contains("bytes remaining") =>
        {
            not_postgres()
        }
        _ => Fault::new(
            Unreachable,
            format!("the connection was closed before it was ready ({cause})"),
            "check that PostgreSQL listens there; its log has the reason",
        ),
    }
}

/// What a server says before it accepts a connection.
fn refused_login(state: &SqlState, message: &str, attempt: &Attempt) -> Fault {
    let (why, advice) = match *state {
        SqlState::INVALID_PASSWORD => return wrong_password(attempt),
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => return no_access(message, attempt),
        SqlState::INVALID_CATALOG_NAME => return no_database(attempt),
        // PgBouncer has one code for all that it refuses.
        SqlState::PROTOCOL_VIOLATION if message.contains("does not exist") => {
            return no_database(attempt);
        }
        SqlState::UNDEFINED_OBJECT | SqlState::INVALID_PARAMETER_VALUE => (
            "it does not accept an option of the connection".to_owned(),
            "correct `options` in the address of the database, or PGOPTIONS".to_owned(),
        ),
        SqlState::PROTOCOL_VIOLATION if message.contains("unsupported startup parameter") => (
            "a pooler there refuses a parameter of the connection".to_owned(),
            "add the parameter that its log names to `ignore_startup_parameters` in its configuration, if it is PgBouncer"
                .to_owned(),
        ),
        SqlState::PROTOCOL_VIOLATION if message.contains("no more connections") => {
            return fault_of(&SqlState::TOO_MANY_CONNECTIONS, message);
        }
        _ => {
            let general = fault_of(state, message);
            if general.kind != Bug {
                return general;
            }
            (
                format!("it refuses the connection: {message}"),
                "see the log of the server".to_owned(),
            )
        }
    };
    Fault::new(Refused, why, advice)
}

fn no_database(attempt: &Attempt) -> Fault {
    let Attempt { user, database, .. } = attempt;
    Fault::new(
        Refused,
        format!("the database {database:?} does not exist"),
        format!("create it, for example by `createdb --owner={user} {database}`"),
    )
}

fn not_postgres() -> Fault {
    Fault::new(
        Unreachable,
        "what answers there is not PostgreSQL",
        "check host and port",
    )
}

fn wrong_password(attempt: &Attempt) -> Fault {
    let (from, advice) = match &attempt.password {
        PasswordOrigin::Set(Source::Text) => (
            " from the address of the database".to_owned(),
            "correct it, in PGPASSWORD or the password file rather than in the address".to_owned(),
        ),
        PasswordOrigin::Set(source) => (
            format!(" from {source}"),
            format!("correct the user, or the password in {source}"),
        ),
        PasswordOrigin::File(path) => (
            format!(" from {}", path.display()),
            format!("correct the user, or the line in {}", path.display()),
        ),
        PasswordOrigin::IgnoredFile(..) | PasswordOrigin::Nowhere => {
            (String::new(), "set PGUSER and PGPASSWORD".to_owned())
        }
    };
    let why = format!(
        "it refuses the user {:?} or the password{from}",
        attempt.user
    );
    Fault::new(Refused, why, advice)
}

fn missing_password(attempt: &Attempt) -> Fault {
    let why = format!("it asks for a password for the user {:?}", attempt.user);
    match &attempt.password {
        PasswordOrigin::IgnoredFile(path, reason) => Fault::new(
            Refused,
            format!(
                "{why}, and the password file {} was not used",
                path.display()
            ),
            reason.clone(),
        ),
        _ => Fault::new(
            Refused,
            format!("{why}, and none is set"),
            "set PGPASSWORD, or add a line host:port:database:user:password to ~/.pgpass",
        ),
    }
}

/// A user who may not log in this way.
fn no_access(message: &str, attempt: &Attempt) -> Fault {
    let Attempt { user, database, .. } = attempt;
    let (why, advice) = if message.contains("does not exist") {
        (
            format!("the user {user:?} does not exist"),
            format!("create it by `createuser {user}`, or set PGUSER"),
        )
    } else if message.contains("not permitted to log in") {
        (
            format!("the user {user:?} is a group, which may not log in"),
            "set PGUSER to a user who may".to_owned(),
        )
    } else if message.contains("Peer authentication") || message.contains("Ident authentication") {
        (
            format!("it accepts the user {user:?} only from the user of its machine with that name"),
            "set PGUSER to the name of this process's user, or connect with host=localhost and a password"
                .to_owned(),
        )
    } else if message.contains("client certificate")
        || message.contains("certificate authentication")
    {
        (
            format!("it accepts the user {user:?} only with a certificate"),
            "name one for this user, and its key, with sslcert and sslkey".to_owned(),
        )
    } else if attempt.forbids_tls && message.contains("no encryption") {
        (
            format!("its pg_hba.conf does not let {user:?} use {database:?} from here without TLS"),
            "set sslmode to verify-full, or add an entry there".to_owned(),
        )
    } else {
        (
            format!("its pg_hba.conf does not let {user:?} use {database:?} from here"),
            "add an entry there, and reload the server".to_owned(),
        )
    };
    Fault::new(Refused, why, advice)
}

fn unreachable_server(error: &Error, attempt: &Attempt) -> Fault {
    let system = find::<io::Error>(error);
    let (why, advice) = match system.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => (
            "nothing accepts connections there".to_owned(),
            "start the server, or check host and port",
        ),
        Some(io::ErrorKind::NotFound) => (
            "there is no socket of a server".to_owned(),
            "start the server, or name its host with PGHOST",
        ),
        Some(io::ErrorKind::TimedOut) => return timeout(attempt.timeout),
        Some(io::ErrorKind::PermissionDenied) => (
            "this process may not use the socket".to_owned(),
            "check the access to its folder",
        ),
        _ => {
            let cause = cause_of(error);
            let advice = if cause.contains("lookup") || cause.contains("resolve") {
                "check the name of the host"
            } else {
                "check host, port and firewalls"
            };
            (cause, advice)
        }
    };
    Fault::new(Unreachable, why, advice)
}

/// Whether TLS was not established.
fn is_tls(error: &Error) -> bool {
    error.to_string() == "error performing TLS handshake" || find::<rustls::Error>(error).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(password: PasswordOrigin) -> Attempt {
        Attempt {
            host: "db".to_owned(),
            user: "ci".to_owned(),
            database: "testplan".to_owned(),
            password,
            forbids_tls: true,
            timeout: Duration::from_secs(5),
        }
    }

    fn words(fault: &Fault) -> String {
        format!("{}; {}", fault.why, fault.advice)
    }

    #[test]
    fn refused_logins_have_reason_and_advice() {
        let attempt = attempt(PasswordOrigin::Nowhere);
        for (code, message, parts) in [
            (
                "3D000",
                "",
                [
                    "\"testplan\" does not exist",
                    "createdb --owner=ci testplan",
                ],
            ),
            (
                "08P01",
                "database \"testplan\" does not exist",
                ["\"testplan\" does not exist", "createdb"],
            ),
            (
                "28000",
                "role \"ci\" does not exist",
                ["\"ci\" does not exist", "createuser ci"],
            ),
            (
                "28000",
                "role \"ci\" is not permitted to log in",
                ["may not log in", "PGUSER"],
            ),
            (
                "28000",
                "Peer authentication failed",
                ["of its machine", "host=localhost"],
            ),
            (
                "28000",
                "connection requires a valid client certificate",
                ["certificate", "sslkey"],
            ),
            (
                "28000",
                "no pg_hba.conf entry …, no encryption",
                ["without TLS", "sslmode"],
            ),
            ("28000", "kein Eintrag", ["pg_hba.conf", "add an entry"]),
            (
                "08P01",
                "unsupported startup parameter: options",
                ["pooler", "PgBouncer"],
            ),
            (
                "08P01",
                "no more connections allowed",
                ["no connection left", "max_connections"],
            ),
            (
                "42704",
                "unrecognized configuration parameter",
                ["an option", "PGOPTIONS"],
            ),
            ("57P03", "", ["starting up", "wait"]),
            (
                "42501",
                "permission denied for database",
                ["may not connect", "owner"],
            ),
            (
                "99999",
                "something new",
                ["something new", "log of the server"],
            ),
        ] {
            let fault = refused_login(&SqlState::from_code(code), message, &attempt);
            for part in parts {
                assert!(words(&fault).contains(part), "{message}: {}", words(&fault));
            }
        }
    }

    #[test]
    fn wrong_password_names_where_it_is_from() {
        let file = PathBuf::from("/home/me/.pgpass");
        for (origin, part) in [
            (
                PasswordOrigin::Set(Source::Text),
                "rather than in the address",
            ),
            (
                PasswordOrigin::Set(Source::Variable("PGPASSWORD")),
                "from PGPASSWORD",
            ),
            (
                PasswordOrigin::File(file.clone()),
                "the line in /home/me/.pgpass",
            ),
            (PasswordOrigin::Nowhere, "set PGUSER and PGPASSWORD"),
        ] {
            let fault = wrong_password(&attempt(origin));
            assert!(words(&fault).contains(part), "{}", words(&fault));
        }
        let ignored = attempt(PasswordOrigin::IgnoredFile(file, "run chmod".to_owned()));
        let missing = words(&missing_password(&ignored));
        assert!(missing.contains("was not used; run chmod"), "{missing}");
    }
}
