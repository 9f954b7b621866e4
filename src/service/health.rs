//! The health check.

use std::sync::Arc;

use super::{
    http_error::HttpError,
    json_response,
    request_parts::{EmptyBody, RequestHead},
    service_state::ServiceState,
};
use crate::api::execution_list::Health;

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
