//! Sessions of browsers: a cookie that any replica accepts, signed with a key that the principal's secret gives.
//!
//! Nothing is stored. A session ends at its expiry, or when the secret of its principal changes.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, header::COOKIE};
use sha2::Sha256;

use super::access::{Access, Principal};
use crate::model::Timestamp;

/// The name of the cookie.
pub(super) const NAME: &str = "testplan_session";
/// How long a session lasts.
pub(super) const LIFE: Duration = Duration::from_secs(12 * 60 * 60);
/// The form of a session, and what its key is for.
const VERSION: &str = "v1";
const PURPOSE: &str = "testplan page session v1";

/// A new session: `v1.EXPIRES.NONCE.PRINCIPAL.SIGNATURE`.
pub(super) fn begin(principal: &Principal, now: Timestamp) -> String {
    let mut nonce = [0; 16];
    // Sessions of the same time then are the same: that weakens none of them.
    let _ = getrandom::fill(&mut nonce);
    let claims = format!(
        "{VERSION}.{}.{}.{}",
        now.plus(LIFE).0,
        BASE64_URL_SAFE_NO_PAD.encode(nonce),
        BASE64_URL_SAFE_NO_PAD.encode(principal.name())
    );
    let signature = mac(principal, &claims).finalize().into_bytes();
    format!("{claims}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// The principal of the session in these headers.
pub(super) fn principal<'a>(
    access: &'a Access,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<&'a Principal> {
    let cookies = headers.get_all(COOKIE).into_iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == NAME).then(|| verify(access, value, now))?
    })
}

fn verify<'a>(access: &'a Access, session: &str, now: Timestamp) -> Option<&'a Principal> {
    let (claims, signature) = session.rsplit_once('.')?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    let mut parts = claims.split('.');
    let is_known = parts.next() == Some(VERSION);
    let expires: i64 = parts.next()?.parse().ok()?;
    let name = BASE64_URL_SAFE_NO_PAD.decode(parts.nth(1)?).ok()?;
    if !is_known || parts.next().is_some() || expires <= now.0 {
        return None;
    }
    let mut named = access.principals().iter();
    named
        .find(|it| it.name().as_bytes() == name && mac(it, claims).verify_slice(&signature).is_ok())
}

fn mac(principal: &Principal, claims: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&principal.derived_key(PURPOSE))
        .expect("HMAC takes keys of any length");
    mac.update(claims.as_bytes());
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
        principal(access, &headers, now).map(|it| it.name().to_owned())
    }

    #[test]
    fn session_is_accepted_until_it_expires_or_the_token_changes() {
        let (here, there) = (access("secret"), access("secret"));
        let session = begin(&here.principals()[0], NOW);
        let cookie = format!("theme=dark; {NAME}={session}");
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
        let session = begin(&access.principals()[0], NOW);
        let later = session.replacen(&NOW.plus(LIFE).0.to_string(), "9999999999999", 1);
        let (claims, _) = session.rsplit_once('.').unwrap();
        for wrong in [
            later.as_str(),
            claims,
            &format!("{claims}."),
            &session.replacen("v1", "v2", 1),
            &session[..session.len() - 1],
            "",
            "....",
        ] {
            assert_eq!(
                name(&access, &format!("{NAME}={wrong}"), NOW),
                None,
                "{wrong}"
            );
        }
        assert!(name(&access, &format!("{NAME}={session}"), NOW).is_some());
    }
}
