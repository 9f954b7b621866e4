//! The URLs of one service: several if it runs as several processes over one database.

use std::fmt;

use super::{Endpoint, SetupError};

/// One or more base URLs that lead to the same service. Credentials are the same for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints(Vec<Endpoint>);

/// Most URLs of one service.
const MOST: usize = 16;

impl Endpoints {
    /// Reads base URLs with commas between them, each as [`Endpoint::parse`] does. A URL that is named twice counts once.
    pub fn parse(urls: &str, allow_http: bool) -> Result<Self, SetupError> {
        let mut parts: Vec<&str> = urls.split(',').map(str::trim).collect();
        parts.retain(|part| !part.is_empty());
        if parts.is_empty() {
            return Endpoint::parse(urls, allow_http).map(Self::from);
        }
        let mut all = Vec::new();
        for part in parts {
            let endpoint = Endpoint::parse(part, allow_http)?;
            if !all.contains(&endpoint) {
                all.push(endpoint);
            }
        }
        if all.len() > MOST {
            return Err(SetupError::new(
                format!(
                    "{} URLs of the service are named, {MOST} are the most",
                    all.len()
                ),
                "name fewer, or the URL of a load balancer before them",
            ));
        }
        Ok(Self(all))
    }

    /// All of them, in the order in which they were named.
    pub fn as_slice(&self) -> &[Endpoint] {
        &self.0
    }

    /// The one that was named first.
    pub fn first(&self) -> &Endpoint {
        &self.0[0]
    }

    pub(super) fn accept_credentials(&self) -> Result<(), SetupError> {
        self.0.iter().try_for_each(Endpoint::accept_credentials)
    }
}

impl From<Endpoint> for Endpoints {
    fn from(endpoint: Endpoint) -> Self {
        Self(vec![endpoint])
    }
}

impl fmt::Display for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, endpoint) in self.0.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{endpoint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_separated_by_commas() {
        for (text, shown) in [
            ("http://localhost:8800", "http://localhost:8800"),
            (
                "https://a.example/, https://b.example/tc",
                "https://a.example, https://b.example/tc",
            ),
            (" https://a.example ,,", "https://a.example"),
            (
                "https://a.example,https://A.example/,https://b.example",
                "https://a.example, https://b.example",
            ),
        ] {
            let endpoints = Endpoints::parse(text, false).unwrap();
            assert_eq!(endpoints.to_string(), shown, "{text}");
        }
    }

    #[test]
    fn each_url_is_checked() {
        for (text, part) in [
            ("", "is not the URL of a service"),
            (",", "is not the URL of a service"),
            (
                "https://a.example,b.example",
                "\"b.example\" is not the URL",
            ),
            (
                "https://a.example,https://me:canary@b.example",
                "user or password",
            ),
        ] {
            let error = Endpoints::parse(text, false).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
            assert!(!error.contains("canary"), "{error}");
        }
        let many: Vec<String> = (0..17)
            .map(|n| format!("https://{n}.example.com"))
            .collect();
        let error = Endpoints::parse(&many.join(","), false).unwrap_err();
        assert!(error.to_string().contains("17 URLs"), "{error}");
        assert!(Endpoints::parse(&many[1..].join(","), false).is_ok());
    }

    #[test]
    fn credentials_are_refused_if_one_url_would_get_them_unencrypted() {
        let accepts = |text| Endpoints::parse(text, false).unwrap().accept_credentials();
        assert!(accepts("https://a.example,http://localhost:8800").is_ok());
        assert!(accepts("https://a.example,http://b.example").is_err());
    }
}
