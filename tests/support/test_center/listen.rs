//! Connections: a request in, an answer out, and what goes wrong in between.

use std::{net::TcpListener, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::{
    Fault, Shared, TOKEN, answer::Answer, calls::Call, import, managed, plans, reservations,
    squish_servers,
};

/// A request, read whole.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

impl Asked {
    /// The body as JSON; an empty one is an empty object.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        if self.body.is_empty() {
            return Some(serde_json::json!({}));
        }
        serde_json::from_slice(&self.body).ok()
    }

    /// What is behind `?`, decoded.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (decoded(key), decoded(value)))
            .collect()
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = behind
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (first, code) {
            (_, Some(code)) => {
                bytes.push(code);
                rest = &behind[2..];
                continue;
            }
            (b'+', None) => bytes.push(b' '),
            (byte, None) => bytes.push(*byte),
        }
        rest = behind;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Serves until told to stop; whatever is under way is dropped then.
pub(super) fn serve(listener: TcpListener, shared: &Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let accept = async {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let shared = Arc::clone(shared);
                let service = service_fn(move |request| answered(Arc::clone(&shared), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        };
        tokio::select! {
            () = accept => {}
            _ = stopped => {}
        }
    });
    runtime.shutdown_background();
}

async fn answered(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Err(lost());
    };
    let asked = Asked {
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        content_type: text(head.headers.get(header::CONTENT_TYPE)),
        method: head.method,
        body: body.to_bytes(),
    };
    let line = format!("{} {}", asked.method, asked.path);
    let fault = shared.faults.next(&line);
    let mut call = Call {
        line,
        query: asked.query.clone(),
        headers: head
            .headers
            .iter()
            .filter(|(name, _)| *name != header::AUTHORIZATION)
            .map(|(name, value)| (name.to_string(), text(Some(value))))
            .collect(),
        body: String::from_utf8_lossy(&asked.body).into_owned(),
        status: None,
    };
    if fault == Some(Fault::LoseRequest) {
        shared.calls.add(call);
        return Err(lost());
    }
    let answer = if fault == Some(Fault::Break) {
        Answer::broken()
    } else {
        let credentials = text(head.headers.get(header::AUTHORIZATION));
        answer(&shared, &asked, &credentials)
    };
    let answer = match fault {
        None | Some(Fault::Break) => Some(answer),
        Some(Fault::LoseRequest | Fault::LoseAnswer) => None,
        Some(Fault::BreakAfter) => Some(Answer::broken()),
        Some(Fault::Slow(span)) => {
            tokio::time::sleep(span).await;
            Some(answer)
        }
        Some(Fault::Hold) => {
            shared.faults.released().await;
            Some(answer)
        }
    };
    call.status = answer.as_ref().map(|answer| answer.status);
    shared.calls.add(call);
    // An error of a service ends the connection without an answer.
    answer.map(Answer::response).ok_or_else(lost)
}

fn lost() -> std::io::Error {
    std::io::Error::other("lost by order of the test")
}

fn text(value: Option<&http::HeaderValue>) -> String {
    value.map_or_else(String::new, |value| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    })
}

/// The API, and what is said to strangers.
fn answer(shared: &Arc<Shared>, asked: &Asked, credentials: &str) -> Answer {
    let dialect = &shared.dialect;
    if !dialect.activated {
        return Answer::redirect("/activation/index");
    }
    if credentials != format!("Token {TOKEN}") {
        return Answer::redirect("/login/index");
    }
    let mut world = shared.world.lock().unwrap();
    let path: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
    let methods = (asked.method == Method::GET, asked.method == Method::POST);
    let (get, post) = methods;
    let wrong_method = || Answer::refused(dialect, 405, "Invalid HTTP method");
    match path.as_slice() {
        ["import"] if post => import::import(&mut world, asked, dialect),
        ["execution", "v1", rest @ ..] => match rest {
            ["testplans"] if get => plans::look_up(&world, asked, dialect),
            ["testplans", id] if get => plans::by_id(&world, id, dialect),
            ["executeplan"] if post => {
                let (answer, started) = plans::execute(&mut world, asked, dialect);
                if let Some(plan) = started {
                    tokio::spawn(managed::run(Arc::clone(shared), plan));
                }
                answer
            }
            ["status", id] if get => plans::status(&mut world, id, asked, dialect),
            ["reserve", id] if post => reservations::reserve(&mut world, id, asked, dialect),
            ["heartbeat", id] if post => reservations::heartbeat(&mut world, id, asked, dialect),
            ["finished", id] if post => reservations::finished(&mut world, id, asked, dialect),
            ["reset", id] if post && dialect.resets => reservations::reset(&mut world, id, dialect),
            ["squishservers"] if get => squish_servers::list(&mut world, dialect),
            ["squishservers"] if post => squish_servers::add(&mut world, asked, dialect),
            ["squishservers", id] if asked.method == Method::PATCH => {
                squish_servers::change(&mut world, id, asked, dialect)
            }
            ["squishservers", id] if asked.method == Method::DELETE => {
                squish_servers::remove(&mut world, id, dialect)
            }
            [
                "testplans" | "executeplan" | "status" | "reserve" | "heartbeat" | "finished"
                | "reset" | "squishservers",
                ..,
            ] => wrong_method(),
            _ => Answer::not_found(),
        },
        _ => Answer::not_found(),
    }
}
