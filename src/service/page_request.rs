//! A request for a page.

use super::{http_error::HttpError, request_parts::RequestHead};
use crate::pages::Site;

/// A request of someone who may see pages.
#[derive(Debug)]
pub(super) struct PageRequest {
    pub(super) head: RequestHead,
    /// The ids in the path, without `.json`.
    pub(super) ids: Vec<String>,
    /// Asked for as JSON.
    pub(super) wants_json: bool,
    pub(super) site: Site,
}

impl PageRequest {
    /// An id in the path. What is none names nothing.
    pub(super) fn id<T: std::str::FromStr>(&self, place: usize) -> Result<T, HttpError> {
        let text = self.ids.get(place).map_or("", String::as_str);
        text.parse().map_err(|_| {
            HttpError::NoPath("there is no such page; open the list of plans".to_owned())
        })
    }
}
