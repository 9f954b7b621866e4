//! The registry of Squish servers.

use std::sync::Arc;

use super::{
    actions,
    http_error::HttpError,
    request_parts::{EmptyBody, Object, RequestHead, capabilities, shortened},
    service_state::ServiceState,
};
use crate::{
    api::{
        reservation::Done,
        squish_server::{NewSquishServerRequest, SquishServerPatch, SquishServerResponse},
    },
    model::{NewSquishServer, Port, SquishServerChange},
};

/// The longest DNS name.
const MAX_HOST: usize = 253;

/// `GET squishservers`
pub(super) async fn list(
    shared: Arc<ServiceState>,
    _: RequestHead,
    _: EmptyBody,
) -> Result<Vec<SquishServerResponse>, HttpError> {
    let servers = shared.ask(|store, now| store.squish_servers(now)).await?;
    Ok(servers.into_iter().map(Into::into).collect())
}

/// `POST squishservers`
pub(super) async fn add(
    shared: Arc<ServiceState>,
    call: RequestHead,
    Object(body): Object<NewSquishServerRequest>,
) -> Result<SquishServerResponse, HttpError> {
    let server = NewSquishServer {
        host: body.host.map(host).transpose()?,
        port: port(&body.port)?,
        enabled: body.enabled,
        labels: capabilities("labels", body.labels)?,
    };
    let server = shared
        .ask(move |store, now| store.add_squish_server(server, now))
        .await?;
    actions::note_server(&shared, "register", &server.address(), &call.principal).await?;
    Ok(server.into())
}

/// `PATCH squishservers/{id}`
pub(super) async fn change(
    shared: Arc<ServiceState>,
    call: RequestHead,
    Object(body): Object<SquishServerPatch>,
) -> Result<SquishServerResponse, HttpError> {
    let id = call.id()?;
    let labels = body.labels.map(|labels| capabilities("labels", labels));
    let change = SquishServerChange {
        host: body.host.map(host).transpose()?,
        port: body.port.as_deref().map(port).transpose()?,
        enabled: body.enabled,
        labels: labels.transpose()?,
        reason: body.reason.unwrap_or_default(),
        by: call.principal,
    };
    let server = actions::change_server(&shared, id, change).await?;
    Ok(server.into())
}

/// `DELETE squishservers/{id}`
pub(super) async fn remove(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<Done, HttpError> {
    let id = call.id()?;
    // Its address, which the list needs, is gone afterwards.
    let servers = shared.ask(|store, now| store.squish_servers(now)).await?;
    shared
        .ask(move |store, now| store.remove_squish_server(id, now))
        .await?;
    if let Some(server) = servers.iter().find(|server| server.id == id) {
        actions::note_server(&shared, "remove", &server.address(), &call.principal).await?;
    }
    Ok(Done {
        status: "Squish server removed".to_owned(),
    })
}

/// Checks a host. It becomes an argument of a command later, so it must not begin with a dash.
fn host(host: String) -> Result<String, HttpError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]%".contains(c);
    if (1..=MAX_HOST).contains(&host.len()) && host.chars().all(fits) && !host.starts_with('-') {
        return Ok(host);
    }
    Err(HttpError::malformed(format!(
        "host {:?} is invalid: expected a host name or an address, such as 192.168.1.101",
        shortened(&host)
    )))
}

fn port(port: &str) -> Result<Port, HttpError> {
    port.parse().map_err(|_| {
        HttpError::malformed(format!(
            "port {:?} is invalid: expected a number from 1 to 65535",
            shortened(port)
        ))
    })
}
