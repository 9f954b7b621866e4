//! The service of the Test Plan Execution API over a store: routes, access, limits, long polls and shutdown.
//!
//! One table (`operations`) makes both the router and the OpenAPI document. Handlers are typed: body in, answer out;
//! every response is built in `json_response`. The same router answers over a socket ([`Service::serve`]) and inside the
//! process ([`Service::in_process`]).

mod accept_loop;
mod access;
mod action_handlers;
mod actions;
mod badges;
mod connections;
mod health;
mod housekeeping;
mod http_error;
mod imports;
mod job_notes;
mod json_response;
mod label_sets;
mod lease_handlers;
mod lease_requests;
mod limits;
mod list_handlers;
mod listings;
mod live_pages;
mod live_streams;
mod live_workers;
mod log_limit;
mod long_poll;
mod open_files;
mod openapi;
mod operation;
mod operations;
mod page_actions;
mod page_forms;
mod page_handlers;
mod page_request;
mod page_response;
mod page_routes;
mod page_sessions;
mod parameters;
mod plan_before;
mod plan_forecast;
mod plan_handlers;
mod plan_reader;
mod refused_logins;
mod request_body;
mod request_parts;
mod routes;
mod server_handlers;
mod service_state;
mod template_handlers;
mod test_pages;
mod to_page;
mod to_wire;
mod upload_faults;
mod waiting_clients;
mod waiting_handlers;
mod worker_jobs;

use std::{convert::Infallible, future::Future, sync::Arc};

use axum::{Router, body::Body};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

pub use access::{Access, Principal};
pub use imports::ImportStorage;
pub use limits::{Limits, StreamLimits};
pub use open_files::raise_open_files;

use crate::{
    clock::ServiceClock,
    files::StorageError,
    model::Timestamp,
    store::{Store, StoreError},
};
use service_state::ServiceState;

/// The service. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Service {
    shared: Arc<ServiceState>,
    router: Router,
}

impl Service {
    /// A service over `store`. Starts its housekeeping, so it must be called inside a tokio runtime; housekeeping ends with
    /// [`Self::close`] or when the last clone is dropped.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<ServiceClock>,
        access: Access,
        limits: Limits,
    ) -> Self {
        let shared = Arc::new(ServiceState::new(store, clock, access, limits));
        let router = routes::router(&shared);
        Self { shared, router }
    }

    /// Answers below `path` too, such as `/ci`, and has the links of its pages begin with it: for a proxy that serves other
    /// things beside. Call it before it serves.
    #[must_use]
    pub fn below(mut self, path: &str) -> Self {
        self.shared.set_base_path(path.to_owned());
        self.router = routes::router(&self.shared);
        self
    }

    /// Has the answers about plans name their pages below `url`, such as `https://ci.example/testplan`. Without this call, and for
    /// an empty one, they name none, and clients take the address at which they call the service.
    #[must_use]
    pub fn seen_at(self, url: &str) -> Self {
        self.shared.set_public_url(url.to_owned());
        self
    }

    /// Has badges be shown to everyone, without a login.
    #[must_use]
    pub fn with_public_badges(self) -> Self {
        self.shared.publish_badges();
        self
    }

    /// Stores uploads in `place`, and removes what killed processes left there, now and every hour. Without this call
    /// `POST /import` answers 404.
    ///
    /// # Errors
    /// If the place cannot be read, or an incomplete upload in a folder cannot be removed.
    pub async fn keep_imports(&self, place: ImportStorage) -> Result<(), StorageError> {
        self.shared.keep_imports(place).await
    }

    /// What it serves, for what no call of the API does.
    pub(crate) fn store(&self) -> &dyn Store {
        self.shared.store()
    }

    /// The time by its clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// The routes, for another HTTP server.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The service without a socket.
    pub fn in_process(&self) -> InProcess {
        InProcess {
            router: self.router.clone(),
        }
    }

    /// Serves on `listener` until `shutdown`. From then on `/readyz` is 503. After [`Limits::unready`] it drains: it refuses new
    /// work and answers long polls, but serves heartbeats and results until no client is connected or [`Limits::drain`] is
    /// over. Then it closes the store.
    ///
    /// Dropping the future instead aborts all connections and leaves the store open.
    ///
    /// # Errors
    /// If closing the store fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), StoreError> {
        accept_loop::serve(&self.shared, &self.router, listener, shutdown).await;
        self.close().await
    }

    /// Refuses new work, answers all long polls, waits for running calls of the store, and closes it.
    ///
    /// # Errors
    /// If closing the store fails.
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
    /// Answers a request. Only path and query of the URI count. Bodies are not copied.
    pub async fn call(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        self.answer(request.map(Body::from)).await
    }

    /// Answers a request whose body is a stream.
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
