//! The service inside this process: what `run` uses when no URL is given.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;

use super::plans::Published;
use crate::{
    client::{Client, Credentials, Endpoint, Patience, Sending, Transport, Upload},
    clock::{self, ServiceClock},
    failure::Failure,
    service::{Access, ImportPlace, InProcess, Limits, Service},
    store::{
        Rules, Store,
        sqlite::{Durability, SqliteStore},
    },
};

/// How long a service inside this process may fail.
const PATIENCE: Duration = Duration::from_secs(5);

/// The client's network seam, answered by the service's own router.
#[derive(Debug)]
struct InProcessTransport(InProcess);

impl Transport for InProcessTransport {
    fn send(&self, request: http::Request<Bytes>, _limit: Duration) -> Sending<'_> {
        Box::pin(async move { Ok(self.0.call(request).await) })
    }

    fn upload(&self, request: http::Request<Upload>, _stall: Duration) -> Sending<'_> {
        Box::pin(async move { Ok(self.0.call_streamed(request).await) })
    }
}

/// A service that lives as long as this value.
#[derive(Debug)]
pub struct Embedded {
    /// Speaks to it.
    pub client: Client,
    service: Service,
}

impl Embedded {
    /// Opens the store beside the run's other files and makes the templates and Squish servers known.
    ///
    /// Durability is `Normal`: a killed process loses nothing, and a power loss ends the run as well.
    pub async fn start(file: &Path, published: Published) -> Result<Self, Failure> {
        let (store, opened) =
            SqliteStore::open(file, Durability::Normal, Rules::default(), clock::wall())
                .map_err(Failure::infrastructure)?;
        let store: Arc<dyn Store> = Arc::new(store);
        let clock = Arc::new(ServiceClock::starting_at(opened.high_water));
        published.publish(store.as_ref(), clock.now()).await?;
        let service = Service::new(store, clock, Access::InProcess, Limits::default());
        let imports = ImportPlace {
            folder: file.with_file_name("imports"),
            durable: false,
            limit: ImportPlace::LIMIT,
        };
        service
            .keep_imports(imports)
            .map_err(Failure::infrastructure)?;
        let transport = Arc::new(InProcessTransport(service.in_process()));
        // No socket is opened: only the path of this URL is looked at.
        let endpoint = Endpoint::parse("http://localhost", false)?;
        // No network is in between: what it cannot do after some seconds, it cannot do, as on a full disk.
        let patience = Patience {
            service: PATIENCE,
            finish: PATIENCE,
            ..Patience::default()
        };
        let client = Client::new(transport, endpoint, Credentials::None, patience)?;
        Ok(Self { client, service })
    }

    /// Finishes what the store has and leaves its files clean.
    pub async fn close(self) -> Result<(), Failure> {
        self.service.close().await.map_err(Failure::infrastructure)
    }
}
