//! A client that does no more than it must: hyper's, on one connection.

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http::{
    Method, Request,
    header::{AUTHORIZATION, HOST},
};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use testplan::{
    api::reservation::{FinishedRequest, HeartbeatRequest, ReserveRequest, ReserveResponse},
    model::{Capability, ExecutionId, LeaseToken, PlanId, TestResult, TestVerdict},
};
use tokio::net::TcpStream;

use super::serving::Serving;

/// A connection.
#[derive(Debug)]
pub(crate) struct Caller {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    authorization: String,
}

impl Caller {
    pub(crate) async fn connect(service: &Serving) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(service.address()).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            host: service.address().to_owned(),
            authorization: format!("Token {}", service.token.trim()),
        })
    }

    /// Reserves an execution, keeps it once, finishes it.
    pub(crate) async fn execution(&mut self, plan: PlanId) -> anyhow::Result<()> {
        let (execution, lease) = self.granted(plan, &[]).await?;
        let body = serde_json::to_vec(&HeartbeatRequest {
            timeout: 60_000,
            lease: lease.clone(),
            alone: false,
            not_started: None,
            release: false,
            server_trouble: None,
        })?;
        self.post(&format!("heartbeat/{execution}"), body, 0)
            .await?;
        self.finish(execution, lease).await
    }

    /// Reserves an execution with these capabilities and finishes it.
    pub(crate) async fn short_execution(
        &mut self,
        plan: PlanId,
        offered: &[Capability],
    ) -> anyhow::Result<()> {
        let (execution, lease) = self.granted(plan, offered).await?;
        self.finish(execution, lease).await
    }

    async fn granted(
        &mut self,
        plan: PlanId,
        offered: &[Capability],
    ) -> anyhow::Result<(ExecutionId, Option<LeaseToken>)> {
        let answer = self.reserve(plan, offered, 0).await?;
        let granted = answer.granted.context("no execution was left")?;
        Ok((granted.execution_id, granted.lease))
    }

    async fn finish(
        &mut self,
        execution: ExecutionId,
        lease: Option<LeaseToken>,
    ) -> anyhow::Result<()> {
        let body = serde_json::to_vec(&FinishedRequest {
            lease,
            outcome: Some(TestResult {
                verdict: TestVerdict::Passed,
                duration_ms: 1,
                flaky: false,
            }),
            ..FinishedRequest::default()
        })?;
        self.post(&format!("finished/{execution}"), body, 0).await?;
        Ok(())
    }

    /// Asks for an execution, and waits `wait` seconds for one.
    pub(crate) async fn reserve(
        &mut self,
        plan: PlanId,
        offered: &[Capability],
        wait: u32,
    ) -> anyhow::Result<ReserveResponse> {
        let body = serde_json::to_vec(&ReserveRequest {
            capabilities: offered.to_vec(),
            timeout: 60_000,
            allocate_server: false,
            max: None,
            seconds: None,
            near: None,
        })?;
        let answer = self.post(&format!("reserve/{plan}"), body, wait).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    async fn post(&mut self, path: &str, body: Vec<u8>, wait: u32) -> anyhow::Result<Bytes> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("/execution/v1/{path}"))
            .header(HOST, &self.host)
            .header(AUTHORIZATION, &self.authorization);
        if wait > 0 {
            request = request.header("prefer", format!("wait={wait}"));
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(
            status.is_success(),
            "{path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        Ok(body)
    }
}
