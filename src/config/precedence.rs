//! The one order of sources: flag, then environment, then `testplan.yml`, then default.
//!
//! Variables of testplan's own begin with `TESTPLAN_`. Project, batch and plan id have none on purpose: tests get
//! them as facts under these names, and a testplan that runs inside a test must not take them for its settings.

use std::fmt;

use super::Environment;

/// Where a value comes from, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag, as `--lease`.
    Flag(&'static str),
    Variable(&'static str),
    /// A key of `testplan.yml`.
    Key(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Key(key) => write!(f, "{key} of testplan.yml"),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// A variable whose value does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("variable {variable}: {cause}")]
pub(crate) struct BadVariable {
    pub variable: &'static str,
    /// What the value's own reader says.
    pub cause: String,
}

/// What a setting is called in each source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub flag: &'static str,
    pub variable: Option<&'static str>,
    /// Its key in `testplan.yml`, if it has one.
    pub key: Option<&'static str>,
}

impl Setting {
    pub(crate) const CONFIG: Self = Self::variable("--config", "TESTPLAN_CONFIG");
    pub(crate) const URL: Self = Self::variable("--url", "TESTCENTER_URL");
    /// Certificates to trust beside the system's.
    pub(crate) const CA_CERT: Self = Self::variable("--ca-cert", "TESTPLAN_CA_CERT");
    pub(crate) const PROJECT: Self = Self {
        flag: "--project",
        variable: None,
        key: Some("project"),
    };
    /// Executions at once.
    pub(crate) const WORKERS: Self = Self::variable("--workers", "TESTPLAN_WORKERS");
    /// The lease asked for.
    pub(crate) const LEASE: Self = Self::variable("--lease", "TESTPLAN_LEASE");
    /// Of the whole command.
    pub(crate) const DEADLINE: Self = Self::variable("--deadline", "TESTPLAN_DEADLINE");
    /// Where files go.
    pub(crate) const OUT: Self = Self::variable("--out", "TESTPLAN_OUT");

    /// All of them, for help and documentation.
    pub(crate) const ALL: [Self; 8] = [
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
    /// variable can be overruled. `None` if none of them sets it.
    pub(crate) fn choose<T, E: fmt::Display>(
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
        Ok(match chosen.map_err(|error| error.to_string())? {
            Some(Chosen { value, origin }) => format!("{value} from {origin}"),
            None => "not set".to_owned(),
        })
    }

    #[test]
    fn flag_wins_over_variable_and_variable_over_file() {
        let table = [
            (Some(1), "2", Some(3), "1 from --n"),
            (Some(1), "broken", Some(3), "1 from --n"),
            (None, "2", Some(3), "2 from variable N"),
            (None, "", Some(3), "3 from a.n of testplan.yml"),
            (None, "", None, "not set"),
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
