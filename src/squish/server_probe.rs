//! Whether a Squish server answers at its address.

use std::{
    io::{self, ErrorKind},
    time::Duration,
};

use tokio::{net::TcpStream, time};

use crate::runner::squishrunner::squish_address::SquishAddress;

/// How long to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a new connection must stand: a process that is being killed may still have accepted it.
const STANDS: Duration = Duration::from_millis(300);

/// Connects and disconnects again. An error says in a few words why there was no connection.
pub(super) async fn answers(address: &SquishAddress) -> Result<(), String> {
    match time::timeout(PATIENCE, connect(address)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(match error.kind() {
            ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            ErrorKind::ConnectionReset => "connection reset".to_owned(),
            _ => error.to_string(),
        }),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

async fn connect(address: &SquishAddress) -> io::Result<()> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
    match time::timeout(STANDS, stream.peek(&mut [0])).await {
        Ok(Err(error)) => Err(error),
        // It sends something, disconnects in order or waits for us: a server is there.
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}
