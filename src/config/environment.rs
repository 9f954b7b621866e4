//! A snapshot of the process's environment, taken once. Everything else gets it as a parameter.
//!
//! Empty values count as absent: GitHub passes unset inputs and secrets as empty strings.

use std::{collections::BTreeMap, fmt};

/// The environment at one moment. Its values may be secret: `Debug` shows names alone.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process, without variables that are not Unicode: testplan has none of those.
    pub(crate) fn of_process() -> Self {
        let unicode = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        unicode.collect()
    }

    /// The value of a variable, unless it is absent or blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(&key(name))?;
        (!value.trim().is_empty()).then_some(value.as_str())
    }

    /// Whether a variable says yes: present, and not `0`, `false`, `no` or `off`.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| {
            let value = value.trim().to_lowercase();
            !["0", "false", "no", "off"].contains(&value.as_str())
        })
    }

    /// The names of all variables that are not blank, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.0.keys().map(String::as_str);
        names.filter(|name| self.get(name).is_some())
    }

    /// The same with one variable set.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(key(name), value.to_owned());
        self
    }

    /// A look-up for those who must not know this type.
    pub fn lookup(&self) -> impl Fn(&str) -> Option<String> {
        |name| self.get(name).map(str::to_owned)
    }

    /// Whether this is a CI of any kind.
    pub(crate) fn is_ci(&self) -> bool {
        self.is_on("CI") || self.is_github_actions()
    }

    /// Whether this is a step of GitHub Actions.
    pub(crate) fn is_github_actions(&self) -> bool {
        self.is_on("GITHUB_ACTIONS")
    }
}

/// Windows does not tell the case of names apart.
fn key(name: &str) -> String {
    if cfg!(windows) {
        name.to_uppercase()
    } else {
        name.to_owned()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter();
        Self(
            variables
                .map(|(name, value)| (key(&name.into()), value.into()))
                .collect(),
        )
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_blank_for_absent() {
        let env = Environment::from_iter([("A", "x"), ("B", ""), ("C", " \t"), ("D", " y ")]);
        assert_eq!(env.get("A"), Some("x"));
        assert_eq!(env.get("B"), None);
        assert_eq!(env.get("C"), None);
        assert_eq!(env.get("D"), Some(" y "));
        assert_eq!(env.get("E"), None);
        assert_eq!(env.lookup()("A").as_deref(), Some("x"));
    }

    #[test]
    fn tells_yes_from_no() {
        for (value, on) in [
            ("true", true),
            ("1", true),
            ("woodpecker", true),
            ("false", false),
            ("0", false),
            ("Off", false),
            ("", false),
        ] {
            assert_eq!(
                Environment::from_iter([("CI", value)]).is_ci(),
                on,
                "{value}"
            );
        }
        assert!(Environment::from_iter([("GITHUB_ACTIONS", "true")]).is_ci());
    }

    #[test]
    fn shows_names_and_never_values() {
        let env = Environment::from_iter([("TESTCENTER_TOKEN", "hunter2")]);
        assert_eq!(format!("{env:?}"), "{\"TESTCENTER_TOKEN\"}");
    }

    #[test]
    fn reads_the_process() {
        // Cargo sets it for every test.
        let env = Environment::of_process();
        assert_eq!(env.get("CARGO_PKG_NAME"), Some("testplan"));
    }
}
