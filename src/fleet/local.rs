//! A squishserver port of this machine, and its registration at the service.

use std::{net::Ipv4Addr, path::PathBuf, time::Duration};

use tokio::{net::TcpStream, time};

use super::difference::ServerAddress;
use crate::{
    client::{Client, ClientError},
    failure::Failure,
    model::{Port, SquishServer},
};

/// How long a connection to this machine may take.
const CONNECT: Duration = Duration::from_secs(2);

/// A squishserver of this machine.
#[derive(Clone, Debug)]
pub(crate) struct LocalServer {
    pub(crate) port: Port,
    /// The program, if it is not to be searched for.
    pub(crate) program: Option<PathBuf>,
}

impl LocalServer {
    /// Whether a process listens on the port.
    pub(crate) async fn is_open(&self) -> bool {
        let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port.get()));
        matches!(time::timeout(CONNECT, connecting).await, Ok(Ok(_)))
    }
}

/// The service that registers the Squish servers of this machine.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) client: Client,
    /// The name of this machine at the service.
    pub(crate) host: String,
}

impl Registry {
    /// Without a host name, a service on this machine gets the loopback address.
    pub(crate) fn new(client: Client, host: Option<String>) -> Result<Self, Failure> {
        let host = match host {
            Some(host) => host,
            None if client.endpoint().is_loopback() => Ipv4Addr::LOCALHOST.to_string(),
            None => {
                return Err(Failure::usage_text(
                    "the service is on another machine, and the name of this machine is not set",
                )
                .help("give --host NAME, as workers reach this machine"));
            }
        };
        Ok(Self { client, host })
    }

    /// The registrations of a port of this machine; several if the service has duplicates.
    pub(crate) async fn registered(&self, port: Port) -> Result<Vec<SquishServer>, ClientError> {
        let wanted = ServerAddress::of(&self.host, &port.to_string());
        let mut list = self.client.squish_servers().await?;
        list.retain(|server| ServerAddress::of(&server.host, &server.port) == wanted);
        Ok(list)
    }
}
