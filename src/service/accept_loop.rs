//! The accept loop: bounded connections, bounded heads, and a graceful shutdown.

use std::{
    collections::HashMap,
    future::{Future, pending},
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
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{Id, JoinSet},
    time::{sleep, timeout},
};
use tower::ServiceExt as _;

use super::{limits::Limits, service_state::ServiceState};

/// Size of the input buffer of a connection; a longer head is answered 431.
const BUFFER: usize = 64 * 1024;
/// Pause of the accept loop when the system is out of file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// How long running requests may take after the drain.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves until `shutdown` and through the drain. The store is left open.
pub(super) async fn serve(
    shared: &ServiceState,
    router: &Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let mut connections = Connections::new(router.clone(), shared.limits);
    {
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

/// All open connections. One task owns it: no locks.
struct Connections {
    router: Router,
    limits: Limits,
    closing: watch::Sender<bool>,
    tasks: JoinSet<()>,
    peers: Peers,
    activity: Arc<Activity>,
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

impl Connections {
    fn new(router: Router, limits: Limits) -> Self {
        Self {
            router,
            limits,
            closing: watch::Sender::new(false),
            tasks: JoinSet::new(),
            peers: Peers::new(limits.connections_per_ip),
            activity: Arc::default(),
        }
    }

    /// Waits for a new connection or the end of one.
    async fn step(&mut self, listener: &TcpListener) {
        let accepted = tokio::select! {
            biased;
            Some(ended) = self.tasks.join_next_with_id() => {
                self.peers.leave(ended.map_or_else(|error| error.id(), |(id, ())| id));
                return;
            }
            accepted = listener.accept(), if self.tasks.len() < self.limits.connections => accepted,
            else => return pending().await,
        };
        match accepted {
            Ok((stream, peer)) => {
                let ip = peer.ip().to_canonical();
                if self.peers.is_full(ip) {
                    tracing::warn!(%ip, "too many connections from one address: closed one");
                    return;
                }
                let connection = serve_connection(
                    stream,
                    self.router.clone(),
                    self.limits,
                    self.closing.subscribe(),
                    Arc::clone(&self.activity),
                );
                let task = self.tasks.spawn(connection);
                self.peers.enter(task.id(), ip);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                // Other errors, such as too few file descriptors, persist and would make the loop spin.
                if !matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
                ) {
                    sleep(EXHAUSTED).await;
                }
            }
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
    activity: Arc<Activity>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended before its first request");
        return;
    }
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_headers(limits.headers)
        .max_buf_size(BUFFER);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (answer, in_progress) = (
            router.clone().oneshot(request),
            InProgress::begin(&activity),
        );
        async move {
            let answer = answer.await;
            drop(in_progress);
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

/// How many connections each address has.
struct Peers {
    limit: usize,
    of: HashMap<Id, IpAddr>,
    count: HashMap<IpAddr, usize>,
}

impl Peers {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            of: HashMap::new(),
            count: HashMap::new(),
        }
    }

    /// Whether an address reached its limit. Loopback has none.
    fn is_full(&self, ip: IpAddr) -> bool {
        !ip.is_loopback()
            && self
                .count
                .get(&ip)
                .is_some_and(|count| *count >= self.limit)
    }

    fn enter(&mut self, task: Id, ip: IpAddr) {
        self.of.insert(task, ip);
        *self.count.entry(ip).or_default() += 1;
    }

    fn leave(&mut self, task: Id) {
        let Some(ip) = self.of.remove(&task) else {
            return;
        };
        if let Some(count) = self.count.get_mut(&ip) {
            *count -= 1;
            if *count == 0 {
                self.count.remove(&ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::{IpAddr, Peers};

    #[tokio::test]
    async fn connections_per_address_are_limited_except_loopback() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let (far, other) = (ip("192.0.2.1"), ip("2001:db8::1"));
        let task = || tokio::spawn(ready(())).id();
        let mut peers = Peers::new(2);
        let (first, second) = (task(), task());
        peers.enter(first, far);
        assert!(!peers.is_full(far));
        peers.enter(second, far);
        assert!(peers.is_full(far));
        assert!(!peers.is_full(other), "each address counts separately");
        for _ in 0..5 {
            peers.enter(task(), ip("127.0.0.1"));
        }
        assert!(!peers.is_full(ip("127.0.0.1")));
        peers.leave(first);
        peers.leave(first);
        assert!(!peers.is_full(far));
        peers.leave(second);
        assert!(
            !peers.count.contains_key(&far),
            "no entry stays for a closed connection"
        );
    }
}
