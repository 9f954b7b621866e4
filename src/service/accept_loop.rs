//! The accept loop: bounded connections, bounded heads, and a graceful shutdown.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::Router;
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, Id, JoinSet},
    time::{sleep, timeout},
};
use tower::ServiceExt as _;

use super::{
    connections::{Connection, ConnectionId, Connections, GuardedStream, Room, first_head},
    limits::Limits,
    log_limit::{LineNumber, LogLimit},
    service_state::ServiceState,
};
use crate::clock;

/// Size of the input buffer of a connection; a longer head is answered 431.
const BUFFER: usize = 64 * 1024;
/// How much of its answers the system takes for a client.
#[cfg(unix)]
const SEND_BUFFER: usize = 256 * 1024;
/// A larger body is read in large pieces.
const LARGE_BODY: u64 = 16 * 1024;
/// Pause of the accept loop when every connection is in use or the system is out of file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// How long running requests may take after the drain.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves until `shutdown`, while load balancers find another service, and through the drain. The store is left open.
pub(super) async fn serve(
    shared: &ServiceState,
    router: &Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let mut connections = AcceptLoop::new(router.clone(), shared.limits);
    {
        let shutdown = async {
            shutdown.await;
            shared.leave();
            sleep(shared.limits.unready).await;
        };
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                () = connections.step(&listener) => {}
            }
        }
    }
    shared.stop();
    let drained = timeout(shared.limits.drain, async {
        let activity = Arc::clone(&connections.activity);
        let quiet = activity.quiet(shared.limits.quiet);
        let mut quiet = pin!(quiet);
        while !connections.tasks.is_empty() {
            tokio::select! {
                // Idle connections do not delay the shutdown.
                () = &mut quiet => break,
                () = connections.step(&listener) => {}
            }
        }
    })
    .await;
    if drained.is_err() {
        tracing::info!(connections = connections.tasks.len(), "the drain is over");
    }
    drop(listener);
    connections.end().await;
}

/// The tasks of all open connections.
struct AcceptLoop {
    router: Router,
    limits: Limits,
    closing: watch::Sender<bool>,
    tasks: JoinSet<()>,
    connections: Connections,
    running: HashMap<ConnectionId, AbortHandle>,
    ids: HashMap<Id, ConnectionId>,
    activity: Arc<Activity>,
    /// An accepted connection for which there was no room any more.
    waiting: Option<(TcpStream, IpAddr)>,
    closed_lines: LogLimit,
    failed_lines: LogLimit,
}

/// How many requests began and ended, to see whether clients are still active.
#[derive(Debug, Default)]
struct Activity {
    began: AtomicU64,
    ended: AtomicU64,
}

/// A request until its response or until its client disconnects.
struct InProgress(Arc<Activity>);

impl InProgress {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.began.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(activity))
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::AcqRel);
    }
}

impl Activity {
    /// Resolves when no request ran for a whole `span`.
    async fn quiet(&self, span: Duration) {
        let mut before = None;
        loop {
            let now = (
                self.began.load(Ordering::Acquire),
                self.ended.load(Ordering::Acquire),
            );
            if now.0 == now.1 && before == Some(now) {
                return;
            }
            before = Some(now);
            sleep(span).await;
        }
    }
}

impl AcceptLoop {
    fn new(router: Router, limits: Limits) -> Self {
        Self {
            router,
            limits,
            closing: watch::Sender::new(false),
            tasks: JoinSet::new(),
            connections: Connections::new(&limits),
            running: HashMap::new(),
            ids: HashMap::new(),
            activity: Arc::default(),
            waiting: None,
            closed_lines: LogLimit::default(),
            failed_lines: LogLimit::default(),
        }
    }

    /// Waits for a new connection or the end of one.
    async fn step(&mut self, listener: &TcpListener) {
        let has_room = self.connections.table().has_room();
        if has_room && let Some((stream, peer)) = self.waiting.take() {
            self.accepted(stream, peer);
            return;
        }
        let accepted = tokio::select! {
            biased;
            Some(ended) = self.tasks.join_next_with_id() => {
                self.left(ended.map_or_else(|error| error.id(), |(id, ())| id));
                return;
            }
            accepted = listener.accept(), if has_room => accepted,
            // A connection may become idle, which makes room.
            () = sleep(EXHAUSTED), if !has_room => return,
        };
        match accepted {
            Ok((stream, peer)) => self.accepted(stream, peer.ip().to_canonical()),
            Err(error) => self.failed(&error).await,
        }
    }

    fn accepted(&mut self, stream: TcpStream, peer: IpAddr) {
        let room = self.connections.table().room(peer);
        match room {
            Room::Free => {}
            Room::IfClosed(id) => {
                self.close(id);
                if let Some(line) = self.closed_lines.count(clock::monotonic()) {
                    let LineNumber { hidden, all } = line;
                    tracing::warn!(%peer, hidden, all, "too many connections: closed an idle one for a new one");
                }
            }
            // Known connections began requests since the loop looked.
            Room::None => {
                self.waiting = Some((stream, peer));
                return;
            }
        }
        let connection = self.connections.enter(peer);
        let id = connection.id;
        let task = self.tasks.spawn(serve_connection(
            stream,
            self.router.clone(),
            self.limits,
            self.closing.subscribe(),
            (connection, Arc::clone(&self.activity)),
        ));
        self.ids.insert(task.id(), id);
        self.running.insert(id, task);
    }

    /// Frees a descriptor if there are too few of them, otherwise waits a little: the error may persist.
    async fn failed(&mut self, error: &io::Error) {
        if matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
        ) {
            return;
        }
        if let Some(LineNumber { hidden, all }) = self.failed_lines.count(clock::monotonic()) {
            tracing::warn!(%error, hidden, all, "cannot accept a connection; closing idle ones");
        }
        let idle = self.connections.table().to_close();
        let Some(idle) = idle else {
            return sleep(EXHAUSTED).await;
        };
        self.close(idle);
        // The descriptor is free when its task has ended.
        let ended = timeout(EXHAUSTED, self.tasks.join_next_with_id()).await;
        if let Ok(Some(ended)) = ended {
            self.left(ended.map_or_else(|error| error.id(), |(id, ())| id));
        }
    }

    fn close(&mut self, id: ConnectionId) {
        self.connections.table().leave(id);
        if let Some(task) = self.running.remove(&id) {
            task.abort();
        }
    }

    fn left(&mut self, task: Id) {
        if let Some(id) = self.ids.remove(&task) {
            self.connections.table().leave(id);
            self.running.remove(&id);
        }
    }

    /// Waits for running requests, then aborts the rest.
    async fn end(mut self) {
        self.closing.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(LAST_ANSWERS, all).await.is_err() {
            tracing::warn!("aborted running requests");
        }
    }
}

/// Serves one connection to its end.
async fn serve_connection(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut closing: watch::Receiver<bool>,
    (connection, activity): (Arc<Connection>, Arc<Activity>),
) {
    let first = tokio::select! {
        first = timeout(limits.header, first_head(&stream)) => first,
        _ = closing.wait_for(|closing| *closing) => return,
    };
    let ready = first
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .and_then(|()| stream.set_nodelay(true))
        .and_then(|()| limit_send_buffer(&stream));
    if let Err(error) = ready {
        tracing::debug!(%error, "a connection ended before its first request");
        return;
    }
    // In a box, so that a connection without a request stays small.
    Box::pin(serve_requests(
        stream,
        router,
        limits,
        closing,
        (connection, activity),
    ))
    .await;
}

/// Serves the requests of a connection.
async fn serve_requests(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut closing: watch::Receiver<bool>,
    (connection, activity): (Arc<Connection>, Arc<Activity>),
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_headers(limits.headers)
        .max_buf_size(BUFFER);
    let stream = GuardedStream::new(stream, Arc::clone(&connection), limits);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        connection.request_began(is_large(request.body()));
        request.extensions_mut().insert(Arc::clone(&connection));
        let (answer, in_progress) = (
            router.clone().oneshot(request),
            InProgress::begin(&activity),
        );
        let connection = Arc::clone(&connection);
        async move {
            let answer = answer.await;
            drop(in_progress);
            connection.request_ended();
            answer
        }
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = closing.wait_for(|closing| *closing) => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Keeps the system from taking megabytes of answers for a client that does not read them.
#[cfg(unix)]
fn limit_send_buffer(stream: &TcpStream) -> io::Result<()> {
    rustix::net::sockopt::set_socket_send_buffer_size(stream, SEND_BUFFER).map_err(Into::into)
}

#[cfg(not(unix))]
fn limit_send_buffer(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

/// Whether a body is worth reading in large pieces.
fn is_large(body: &Incoming) -> bool {
    body.size_hint()
        .upper()
        .is_none_or(|most| most > LARGE_BODY)
}
