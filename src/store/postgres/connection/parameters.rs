//! The parameters of a connection, from the connection string, a service file and the environment, as libpq ranks them.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::{connection_string, service_file, settings_error::SettingsError};

/// The value of a variable of the environment.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The parameters of libpq that are used, with their variables.
const KNOWN: &[(&str, &str)] = &[
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("dbname", "PGDATABASE"),
    ("service", "PGSERVICE"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslsni", "PGSSLSNI"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("application_name", "PGAPPNAME"),
    ("options", "PGOPTIONS"),
    ("keepalives", ""),
    ("keepalives_idle", ""),
    ("keepalives_interval", ""),
    ("keepalives_count", ""),
    ("tcp_user_timeout", ""),
];

/// Parameters of libpq that only restrict what it would do, and with which values testplan does the same.
const RESTRICTIONS: &[(&str, &str, &[&str])] = &[
    ("sslcrl", "PGSSLCRL", &[]),
    ("sslcrldir", "PGSSLCRLDIR", &[]),
    ("sslpassword", "", &[]),
    ("sslcertmode", "PGSSLCERTMODE", &["allow"]),
    ("requirepeer", "PGREQUIREPEER", &[]),
    ("require_auth", "PGREQUIREAUTH", &[]),
    (
        "ssl_max_protocol_version",
        "PGSSLMAXPROTOCOLVERSION",
        &["TLSv1.3"],
    ),
    ("gssencmode", "PGGSSENCMODE", &["disable", "prefer"]),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS", &["disable"]),
    (
        "client_encoding",
        "",
        &["auto", "UTF8", "utf8", "UTF-8", "utf-8"],
    ),
    ("replication", "", &["false", "off", "no", "0"]),
];

/// Parameters of libpq without meaning here.
const IGNORED: &[&str] = &[
    "fallback_application_name",
    "sslcompression",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
];

/// Where a parameter was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The connection string.
    Text,
    /// A section of a service file.
    Service(String, PathBuf),
    /// A variable of the environment.
    Variable(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("the address of the database"),
            Self::Service(name, file) => write!(f, "service {name} of {}", file.display()),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// The parameters that are set, none of them with an empty value.
#[derive(Default)]
pub(super) struct Parameters {
    values: BTreeMap<&'static str, (String, Source)>,
}

impl Parameters {
    /// Those of the text alone.
    pub(super) fn of_text(text: &str) -> Result<Self, SettingsError> {
        let mut parameters = Self::default();
        parameters.add(connection_string::parse(text)?, &Source::Text)?;
        Ok(parameters)
    }

    /// Those of the text, then of the service that it or PGSERVICE names, then of the environment.
    pub(super) fn complete(
        text: Option<&str>,
        variable: Lookup<'_>,
        home: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        let mut parameters = Self::of_text(text.unwrap_or(""))?;
        let service = parameters.get("service").map(ToOwned::to_owned);
        if let Some(name) = service.or_else(|| set(variable, "PGSERVICE")) {
            let (pairs, file) = service_pairs(&name, variable, home)?;
            parameters.add(pairs, &Source::Service(name, file))?;
        }
        for (keyword, name) in KNOWN {
            if *keyword != "service"
                && let Some(value) = set(variable, name)
            {
                parameters.put(keyword, value, Source::Variable(name));
            }
        }
        for (_, name, allowed) in RESTRICTIONS {
            if let Some(value) = set(variable, name) {
                check_restriction(name, &value, allowed)?;
            }
        }
        Ok(parameters)
    }

    /// A value.
    pub(super) fn get(&self, keyword: &str) -> Option<&str> {
        self.values.get(keyword).map(|(value, _)| value.as_str())
    }

    /// Where a value was set.
    pub(super) fn source(&self, keyword: &str) -> Option<&Source> {
        self.values.get(keyword).map(|(_, source)| source)
    }

    /// A value in another form.
    pub(super) fn read<T>(
        &self,
        keyword: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, SettingsError> {
        let Some((value, source)) = self.values.get(keyword) else {
            return Ok(None);
        };
        match read(value) {
            Some(value) => Ok(Some(value)),
            None => Err(SettingsError::new(
                format!("{source} sets {keyword} to a value that testplan cannot use: {value:?}"),
                format!("set {keyword} to {expected}"),
            )),
        }
    }

    /// Adds pairs of one source, of which the last one with a keyword counts, below what is set already.
    fn add(
        &mut self,
        pairs: connection_string::Pairs,
        source: &Source,
    ) -> Result<(), SettingsError> {
        for (keyword, value) in pairs.into_iter().rev() {
            if let Some((known, _)) = KNOWN.iter().find(|(known, _)| *known == keyword) {
                if !value.is_empty() {
                    self.put(known, value, source.clone());
                }
            } else if let Some((_, _, allowed)) = RESTRICTIONS.iter().find(|it| it.0 == keyword) {
                check_restriction(&keyword, &value, allowed)?;
            } else if !IGNORED.contains(&keyword.as_str()) {
                return Err(SettingsError::new(
                    format!(
                        "{source} has the parameter {keyword:?}, which PostgreSQL does not have"
                    ),
                    "correct its name, such as sslmode, sslrootcert or connect_timeout",
                ));
            }
        }
        Ok(())
    }

    fn put(&mut self, keyword: &'static str, value: String, source: Source) {
        self.values.entry(keyword).or_insert((value, source));
    }
}

/// A variable that is set and not empty.
fn set(variable: Lookup<'_>, name: &str) -> Option<String> {
    if name.is_empty() {
        return None;
    }
    variable(name).filter(|it| !it.is_empty())
}

/// Refuses what testplan would not do: a check that is left out in silence is worse than none.
fn check_restriction(name: &str, value: &str, allowed: &[&str]) -> Result<(), SettingsError> {
    if value.is_empty() || allowed.contains(&value) {
        return Ok(());
    }
    Err(SettingsError::new(
        format!("{name} is set, and testplan does not support it"),
        match allowed.first() {
            Some(first) => format!("remove {name}, or set it to {first}"),
            None => format!("remove {name}"),
        },
    ))
}

fn service_pairs(
    name: &str,
    variable: Lookup<'_>,
    home: Option<&Path>,
) -> Result<(connection_string::Pairs, PathBuf), SettingsError> {
    let own = set(variable, "PGSERVICEFILE").map(PathBuf::from);
    let files = [
        own.or_else(|| home.map(|it| it.join(".pg_service.conf"))),
        // Without PGSYSCONFDIR libpq uses a folder that is compiled in; this is Debian's.
        Some(match set(variable, "PGSYSCONFDIR") {
            Some(folder) => Path::new(&folder).join("pg_service.conf"),
            None => PathBuf::from("/etc/postgresql-common/pg_service.conf"),
        }),
    ];
    let files: Vec<_> = files.into_iter().flatten().collect();
    for file in &files {
        let Ok(text) = std::fs::read_to_string(file) else {
            continue;
        };
        match service_file::section(&text, name) {
            None => {}
            Some(Ok(pairs)) => return Ok((pairs, file.clone())),
            Some(Err(why)) => {
                return Err(SettingsError::new(
                    format!("service {name} of {} cannot be read: {why}", file.display()),
                    "correct that line",
                ));
            }
        }
    }
    let files: Vec<_> = files.iter().map(|it| it.display().to_string()).collect();
    Err(SettingsError::new(
        format!("there is no service {name:?} in {}", files.join(" or ")),
        "add it as [name], or remove PGSERVICE",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables<'a>(all: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| {
            let found = all.iter().find(|it| it.0 == name);
            found.map(|it| it.1.to_owned())
        }
    }

    fn complete(text: &str, all: &[(&str, &str)]) -> Result<Parameters, SettingsError> {
        Parameters::complete(Some(text), &variables(all), None)
    }

    #[test]
    fn text_outranks_service_and_service_outranks_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("services");
        let section = b"[ci]\nhost=service\nport=1\nuser=service\n";
        crate::fs::write_atomic(&file, section).unwrap();
        let file = file.to_str().unwrap();
        let all = [
            ("PGSERVICE", "ci"),
            ("PGSERVICEFILE", file),
            ("PGHOST", "variable"),
            ("PGUSER", "variable"),
            ("PGDATABASE", "variable"),
            ("PGAPPNAME", ""),
        ];
        let found = complete("host=text host=last dbname=''", &all).unwrap();
        assert_eq!(found.get("host"), Some("last"));
        assert_eq!(found.get("port"), Some("1"));
        assert_eq!(found.get("user"), Some("service"));
        assert_eq!(found.get("dbname"), Some("variable"));
        assert_eq!(found.get("application_name"), None);
        assert_eq!(
            found.source("dbname"),
            Some(&Source::Variable("PGDATABASE"))
        );
        assert_eq!(
            found.source("port").unwrap().to_string(),
            format!("service ci of {file}")
        );

        let error = complete("service=none", &all).err().unwrap().to_string();
        assert!(
            error.contains("no service \"none\"") && error.contains(file),
            "{error}"
        );
    }

    #[test]
    fn restrictions_that_testplan_would_not_keep_are_refused() {
        for (text, all, name) in [
            ("sslcrl=/x", &[][..], "sslcrl"),
            (
                "",
                &[("PGREQUIREAUTH", "scram-sha-256")][..],
                "PGREQUIREAUTH",
            ),
            ("load_balance_hosts=random", &[][..], "load_balance_hosts"),
            ("gssencmode=require", &[][..], "gssencmode"),
        ] {
            let error = complete(text, all).err().unwrap().to_string();
            assert!(error.contains(&format!("remove {name}")), "{error}");
        }
        assert!(complete("gssencmode=disable sslcompression=0", &[]).is_ok());
    }

    #[test]
    fn unknown_parameter_is_named() {
        let error = complete("sslrootcrt=/x", &[]).err().unwrap().to_string();
        assert!(error.contains("sslrootcrt"), "{error}");
    }
}
