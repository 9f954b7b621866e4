//! testplan's own service in this process: its store opened and its templates published.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use crate::{
    client::{Client, Endpoint, Patience, Sending, Transport, UploadBody},
    clock::{self, ServiceClock},
    failure::Failure,
    listing::catalog::Catalog,
    service::{Access, ImportStorage, InProcess, Limits, Service},
    store::{
        Rules, Store, StoreError,
        sqlite::{Durability, LossPolicy, SqliteStore},
    },
};

/// The name of the database in the data folder of `testplan serve`.
pub(crate) const DATABASE: &str = "testplan.sqlite";

/// The failure of a command that cannot use its store.
pub(crate) fn store_failure(error: StoreError) -> Failure {
    let help = match &error {
        StoreError::Lost(_) => Some(
            "put the missing files back or restore a backup; `testplan serve --accept-loss` goes on without what is lost",
        ),
        StoreError::Disk(fault) => Some(fault.advice()),
        _ => None,
    };
    let failure = Failure::infrastructure(error);
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// How a service is opened.
#[derive(Debug)]
pub(crate) struct ServiceOptions {
    /// The SQLite file. Uploads are kept in the folder `imports` beside it.
    pub(crate) file: PathBuf,
    pub(crate) durability: Durability,
    /// What to do when acknowledged changes are missing.
    pub(crate) loss_policy: LossPolicy,
    pub(crate) rules: Rules,
    pub(crate) access: Access,
    pub(crate) limits: Limits,
    /// Most bytes of one upload.
    pub(crate) import_limit: u64,
}

impl ServiceOptions {
    /// A service for this process alone. `Durability::Normal` is enough: a killed process loses nothing, and a power loss
    /// ends the run as well.
    pub(crate) fn new(file: PathBuf) -> Self {
        Self {
            file,
            durability: Durability::Normal,
            loss_policy: LossPolicy::Ignore,
            rules: Rules::default(),
            access: Access::InProcess,
            limits: Limits::default(),
            import_limit: ImportStorage::LIMIT,
        }
    }

    /// Opens the store and publishes templates and Squish servers.
    pub(crate) async fn open(self, catalog: Catalog) -> Result<Service, Failure> {
        let opened = SqliteStore::open_with(
            &self.file,
            self.durability,
            self.rules,
            clock::wall(),
            self.loss_policy,
        );
        let (store, opened) = opened.map_err(store_failure)?;
        let lead = store.clock_lead();
        let store: Arc<dyn Store> = Arc::new(store);
        let clock = Arc::new(ServiceClock::starting_at(opened.high_water).leading(lead));
        catalog.publish(store.as_ref(), clock.now()).await?;
        let service = Service::new(store, clock, self.access, self.limits);
        let imports = ImportStorage {
            folder: self.file.with_file_name("imports"),
            durable: self.durability == Durability::Full,
            limit: self.import_limit,
        };
        service
            .keep_imports(imports)
            .map_err(Failure::infrastructure)?;
        Ok(service)
    }
}

/// How long requests to a service in this process are retried.
const PATIENCE: Duration = Duration::from_secs(5);

/// The client's network seam, answered by the service's own router.
#[derive(Debug)]
struct InProcessTransport(InProcess);

impl Transport for InProcessTransport {
    fn send(&self, request: http::Request<Bytes>, _limit: Duration) -> Sending<'_> {
        Box::pin(async move { Ok(self.0.call(request).await) })
    }

    fn upload(&self, request: http::Request<UploadBody>, _stall: Duration) -> Sending<'_> {
        Box::pin(async move { Ok(self.0.call_streamed(request).await) })
    }
}

/// A service without a socket, which lives as long as this value.
#[derive(Debug)]
pub(crate) struct EmbeddedService {
    pub(crate) client: Client,
    service: Service,
}

impl EmbeddedService {
    /// Opens a service with its store in `file`.
    pub(crate) async fn start(file: &Path, catalog: Catalog) -> Result<Self, Failure> {
        let service = ServiceOptions::new(file.to_owned()).open(catalog).await?;
        let transport = Arc::new(InProcessTransport(service.in_process()));
        // No socket is opened: the transport reads only the path of this URL.
        let endpoint = Endpoint::parse("http://localhost", false)?;
        // There is no network between: an error that lasts for seconds, such as a full disk, does not go away.
        let patience = Patience {
            service: PATIENCE,
            finish: PATIENCE,
            ..Patience::default()
        };
        let client = Client::new(transport, endpoint, None, patience)?;
        Ok(Self { client, service })
    }

    /// Completes what the store has accepted and closes its files.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        self.service.close().await.map_err(Failure::infrastructure)
    }
}
