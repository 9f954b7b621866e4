//! Whether the service is up, and whether it should be sent work: it accepts changes, it reaches
//! its database, and no stop is near.

use std::sync::Arc;

use super::{
    http_error::HttpError,
    json_response,
    request_parts::{EmptyBody, RequestHead},
    service_state::ServiceState,
};
use crate::api::execution_list::{Health, Readiness};

/// `GET /healthz`
pub(super) async fn get(
    shared: Arc<ServiceState>,
    _: RequestHead,
    _: EmptyBody,
) -> Result<Health, HttpError> {
    if shared.is_stopping() {
        return Err(HttpError::Stopping);
    }
    Ok(Health {
        status: "ok".to_owned(),
        version: json_response::VERSION.to_owned(),
    })
}

/// `GET /readyz`
pub(super) async fn readiness(
    shared: Arc<ServiceState>,
    _: RequestHead,
    _: EmptyBody,
) -> Result<Readiness, HttpError> {
    if shared.is_leaving() {
        return Err(HttpError::Stopping);
    }
    match shared.fault() {
        Some(fault) => Err(fault),
        None => Ok(Readiness {
            status: "ready".to_owned(),
        }),
    }
}
