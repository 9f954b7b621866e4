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
    files::{Bucket, FileStore, FolderStore, StorageError},
    listing::catalog::Catalog,
    service::{Access, ImportStorage, InProcess, Limits, Service},
    store::{
        Rules, Store, StoreError,
        postgres::{PostgresStore, Target},
        sqlite::{Durability, LossPolicy, SqliteStore},
    },
};

/// The name of the database in the data folder of `testplan serve`.
pub(crate) const DATABASE: &str = "testplan.sqlite";

/// The name of the database that `testplan run` keeps in its `--out` folder.
pub(crate) const LOCAL_DATABASE: &str = "service.sqlite";

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

/// Where a service keeps its state.
#[derive(Debug)]
pub(crate) enum Database {
    /// A SQLite file, for one process.
    Sqlite {
        file: PathBuf,
        durability: Durability,
        /// What to do when acknowledged changes are missing.
        loss_policy: LossPolicy,
    },
    /// A PostgreSQL database, for any number of replicas.
    Postgres(Box<Target>),
}

/// Where a service keeps uploads; replicas share it.
#[derive(Debug)]
pub(crate) enum UploadPlace {
    Folder(PathBuf),
    Bucket(Bucket),
}

impl UploadPlace {
    /// The place, after a check of a bucket.
    async fn open(self, durable: bool, is_shared: bool) -> Result<FileStore, Failure> {
        match self {
            Self::Folder(path) => Ok(FileStore::Folder(FolderStore {
                path,
                durable,
                is_shared,
            })),
            Self::Bucket(bucket) => {
                let check = bucket.check().await.map_err(StorageError::from);
                if !check.map_err(storage_failure)?.creates_once {
                    tracing::warn!(
                        "{} does not obey If-None-Match: it overwrites objects that should be created once; two uploads \
                         keep apart by random names alone",
                        bucket.place()
                    );
                }
                Ok(FileStore::Bucket(bucket))
            }
        }
    }
}

/// The failure of a command that cannot use the place of uploads.
pub(crate) fn storage_failure(error: StorageError) -> Failure {
    let help = error.fault.advice();
    Failure::infrastructure(error).help(help)
}

/// How a service is opened.
#[derive(Debug)]
pub(crate) struct ServiceOptions {
    pub(crate) database: Database,
    pub(crate) uploads: UploadPlace,
    pub(crate) rules: Rules,
    pub(crate) access: Access,
    pub(crate) limits: Limits,
    /// Most bytes of one upload.
    pub(crate) import_limit: u64,
    /// What the paths of its pages begin with; empty at the root.
    pub(crate) base_path: String,
    /// Where its pages are for people; empty if that is where clients call it.
    pub(crate) public_url: String,
    /// Whether badges are shown without a login.
    pub(crate) public_badges: bool,
}

impl ServiceOptions {
    /// A service for this process alone. `Durability::Normal` is enough: a killed process loses nothing, and a power loss
    /// ends the run as well.
    pub(crate) fn new(file: PathBuf) -> Self {
        Self {
            uploads: UploadPlace::Folder(file.with_file_name("imports")),
            database: Database::Sqlite {
                file,
                durability: Durability::Normal,
                loss_policy: LossPolicy::Ignore,
            },
            rules: Rules::default(),
            access: Access::InProcess,
            limits: Limits::default(),
            import_limit: ImportStorage::LIMIT,
            base_path: String::new(),
            public_url: String::new(),
            public_badges: false,
        }
    }

    /// Opens the store and publishes templates and Squish servers.
    pub(crate) async fn open(self, catalog: Catalog) -> Result<Service, Failure> {
        let durable = !matches!(
            self.database,
            Database::Sqlite {
                durability: Durability::Normal,
                ..
            }
        );
        let is_shared = matches!(self.database, Database::Postgres(_));
        let (store, clock) = open_store(self.database, self.rules).await?;
        let clock = Arc::new(clock);
        catalog.publish(store.as_ref(), clock.now()).await?;
        let files = self.uploads.open(durable, is_shared).await?;
        let service = Service::new(store, clock, self.access, self.limits)
            .below(&self.base_path)
            .seen_at(&self.public_url);
        let service = if self.public_badges {
            service.with_public_badges()
        } else {
            service
        };
        let imports = ImportStorage {
            files,
            limit: self.import_limit,
        };
        let kept = service.keep_imports(imports).await;
        kept.map_err(storage_failure)?;
        Ok(service)
    }
}

/// Opens a store, and the clock of its times.
async fn open_store(
    database: Database,
    rules: Rules,
) -> Result<(Arc<dyn Store>, ServiceClock), Failure> {
    match database {
        Database::Sqlite {
            file,
            durability,
            loss_policy,
        } => {
            let opened =
                SqliteStore::open_with(&file, durability, rules, clock::wall(), loss_policy);
            let (store, opened) = opened.map_err(store_failure)?;
            let clock = ServiceClock::starting_at(opened.high_water).leading(store.clock_lead());
            Ok((Arc::new(store), clock))
        }
        Database::Postgres(target) => {
            let opening = tokio::task::spawn_blocking(move || PostgresStore::open(*target, rules));
            let opened = opening.await.map_err(Failure::infrastructure)?;
            let (store, opened) = opened.map_err(store_failure)?;
            let clock = ServiceClock::following(opened.clock).leading(store.clock_lead());
            Ok((Arc::new(store), clock))
        }
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

    fn is_in_process(&self) -> bool {
        true
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
