//! What `servers start` and `servers stop` have in common: a port of this machine, and its registration.

use std::{net::Ipv4Addr, time::Duration};

use clap::Args;
use tokio::{net::TcpStream, time};

use super::{
    super::{args::ServiceArgs, connect, failure::Failure, screen::Screen},
    difference::Address,
};
use crate::{
    client::{Client, ClientError},
    config::environment::Environment,
    model::SquishServer,
};

/// How long a connection to this machine may take.
const CONNECT: Duration = Duration::from_secs(2);

/// Which squishserver of this machine.
#[derive(Args, Debug)]
pub struct LocalArgs {
    #[command(flatten)]
    pub(super) service: ServiceArgs,
    /// Port of the squishserver.
    #[arg(long, default_value_t = 4322, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) port: u16,
    /// What workers call this machine [default: 127.0.0.1, where the service is on this machine too].
    #[arg(long, value_name = "NAME")]
    pub(super) host: Option<String>,
    /// The program [default: below `SQUISH_PREFIX`, or in `PATH`].
    #[arg(long, value_name = "FILE")]
    pub(super) squishserver: Option<std::path::PathBuf>,
}

/// The service that registers the Squish servers of this machine.
#[derive(Debug)]
pub(super) struct Registry {
    pub(super) client: Client,
    /// What this machine is called there.
    pub(super) host: String,
}

impl LocalArgs {
    /// The service, if one is named.
    pub(super) fn registry(
        &self,
        environment: &Environment,
        screen: &Screen,
    ) -> Result<Option<Registry>, Failure> {
        if !connect::names_a_service(&self.service, environment)? {
            return Ok(None);
        }
        let client = connect::client(&self.service, environment, screen)?;
        let host = match &self.host {
            Some(host) => host.clone(),
            None if client.endpoint().is_loopback() => Ipv4Addr::LOCALHOST.to_string(),
            None => {
                return Err(Failure::usage_text(
                    "the service is on another machine, and nobody says what this one is called",
                )
                .help("give --host NAME, as workers reach this machine"));
            }
        };
        Ok(Some(Registry { client, host }))
    }

    /// Whether anybody listens on the port of this machine.
    pub(super) async fn is_open(&self) -> bool {
        let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        matches!(time::timeout(CONNECT, connecting).await, Ok(Ok(_)))
    }
}

impl Registry {
    /// What is registered under the name of this machine and a port; more than one where the service has it twice.
    pub(super) async fn registered(&self, port: u16) -> Result<Vec<SquishServer>, ClientError> {
        let wanted = Address::of(&self.host, &port.to_string());
        let mut list = self.client.squish_servers().await?;
        list.retain(|server| Address::of(&server.host, &server.port) == wanted);
        Ok(list)
    }
}
