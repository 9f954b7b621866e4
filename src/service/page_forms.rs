//! The fields of forms and of addresses, and who sent a form.

use http::{
    HeaderMap, HeaderValue, Uri,
    header::{HOST, ORIGIN},
};

pub(super) type Pairs = Vec<(String, String)>;

/// Whether a form was sent by a page of this service, or by no page at all.
pub(super) fn is_own_form(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let host = |value: &HeaderValue| value.to_str().ok().map(str::to_ascii_lowercase);
    let of_origin = host(origin);
    let of_origin = of_origin.as_deref().and_then(|it| it.split_once("://"));
    match (of_origin, headers.get(HOST).and_then(host)) {
        (Some((_, origin)), Some(host)) => origin == host,
        _ => false,
    }
}

pub(super) fn pairs(uri: &Uri) -> Pairs {
    axum::extract::Query::<Pairs>::try_from_uri(uri).map_or_else(|_| Pairs::new(), |found| found.0)
}

/// The fields of a form; it has the syntax of a query.
pub(super) fn form_pairs(body: &[u8]) -> Pairs {
    let query = std::str::from_utf8(body).ok();
    let uri = query.and_then(|query| format!("/?{query}").parse().ok());
    uri.map_or_else(Pairs::new, |uri| pairs(&uri))
}

pub(super) fn value<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    let mut pairs = pairs.iter();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_other_sites_are_refused() {
        let table: [(&[(&'static str, &str)], bool); 8] = [
            (&[], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (
                &[("origin", "https://ci.example"), ("host", "CI.example")],
                true,
            ),
            (
                &[("origin", "https://evil.example"), ("host", "ci.example")],
                false,
            ),
            (&[("origin", "null"), ("host", "ci.example")], false),
        ];
        for (pairs, expected) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(is_own_form(&headers), expected, "{pairs:?}");
        }
    }

    #[test]
    fn form_is_read_as_browsers_send_it() {
        let form = form_pairs(b"next=%2Fplans%2F3&secret=a%2Bb+c%C3%A9");
        assert_eq!(value(&form, "next"), Some("/plans/3"));
        assert_eq!(value(&form, "secret"), Some("a+b cé"));
        assert_eq!(value(&form, "user"), None);
        assert!(form_pairs(b"\xff").is_empty());
    }
}
