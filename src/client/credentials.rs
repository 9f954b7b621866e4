//! Who the client is, as the `Authorization` header says it, and how that never shows.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

use super::SetupError;

/// What is presented to the service. Debug shows `***`.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nothing.
    #[default]
    None,
    /// An access token of Test Center or of our service: `Authorization: Token …`, never Bearer.
    Token(SecretString),
    /// A user, in Test Center often an e-mail address, and a password.
    Basic {
        /// The user; must not contain a colon.
        user: String,
        /// The password.
        password: SecretString,
    },
}

/// Which kind of credentials a rejected request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// None.
    Nothing,
    /// A token.
    Token,
    /// A user and a password.
    Password,
}

/// Texts shorter than this are not searched for in messages: they would be found in every other word.
const SHORTEST_MASKED: usize = 4;

impl Credentials {
    /// The header's value, marked as sensitive. White space around a token is dropped: files end with a newline.
    pub(super) fn header(&self) -> Result<Option<HeaderValue>, SetupError> {
        let text = match self {
            Self::None => return Ok(None),
            Self::Token(token) => {
                let token = token.expose_secret().trim();
                if token.is_empty() {
                    return Err(SetupError::new(
                        "the access token is empty",
                        "set TESTCENTER_TOKEN, or unset it to send none",
                    ));
                }
                format!("Token {token}")
            }
            Self::Basic { user, .. } if user.contains(':') => {
                return Err(SetupError::new(
                    "the user name contains a colon, which basic authentication cannot express",
                    "use an access token (TESTCENTER_TOKEN) instead",
                ));
            }
            Self::Basic { user, password } => format!("Basic {}", encoded(user, password)),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| {
            SetupError::new(
                "the access token contains characters that no HTTP header can carry",
                "copy the token again: it is one line of letters and digits",
            )
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// What kind this is.
    pub(super) fn presented(&self) -> Presented {
        match self {
            Self::None => Presented::Nothing,
            Self::Token(_) => Presented::Token,
            Self::Basic { .. } => Presented::Password,
        }
    }

    /// A text of others with our secrets blotted out: an error page may echo the request.
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
        match self {
            Self::None => Vec::new(),
            Self::Token(token) => vec![token.expose_secret().trim().to_owned()],
            Self::Basic { user, password } => {
                vec![encoded(user, password), password.expose_secret().to_owned()]
            }
        }
    }
}

fn encoded(user: &str, password: &SecretString) -> String {
    BASE64_STANDARD.encode(format!("{user}:{}", password.expose_secret()))
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Token(_) => f.write_str("Token(***)"),
            Self::Basic { user, .. } => write!(f, "Basic {{ user: {user:?}, password: *** }}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Credentials {
        Credentials::Token(text.into())
    }

    #[test]
    fn writes_both_schemes_exactly() {
        let header = token(" zX4AAEdK\n").header().unwrap().unwrap();
        assert_eq!(header.to_str().unwrap(), "Token zX4AAEdK");
        assert!(header.is_sensitive());
        let basic = Credentials::Basic {
            user: "ada@example.com".into(),
            password: "pä:ss".into(),
        };
        let header = basic.header().unwrap().unwrap();
        assert_eq!(
            header.to_str().unwrap(),
            "Basic YWRhQGV4YW1wbGUuY29tOnDDpDpzcw=="
        );
        assert!(header.is_sensitive());
        assert!(Credentials::None.header().unwrap().is_none());
    }

    #[test]
    fn refuses_what_cannot_be_sent_without_repeating_it() {
        for bad in ["", " \n", "canary\nX-Evil: 1", "canary\u{7f}"] {
            let error = token(bad).header().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        let basic = Credentials::Basic {
            user: "a:b".into(),
            password: "canary".into(),
        };
        assert!(!format!("{:?}", basic.header().unwrap_err()).contains("canary"));
    }

    #[test]
    fn never_shows() {
        let basic = Credentials::Basic {
            user: "ada".into(),
            password: "canary".into(),
        };
        assert_eq!(format!("{:?}", token("canary")), "Token(***)");
        assert!(!format!("{basic:?}").contains("canary"));
        assert_eq!(
            basic.mask("Basic YWRhOmNhbmFyeQ== is canary"),
            "Basic *** is ***"
        );
        assert_eq!(token("abc").mask("abcde"), "abcde");
    }
}
