//! Reads the body of a request within its bound, compressed or not.

use std::{io::Read as _, sync::Arc};

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, header::CONTENT_ENCODING};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::timeout;

use super::{http_error::HttpError, limits::Limits, service_state::ServiceState};

/// Reads a body of at most [`Limits::body_bytes`].
pub(super) async fn read(body: Body, limits: &Limits) -> Result<Bytes, HttpError> {
    bounded(body, limits.body_bytes, limits).await
}

/// Reads a body that may hold a list of tests: at most [`Limits::list_bytes`], possibly compressed with gzip. Only
/// [`Limits::lists`] bodies larger than [`Limits::body_bytes`] are in memory at once; others wait.
pub(super) async fn read_list(
    shared: &Arc<ServiceState>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, HttpError> {
    let limits = &shared.limits;
    let is_compressed = is_compressed(headers)?;
    let most = body.size_hint().upper();
    if !is_compressed && most.is_some_and(|most| most <= limits.body_bytes as u64) {
        return read(body, limits).await;
    }
    let _permit = timeout(limits.body, shared.lists.acquire())
        .await
        .map_err(|_| HttpError::Busy)?
        .map_err(|_| HttpError::Stopping)?;
    let bytes = bounded(body, limits.list_bytes, limits).await?;
    if !is_compressed {
        return Ok(bytes);
    }
    let bound = limits.list_bytes;
    tokio::task::spawn_blocking(move || uncompressed(&bytes, bound))
        .await
        .map_err(|error| {
            tracing::error!(%error, "uncompressing a body failed");
            HttpError::Broken
        })?
}

fn is_compressed(headers: &HeaderMap) -> Result<bool, HttpError> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    match (
        encodings.next().map(http::HeaderValue::as_bytes),
        encodings.next(),
    ) {
        (None, _) => Ok(false),
        (Some(it), None) if it.eq_ignore_ascii_case(b"identity") => Ok(false),
        (Some(it), None) if it.eq_ignore_ascii_case(b"gzip") => Ok(true),
        _ => Err(HttpError::malformed(
            "the header Content-Encoding is invalid: expected gzip or none",
        )),
    }
}

/// Uncompresses gzip; stops at `bound` bytes.
fn uncompressed(bytes: &[u8], bound: usize) -> Result<Bytes, HttpError> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(bound as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|error| {
            HttpError::malformed(format!("the body of the request is not gzip: {error}"))
        })?;
    if plain.len() > bound {
        return Err(HttpError::TooLarge(bound));
    }
    Ok(plain.into())
}

async fn bounded(body: Body, bound: usize, limits: &Limits) -> Result<Bytes, HttpError> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > u64::try_from(bound).unwrap_or(u64::MAX) {
        return Err(HttpError::TooLarge(bound));
    }
    match timeout(limits.body, Limited::new(body, bound).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(HttpError::TooLarge(bound)),
        Ok(Err(error)) => Err(HttpError::malformed(format!(
            "the body of the request was aborted: {error}"
        ))),
        Err(_) => Err(HttpError::TooSlow),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn compressed(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_body_beyond_the_bound_is_refused() {
        let plain = vec![b' '; 1 << 20];
        let small = compressed(&plain);
        assert!(small.len() < plain.len() / 50);
        assert_eq!(uncompressed(&small, plain.len()).unwrap(), plain);
        assert!(matches!(
            uncompressed(&small, plain.len() - 1),
            Err(HttpError::TooLarge(_))
        ));
        assert!(uncompressed(&small[..small.len() / 2], plain.len()).is_err());
        assert!(uncompressed(b"{}", 100).is_err());
    }
}
