//! Whether anybody listens at a Squish server's address.

use std::{io::ErrorKind, time::Duration};

use tokio::{net::TcpStream, time};

use crate::runner::squish::settings::Address;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connects and hangs up again. An error says in a few words why there was no connection.
pub(super) async fn answers(address: &Address) -> Result<(), String> {
    let connecting = TcpStream::connect((address.host.as_str(), address.port));
    match time::timeout(PATIENCE, connecting).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
            Err("connection refused".to_owned())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}
