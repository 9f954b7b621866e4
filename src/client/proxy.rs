//! Which proxy a request goes through, by the rules that the transport follows.

use hyper_util::client::proxy::matcher::Matcher;

use super::Endpoint;

/// The proxy between us and a service, without the password that its variable may hold; `None` if there is none.
/// `lookup` reads the environment. Settings that a desktop system keeps elsewhere are not seen.
pub(crate) fn proxy_of(
    endpoint: &Endpoint,
    lookup: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    // In a CGI program, the client of the web server sets HTTP_PROXY by a header.
    if endpoint.is_loopback() || lookup("REQUEST_METHOD").is_some() {
        return None;
    }
    let first = |names: [&str; 2]| names.into_iter().find_map(&lookup).unwrap_or_default();
    let matcher = Matcher::builder()
        .all(first(["ALL_PROXY", "all_proxy"]))
        .http(first(["HTTP_PROXY", "http_proxy"]))
        .https(first(["HTTPS_PROXY", "https_proxy"]))
        .no(first(["NO_PROXY", "no_proxy"]))
        .build();
    let proxy = matcher.intercept(&endpoint.uri("/").ok()?)?;
    let (uri, scheme) = (proxy.uri(), proxy.uri().scheme_str().unwrap_or("http"));
    let port = uri
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    Some(format!("{scheme}://{}{port}", uri.host()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_variables_and_shows_no_password() {
        type Variables = &'static [(&'static str, &'static str)];
        let table: [(&str, Variables, Option<&str>); 8] = [
            ("https://tc.example.com", &[], None),
            (
                "https://tc.example.com",
                &[("HTTPS_PROXY", "http://me:hunter2@proxy:3128")],
                Some("http://proxy:3128"),
            ),
            (
                "https://tc.example.com",
                &[("http_proxy", "http://proxy:3128")],
                None,
            ),
            (
                "http://tc.example.com",
                &[("http_proxy", "http://proxy:3128")],
                Some("http://proxy:3128"),
            ),
            (
                "https://tc.example.com",
                &[
                    ("ALL_PROXY", "socks5://proxy:1080"),
                    ("NO_PROXY", "other.com"),
                ],
                Some("socks5://proxy:1080"),
            ),
            (
                "https://tc.example.com",
                &[("ALL_PROXY", "http://proxy"), ("no_proxy", "example.com")],
                None,
            ),
            (
                "http://localhost:8800",
                &[("HTTP_PROXY", "http://proxy")],
                None,
            ),
            (
                "http://tc.example.com",
                &[("HTTP_PROXY", "http://proxy"), ("REQUEST_METHOD", "GET")],
                None,
            ),
        ];
        for (url, variables, expected) in table {
            let endpoint = Endpoint::parse(url, false).unwrap();
            let lookup = |name: &str| {
                let mut found = variables.iter().filter(|(other, _)| *other == name);
                found.next().map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(
                proxy_of(&endpoint, lookup).as_deref(),
                expected,
                "{url} {variables:?}"
            );
        }
    }
}
