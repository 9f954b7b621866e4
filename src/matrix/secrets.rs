//! Keeps the service's secrets out of the matrix.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use super::WorkerSet;
use crate::{credentials::Credentials, failure::Failure};

/// What must not be in a matrix: GitHub drops a job output that holds a secret, and nothing would run.
#[derive(Debug)]
pub struct Secrets(Vec<(&'static str, SecretString)>);

/// A text shorter than this is found in every other word.
const SHORTEST: usize = 4;

impl Secrets {
    /// Where the service is, which may be a secret too, and how to get in.
    pub fn of(url: impl fmt::Display, credentials: Option<&Credentials>) -> Self {
        let mut secrets = vec![("URL", url.to_string().into())];
        match credentials {
            Some(Credentials::Token(token)) => secrets.push(("access token", token.clone())),
            Some(Credentials::Password { password, .. }) => {
                secrets.push(("password", password.clone()));
            }
            None => {}
        }
        Self(secrets)
    }

    /// An error if a set holds one, which it does not show.
    pub fn refuse(&self, sets: &[WorkerSet]) -> Result<(), Failure> {
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
    fn refuses_sets_that_hold_one_and_does_not_show_it() {
        let token = Secrets::of(
            "https://tc.example.com",
            Some(&Credentials::Token("canary-1\n".into())),
        );
        let password = Secrets::of(
            "http://localhost",
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
