//! Reads `multipart/form-data` as a stream: one part after the other, a chunk at a time, everything bounded.
//!
//! Our own, because the readers at hand hold as much as the network is quick to give, and heads of any length.

use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use memchr::memmem::Finder;
use tokio::time::timeout;

use crate::{clock, service::failure::Failure};

/// Longest head of a part, in bytes.
const HEAD: usize = 8 * 1024;
/// Slowest upload, in bytes per second: one that trickles holds a place that others wait for.
const SLOWEST: u64 = 16 * 1024;
/// Longest boundary, by RFC 2046.
const BOUNDARY: usize = 70;
/// Most parts of a form.
const PARTS: usize = 1_100;
/// What may follow the last boundary, in bytes.
const EPILOGUE: usize = 64 * 1024;

/// A form while it arrives.
pub(super) struct Form {
    body: Body,
    buffer: BytesMut,
    /// CRLF, two dashes and the boundary.
    delimiter: Finder<'static>,
    place: Place,
    parts: usize,
    taken: u64,
    limit: u64,
    pause: Duration,
    began: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first boundary, or in a part.
    Content,
    /// Right behind a boundary.
    Behind,
    /// Behind the last one.
    End,
}

/// What the head of a part says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) file: Option<String>,
    pub(super) content_type: Option<String>,
}

impl Form {
    /// A form of at most `limit` bytes, each of whose chunks may take `pause`, and all of which may take that and what
    /// [`SLOWEST`] allows.
    pub(super) fn new(
        content_type: &str,
        body: Body,
        limit: u64,
        pause: Duration,
    ) -> Result<Self, Failure> {
        let boundary = boundary(content_type)?;
        let mut delimiter = b"\r\n--".to_vec();
        delimiter.extend_from_slice(boundary.as_bytes());
        Ok(Self {
            body,
            // The first boundary has no line before it.
            buffer: BytesMut::from(&b"\r\n"[..]),
            delimiter: Finder::new(&delimiter).into_owned(),
            place: Place::Content,
            parts: 0,
            taken: 0,
            limit,
            pause,
            began: clock::monotonic(),
        })
    }

    /// The next part; what was not read of the one before is dropped. `None` behind the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, Failure> {
        while self.chunk().await?.is_some() {}
        if self.place == Place::End {
            return Ok(None);
        }
        // Two dashes for the end; else blanks, a line break, the head and an empty line.
        while self.buffer.len() < 2 {
            self.more().await?;
        }
        if self.buffer.starts_with(b"--") {
            self.place = Place::End;
            self.drop_epilogue().await?;
            return Ok(None);
        }
        self.parts += 1;
        if self.parts > PARTS {
            return Err(Failure::malformed(format!(
                "the form has more than {PARTS} parts: send the files zipped"
            )));
        }
        let end = loop {
            if let Some(at) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            if self.buffer.len() > HEAD {
                return Err(Failure::malformed(
                    "the head of a part of the form is too long",
                ));
            }
            self.more().await?;
        };
        let head = self.buffer.split_to(end);
        // The line break before the content stays: content may be empty, and then it is that of the next boundary.
        self.buffer.advance(2);
        self.buffer.advance(2);
        self.place = Place::Content;
        // An empty part ends with a boundary whose line break is its own.
        part(&head).map(Some)
    }

    /// The next bytes of the part; `None` at its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.place != Place::Content {
            return Ok(None);
        }
        let length = self.delimiter.needle().len();
        loop {
            if let Some(at) = self.delimiter.find(&self.buffer) {
                let content = self.buffer.split_to(at).freeze();
                self.buffer.advance(length);
                self.place = Place::Behind;
                return Ok((!content.is_empty()).then_some(content));
            }
            // The end of what is there may be the beginning of a boundary.
            let sure = self.buffer.len().saturating_sub(length - 1);
            if sure > 0 {
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            self.more().await?;
        }
    }

    /// A short part as text.
    pub(super) async fn text(&mut self, name: &str, most: usize) -> Result<String, Failure> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if text.len() + chunk.len() > most {
                return Err(Failure::malformed(format!(
                    "the field {name} of the form is longer than {most} bytes"
                )));
            }
            text.extend_from_slice(&chunk);
        }
        String::from_utf8(text)
            .map_err(|_| Failure::malformed(format!("the field {name} of the form is not UTF-8")))
    }

    async fn more(&mut self) -> Result<(), Failure> {
        match self.frame().await? {
            Some(bytes) => {
                self.buffer.extend_from_slice(&bytes);
                Ok(())
            }
            None => Err(Failure::malformed(
                "the form breaks off before its last boundary: was the upload cut short?",
            )),
        }
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let most = self.pause.min(self.left());
            let frame = match timeout(most, self.body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    return Err(Failure::malformed(format!(
                        "the body of the request broke off: {error}"
                    )));
                }
                Err(_) => return Err(Failure::TooSlow),
            };
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            self.taken += bytes.len() as u64;
            if self.taken > self.limit {
                return Err(Failure::ImportTooLarge(self.limit));
            }
            return Ok(Some(bytes));
        }
    }

    /// How long the next bytes may take, for all that came to be quick enough.
    fn left(&self) -> Duration {
        let most = self.pause + Duration::from_secs(self.taken / SLOWEST);
        most.saturating_sub(clock::monotonic().saturating_duration_since(self.began))
    }

    async fn drop_epilogue(&mut self) -> Result<(), Failure> {
        self.buffer.clear();
        let mut dropped = 0;
        while dropped <= EPILOGUE {
            match self.frame().await? {
                Some(bytes) => dropped += bytes.len(),
                None => return Ok(()),
            }
        }
        Err(Failure::malformed(
            "too much follows the last boundary of the form",
        ))
    }

    /// Takes what still comes, for a moment: whoever is in the middle of sending reads no answer before.
    pub(super) async fn linger(mut self, most: Duration) {
        let rest = async { while matches!(self.body.frame().await, Some(Ok(_))) {} };
        // Over or not: the answer follows.
        let _ = timeout(most, rest).await;
    }
}

fn boundary(content_type: &str) -> Result<String, Failure> {
    let mut parameters = content_type.split(';');
    let is_form = parameters
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data"));
    if !is_form {
        return Err(Failure::malformed(
            "an upload travels as multipart/form-data, as curl -F sends it",
        ));
    }
    parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
        .filter(|boundary| (1..=BOUNDARY).contains(&boundary.len()) && boundary.is_ascii())
        .ok_or_else(|| Failure::malformed("the content type has no boundary of 1 to 70 characters"))
}

fn part(head: &[u8]) -> Result<Part, Failure> {
    let head = std::str::from_utf8(head)
        .map_err(|_| Failure::malformed("the head of a part of the form is not UTF-8"))?;
    let mut part = Part::default();
    for line in head.split("\r\n") {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
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
        return Err(Failure::malformed("a part of the form has no name"));
    }
    Ok(part)
}

/// The parameters of `form-data; name="a"; filename="b"`. In quotes a backslash escapes a quote or itself, as curl
/// writes it, and nothing else: some browsers send whole Windows paths.
fn disposition(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Some((_, mut rest)) = value.split_once(';') else {
        return found;
    };
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ';', '\t']).to_ascii_lowercase();
        let after = after.trim_start();
        if let Some(quoted) = after.strip_prefix('"') {
            let mut text = String::new();
            let mut characters = quoted.char_indices().peekable();
            let mut end = quoted.len();
            while let Some((at, character)) = characters.next() {
                match character {
                    '"' => {
                        end = at + 1;
                        break;
                    }
                    '\\' if matches!(characters.peek(), Some((_, '"' | '\\'))) => {
                        text.extend(characters.next().map(|(_, escaped)| escaped));
                    }
                    other => text.push(other),
                }
            }
            rest = &quoted[end..];
            found.push((key, text));
        } else {
            let (value, more) = after.split_once(';').unwrap_or((after, ""));
            rest = more;
            found.push((key, value.trim().to_owned()));
        }
    }
    found
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
        let mut form = Form::new(
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
    async fn reads_the_same_however_it_is_cut() {
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
    async fn what_breaks_off_is_refused_wherever_it_does() {
        let whole = FORM.len() - b"\r\nepilogue".len();
        for end in 0..whole {
            let error = read(&FORM[..end], 7).await.unwrap_err();
            assert!(error.contains("breaks off"), "{end}: {error}");
        }
    }

    #[tokio::test]
    async fn one_that_trickles_is_over_though_no_chunk_is_late() {
        let (pause, step) = (Duration::from_millis(300), Duration::from_millis(20));
        let drops = stream::unfold((), move |()| async move {
            tokio::time::sleep(step).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        });
        let body = Body::from_stream(drops);
        let mut form = Form::new("multipart/form-data; boundary=AaB", body, 10_000, pause).unwrap();
        let ended = timeout(Duration::from_secs(30), form.next()).await;
        let failure = ended.expect("it is broken off").unwrap_err();
        assert!(matches!(failure, Failure::TooSlow), "{failure:?}");
        assert!(form.taken > 1, "chunks came in time");
    }

    #[tokio::test]
    async fn is_bounded() {
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
