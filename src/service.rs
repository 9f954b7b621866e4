//! The service of the Test Plan Execution API over a store: routes, access, limits, long polls and shutdown.
//!
//! One table of operations (`table`) makes both the router and the OpenAPI document. Handlers are typed: body
//! in, answer out; every response is built in `answer`. The same router answers over a socket ([`Service::serve`])
//! and inside the process ([`Service::in_process`]).

mod access;
mod health;
mod housekeeping;
mod http_error;
mod imports;
mod json_response;
mod lease_handlers;
mod limits;
mod listen;
mod listings;
mod long_poll;
mod openapi;
mod operation;
mod operations;
mod parameters;
mod plan_handlers;
mod request_body;
mod request_parts;
mod roster;
mod routes;
mod server_handlers;
mod shared;
mod template_handlers;
mod to_wire;
mod waiting;

use std::{convert::Infallible, future::Future, sync::Arc};

use axum::{Router, body::Body};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

pub use access::{Access, Principal};
pub use imports::ImportStorage;
pub use limits::Limits;

use crate::{
    clock::ServiceClock,
    store::{Store, StoreError},
};
use shared::Shared;

/// The service. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Service {
    shared: Arc<Shared>,
    router: Router,
}

impl Service {
    /// A service over `store`. Starts its beat (sweeping, and moving leases after the machine slept), so it is called
    /// inside a tokio runtime; the beat ends with [`Self::close`] or when the last clone is dropped.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<ServiceClock>,
        access: Access,
        limits: Limits,
    ) -> Self {
        let shared = Arc::new(Shared::new(store, clock, access, limits));
        let router = routes::router(&shared);
        Self { shared, router }
    }

    /// Keeps uploads in a place, and removes what a process left there that was killed over one. Without it `POST /import`
    /// answers 404.
    ///
    /// # Errors
    /// What removing that answers.
    pub fn keep_imports(&self, place: ImportStorage) -> std::io::Result<()> {
        self.shared.keep_imports(place)
    }

    /// The routes, for whoever brings a server of their own.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The service without a socket.
    pub fn in_process(&self) -> InProcess {
        InProcess {
            router: self.router.clone(),
        }
    }

    /// Serves on `listener` until `shutdown`, then drains: new work is refused, leases are served on until nobody is
    /// connected or [`Limits::drain`] is over, then the store is closed.
    ///
    /// Dropping the future instead breaks all connections and leaves the store open.
    ///
    /// # Errors
    /// What closing the store answers.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), StoreError> {
        listen::serve(&self.shared, &self.router, listener, shutdown).await;
        self.close().await
    }

    /// Takes no more work, answers all long polls, waits for what the store still does, and closes it.
    ///
    /// # Errors
    /// What closing the store answers.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.shared.close().await
    }
}

/// The service as a function: one request in, one whole response out.
#[derive(Clone, Debug)]
pub struct InProcess {
    router: Router,
}

impl InProcess {
    /// Answers a request. Only path and query of the URI count. Bodies are handed through without a copy.
    pub async fn call(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        self.answer(request.map(Body::from)).await
    }

    /// The same for a body that is read while it is made.
    pub async fn call_streamed<B>(&self, request: http::Request<B>) -> http::Response<Bytes>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.answer(request.map(Body::new)).await
    }

    async fn answer(&self, request: http::Request<Body>) -> http::Response<Bytes> {
        let answered: Result<_, Infallible> = self.router.clone().oneshot(request).await;
        let (parts, body) = match answered {
            Ok(response) => response.into_parts(),
        };
        let body = body
            .collect()
            .await
            .expect("bodies of this service are whole in memory");
        http::Response::from_parts(parts, body.to_bytes())
    }
}
