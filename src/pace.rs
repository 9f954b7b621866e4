//! How long to pause before the next try, for both HTTP clients and for workers.

mod backoff;
mod retry_after;

pub(crate) use backoff::{Backoff, Jitter};
pub(crate) use retry_after::{http_date, retry_after};
