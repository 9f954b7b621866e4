//! Which errors are retried, and when.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use tokio::time::{Instant, sleep, timeout_at};

use super::publish_error::PublishError;
use crate::{
    model::Timestamp,
    pace::{self, Backoff, Jitter},
};

/// Most tries of one call.
const MOST: u32 = 3;
/// Pauses if the answer names none.
const BACKOFF: Backoff = Backoff::new(
    Duration::from_millis(500),
    Duration::from_secs(1),
    Jitter::None,
);
/// The pause after a rate limit that names no time.
const LEAST_WAIT: Duration = Duration::from_secs(60);

/// How long GitHub may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GitHubPatience {
    /// One request, from its connection to the end of its answer. A request that hangs is not repeated. Default 10 s.
    pub request: Duration,
    /// One call with all requests, retries and pauses. Default 30 s.
    pub total: Duration,
}

impl Default for GitHubPatience {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// The time left for one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    request: Duration,
    end: Instant,
}

impl Budget {
    pub(super) fn start(patience: GitHubPatience) -> Self {
        Self {
            request: patience.request,
            end: sleep(patience.total).deadline(),
        }
    }

    /// Limits the time of one request.
    pub(super) async fn limit<T>(
        self,
        request: impl Future<Output = Result<T, PublishError>>,
    ) -> Result<T, PublishError> {
        let limit = sleep(self.request).deadline().min(self.end);
        let answer = timeout_at(limit, request).await;
        answer.unwrap_or(Err(PublishError::Timeout))
    }

    /// Retries until success, a permanent error, or the end of the patience. If the answer asks for a longer pause than the
    /// patience allows, there is no retry.
    pub(super) async fn persist<T, F>(self, attempt: impl Fn() -> F) -> Result<T, PublishError>
    where
        F: Future<Output = Result<T, PublishError>>,
    {
        let mut tries = 1;
        loop {
            let refusal = match attempt().await {
                Ok(done) => return Ok(done),
                Err(refusal) => refusal,
            };
            let ours = BACKOFF.pause(tries);
            let pause = sleep(
                refusal
                    .requested_pause()
                    .map_or(ours, |asked| asked.max(ours)),
            );
            if !refusal.is_transient() || tries == MOST || pause.deadline() >= self.end {
                return Err(refusal);
            }
            pause.await;
            tries += 1;
        }
    }
}

/// How long the answer asks to wait, measured by its own clock if it names a moment.
pub(super) fn wait(status: StatusCode, headers: &HeaderMap, message: &str) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    // The moment belongs to the hourly limit only.
    let reset = || {
        text("x-ratelimit-remaining").filter(|left| *left == "0")?;
        let reset: i64 = text("x-ratelimit-reset")?.parse().ok()?;
        let reset = Timestamp(reset.saturating_mul(1000));
        Some(reset.since(pace::http_date(headers)?))
    };
    let is_limit = is_limit(status, headers, message);
    pace::retry_after(headers).or_else(|| {
        is_limit.then_some(())?;
        Some(reset().unwrap_or(LEAST_WAIT))
    })
}

/// Whether the answer is a rate limit. GitHub uses 403 for it too, which mostly means a missing permission.
pub(super) fn is_limit(status: StatusCode, headers: &HeaderMap, message: &str) -> bool {
    let is_used_up = || {
        headers
            .get("x-ratelimit-remaining")
            .is_some_and(|left| left == "0")
    };
    status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN
            && (headers.contains_key(header::RETRY_AFTER)
                || is_used_up()
                || message.to_lowercase().contains("rate limit")))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{super::publish_error::NetworkFailure, *};

    /// Answers with these one after the other; gives the result, the number of tries and the seconds they took.
    async fn retried(
        answers: &[Result<(), PublishError>],
    ) -> (Result<(), PublishError>, usize, f64) {
        let tries = Cell::new(0);
        let began = sleep(Duration::ZERO).deadline();
        let budget = Budget::start(GitHubPatience::default());
        let result = budget
            .persist(|| {
                tries.set(tries.get() + 1);
                std::future::ready(answers[tries.get() - 1].clone())
            })
            .await;
        let took = sleep(Duration::ZERO).deadline().duration_since(began);
        (result, tries.get(), took.as_secs_f64())
    }

    fn refused(code: u16, wait: Option<u64>) -> Result<(), PublishError> {
        Err(PublishError::Refused {
            code,
            message: String::new(),
            wait: wait.map(Duration::from_secs),
            is_limit: code == 429 || (code == 403 && wait.is_some()),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn only_transient_errors_are_retried() {
        let unreachable = Err(PublishError::Unreachable {
            cause: "x".into(),
            failure: NetworkFailure::Lost,
        });
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
            let (result, tried, took) = retried(&answers).await;
            assert_eq!(Some(&result), answers.last());
            assert_eq!(tried, tries, "{answers:?}");
            assert!((took - seconds).abs() < 0.1, "{answers:?} took {took} s");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn hanging_request_ends_within_patience() {
        let began = sleep(Duration::ZERO).deadline();
        let budget = Budget::start(GitHubPatience::default());
        let silence = async || {
            budget
                .limit(std::future::pending::<Result<(), PublishError>>())
                .await
        };
        assert_eq!(budget.persist(silence).await, Err(PublishError::Timeout));
        let took = sleep(Duration::ZERO).deadline().duration_since(began);
        assert!(took < Duration::from_secs(11), "{took:?}");
    }

    #[test]
    fn rate_limits_are_recognised() {
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
            assert_eq!(is_limit(code, &headers, ""), expected, "{code} {headers:?}");
        }
    }

    #[test]
    fn rate_limit_names_the_pause() {
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
        let reset = ("x-ratelimit-reset", "784111837");
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let used_up = ("x-ratelimit-remaining", "0");
        let table = [
            (403, "", vec![used_up, reset, date], Some(60)),
            (
                403,
                "",
                vec![used_up, ("x-ratelimit-reset", "5"), date],
                Some(0),
            ),
            (403, "", vec![used_up, reset], Some(60)),
            (403, "", vec![reset, date], None),
            (
                429,
                "",
                vec![("x-ratelimit-remaining", "9"), reset, date],
                Some(60),
            ),
            (429, "", vec![], Some(60)),
            (429, "", vec![("retry-after", "7"), reset, date], Some(7)),
            (503, "", vec![("retry-after", "7")], Some(7)),
            (503, "", vec![("retry-after", "soon")], None),
            (403, "a secondary rate limit", vec![], Some(60)),
        ];
        for (code, message, list, expected) in table {
            let code = StatusCode::from_u16(code).unwrap();
            let wait = wait(code, &headers(&list), message);
            assert_eq!(wait.map(|wait| wait.as_secs()), expected, "{code} {list:?}");
        }
    }
}
