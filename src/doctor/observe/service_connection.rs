//! Connects to the service step by step and changes nothing there.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join_all;

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
    /// The URLs and their source, at least one; `None` if no service is named.
    pub(crate) named: Result<Option<Chosen<Vec<ServiceUrl>>>, Failure>,
    pub(crate) credentials: Result<Option<FoundCredentials>, Failure>,
    pub(crate) ca_cert: Option<PathBuf>,
    pub(crate) transport: Result<HttpTransport, Failure>,
    pub(crate) allow_http: bool,
    pub(crate) patience: Option<Duration>,
}

/// One of the URLs of the service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceUrl {
    pub(crate) endpoint: Endpoint,
    /// What stands between, without its password.
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
    /// Whether each URL accepts the credentials; `None` where there is no connection.
    pub(crate) accesses: Vec<Option<Result<(), ClientError>>>,
    pub(crate) servers: Option<Result<Vec<SquishServer>, ClientError>>,
    pub(crate) template: Option<PlanLookup>,
    pub(crate) plan: Option<PlanLookup>,
    pub(crate) status: Option<Result<DoneField, ClientError>>,
    pub(crate) service: ServiceKind,
}

impl ServiceSetup {
    /// The URLs; none if no service is named.
    pub(crate) fn urls(&self) -> &[ServiceUrl] {
        match &self.named {
            Ok(Some(named)) => &named.value,
            Ok(None) | Err(_) => &[],
        }
    }

    /// Whether no service is named, so that `testplan run` would start its own.
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self.named, Ok(None))
    }

    /// Connects to each URL, side by side.
    pub(super) async fn connect(&self) -> Vec<Connection> {
        let Ok(transport) = &self.transport else {
            return vec![Connection::default(); self.urls().len()];
        };
        let connecting = self.urls().iter().map(|url| async {
            let reached = match url.proxy {
                Some(_) => None,
                None => Some(transport.reach(&url.endpoint).await),
            };
            let answer = match reached {
                Some(Err(_)) => None,
                Some(Ok(_)) | None => Some(transport.check_connection(&url.endpoint).await),
            };
            Connection { reached, answer }
        });
        join_all(connecting).await
    }

    /// Asks side by side, where a connection was answered.
    pub(super) async fn ask(
        &self,
        connections: &[Connection],
        template: Option<(&str, &str)>,
        plan: Option<PlanId>,
    ) -> ServiceAnswers {
        let answering: Vec<Option<&Endpoint>> = self
            .urls()
            .iter()
            .zip(connections)
            .map(|(url, connection)| connection.answered().map(|_| &url.endpoint))
            .collect();
        let Some(client) = answering.iter().flatten().find_map(|it| self.client(it)) else {
            return ServiceAnswers::default();
        };
        let look_up = async {
            let (project, title) = template?;
            Some(plan_lookup::by_title(&client, project, title).await)
        };
        let by_number = async { Some(plan_lookup::by_number(&client, plan?).await) };
        let status = async { Some(client.done_field(plan?).await) };
        let lists = answering
            .iter()
            .map(|endpoint| async { Some(self.client((*endpoint)?)?.squish_servers().await) });
        let (lists, template, plan, status) =
            tokio::join!(join_all(lists), look_up, by_number, status);
        let accesses = lists.iter().map(|list| {
            let list = list.as_ref()?;
            Some(list.as_ref().map(drop).map_err(Clone::clone))
        });
        let accesses = accesses.collect();
        let mut lists: Vec<_> = lists.into_iter().flatten().collect();
        lists.sort_by_key(Result::is_err);
        ServiceAnswers {
            service: client.service_kind(),
            accesses,
            servers: lists.into_iter().next(),
            template,
            plan,
            status,
            client: Some(client),
        }
    }

    /// A client of one URL that gives up within the time limit of a check.
    fn client(&self, endpoint: &Endpoint) -> Option<Client> {
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
        Client::new(transport, endpoint.clone(), credentials, patience).ok()
    }
}
