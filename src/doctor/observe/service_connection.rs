//! Connects to the service step by step and changes nothing there.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    client::{
        Client, ClientError, ConnectionCheck, ConnectionError, DoneField, Endpoint, HttpTransport,
        Patience, Reached, ServiceKind,
    },
    config::{credential_sources::FoundCredentials, precedence::Chosen},
    failure::Failure,
    model::{PlanId, SquishServer},
};

use super::plan_lookup::{self, PlanLookup};

/// Time limit of one check.
const LIMIT: Duration = Duration::from_secs(9);

/// What flags and variables say of the service.
#[derive(Debug)]
pub(crate) struct ServiceSetup {
    /// The address and its source; `None` if no service is named.
    pub(crate) named: Result<Option<Chosen<Endpoint>>, Failure>,
    pub(crate) credentials: Result<Option<FoundCredentials>, Failure>,
    pub(crate) ca_cert: Option<PathBuf>,
    pub(crate) transport: Result<HttpTransport, Failure>,
    pub(crate) allow_http: bool,
    pub(crate) patience: Option<Duration>,
    pub(crate) proxy: Option<String>,
}

/// How far the connection came; each step needs the one before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    /// The TCP connection; `None` if a proxy makes it, or no service is named.
    pub(crate) reached: Option<Result<Reached, ConnectionError>>,
    /// The answer to a request without credentials.
    pub(crate) answer: Option<Result<ConnectionCheck, ConnectionError>>,
}

impl Connection {
    pub(crate) fn answered(&self) -> Option<&ConnectionCheck> {
        self.answer.as_ref()?.as_ref().ok()
    }
}

/// The service's answers; `None` if it was not asked.
#[derive(Debug, Default)]
pub(crate) struct ServiceAnswers {
    pub(crate) client: Option<Client>,
    pub(crate) servers: Option<Result<Vec<SquishServer>, ClientError>>,
    pub(crate) template: Option<PlanLookup>,
    pub(crate) plan: Option<PlanLookup>,
    pub(crate) status: Option<Result<DoneField, ClientError>>,
    pub(crate) service: ServiceKind,
}

impl ServiceSetup {
    pub(crate) fn endpoint(&self) -> Option<&Endpoint> {
        let named = self.named.as_ref().ok()?.as_ref()?;
        Some(&named.value)
    }

    /// Whether no service is named, so that `testplan run` would start its own.
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self.named, Ok(None))
    }

    pub(super) async fn connect(&self) -> Connection {
        let (Some(endpoint), Ok(transport)) = (self.endpoint(), &self.transport) else {
            return Connection::default();
        };
        let reached = match self.proxy {
            Some(_) => None,
            None => Some(transport.reach(endpoint).await),
        };
        let answer = match reached {
            Some(Err(_)) => None,
            Some(Ok(_)) | None => Some(transport.check_connection(endpoint).await),
        };
        Connection { reached, answer }
    }

    /// Asks side by side, if the connection was answered.
    pub(super) async fn ask(
        &self,
        connection: &Connection,
        template: Option<(&str, &str)>,
        plan: Option<PlanId>,
    ) -> ServiceAnswers {
        let Some(client) = self.client().filter(|_| connection.answered().is_some()) else {
            return ServiceAnswers::default();
        };
        let look_up = async {
            let (project, title) = template?;
            Some(plan_lookup::by_title(&client, project, title).await)
        };
        let by_number = async { Some(plan_lookup::by_number(&client, plan?).await) };
        let status = async { Some(client.done_field(plan?).await) };
        let (servers, template, plan, status) =
            tokio::join!(client.squish_servers(), look_up, by_number, status);
        ServiceAnswers {
            service: client.service_kind(),
            servers: Some(servers),
            template,
            plan,
            status,
            client: Some(client),
        }
    }

    /// A client that gives up within the time limit of a check.
    fn client(&self) -> Option<Client> {
        let endpoint = self.endpoint()?.clone();
        let (Ok(transport), Ok(found)) = (&self.transport, &self.credentials) else {
            return None;
        };
        // With patience, half of the time is for the first try and half for retries.
        let service = self.patience.unwrap_or_default().min(LIMIT / 2);
        let request = if service.is_zero() { LIMIT } else { LIMIT / 2 };
        let patience = Patience {
            service,
            finish: service,
            request,
        };
        let transport = Arc::new(transport.clone());
        let credentials = found.as_ref().map(|found| found.credentials.clone());
        Client::new(transport, endpoint, credentials, patience).ok()
    }
}
