//! Reads the body of a request within its bound, packed or not.

use std::{io::Read as _, sync::Arc};

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, header::CONTENT_ENCODING};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::time::timeout;

use super::{failure::Failure, limits::Limits, shared::Shared};

/// Reads a body of at most [`Limits::body_bytes`].
pub(super) async fn read(body: Body, limits: &Limits) -> Result<Bytes, Failure> {
    bounded(body, limits.body_bytes, limits).await
}

/// Reads a body that may hold a list of tests: at most [`Limits::list_bytes`], which may arrive packed with gzip. Of those
/// larger than other bodies only [`Limits::lists`] are in memory at once; others wait.
pub(super) async fn read_list(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, Failure> {
    let limits = &shared.limits;
    let is_packed = is_packed(headers)?;
    let most = body.size_hint().upper();
    if !is_packed && most.is_some_and(|most| most <= limits.body_bytes as u64) {
        return read(body, limits).await;
    }
    let _permit = timeout(limits.body, shared.lists.acquire())
        .await
        .map_err(|_| Failure::Busy)?
        .map_err(|_| Failure::Stopping)?;
    let bytes = bounded(body, limits.list_bytes, limits).await?;
    if !is_packed {
        return Ok(bytes);
    }
    let bound = limits.list_bytes;
    tokio::task::spawn_blocking(move || unpacked(&bytes, bound))
        .await
        .map_err(|error| {
            tracing::error!(%error, "unpacking a body did not end");
            Failure::Broken
        })?
}

fn is_packed(headers: &HeaderMap) -> Result<bool, Failure> {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    match (
        encodings.next().map(http::HeaderValue::as_bytes),
        encodings.next(),
    ) {
        (None, _) => Ok(false),
        (Some(it), None) if it.eq_ignore_ascii_case(b"identity") => Ok(false),
        (Some(it), None) if it.eq_ignore_ascii_case(b"gzip") => Ok(true),
        _ => Err(Failure::malformed(
            "the header Content-Encoding does not fit: expected gzip or none",
        )),
    }
}

/// Unpacks gzip; what would become larger than `bound` bytes is refused before it does.
fn unpacked(bytes: &[u8], bound: usize) -> Result<Bytes, Failure> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(bound as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|error| {
            Failure::malformed(format!("the body of the request is not gzip: {error}"))
        })?;
    if plain.len() > bound {
        return Err(Failure::TooLarge(bound));
    }
    Ok(plain.into())
}

async fn bounded(body: Body, bound: usize, limits: &Limits) -> Result<Bytes, Failure> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > u64::try_from(bound).unwrap_or(u64::MAX) {
        return Err(Failure::TooLarge(bound));
    }
    match timeout(limits.body, Limited::new(body, bound).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Failure::TooLarge(bound)),
        Ok(Err(error)) => Err(Failure::malformed(format!(
            "the body of the request broke off: {error}"
        ))),
        Err(_) => Err(Failure::TooSlow),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_unpacks_to_more_than_the_bound_is_refused() {
        let plain = vec![b' '; 1 << 20];
        let small = packed(&plain);
        assert!(small.len() < plain.len() / 50);
        assert_eq!(unpacked(&small, plain.len()).unwrap(), plain);
        assert!(matches!(
            unpacked(&small, plain.len() - 1),
            Err(Failure::TooLarge(_))
        ));
        assert!(unpacked(&small[..small.len() / 2], plain.len()).is_err());
        assert!(unpacked(b"{}", 100).is_err());
    }
}
