//! Credentials of clients.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, header::AUTHORIZATION};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use super::http_error::HttpError;

/// Who may use the service.
#[derive(Clone, Debug)]
pub enum Access {
    /// Every caller: for a service inside a process, which only that process can reach.
    InProcess,
    /// Callers with the secret of one of these; none if the list is empty.
    Principals(Vec<Principal>),
}

/// A caller: a name, which leases and events store, and the digest of a secret.
#[derive(Clone)]
pub struct Principal {
    name: String,
    scheme: Scheme,
    digest: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Token,
    Basic,
}

impl Principal {
    /// A caller with `Authorization: Token …`.
    pub fn token(name: impl Into<String>, token: &SecretString) -> Self {
        Self {
            name: name.into(),
            scheme: Scheme::Token,
            digest: Sha256::digest(token.expose_secret()).into(),
        }
    }

    /// A caller with `Authorization: Basic …`; the user is the name.
    pub fn password(user: impl Into<String>, password: &SecretString) -> Self {
        let name = user.into();
        let mut hash = Sha256::new_with_prefix(&name);
        hash.update(":");
        hash.update(password.expose_secret());
        Self {
            name,
            scheme: Scheme::Basic,
            digest: hash.finalize().into(),
        }
    }
}

impl Principal {
    /// What leases and events store.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has a user name beside its secret.
    pub(super) fn is_user(&self) -> bool {
        self.scheme == Scheme::Basic
    }

    /// A key that only its secret gives, for `purpose`.
    pub(super) fn derived_key(&self, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(purpose);
        hash.update([0]);
        hash.update(self.digest);
        hash.finalize().into()
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("name", &self.name)
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

const MISSING: &str = "credentials are missing: send the header `Authorization: Token …`, or user and password as Basic";
const UNREADABLE: &str =
    "the Authorization header cannot be read: write `Token`, a space and the token, or Basic";
const BEARER: &str = "this API does not accept Bearer credentials: write `Authorization: Token …` instead of `Bearer`";
const OTHER_SCHEME: &str =
    "the scheme of the Authorization header is unknown: write `Token` or `Basic`";
pub(super) const WRONG: &str =
    "the credentials are not valid: check the token, or user and password";

impl Access {
    /// The name of the principal whose credentials these headers carry.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> Result<String, HttpError> {
        let principals = match self {
            Self::InProcess => return Ok("in-process".to_owned()),
            Self::Principals(principals) => principals,
        };
        let (scheme, secret) = parse_credentials(
            headers
                .get(AUTHORIZATION)
                .ok_or(HttpError::Unauthorized(MISSING))?
                .as_bytes(),
        )
        .map_err(HttpError::Unauthorized)?;
        let digest: [u8; 32] = Sha256::digest(secret).into();
        // Compares with all, each in constant time, so that the time reveals neither whose secret matched nor how much of it.
        let mut found = u32::MAX;
        for (index, principal) in (0_u32..).zip(principals) {
            let same = digest.ct_eq(&principal.digest)
                & Choice::from(u8::from(scheme == principal.scheme));
            found.conditional_assign(&index, same);
        }
        principals
            .get(found as usize)
            .map(|principal| principal.name.clone())
            .ok_or(HttpError::Unauthorized(WRONG))
    }

    /// The principal whose secret this is: a token, or the password of a user.
    pub(super) fn log_in(&self, user: &str, secret: &str) -> Option<&Principal> {
        let Self::Principals(principals) = self else {
            return None;
        };
        // A token is often pasted with a space or a line break.
        let token: [u8; 32] = Sha256::digest(secret.trim()).into();
        let password: [u8; 32] = Sha256::digest(format!("{user}:{secret}")).into();
        let mut found = None;
        for principal in principals {
            let given = match principal.scheme {
                Scheme::Token => &token,
                Scheme::Basic => &password,
            };
            if bool::from(given.ct_eq(&principal.digest)) {
                found = Some(principal);
            }
        }
        found
    }

    /// Those with access; none in a process of its own.
    pub(super) fn principals(&self) -> &[Principal] {
        match self {
            Self::InProcess => &[],
            Self::Principals(principals) => principals,
        }
    }
}

/// Scheme and secret of a header's value; the secret of Basic is `user:password`.
fn parse_credentials(value: &[u8]) -> Result<(Scheme, Vec<u8>), &'static str> {
    let value = std::str::from_utf8(value).map_err(|_| UNREADABLE)?;
    let (scheme, rest) = value.trim().split_once(' ').ok_or(UNREADABLE)?;
    let secret = rest.trim();
    if scheme.eq_ignore_ascii_case("token") {
        Ok((Scheme::Token, secret.as_bytes().to_vec()))
    } else if scheme.eq_ignore_ascii_case("basic") {
        let secret = BASE64_STANDARD.decode(secret).map_err(|_| UNREADABLE)?;
        Ok((Scheme::Basic, secret))
    } else if scheme.eq_ignore_ascii_case("bearer") {
        Err(BEARER)
    } else {
        Err(OTHER_SCHEME)
    }
}
