//! A transport that answers from a script and remembers what it was sent.

use std::{
    collections::VecDeque,
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
#[derive(Clone, Debug)]
pub(super) enum Step {
    Answer(Response<Bytes>),
    Fail(Sent),
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
        self.seen.lock().unwrap().push(Seen {
            line,
            request,
            limit,
            at: clock::monotonic(),
        });
        Box::pin(async move {
            match step {
                Step::Answer(response) => Ok(response),
                Step::Fail(sent) => Err(TransportError {
                    sent,
                    message: "scripted failure".to_owned(),
                }),
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
