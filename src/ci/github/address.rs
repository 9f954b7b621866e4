//! Address of API and repository, checked before anything is sent.

use std::{fmt, net::IpAddr};

use http::Uri;

use super::publish_error::PublishError;

/// A repository at one API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    api: Uri,
    repository: String,
}

/// Why an address is malformed. Shows no URL, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// The API's base is no URL.
    #[error("GITHUB_API_URL is not a URL such as https://github.example.com/api/v3")]
    Api,
    /// The token would travel unencrypted.
    #[error(
        "GITHUB_API_URL is plain http to another machine, and the token would travel unencrypted; use https://"
    )]
    Unencrypted,
    /// The repository is not `owner/name`.
    #[error("GITHUB_REPOSITORY is not owner/name")]
    Repository,
}

impl Address {
    /// `api` is the base of an API, such as `https://api.github.com`; `repository` is `owner/name`.
    pub fn new(api: &str, repository: &str) -> Result<Self, BadAddress> {
        let api: Uri = api.trim().parse().map_err(|_| BadAddress::Api)?;
        let host = api
            .host()
            .filter(|host| !host.is_empty())
            .ok_or(BadAddress::Api)?;
        match api.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(host) => {}
            Some("http") => return Err(BadAddress::Unencrypted),
            _ => return Err(BadAddress::Api),
        }
        if api
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
            || api.query().is_some()
        {
            return Err(BadAddress::Api);
        }
        let repository = repository.trim();
        match repository.split_once('/') {
            Some((owner, name)) if is_name(owner) && is_name(name) => {}
            _ => return Err(BadAddress::Repository),
        }
        Ok(Self {
            api,
            repository: repository.to_owned(),
        })
    }

    pub(super) fn api(&self) -> &Uri {
        &self.api
    }

    /// The absolute URL of a path below the repository, which begins with a slash.
    pub(super) fn url(&self, path: &str) -> String {
        let base = self.api.to_string();
        let base = base.trim_end_matches('/');
        format!("{base}/repos/{}{path}", self.repository)
    }

    /// Whether it has no TLS.
    pub(super) fn is_plain(&self) -> bool {
        self.api.scheme_str() == Some("http")
    }

    /// Whether it is on this machine, which no proxy reaches.
    pub(super) fn is_loopback(&self) -> bool {
        self.api.host().is_some_and(is_loopback)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)
    }
}

/// Checks that a text is a commit hash, and cannot change a path.
pub(super) fn commit(text: &str) -> Result<&str, PublishError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(PublishError::BadCommit);
    }
    Ok(text)
}

/// Whether this is one segment of a path.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text != "."
        && text != ".."
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enterprise_bases_are_accepted() {
        for api in [
            "https://api.github.com",
            "https://api.github.com/",
            "https://git.example.com/api/v3",
            "https://git.example.com/api/v3/",
            "http://127.0.0.1:80",
            "http://[::1]:80",
        ] {
            let address = Address::new(api, "octo-org/a.b_c").unwrap();
            let base = api.trim_end_matches('/');
            assert_eq!(
                address.url("/check-runs"),
                format!("{base}/repos/octo-org/a.b_c/check-runs")
            );
            assert_eq!(address.to_string(), "octo-org/a.b_c");
            assert_eq!(address.is_loopback(), api.starts_with("http:"));
        }
    }

    #[test]
    fn malformed_addresses_are_refused() {
        let api = |api| Address::new(api, "o/r").unwrap_err();
        for bad in [
            "",
            "api.github.com",
            "/api",
            "ftp://x",
            "https://me:secret@x",
            "https://x?y=1",
            "a b",
        ] {
            assert_eq!(api(bad), BadAddress::Api, "{bad}");
        }
        for bad in ["http://github.example.com", "http://127.0.0.1.evil.example"] {
            assert_eq!(api(bad), BadAddress::Unencrypted, "{bad}");
        }
        for bad in [
            "", "o", "o/", "/r", "o/r/s", "o/..", "../r", "o/r?x", "o/r#x", "o/r%2f", "ö/r",
        ] {
            let address = Address::new("https://x", bad);
            assert_eq!(address, Err(BadAddress::Repository), "{bad}");
        }
        for bad in ["", "main", "../x"] {
            assert_eq!(commit(bad), Err(PublishError::BadCommit), "{bad}");
        }
    }
}
