//! A transport that answers from a script and remembers what it was sent.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use testplan::{
    client::{Client, Credentials, Endpoint, Patience, Sending, Sent, Transport, TransportError},
    clock,
};

/// What the transport does with one request.
#[derive(Clone)]
pub(super) enum Step {
    Answer(Response<Bytes>),
    Fail(Sent),
    /// The certificate is not trusted.
    Untrusted,
    /// No answer within the limit.
    Hang,
    /// Nothing listens until then; afterwards the answer is `{}`.
    Down(tokio::time::Instant),
    /// What a function says at the time.
    Answers(Arc<dyn Fn() -> Self + Send + Sync>),
}

/// An answer with a body.
pub(super) fn answer(status: u16, body: impl Into<Bytes>) -> Step {
    Step::Answer(
        Response::builder()
            .status(status)
            .body(body.into())
            .unwrap(),
    )
}

/// The same from our own service.
pub(super) fn ours(status: u16, body: impl Into<Bytes>) -> Step {
    answer(status, body).with("testplan-service", "0.1.0")
}

/// The same from a proxy.
pub(super) fn page(status: u16) -> Step {
    answer(
        status,
        "<html><body><h1>Bad Gateway</h1>\u{7}</body></html>",
    )
}

/// An error of the API.
pub(super) fn refused(status: u16, code: i64) -> Step {
    answer(status, format!(r#"{{"code":{code},"message":"because"}}"#))
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(response) => write!(f, "{response:?}"),
            Self::Fail(sent) => write!(f, "Fail({sent:?})"),
            Self::Untrusted => f.write_str("Untrusted"),
            Self::Hang => f.write_str("Hang"),
            Self::Down(_) => f.write_str("Down"),
            Self::Answers(_) => f.write_str("Answers"),
        }
    }
}

impl Step {
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        let Self::Answer(response) = &mut self else {
            panic!("only answers have headers");
        };
        response.headers_mut().insert(name, value.parse().unwrap());
        self
    }
}

/// What the transport was sent.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) line: String,
    pub(super) request: Request<Bytes>,
    pub(super) limit: Duration,
    pub(super) at: Instant,
    /// The same in virtual time.
    pub(super) timer: tokio::time::Instant,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.request.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(self.request.body()).unwrap()
    }
}

#[derive(Debug, Default)]
pub(super) struct Script {
    steps: Mutex<VecDeque<Step>>,
    ever_after: Mutex<Option<Step>>,
    by_path: Option<(&'static str, Step)>,
    seen: Mutex<Vec<Seen>>,
}

impl Script {
    pub(super) fn new(steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        let script = Self::default();
        script.steps.lock().unwrap().extend(steps);
        Arc::new(script)
    }

    /// One step again and again.
    pub(super) fn always(step: Step) -> Arc<Self> {
        let script = Self::default();
        *script.ever_after.lock().unwrap() = Some(step);
        Arc::new(script)
    }

    /// One step, then another again and again.
    pub(super) fn after(first: Step, then: Step) -> Arc<Self> {
        let script = Self::default();
        script.steps.lock().unwrap().push_back(first);
        *script.ever_after.lock().unwrap() = Some(then);
        Arc::new(script)
    }

    /// One step for paths with this part, another for all others.
    pub(super) fn by_path(part: &'static str, at_path: Step, elsewhere: Step) -> Arc<Self> {
        let script = Self {
            by_path: Some((part, at_path)),
            ..Self::default()
        };
        *script.ever_after.lock().unwrap() = Some(elsewhere);
        Arc::new(script)
    }

    /// The step that is repeated.
    pub(super) fn step(&self) -> Option<Step> {
        self.ever_after.lock().unwrap().clone()
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Method and path of every request, and that the script was played to its end.
    pub(super) fn lines(&self) -> Vec<String> {
        assert!(self.steps.lock().unwrap().is_empty(), "steps are left over");
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

impl Transport for Script {
    fn send(&self, request: Request<Bytes>, limit: Duration) -> Sending<'_> {
        let line = format!(
            "{} {}",
            request.method(),
            request.uri().path_and_query().unwrap()
        );
        let step = self.steps.lock().unwrap().pop_front();
        let step = step.or_else(|| self.ever_after.lock().unwrap().clone());
        let step = step.unwrap_or_else(|| panic!("nobody expected {line}"));
        let step = match step {
            Step::Answers(now) => now(),
            step => step,
        };
        let step = match &self.by_path {
            Some((part, at_path)) if line.contains(part) => at_path.clone(),
            _ => step,
        };
        self.seen.lock().unwrap().push(Seen {
            line,
            request,
            limit,
            at: clock::monotonic(),
            timer: clock::timer(),
        });
        Box::pin(async move {
            match step {
                Step::Answer(response) => Ok(response),
                Step::Fail(sent) => Err(TransportError {
                    sent,
                    message: "scripted failure".to_owned(),
                    certificate_help: None,
                }),
                Step::Untrusted => Err(TransportError {
                    sent: Sent::No,
                    message: "scripted certificate".to_owned(),
                    certificate_help: Some("renew it"),
                }),
                Step::Hang => {
                    tokio::time::sleep(limit).await;
                    Err(TransportError {
                        sent: Sent::Unclear,
                        message: "scripted hang".to_owned(),
                        certificate_help: None,
                    })
                }
                Step::Down(until) if clock::timer() < until => Err(TransportError {
                    sent: Sent::No,
                    message: "scripted outage".to_owned(),
                    certificate_help: None,
                }),
                Step::Answers(_) => unreachable!("it was asked"),
                Step::Down(_) => Ok(Response::new(Bytes::from_static(b"{}"))),
            }
        })
    }
}

/// The secret that must not show.
pub(super) const CANARY: &str = "canary4ever";

/// A client with a token that plays a script.
pub(super) fn client(script: &Arc<Script>) -> Client {
    let endpoint = Endpoint::parse("https://tc.example.com", false).unwrap();
    let credentials = Credentials::Token(CANARY.into());
    Client::new(
        Arc::clone(script) as _,
        endpoint,
        credentials,
        Patience::default(),
    )
    .unwrap()
}
