//! A service that does no more than it must: reads each request and answers fixed JSON. A process of its own, as ours
//! is: this same program, started with [`ARGUMENT`].

use std::{env, process::Command};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::{serving::Serving, stage};

pub(crate) const ARGUMENT: &str = "--hyper-service";

pub(crate) fn spawn() -> anyhow::Result<Serving> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(ARGUMENT);
    Serving::start(command)
}

/// Serves until it is killed.
pub(crate) fn serve() -> anyhow::Result<()> {
    stage::runtime()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on http://{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(connection);
        }
    })
}

const RESERVED: &str = r#"{"status":"Reservation successful","execution_id":1,"project_name":"bench","batch":"batch","test_id":1,"testcase":"testcase_1","suite":"suite_0","lease":"1.0123456789abcdef0123456789abcdef","expires_dt":1800000000000,"timeout":60000,"attempt":1,"labels":[]}"#;
const DONE: &str = r#"{"status":"Execution marked as finished"}"#;

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let fixed = if request.uri().path().contains("/reserve/") {
        RESERVED
    } else {
        DONE
    };
    request.into_body().collect().await?;
    let mut response = Response::new(Full::from(fixed));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}
