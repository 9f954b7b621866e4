//! Sessions of browsers: a cookie that any replica accepts, signed with a key that the principal's secret gives.
//!
//! Nothing is stored. A session ends at its expiry, or when the secret of its principal changes. Forms that change something carry
//! a token that only a page of the same session has.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, header::COOKIE};
use sha2::Sha256;

use super::access::{Access, Principal};
use crate::{model::Timestamp, store::protocol::cancellation::in_one_line};

/// The name of the cookie.
pub(super) const NAME: &str = "testplan_session";
/// How long a session lasts.
pub(super) const LIFE: Duration = Duration::from_secs(12 * 60 * 60);
/// The form of a session, and what its key is for.
const VERSION: &str = "v1";
/// The same with a name.
const NAMED_VERSION: &str = "v2";
const PURPOSE: &str = "testplan page session v1";

/// What the token of a form is for.
const FORM_PURPOSE: &str = "testplan page form v1";
/// Most characters of the name that a person signs with.
const MAX_NAME: usize = 80;

/// A session of a browser.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) principal: &'a Principal,
    /// The name that was typed at the login; may be empty.
    name: String,
    cookie: String,
}

impl Session<'_> {
    /// Who acts, as events and the list of actions have it: the name that was typed, and the credentials.
    pub(super) fn who(&self) -> String {
        let name = if self.name.is_empty() {
            "page"
        } else {
            &self.name
        };
        format!("{name} ({})", self.principal.name())
    }

    /// What a form of this session carries.
    pub(super) fn form_token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.form_mac().finalize().into_bytes())
    }

    /// Whether a form with this token is of a page of this session.
    pub(super) fn has_made(&self, token: &str) -> bool {
        let token = BASE64_URL_SAFE_NO_PAD.decode(token);
        token.is_ok_and(|token| self.form_mac().verify_slice(&token).is_ok())
    }

    fn form_mac(&self) -> Hmac<Sha256> {
        keyed(self.principal, FORM_PURPOSE, &self.cookie)
    }
}

/// A new session: `v1.EXPIRES.NONCE.PRINCIPAL.SIGNATURE`, or with a name `v2.EXPIRES.NONCE.PRINCIPAL.NAME.SIGNATURE`.
pub(super) fn begin(principal: &Principal, name: &str, now: Timestamp) -> String {
    let name: String = in_one_line(name).chars().take(MAX_NAME).collect();
    let mut nonce = [0; 16];
    // Sessions of the same time then are the same: that weakens none of them.
    let _ = getrandom::fill(&mut nonce);
    let version = if name.is_empty() {
        VERSION
    } else {
        NAMED_VERSION
    };
    let mut claims = format!(
        "{version}.{}.{}.{}",
        now.plus(LIFE).0,
        BASE64_URL_SAFE_NO_PAD.encode(nonce),
        BASE64_URL_SAFE_NO_PAD.encode(principal.name())
    );
    if !name.is_empty() {
        claims.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(&name, &mut claims);
    }
    let signature = mac(principal, &claims).finalize().into_bytes();
    format!("{claims}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// The session in these headers.
pub(super) fn session<'a>(
    access: &'a Access,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<Session<'a>> {
    let cookies = headers.get_all(COOKIE).into_iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == NAME).then(|| verify(access, value, now))?
    })
}

fn verify<'a>(access: &'a Access, session: &str, now: Timestamp) -> Option<Session<'a>> {
    let (claims, signature) = session.rsplit_once('.')?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    let mut parts = claims.split('.');
    let version = parts.next()?;
    let expires: i64 = parts.next()?.parse().ok()?;
    let name = BASE64_URL_SAFE_NO_PAD.decode(parts.nth(1)?).ok()?;
    let signed_as = match (version, parts.next()) {
        (VERSION, None) => String::new(),
        (NAMED_VERSION, Some(signed_as)) => {
            String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(signed_as).ok()?).ok()?
        }
        _ => return None,
    };
    if parts.next().is_some() || expires <= now.0 {
        return None;
    }
    let mut named = access.principals().iter();
    let principal = named.find(|it| {
        it.name().as_bytes() == name && mac(it, claims).verify_slice(&signature).is_ok()
    })?;
    Some(Session {
        principal,
        name: signed_as,
        cookie: session.to_owned(),
    })
}

fn mac(principal: &Principal, claims: &str) -> Hmac<Sha256> {
    keyed(principal, PURPOSE, claims)
}

fn keyed(principal: &Principal, purpose: &str, text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&principal.derived_key(purpose))
        .expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn access(token: &str) -> Access {
        Access::Principals(vec![Principal::token("ci", &token.to_owned().into())])
    }

    fn name(access: &Access, cookies: &str, now: Timestamp) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(cookies).unwrap());
        session(access, &headers, now).map(|it| it.principal.name().to_owned())
    }

    #[test]
    fn session_is_accepted_until_it_expires_or_the_token_changes() {
        let (here, there) = (access("secret"), access("secret"));
        let begun = begin(&here.principals()[0], "", NOW);
        let cookie = format!("theme=dark; {NAME}={begun}");
        assert_eq!(
            name(&there, &cookie, NOW).as_deref(),
            Some("ci"),
            "another replica"
        );
        assert_eq!(name(&here, &cookie, NOW.plus(LIFE)), None);
        assert_eq!(name(&access("other"), &cookie, NOW), None);
        assert_eq!(name(&Access::InProcess, &cookie, NOW), None);
    }

    #[test]
    fn changed_session_is_refused() {
        let access = access("secret");
        let begun = begin(&access.principals()[0], "", NOW);
        let later = begun.replacen(&NOW.plus(LIFE).0.to_string(), "9999999999999", 1);
        let (claims, _) = begun.rsplit_once('.').unwrap();
        for wrong in [
            later.as_str(),
            claims,
            &format!("{claims}."),
            &begun.replacen("v1", "v2", 1),
            &begun[..begun.len() - 1],
            "",
            "....",
        ] {
            assert_eq!(
                name(&access, &format!("{NAME}={wrong}"), NOW),
                None,
                "{wrong}"
            );
        }
        assert!(name(&access, &format!("{NAME}={begun}"), NOW).is_some());
    }

    fn found<'a>(access: &'a Access, cookie: &str) -> Session<'a> {
        verify(access, cookie, NOW).expect("a session")
    }

    #[test]
    fn name_is_signed_and_cut() {
        let access = access("secret");
        let principal = &access.principals()[0];
        let long = "ä".repeat(200);
        for (name, expected) in [
            ("", "page (ci)"),
            ("  Ann\r\n Example ", "Ann Example (ci)"),
            ("\u{7}", "page (ci)"),
            (&*long, &*format!("{} (ci)", "ä".repeat(80))),
        ] {
            let cookie = begin(principal, name, NOW);
            assert_eq!(found(&access, &cookie).who(), expected);
        }
        let cookie = begin(principal, "Ann", NOW);
        let other = cookie.replacen("QW5u", "Qm9i", 1);
        assert_ne!(cookie, other);
        assert!(verify(&access, &other, NOW).is_none(), "another name");
    }

    #[test]
    fn token_of_a_form_is_of_one_session() {
        let access = access("secret");
        let (one, two) = (
            begin(&access.principals()[0], "", NOW),
            begin(&access.principals()[0], "", NOW),
        );
        let token = found(&access, &one).form_token();
        assert!(found(&access, &one).has_made(&token));
        for wrong in ["", "x", &token[1..], &found(&access, &two).form_token()] {
            assert!(!found(&access, &one).has_made(wrong), "{wrong}");
        }
    }
}
