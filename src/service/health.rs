//! Whether the service serves.

use std::sync::Arc;

use super::{
    answer,
    failure::Failure,
    request::{Call, NoBody},
    shared::Shared,
};
use crate::api::listing::Health;

/// `GET /healthz`
pub(super) async fn get(shared: Arc<Shared>, _: Call, _: NoBody) -> Result<Health, Failure> {
    if shared.is_stopping() {
        return Err(Failure::Stopping);
    }
    Ok(Health {
        status: "ok".to_owned(),
        version: answer::VERSION.to_owned(),
    })
}
