//! The header `Authorization`, and masking of its secrets in messages.

use std::sync::{Arc, OnceLock, RwLock};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

use super::SetupError;
use crate::{
    credentials::{CredentialSource, Credentials},
    sync::ignore_poison,
};

/// The kind of credentials that a rejected request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// The request carried none.
    None,
    /// A token.
    Token,
    /// A user and a password.
    Password,
}

/// Credentials with the header that presents them. They may be replaced while the client lives.
#[derive(Debug, Default)]
pub(super) struct Authorization {
    presented: RwLock<Presented>,
    source: OnceLock<Arc<dyn CredentialSource>>,
}

#[derive(Debug, Default)]
struct Presented {
    credentials: Option<Credentials>,
    header: Option<HeaderValue>,
    /// How often they were replaced.
    version: u64,
    /// Those before, which an answer that is under way may still repeat.
    earlier: Option<Credentials>,
}

/// Shorter secrets are not masked: they would match parts of ordinary words.
const SHORTEST_MASKED: usize = 4;

impl Authorization {
    pub(super) fn new(credentials: Option<Credentials>) -> Result<Self, SetupError> {
        let header = credentials.as_ref().map(header).transpose()?;
        let presented = Presented {
            credentials,
            header,
            ..Presented::default()
        };
        Ok(Self {
            presented: RwLock::new(presented),
            source: OnceLock::new(),
        })
    }

    /// Looks into `source` for other credentials from now on. Only the first source counts.
    pub(super) fn follow(&self, source: Arc<dyn CredentialSource>) {
        let _ = self.source.set(source);
    }

    /// Takes over credentials that changed. Returns the version of those that requests present from now on.
    pub(super) fn refresh(&self) -> u64 {
        if let Some(changed) = self.source.get().and_then(|source| source.changed()) {
            self.replace(changed);
        }
        ignore_poison(self.presented.read()).version
    }

    /// After those of a version were rejected: whether there are others now.
    pub(super) fn has_newer_than(&self, rejected: u64) -> bool {
        if ignore_poison(self.presented.read()).version == rejected
            && let Some(current) = self.source.get().and_then(|source| source.current())
        {
            self.replace(current);
        }
        ignore_poison(self.presented.read()).version != rejected
    }

    fn replace(&self, credentials: Credentials) {
        let header = match header(&credentials) {
            Ok(header) => Some(header),
            Err(error) => {
                tracing::warn!(%error, "the new credentials are not used");
                return;
            }
        };
        let mut presented = ignore_poison(self.presented.write());
        if presented.header == header {
            return;
        }
        presented.earlier = presented.credentials.replace(credentials);
        presented.header = header;
        presented.version += 1;
    }

    pub(super) fn header(&self) -> Option<HeaderValue> {
        ignore_poison(self.presented.read()).header.clone()
    }

    pub(super) fn kind(&self) -> CredentialKind {
        match ignore_poison(self.presented.read()).credentials {
            None => CredentialKind::None,
            Some(Credentials::Token(_)) => CredentialKind::Token,
            Some(Credentials::Password { .. }) => CredentialKind::Password,
        }
    }

    /// The text without the secrets: an error page may repeat the request.
    pub(super) fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in self.secrets() {
            if secret.len() >= SHORTEST_MASKED {
                masked = masked.replace(&secret, "***");
            }
        }
        masked
    }

    fn secrets(&self) -> Vec<String> {
        let presented = ignore_poison(self.presented.read());
        let all = presented.credentials.iter().chain(&presented.earlier);
        all.flat_map(|credentials| match credentials {
            Credentials::Token(token) => vec![token.expose_secret().trim().to_owned()],
            Credentials::Password { user, password } => {
                vec![encoded(user, password), password.expose_secret().to_owned()]
            }
        })
        .collect()
    }
}

/// `Token …`, never `Bearer …`. Marked as sensitive. White space around a token is dropped: files end with a newline.
fn header(credentials: &Credentials) -> Result<HeaderValue, SetupError> {
    let text = match credentials {
        Credentials::Token(token) => {
            let token = token.expose_secret().trim();
            if token.is_empty() {
                return Err(SetupError::new(
                    "the access token is empty",
                    "set TESTCENTER_TOKEN, or unset it to send none",
                ));
            }
            format!("Token {token}")
        }
        Credentials::Password { user, .. } if user.contains(':') => {
            return Err(SetupError::new(
                "the user name contains a colon, which basic authentication cannot express",
                "use an access token (TESTCENTER_TOKEN) instead",
            ));
        }
        Credentials::Password { user, password } => format!("Basic {}", encoded(user, password)),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        SetupError::new(
            "the access token contains characters that no HTTP header can carry",
            "copy the token again: it is one line of letters and digits",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn encoded(user: &str, password: &SecretString) -> String {
    BASE64_STANDARD.encode(format!("{user}:{}", password.expose_secret()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Result<Authorization, SetupError> {
        Authorization::new(Some(Credentials::Token(text.into())))
    }

    fn password(user: &str, password: &str) -> Result<Authorization, SetupError> {
        Authorization::new(Some(Credentials::Password {
            user: user.to_owned(),
            password: password.into(),
        }))
    }

    #[test]
    fn header_has_the_scheme_of_the_credentials() {
        for (authorization, expected) in [
            (token(" zX4AAEdK\n"), "Token zX4AAEdK"),
            (
                password("ada@example.com", "pä:ss"),
                "Basic YWRhQGV4YW1wbGUuY29tOnDDpDpzcw==",
            ),
        ] {
            let authorization = authorization.unwrap();
            let header = authorization.header().unwrap();
            assert_eq!(header.to_str().unwrap(), expected);
            assert!(header.is_sensitive());
        }
        assert!(Authorization::new(None).unwrap().header().is_none());
    }

    #[test]
    fn unsendable_credentials_are_refused_without_showing_them() {
        for bad in ["", " \n", "canary\nX-Evil: 1", "canary\u{7f}"] {
            let error = token(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        let error = password("a:b", "canary").unwrap_err();
        assert!(!format!("{error:?}").contains("canary"));
    }

    #[test]
    fn secrets_are_masked_and_not_shown() {
        let password = password("ada", "canary").unwrap();
        for authorization in [&token("canary").unwrap(), &password] {
            assert!(!format!("{authorization:?}").contains("canary"));
        }
        assert_eq!(
            password.mask("Basic YWRhOmNhbmFyeQ== is canary"),
            "Basic *** is ***"
        );
        assert_eq!(token("abc").unwrap().mask("abcde"), "abcde");
    }

    /// Gives one token that is noticed, and then another that is not.
    #[derive(Debug)]
    struct Replaced(Vec<&'static str>);

    impl CredentialSource for Replaced {
        fn changed(&self) -> Option<Credentials> {
            Some(Credentials::Token(self.0[0].into()))
        }

        fn current(&self) -> Option<Credentials> {
            Some(Credentials::Token(self.0[1].into()))
        }
    }

    #[test]
    fn replaced_credentials_are_presented_and_both_are_masked() {
        let authorization = token("first").unwrap();
        assert_eq!(authorization.refresh(), 0);
        assert!(!authorization.has_newer_than(0), "without a source");
        authorization.follow(Arc::new(Replaced(vec!["second", "third"])));
        assert_eq!(authorization.refresh(), 1);
        assert_eq!(authorization.refresh(), 1, "the same again");
        assert_eq!(authorization.header().unwrap(), "Token second");
        assert_eq!(authorization.mask("first second"), "*** ***");
        assert!(authorization.has_newer_than(0), "another call replaced it");
        assert_eq!(authorization.header().unwrap(), "Token second");
        assert!(authorization.has_newer_than(1));
        assert_eq!(authorization.header().unwrap(), "Token third");
        assert!(
            !authorization.has_newer_than(2),
            "rejected, and still the same"
        );
    }

    #[test]
    fn unsendable_replacement_is_not_used() {
        let authorization = token("first").unwrap();
        authorization.follow(Arc::new(Replaced(vec!["", "two\nlines"])));
        assert_eq!(authorization.refresh(), 0);
        assert!(!authorization.has_newer_than(0));
        assert_eq!(authorization.header().unwrap(), "Token first");
    }
}
