//! Which refusals are tried again, and when. Time is bounded by what tokio's own clock says of pauses to come.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use tokio::time::{sleep, timeout_at};

use super::{NotSet, Patience};

/// Most requests for one status.
const MOST: u32 = 3;
/// The pause before the second try, where the answer asks for none; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Tries until it is done, refused for good, or patience ends. What asks for a longer pause than there is patience
/// left gets none.
pub(super) async fn persist<F>(patience: Patience, attempt: impl Fn() -> F) -> Result<(), NotSet>
where
    F: Future<Output = Result<(), NotSet>>,
{
    let end = sleep(patience.total).deadline();
    let mut tries = 1;
    loop {
        let limit = sleep(patience.request).deadline().min(end);
        let refusal = match timeout_at(limit, attempt()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(refusal)) => refusal,
            Err(_) => return Err(NotSet::Silent),
        };
        let pause = refusal
            .asks_for()
            .unwrap_or(FIRST_PAUSE * 2_u32.pow(tries - 1));
        let pause = sleep(pause);
        if !refusal.is_transient() || tries == MOST || pause.deadline() >= end {
            return Err(refusal);
        }
        pause.await;
        tries += 1;
    }
}

/// How long the answer asks to be left alone, in whole seconds; GitHub sends no dates.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// Whether the answer speaks of too many requests. GitHub says so with 403 as well, which most often says another thing.
pub(super) fn is_limit(status: StatusCode, headers: &HeaderMap) -> bool {
    let is_used_up = || {
        headers
            .get("x-ratelimit-remaining")
            .is_some_and(|left| left == "0")
    };
    status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN
            && (headers.contains_key(header::RETRY_AFTER) || is_used_up()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Answers with these one after the other; gives the result, the number of tries and the seconds they took.
    async fn told(answers: &[Result<(), NotSet>]) -> (Result<(), NotSet>, usize, f64) {
        let tries = Cell::new(0);
        let began = sleep(Duration::ZERO).deadline();
        let result = persist(Patience::default(), || {
            let answer = answers[tries.get()].clone();
            tries.set(tries.get() + 1);
            async move { answer }
        })
        .await;
        let took = sleep(Duration::ZERO).deadline().duration_since(began);
        (result, tries.get(), took.as_secs_f64())
    }

    fn refused(code: u16, wait: Option<u64>) -> Result<(), NotSet> {
        Err(NotSet::Refused {
            code,
            message: String::new(),
            wait: wait.map(Duration::from_secs),
            is_limit: code == 429 || (code == 403 && wait.is_some()),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_may_pass_is_tried_again() {
        let unreachable = Err(NotSet::Unreachable { cause: "x".into() });
        let table = [
            (vec![Ok(())], 1, 0.0),
            (vec![refused(403, None)], 1, 0.0),
            (vec![refused(422, None)], 1, 0.0),
            (vec![refused(500, None), Ok(())], 2, 0.5),
            (vec![unreachable.clone(), unreachable, Ok(())], 3, 1.5),
            (vec![refused(503, None); 3], 3, 1.5),
            (vec![refused(429, Some(20)), Ok(())], 2, 20.0),
            (vec![refused(403, Some(3)), Ok(())], 2, 3.0),
            (
                vec![refused(429, Some(20)), refused(429, Some(20))],
                2,
                20.0,
            ),
            (vec![refused(429, Some(60))], 1, 0.0),
            (vec![refused(429, Some(u64::MAX))], 1, 0.0),
        ];
        for (answers, tries, seconds) in table {
            let (result, tried, took) = told(&answers).await;
            assert_eq!(Some(&result), answers.last());
            assert_eq!(tried, tries, "{answers:?}");
            assert!((took - seconds).abs() < 0.1, "{answers:?} took {took} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_within_patience() {
        let began = sleep(Duration::ZERO).deadline();
        let result = persist(Patience::default(), std::future::pending).await;
        assert_eq!(result, Err(NotSet::Silent));
        let took = sleep(Duration::ZERO).deadline().duration_since(began);
        assert!(took < Duration::from_secs(11), "{took:?}");
    }

    #[test]
    fn limits_are_told_from_refusals() {
        let headers = |list: &[(&'static str, &'static str)]| {
            let list = list.iter();
            list.map(|(name, value)| {
                (
                    header::HeaderName::from_static(name),
                    header::HeaderValue::from_static(value),
                )
            })
            .collect::<HeaderMap>()
        };
        let table = [
            (429, headers(&[]), true),
            (403, headers(&[]), false),
            (403, headers(&[("x-ratelimit-remaining", "58")]), false),
            (403, headers(&[("x-ratelimit-remaining", "0")]), true),
            (403, headers(&[("retry-after", "60")]), true),
            (500, headers(&[("retry-after", "60")]), false),
        ];
        for (code, headers, expected) in table {
            let code = StatusCode::from_u16(code).unwrap();
            assert_eq!(is_limit(code, &headers), expected, "{code} {headers:?}");
        }
    }
}
