//! The client of the Test Plan Execution API: one method per endpoint over a [`Transport`].
//!
//! Retries are a rule of each endpoint (`retry`), never of the transport; `executeplan` and `reserve` are not repeated
//! blindly. `answer` tolerates quirks of answers, `error` has the text for users. There is no circuit breaker for the
//! service: every wait has a budget and a growing, jittered pause, so that a dead service sees one request per worker every
//! few seconds, and a breaker could only delay a result that must be delivered. Of several URLs of the service, those that
//! failed are avoided for a while (`routes`), but never all of them.

mod answer;
mod authorization;
mod call;
mod done_field;
mod endpoint;
mod endpoints;
mod error;
mod execute;
mod file_kind;
mod http_transport;
mod import;
mod lease_lists;
mod leases;
mod patience;
mod plans;
mod proxy;
mod quoted_text;
mod recovery;
mod redirect;
mod reserve;
mod reserve_many;
mod retry_budget;
mod retry_rule;
mod route_table;
mod routes;
mod service_kind;
mod setup;
mod squish_servers;
mod test_lists;
mod testplan_calls;
mod transport;
mod upload_body;
mod upload_form;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use authorization::Authorization;
use recovery::ServiceHealth;
use routes::Routes;
use service_kind::SharedKind;

pub use authorization::CredentialKind;
pub(crate) use done_field::DoneField;
pub use endpoint::Endpoint;
pub use endpoints::Endpoints;
pub use error::{ClientError, ErrorKind, RedirectTarget};
pub use execute::StartPlan;
pub use file_kind::{UnknownKind, UploadFileKind};
pub(crate) use http_transport::connection_check::{ConnectionCheck, ConnectionError, Reached};
pub use http_transport::{HttpOptions, HttpTransport, install_tls_provider};
pub use import::Imported;
pub use lease_lists::LeaseRenewal;
pub use leases::{LeaseRelease, ResultDelivery};
pub use patience::{Patience, RetryNotice};
pub(crate) use proxy::proxy_of;
pub use reserve::{BatchOptions, Granted, Reservation, Reservations, ReserveOptions};
pub use service_kind::ServiceKind;
pub use setup::SetupError;
pub use test_lists::PlanTests;
pub use transport::{Addresses, Connect, Sending, Sent, Transport, TransportError};
pub use upload_body::{BytesSent, UnclearOutcome, UploadBody};
pub use upload_form::{Import, UploadFile, UploadForm};

pub use crate::credentials::{CredentialSource, Credentials};
use crate::text::web_address;

type Watcher = dyn Fn(&RetryNotice<'_>) + Send + Sync;

/// Speaks the API to one service as one user. Cheap to clone; clones share counter and knowledge of the service.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    watcher: Option<Arc<Watcher>>,
    /// The page of the CI job that this process is part of.
    job: Option<Arc<str>>,
}

struct Shared {
    transport: Arc<dyn Transport>,
    routes: Routes,
    authorization: Authorization,
    patience: Patience,
    service_kind: SharedKind,
    health: ServiceHealth,
    requests: AtomicU64,
}

impl Client {
    /// A client that has sent nothing yet. Refuses credentials that cannot be sent, or that would go over plain
    /// `http://` to another machine, unless [`Endpoint::parse`] was allowed to. All URLs get the same credentials.
    pub fn new(
        transport: Arc<dyn Transport>,
        endpoints: impl Into<Endpoints>,
        credentials: impl Into<Option<Credentials>>,
        patience: Patience,
    ) -> Result<Self, SetupError> {
        let endpoints = endpoints.into();
        let authorization = Authorization::new(credentials.into())?;
        if authorization.header().is_some() {
            endpoints.accept_credentials()?;
        }
        Ok(Self {
            shared: Arc::new(Shared {
                transport,
                routes: Routes::new(endpoints),
                authorization,
                patience,
                service_kind: SharedKind::default(),
                health: ServiceHealth::default(),
                requests: AtomicU64::new(0),
            }),
            watcher: None,
            job: None,
        })
    }

    /// The same client; it calls `watcher` before each pause between two tries, so that no wait is silent.
    pub fn watched(self, watcher: impl Fn(&RetryNotice<'_>) + Send + Sync + 'static) -> Self {
        Self {
            watcher: Some(Arc::new(watcher)),
            ..self
        }
    }

    /// The same client; it tells `testplan serve` the page of the CI job in which its workers run, so that people find their log. What is
    /// no address of the web is left out.
    #[must_use]
    pub fn in_job(self, url: Option<&str>) -> Self {
        let job = url.and_then(web_address).map(Arc::from);
        Self { job, ..self }
    }

    /// The same client; from now on it presents what `source` holds. Clones share it.
    pub fn following(self, source: Arc<dyn CredentialSource>) -> Self {
        self.shared.authorization.follow(source);
        self
    }

    /// Where the service is: of several URLs the one that was answered last.
    pub fn endpoint(&self) -> &Endpoint {
        self.shared.routes.current()
    }

    /// All URLs of the service.
    pub fn endpoints(&self) -> &Endpoints {
        self.shared.routes.endpoints()
    }

    /// Which service answers, as far as answers were understood.
    pub fn service_kind(&self) -> ServiceKind {
        self.shared.service_kind.get()
    }

    /// Whether the service is known to be testplan's own.
    pub(crate) fn is_testplan(&self) -> bool {
        self.service_kind() == ServiceKind::Testplan
    }

    /// How many requests were handed to the transport so far, by this client and its clones.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    fn patience(&self) -> &Patience {
        &self.shared.patience
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoints", self.endpoints())
            .field("credentials", &self.shared.authorization.kind())
            .field("service", &self.service_kind())
            .field("requests", &self.requests())
            .finish_non_exhaustive()
    }
}
