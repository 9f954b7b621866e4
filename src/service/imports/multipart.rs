//! Reads `multipart/form-data` as a stream: one part after the other, a chunk at a time, everything bounded.
//!
//! The available crates buffer as much as the network delivers, and allow heads of any length.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::Body;
use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use memchr::memmem::{self, Finder};
use tokio::{sync::Semaphore, time::timeout};

use super::upload_pace::UploadPace;
use crate::{clock, service::http_error::HttpError};

/// Longest head of a part, in bytes.
const MAX_HEAD: usize = 8 * 1024;
/// Slowest upload, in bytes per second: a slower one blocks a place that other uploads wait for.
const MIN_RATE: u64 = 16 * 1024;
/// Longest boundary, by RFC 2046.
const MAX_BOUNDARY: usize = 70;
/// Most parts of a form.
const MAX_PARTS: usize = 1_100;
/// Most bytes after the last boundary.
const MAX_EPILOGUE: usize = 64 * 1024;

/// A form while it arrives.
pub(super) struct MultipartReader {
    body: Body,
    buffer: BytesMut,
    /// CRLF, two dashes and the boundary.
    delimiter: Finder<'static>,
    position: Position,
    parts: usize,
    received: u64,
    limit: u64,
    pause: Duration,
    began: Instant,
    pace: Option<UploadPace>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// Before the first boundary, or in a part.
    Content,
    /// After a boundary.
    Boundary,
    /// After the last boundary.
    End,
}

/// The head of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) file: Option<String>,
    pub(super) content_type: Option<String>,
}

fn malformed(message: impl Into<String>) -> HttpError {
    HttpError::malformed(message)
}

impl MultipartReader {
    /// A form of at most `limit` bytes. Each chunk may take `pause`, and all together `pause` and what [`MIN_RATE`] allows.
    pub(super) fn new(
        content_type: &str,
        body: Body,
        limit: u64,
        pause: Duration,
    ) -> Result<Self, HttpError> {
        let delimiter = format!("\r\n--{}", boundary(content_type)?);
        Ok(Self {
            body,
            // The first boundary has no line before it.
            buffer: BytesMut::from(&b"\r\n"[..]),
            delimiter: Finder::new(&delimiter).into_owned(),
            position: Position::Content,
            parts: 0,
            received: 0,
            limit,
            pause,
            began: clock::monotonic(),
            pace: None,
        })
    }

    /// Ends the form if it is slow and all places for slow ones are taken.
    pub(super) fn limit_pace(&mut self, slow_places: Arc<Semaphore>) {
        self.pace = Some(UploadPace::new(slow_places, self.began));
    }

    /// The next part; skips what was not read of the part before. `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, HttpError> {
        while self.chunk().await?.is_some() {}
        if self.position == Position::End {
            return Ok(None);
        }
        // Two dashes end the form; else blanks, a line break, the head and an empty line follow.
        while self.buffer.len() < 2 {
            self.read_more().await?;
        }
        if self.buffer.starts_with(b"--") {
            self.position = Position::End;
            self.skip_epilogue().await?;
            return Ok(None);
        }
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(malformed(format!(
                "the form has more than {MAX_PARTS} parts: send the files zipped"
            )));
        }
        let end = loop {
            if let Some(at) = memmem::find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(malformed("the head of a part of the form is too long"));
            }
            self.read_more().await?;
        };
        let head = self.buffer.split_to(end);
        // The second line break stays in the buffer: if the part is empty, it belongs to the next boundary.
        self.buffer.advance(4);
        self.position = Position::Content;
        parse_head(&head).map(Some)
    }

    /// The next bytes of the part; `None` at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        if self.position != Position::Content {
            return Ok(None);
        }
        let length = self.delimiter.needle().len();
        loop {
            if let Some(at) = self.delimiter.find(&self.buffer) {
                let content = self.buffer.split_to(at).freeze();
                self.buffer.advance(length);
                self.position = Position::Boundary;
                return Ok((!content.is_empty()).then_some(content));
            }
            // The last bytes of the buffer may be the beginning of a boundary.
            let content = self.buffer.len().saturating_sub(length - 1);
            if content > 0 {
                return Ok(Some(self.buffer.split_to(content).freeze()));
            }
            self.read_more().await?;
        }
    }

    /// A short part as text.
    pub(super) async fn text(&mut self, name: &str, max: usize) -> Result<String, HttpError> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if text.len() + chunk.len() > max {
                return Err(malformed(format!(
                    "the field {name} of the form is longer than {max} bytes"
                )));
            }
            text.extend_from_slice(&chunk);
        }
        String::from_utf8(text)
            .map_err(|_| malformed(format!("the field {name} of the form is not UTF-8")))
    }

    async fn read_more(&mut self) -> Result<(), HttpError> {
        let bytes = self.frame().await?.ok_or_else(|| {
            malformed("the form ends before its last boundary: was the upload cut short?")
        })?;
        self.buffer.extend_from_slice(&bytes);
        Ok(())
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            let allowed = self.pause.min(self.remaining_time());
            let frame = match timeout(allowed, self.body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    return Err(malformed(format!(
                        "the body of the request was aborted: {error}"
                    )));
                }
                Err(_) => return Err(HttpError::TooSlow),
            };
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            self.received += bytes.len() as u64;
            if self.received > self.limit {
                return Err(HttpError::ImportTooLarge(self.limit));
            }
            let (received, now) = (self.received, clock::monotonic());
            if let Some(pace) = &mut self.pace
                && !pace.may_go_on(received, now)
            {
                return Err(HttpError::TooSlow);
            }
            return Ok(Some(bytes));
        }
    }

    /// How long the next bytes may take at [`MIN_RATE`] over the whole form.
    fn remaining_time(&self) -> Duration {
        let allowed = self.pause + Duration::from_secs(self.received / MIN_RATE);
        allowed.saturating_sub(clock::monotonic().saturating_duration_since(self.began))
    }

    async fn skip_epilogue(&mut self) -> Result<(), HttpError> {
        self.buffer.clear();
        let mut skipped = 0;
        while skipped <= MAX_EPILOGUE {
            match self.frame().await? {
                Some(bytes) => skipped += bytes.len(),
                None => return Ok(()),
            }
        }
        Err(malformed("too much follows the last boundary of the form"))
    }

    /// Reads the rest for up to `span`: a client reads no answer while it is still sending.
    pub(super) async fn drain(mut self, span: Duration) {
        let rest = async { while matches!(self.body.frame().await, Some(Ok(_))) {} };
        let _ = timeout(span, rest).await;
    }
}

fn boundary(content_type: &str) -> Result<String, HttpError> {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(malformed(
            "an upload must be multipart/form-data, for example from curl -F",
        ));
    }
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
        .filter(|boundary| (1..=MAX_BOUNDARY).contains(&boundary.len()) && boundary.is_ascii())
        .ok_or_else(|| malformed("the content type has no boundary of 1 to 70 characters"))
}

fn parse_head(head: &[u8]) -> Result<Part, HttpError> {
    let head = std::str::from_utf8(head)
        .map_err(|_| malformed("the head of a part of the form is not UTF-8"))?;
    let mut part = Part::default();
    for (name, value) in head.split("\r\n").filter_map(|line| line.split_once(':')) {
        if name.trim().eq_ignore_ascii_case("content-type") {
            let kind = value.split(';').next().unwrap_or_default();
            part.content_type = Some(kind.trim().to_ascii_lowercase());
        } else if name.trim().eq_ignore_ascii_case("content-disposition") {
            for (key, value) in disposition(value) {
                match key.as_str() {
                    "name" => part.name = value,
                    "filename" => part.file = Some(value),
                    _ => {}
                }
            }
        }
    }
    if part.name.is_empty() {
        return Err(malformed("a part of the form has no name"));
    }
    Ok(part)
}

/// The parameters of `form-data; name="a"; filename="b"`.
fn disposition(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ';', '\t']).to_ascii_lowercase();
        let after = after.trim_start();
        let (value, more) = if let Some(quoted) = after.strip_prefix('"') {
            unquote(quoted)
        } else {
            let (value, more) = after.split_once(';').unwrap_or((after, ""));
            (value.trim().to_owned(), more)
        };
        found.push((key, value));
        rest = more;
    }
    found
}

/// The text up to the closing quote, and what follows. A backslash escapes a quote or a backslash, as curl writes it, and
/// nothing else: some browsers send whole Windows paths.
fn unquote(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (text, &quoted[at + 1..]),
            '\\' if matches!(characters.peek(), Some((_, '"' | '\\'))) => {
                text.extend(characters.next().map(|(_, escaped)| escaped));
            }
            other => text.push(other),
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    type Parts = Vec<(Part, Vec<u8>)>;

    async fn read(body: &[u8], step: usize) -> Result<Parts, String> {
        let chunks: Vec<Result<Bytes, std::io::Error>> = body
            .chunks(step)
            .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
            .collect();
        let body = Body::from_stream(stream::iter(chunks));
        let mut form = MultipartReader::new(
            "multipart/form-data; boundary=\"AaB\"",
            body,
            10_000,
            Duration::from_secs(9),
        )
        .map_err(|failure| format!("{failure:?}"))?;
        let mut parts = Vec::new();
        let failed = |failure| format!("{failure:?}");
        while let Some(part) = form.next().await.map_err(failed)? {
            let mut content = Vec::new();
            while let Some(chunk) = form.chunk().await.map_err(failed)? {
                content.extend_from_slice(&chunk);
            }
            parts.push((part, content));
        }
        Ok(parts)
    }

    const FORM: &[u8] = b"preamble\r\n--AaB\r\nContent-Disposition: form-data; name=\"project\"\r\n\r\nx\r\n\
        --AaB\r\ncontent-disposition: form-data; name=\"batch\"\r\n\r\n\r\n\
        --AaB \r\nContent-Disposition: form-data; name=\"result[]\"; filename=\"a\\\"b.xml\"\r\n\
        Content-Type: application/xml; charset=utf-8\r\n\r\n\r\n--Aa\r\n\r\n--A\r\n--AaB--\r\nepilogue";

    #[tokio::test]
    async fn form_reads_the_same_in_chunks_of_any_size() {
        for step in 1..FORM.len() {
            let parts = read(FORM, step).await.unwrap();
            let names: Vec<&str> = parts.iter().map(|(part, _)| part.name.as_str()).collect();
            assert_eq!(names, ["project", "batch", "result[]"], "{step}");
            assert_eq!(parts[0].1, b"x");
            assert_eq!(parts[1].1, b"");
            assert_eq!(parts[2].1, b"\r\n--Aa\r\n\r\n--A");
            assert_eq!(parts[2].0.file.as_deref(), Some("a\"b.xml"));
            assert_eq!(parts[2].0.content_type.as_deref(), Some("application/xml"));
        }
    }

    #[tokio::test]
    async fn form_that_ends_early_is_refused() {
        let whole = FORM.len() - b"\r\nepilogue".len();
        for end in 0..whole {
            let error = read(&FORM[..end], 7).await.unwrap_err();
            assert!(error.contains("ends before"), "{end}: {error}");
        }
    }

    #[tokio::test]
    async fn slow_form_times_out_though_no_chunk_is_late() {
        let (pause, step) = (Duration::from_millis(300), Duration::from_millis(20));
        let drops = stream::unfold((), move |()| async move {
            tokio::time::sleep(step).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        });
        let body = Body::from_stream(drops);
        let mut form =
            MultipartReader::new("multipart/form-data; boundary=AaB", body, 10_000, pause).unwrap();
        let ended = timeout(Duration::from_secs(30), form.next()).await;
        let failure = ended.expect("it times out").unwrap_err();
        assert!(matches!(failure, HttpError::TooSlow), "{failure:?}");
        assert!(form.received > 1, "chunks came in time");
    }

    #[tokio::test]
    async fn heads_contents_and_boundaries_are_bounded() {
        let head = format!("--AaB\r\nX: {}", "x".repeat(9_000));
        assert!(
            read(head.as_bytes(), 512)
                .await
                .unwrap_err()
                .contains("too long")
        );
        let long = format!(
            "--AaB\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{}",
            "x".repeat(10_000)
        );
        assert!(
            read(long.as_bytes(), 512)
                .await
                .unwrap_err()
                .contains("TooLarge")
        );
        for bad in [
            "text/plain",
            "multipart/form-data",
            "multipart/form-data; boundary=",
        ] {
            assert!(boundary(bad).is_err(), "{bad}");
        }
    }
}
