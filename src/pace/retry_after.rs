//! The header `Retry-After`.

use std::time::Duration;

use http::{HeaderMap, header};

use crate::{clock, model::Timestamp};

/// `Retry-After`, in seconds or as a date. A date is measured from the answer's own `Date` if it has one.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let value: &str = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = parse_date(value)?;
    Some(date.since(http_date(headers).unwrap_or_else(clock::wall)))
}

/// The header `Date`.
pub(crate) fn http_date(headers: &HeaderMap) -> Option<Timestamp> {
    parse_date(headers.get(header::DATE)?.to_str().ok()?.trim())
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn after(value: &'static str, date: Option<&'static str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
        if let Some(date) = date {
            headers.insert(header::DATE, HeaderValue::from_static(date));
        }
        retry_after(&headers)
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(after("7", None), seconds(7));
        assert_eq!(after(" 0 ", None), seconds(0));
        assert_eq!(after("86400", None), seconds(86_400));
        assert_eq!(after("99999999999999999999999", None), None);
        assert_eq!(after("Sun, 06 Nov 1994 08:49:57 GMT", date), seconds(20));
        assert_eq!(after("Sun, 06 Nov 1994 08:40:00 GMT", date), seconds(0));
        assert_eq!(
            after("Mon, 07 Nov 1994 08:49:37 GMT", date),
            seconds(86_400)
        );
        assert_eq!(after("Sun, 06 Nov 1994 08:49:57 GMT", None), seconds(0));
        for bad in ["", "-1", "soon", "1.5"] {
            assert_eq!(after(bad, date), None, "{bad}");
        }
    }
}
