//! The one order of sources: flag, then environment, then `testplan.yml`, then default.
//!
//! Variables of testplan's own begin with `TESTPLAN_`. Project, batch and plan id have none on purpose: tests get
//! them as facts under these names, and a testplan that runs inside a test must not take them for its settings.

use std::fmt;

use super::Environment;

/// Where a value comes from, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag, as `--lease`.
    Flag(&'static str),
    /// A variable of the environment.
    Variable(&'static str),
    /// A key of `testplan.yml`.
    Key(&'static str),
    /// Neither flag, variable nor file sets it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Key(key) => write!(f, "{key} of testplan.yml"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen<T> {
    /// The value.
    pub value: T,
    /// Its source.
    pub origin: Origin,
}

impl<T> Chosen<T> {
    /// What was chosen, or else the default.
    pub fn or_default(chosen: Option<Self>, default: T) -> Self {
        chosen.unwrap_or(Self {
            value: default,
            origin: Origin::Default,
        })
    }
}

/// A variable whose value does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("variable {variable}: {cause}")]
pub struct BadVariable {
    /// Its name.
    pub variable: &'static str,
    /// What the value's own reader says.
    pub cause: String,
}

/// What a setting is called in each source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its flag.
    pub flag: &'static str,
    /// Its variable, if it has one.
    pub variable: Option<&'static str>,
    /// Its key in `testplan.yml`, if it has one.
    pub key: Option<&'static str>,
}

impl Setting {
    /// Which `testplan.yml`.
    pub const CONFIG: Self = Self::variable("--config", "TESTPLAN_CONFIG");
    /// The service's address.
    pub const URL: Self = Self::variable("--url", "TESTCENTER_URL");
    /// Certificates to trust beside the system's.
    pub const CA_CERT: Self = Self::variable("--ca-cert", "TESTPLAN_CA_CERT");
    /// What to look up.
    pub const PROJECT: Self = Self {
        flag: "--project",
        variable: None,
        key: Some("project"),
    };
    /// Executions at once.
    pub const WORKERS: Self = Self::variable("--workers", "TESTPLAN_WORKERS");
    /// The lease asked for.
    pub const LEASE: Self = Self::variable("--lease", "TESTPLAN_LEASE");
    /// Of the whole command.
    pub const DEADLINE: Self = Self::variable("--deadline", "TESTPLAN_DEADLINE");
    /// Where files go.
    pub const OUT: Self = Self::variable("--out", "TESTPLAN_OUT");

    /// All of them, for help and documentation.
    pub const ALL: [Self; 8] = [
        Self::CONFIG,
        Self::URL,
        Self::CA_CERT,
        Self::PROJECT,
        Self::WORKERS,
        Self::LEASE,
        Self::DEADLINE,
        Self::OUT,
    ];

    const fn variable(flag: &'static str, variable: &'static str) -> Self {
        Self {
            flag,
            variable: Some(variable),
            key: None,
        }
    }

    /// The first source that has a value. The variable is read with `parse`, and only if there is no flag: a broken
    /// variable can be overruled. `None` leaves the default to [`Chosen::or_default`].
    pub fn choose<T, E: fmt::Display>(
        self,
        flag: Option<T>,
        environment: &Environment,
        parse: impl FnOnce(&str) -> Result<T, E>,
        file: Option<T>,
    ) -> Result<Option<Chosen<T>>, BadVariable> {
        if let Some(value) = flag {
            let origin = Origin::Flag(self.flag);
            return Ok(Some(Chosen { value, origin }));
        }
        let set = self
            .variable
            .and_then(|name| Some((name, environment.get(name)?)));
        if let Some((variable, text)) = set {
            let value = parse(text).map_err(|cause| BadVariable {
                variable,
                cause: cause.to_string(),
            })?;
            let origin = Origin::Variable(variable);
            return Ok(Some(Chosen { value, origin }));
        }
        Ok(self.key.zip(file).map(|(key, value)| Chosen {
            value,
            origin: Origin::Key(key),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Setting = Setting {
        flag: "--n",
        variable: Some("N"),
        key: Some("a.n"),
    };

    fn choose(flag: Option<u8>, variable: &str, file: Option<u8>) -> Result<String, String> {
        let environment = Environment::from_iter([("N", variable)]);
        let chosen = BOTH.choose(flag, &environment, str::parse::<u8>, file);
        let Chosen { value, origin } = Chosen::or_default(chosen.map_err(|e| e.to_string())?, 9);
        Ok(format!("{value} from {origin}"))
    }

    #[test]
    fn flag_then_variable_then_file_then_default() {
        let table = [
            (Some(1), "2", Some(3), "1 from --n"),
            (Some(1), "broken", Some(3), "1 from --n"),
            (None, "2", Some(3), "2 from variable N"),
            (None, "", Some(3), "3 from a.n of testplan.yml"),
            (None, "", None, "9 from default"),
        ];
        for (flag, variable, file, expected) in table {
            assert_eq!(choose(flag, variable, file).as_deref(), Ok(expected));
        }
        assert_eq!(
            choose(None, "x", Some(3)),
            Err("variable N: invalid digit found in string".to_owned())
        );
    }

    #[test]
    fn a_setting_without_a_key_is_not_read_from_the_file() {
        let none = Setting::OUT.choose(None, &Environment::default(), str::parse::<u8>, Some(3));
        assert_eq!(none, Ok(None));
    }

    #[test]
    fn no_variable_is_also_a_fact_that_tests_are_given() {
        let facts = crate::runner::placeholders::KNOWN.map(|known| {
            let name = known.trim_matches(['{', '}']);
            format!("TESTPLAN_{}", name.replace('.', "_").to_uppercase())
        });
        for variable in Setting::ALL.iter().filter_map(|setting| setting.variable) {
            assert!(!facts.iter().any(|fact| fact == variable), "{variable}");
        }
    }
}
