//! What a redirect of a service means. None is followed.

use http::{HeaderMap, header};

use super::{Endpoint, RedirectTarget};

/// Reads `Location`; `None` without one that is a URL.
pub(super) fn target(
    endpoint: &Endpoint,
    path: &str,
    headers: &HeaderMap,
) -> Option<RedirectTarget> {
    let location = headers.get(header::LOCATION)?.to_str().ok()?;
    let mut url = endpoint.url().join(location).ok()?;
    // Shown to the user: nothing secret may stay in it.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    // Whoever redirects, a proxy's log-in for one, could ask for credentials that are not meant for it.
    if url.host_str() != endpoint.url().host_str() || (endpoint.is_tls() && url.scheme() != "https")
    {
        let url = url.as_str().trim_end_matches('/').to_owned();
        return Some(RedirectTarget::OtherHost(url));
    }
    let own = endpoint.url().path().trim_end_matches('/');
    let within = url
        .path()
        .strip_prefix(own)
        .unwrap_or(url.path())
        .to_owned();
    if within.starts_with("/login") {
        return Some(RedirectTarget::Login);
    }
    if within.starts_with("/activation") {
        return Some(RedirectTarget::Activation);
    }
    if let Some(base) = url.path().trim_end_matches('/').strip_suffix(path) {
        let base = base.to_owned();
        url.set_path(&base);
    }
    Some(RedirectTarget::Elsewhere(
        url.as_str().trim_end_matches('/').to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn says_what_redirects_mean() {
        let endpoint = Endpoint::parse("http://tc.example.com/tc", true).unwrap();
        let elsewhere = |url: &str| RedirectTarget::Elsewhere(url.to_owned());
        let other_host = |url: &str| RedirectTarget::OtherHost(url.to_owned());
        for (location, means) in [
            ("/login/index", RedirectTarget::Login),
            ("/tc/login/index?next=x", RedirectTarget::Login),
            ("http://tc.example.com/login", RedirectTarget::Login),
            ("/activation/index", RedirectTarget::Activation),
            (
                "https://tc.example.com/tc/execution/v1/status/1?OS=x",
                elsewhere("https://tc.example.com/tc"),
            ),
            (
                "https://u:canary@sso.example.com/auth?t=canary#canary",
                other_host("https://sso.example.com/auth"),
            ),
            (
                "https://sso.example.com/login/tc/execution/v1/status/1",
                other_host("https://sso.example.com/login/tc/execution/v1/status/1"),
            ),
            (
                "//tc.example.com.evil.example/tc/execution/v1/status/1",
                other_host("http://tc.example.com.evil.example/tc/execution/v1/status/1"),
            ),
            (
                "/other/execution/v1/status/1/",
                elsewhere("http://tc.example.com/other"),
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, HeaderValue::from_static(location));
            assert_eq!(
                target(&endpoint, "/execution/v1/status/1", &headers),
                Some(means),
                "{location}"
            );
        }
        assert_eq!(target(&endpoint, "/x", &HeaderMap::new()), None);
    }

    #[test]
    fn redirect_from_tls_to_plain_http_is_no_advice() {
        let endpoint = Endpoint::parse("https://tc.example.com", false).unwrap();
        let mut headers = HeaderMap::new();
        let location = HeaderValue::from_static("http://tc.example.com/execution/v1/status/1");
        headers.insert(header::LOCATION, location);
        let plain = "http://tc.example.com/execution/v1/status/1".to_owned();
        assert_eq!(
            target(&endpoint, "/execution/v1/status/1", &headers),
            Some(RedirectTarget::OtherHost(plain))
        );
    }
}
