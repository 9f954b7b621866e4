//! The way to the service, looked at step by step. Nothing is changed there.

mod judge;

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    cli::{args::ServiceArgs, context, settings},
    client::{
        Client, ClientError, ConnectionCheck, ConnectionError, Endpoint, HttpOptions,
        HttpTransport, Patience, Reached, proxy_of,
    },
    config::{
        credential_sources::FoundCredentials,
        environment::Environment,
        precedence::{Chosen, Setting},
    },
    failure::Failure,
    model::SquishServer,
};

pub use judge::{judge, judge_access};

/// One request of a check.
const REQUEST: Duration = Duration::from_secs(9);

/// What flags and variables say of the service. Nothing was sent yet.
#[derive(Debug)]
pub struct Setup {
    /// Where it is, and who says so; `None` if nobody does.
    pub named: Result<Option<Chosen<Endpoint>>, Failure>,
    /// Who we are, if anybody.
    pub credentials: Result<Option<FoundCredentials>, Failure>,
    /// The authority that is trusted beside those of the system.
    pub ca_cert: Option<PathBuf>,
    /// What requests are sent with.
    pub transport: Result<HttpTransport, Failure>,
    /// Whether credentials may travel unencrypted.
    pub allow_http: bool,
    /// The proxy between us and the service.
    pub proxy: Option<String>,
}

/// How far the way was gone; each step needs the one before.
#[derive(Clone, Debug, Default)]
pub struct Way {
    /// The connection; `None` if a proxy makes it, or nobody is named.
    pub reached: Option<Result<Reached, ConnectionError>>,
    /// Who answered.
    pub knock: Option<Result<ConnectionCheck, ConnectionError>>,
}

impl Way {
    /// Who answered, if somebody did.
    pub fn answered(&self) -> Option<&ConnectionCheck> {
        self.knock.as_ref().and_then(|knock| knock.as_ref().ok())
    }
}

/// What came of asking for the registered Squish servers.
pub type Access = Result<Vec<SquishServer>, ClientError>;

impl Setup {
    /// Weighs flags and variables.
    pub fn of(args: &ServiceArgs, environment: &Environment) -> Self {
        let named = named(args, environment);
        let (ca_cert, transport) = transport(args, environment);
        let proxy = match &named {
            Ok(Some(chosen)) => proxy_of(&chosen.value, environment.lookup()),
            Ok(None) | Err(_) => None,
        };
        Self {
            named,
            credentials: settings::found_credentials(args.token_file.as_deref(), environment),
            ca_cert,
            transport,
            allow_http: args.allow_http,
            proxy,
        }
    }

    /// The endpoint, where there is a good one.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        let named = self.named.as_ref().ok()?.as_ref()?;
        Some(&named.value)
    }

    /// Goes to the service and knocks, without credentials.
    pub async fn go(&self) -> Way {
        let (Some(endpoint), Ok(transport)) = (self.endpoint(), &self.transport) else {
            return Way::default();
        };
        let reached = match self.proxy {
            Some(_) => None,
            None => Some(transport.reach(endpoint).await),
        };
        let knock = match reached {
            Some(Err(_)) => None,
            Some(Ok(_)) | None => Some(transport.check_connection(endpoint).await),
        };
        Way { reached, knock }
    }

    /// A client that gives up soon. `None` if there is nobody to speak to, or nothing to speak with.
    pub fn client(&self, patience: Option<Duration>) -> Option<Result<Client, Failure>> {
        let endpoint = self.endpoint()?.clone();
        let (Ok(transport), Ok(found)) = (&self.transport, &self.credentials) else {
            return None;
        };
        let credentials = found.as_ref().map(|found| found.credentials.clone());
        // With patience half of the time is for one try, and half for more of them.
        let service = patience.unwrap_or_default().min(REQUEST / 2);
        let request = if service.is_zero() {
            REQUEST
        } else {
            REQUEST / 2
        };
        let patience = Patience {
            service,
            finish: service,
            request,
        };
        let client = Client::new(Arc::new(transport.clone()), endpoint, credentials, patience);
        Some(client.map_err(Failure::from))
    }
}

fn named(
    args: &ServiceArgs,
    environment: &Environment,
) -> Result<Option<Chosen<Endpoint>>, Failure> {
    let text = |text: &str| Ok::<_, String>(text.to_owned());
    let chosen = Setting::URL.choose(args.url.clone(), environment, text, None);
    let Some(chosen) = chosen.map_err(Failure::usage)? else {
        return Ok(None);
    };
    Ok(Some(Chosen {
        value: Endpoint::parse(&chosen.value, args.allow_http)?,
        origin: chosen.origin,
    }))
}

fn transport(
    args: &ServiceArgs,
    environment: &Environment,
) -> (Option<PathBuf>, Result<HttpTransport, Failure>) {
    let file = match context::choose_path(Setting::CA_CERT, args.ca_cert.as_ref(), environment) {
        Ok(file) => file,
        Err(failure) => return (None, Err(failure)),
    };
    let pem = file
        .as_deref()
        .map(|file| settings::read(file, "--ca-cert"));
    let transport = pem.transpose().and_then(|pem| {
        let ca_cert_pem = pem.map(Into::into);
        HttpTransport::new(&HttpOptions { ca_cert_pem }).map_err(Failure::from)
    });
    (file, transport)
}
