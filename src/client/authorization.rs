//! The header `Authorization`, and masking of its secrets in messages.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

use super::SetupError;
use crate::credentials::Credentials;

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

/// Credentials with the header that presents them.
#[derive(Debug)]
pub(super) struct Authorization {
    credentials: Option<Credentials>,
    header: Option<HeaderValue>,
}

/// Shorter secrets are not masked: they would match parts of ordinary words.
const SHORTEST_MASKED: usize = 4;

impl Authorization {
    pub(super) fn new(credentials: Option<Credentials>) -> Result<Self, SetupError> {
        let header = credentials.as_ref().map(header).transpose()?;
        Ok(Self {
            credentials,
            header,
        })
    }

    pub(super) fn header(&self) -> Option<&HeaderValue> {
        self.header.as_ref()
    }

    pub(super) fn kind(&self) -> CredentialKind {
        match self.credentials {
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
        match &self.credentials {
            None => Vec::new(),
            Some(Credentials::Token(token)) => vec![token.expose_secret().trim().to_owned()],
            Some(Credentials::Password { user, password }) => {
                vec![encoded(user, password), password.expose_secret().to_owned()]
            }
        }
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
}
