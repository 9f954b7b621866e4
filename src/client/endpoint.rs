//! Where the service is.

use std::fmt;

use http::Uri;
use reqwest::Url;

use super::SetupError;
use crate::api;

/// The base URL of a service, checked. Shown freely: it never holds credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
    allow_http: bool,
}

impl Endpoint {
    /// Reads a base URL such as `https://testcenter.example.com` or `http://localhost:8800/prefix`.
    ///
    /// Refuses anything but http and https, and user, password, query and fragment in it; the message does not repeat
    /// them. `allow_http` permits credentials over plain `http://` to another machine.
    pub fn parse(url: &str, allow_http: bool) -> Result<Self, SetupError> {
        let text = url.trim();
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        if !scheme.is_some_and(|it| {
            ["http", "https"]
                .iter()
                .any(|web| it.eq_ignore_ascii_case(web))
        }) {
            return Err(not_a_url(
                text,
                "it does not begin with http:// or https://",
            ));
        }
        let mut base = Url::parse(text).map_err(|error| not_a_url(text, &error.to_string()))?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(SetupError::new(
                "the URL of the service contains a user or password, which would end up in logs",
                "take them out of the URL; set TESTCENTER_TOKEN, or TESTCENTER_USER and TESTCENTER_PASSWORD",
            ));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(SetupError::new(
                "the URL of the service has a part after ? or #",
                "give the address of the service alone, as https://testcenter.example.com",
            ));
        }
        // The whole path of the API is what people copy from its documentation.
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix(api::EXECUTION).unwrap_or(path).to_owned();
        base.set_path(&path);
        Ok(Self { base, allow_http })
    }

    /// Whether requests stay on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.base.host_str().is_some_and(is_loopback)
    }

    /// Whether requests are encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port_or_known_default().unwrap_or_default();
        format!("{host}:{port}")
    }

    pub(super) fn accept_credentials(&self) -> Result<(), SetupError> {
        if self.is_tls() || self.allow_http || self.is_loopback() {
            return Ok(());
        }
        Err(SetupError::new(
            format!(
                "{self} is plain http to another machine: the credentials would travel unencrypted"
            ),
            "use https://, or pass --allow-http if the network between is trusted",
        ))
    }

    /// The absolute address of a path of the API.
    pub(super) fn uri(&self, path_and_query: &str) -> Result<Uri, http::uri::InvalidUri> {
        format!("{self}{path_and_query}").parse()
    }

    pub(super) fn url(&self) -> &Url {
        &self.base
    }
}

fn not_a_url(text: &str, why: &str) -> SetupError {
    // Shown only where no secret can be in it.
    let shown = if text.contains(['@', '?', '#']) {
        "the URL of the service".to_owned()
    } else {
        format!("{text:?}")
    };
    SetupError::new(
        format!("{shown} is not the URL of a service: {why}"),
        "write it in full, as https://testcenter.example.com or http://localhost:8800",
    )
}

/// Whether a host of a URL is this machine, by its name alone.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_base_urls() {
        for (text, shown) in [
            ("https://tc.example.com", "https://tc.example.com"),
            (" http://localhost:8800/ ", "http://localhost:8800"),
            ("https://x.example/tc//", "https://x.example/tc"),
            ("https://x.example/tc/execution/v1/", "https://x.example/tc"),
            ("http://[::1]:80/", "http://[::1]"),
        ] {
            assert_eq!(
                Endpoint::parse(text, false).unwrap().to_string(),
                shown,
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_other_urls_without_repeating_secrets() {
        for bad in [
            "https://user:canary@tc.example.com",
            "https://canary@tc.example.com",
            "user:canary@tc.example.com",
            "//user:canary@tc.example.com:port",
            "https://tc.example.com?token=canary",
            "https://tc.example.com/#canary",
        ] {
            let error = Endpoint::parse(bad, true).unwrap_err();
            assert!(
                !format!("{error} {error:?}").contains("canary"),
                "{bad}: {error}"
            );
            assert!(!error.help().is_empty());
        }
        let error = Endpoint::parse("tc.example.com:8800", true).unwrap_err();
        assert!(error.to_string().contains("http:// or https://"), "{error}");
        assert!(Endpoint::parse("", true).is_err());
    }

    #[test]
    fn credentials_go_over_plain_http_only_to_this_machine_or_if_allowed() {
        for (url, allow, fine) in [
            ("http://tc.example.com", false, false),
            ("http://tc.example.com", true, true),
            ("https://tc.example.com", false, true),
            ("http://localhost:8800", false, true),
            ("http://127.9.9.9", false, true),
            ("http://[::1]:1", false, true),
            ("http://localhost.example.com", false, false),
            ("http://127.0.0.1.example.com", false, false),
            ("http://10.0.0.1", false, false),
        ] {
            let endpoint = Endpoint::parse(url, allow).unwrap();
            assert_eq!(endpoint.accept_credentials().is_ok(), fine, "{url}");
        }
    }
}
