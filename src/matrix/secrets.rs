//! Keeps secrets of the service out of the matrix.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use super::WorkerSet;
use crate::{credentials::Credentials, failure::Failure};

/// The texts that a matrix must not hold: GitHub drops a job output with a secret, and no job would run.
#[derive(Debug)]
pub(crate) struct Secrets(Vec<(&'static str, SecretString)>);

/// Shorter texts occur by chance.
const SHORTEST: usize = 4;

impl Secrets {
    /// URLs and credentials of the service.
    pub(crate) fn of(urls: &[impl fmt::Display], credentials: Option<&Credentials>) -> Self {
        let mut secrets: Vec<(_, SecretString)> = urls
            .iter()
            .map(|url| ("URL", url.to_string().into()))
            .collect();
        match credentials {
            Some(Credentials::Token(token)) => secrets.push(("access token", token.clone())),
            Some(Credentials::Password { password, .. }) => {
                secrets.push(("password", password.clone()));
            }
            None => {}
        }
        Self(secrets)
    }

    /// Fails if a set holds a secret; the error does not show it.
    pub(crate) fn refuse(&self, sets: &[WorkerSet]) -> Result<(), Failure> {
        for (place, set) in sets.iter().enumerate() {
            let texts = || {
                let values = set.capabilities.iter().flat_map(|it| [&it.key, &it.value]);
                values.chain(&set.runs_on)
            };
            let held = self.0.iter().find(|(_, secret)| {
                let secret = secret.expose_secret().trim().to_lowercase();
                secret.len() >= SHORTEST
                    && texts().any(|text| text.to_lowercase().contains(&secret))
            });
            if let Some((what, _)) = held {
                return Err(Failure::usage_text(format_args!(
                    "worker set {} holds the service's {what}, and GitHub drops an output that holds a secret",
                    place + 1
                ))
                .help("take it out of the capabilities and runner labels"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_with_a_secret_are_refused_without_showing_it() {
        let token = Secrets::of(
            &["https://tc.example.com", "http://b.example.com"],
            Some(&Credentials::Token("canary-1\n".into())),
        );
        let password = Secrets::of(
            &["http://localhost"],
            Some(&Credentials::Password {
                user: "linux".to_owned(),
                password: "x86".into(),
            }),
        );
        for (secrets, line, what) in [
            (&token, "at=x-Canary-1: linux", Some("access token")),
            (&token, "canary-1=x: linux", Some("access token")),
            (&token, "OS=Linux: linux, canary-1", Some("access token")),
            (&token, "at=HTTPS://tc.example.com/x: linux", Some("URL")),
            (&token, "at=http://b.example.com: linux", Some("URL")),
            (&token, "at=tc.example.com: linux", None),
            (&password, "arch=x86: linux", None),
            (&password, "at=localhost: linux", None),
        ] {
            let refused = secrets.refuse(&[line.parse().unwrap()]);
            let said = refused.map_err(|failure| failure.to_string());
            match what {
                None => assert_eq!(said, Ok(()), "{line}"),
                Some(what) => {
                    let said = said.unwrap_err();
                    assert!(said.contains(what), "{line}: {said}");
                    assert!(!said.to_lowercase().contains("canary"), "{said}");
                }
            }
        }
    }
}
