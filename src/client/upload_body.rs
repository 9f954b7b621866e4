//! The body of an upload: texts and files in turn, of known length, read in chunks as the network takes them.

use std::{
    collections::VecDeque,
    io,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::{
    fs::File,
    io::{AsyncRead as _, ReadBuf},
};

use crate::sync::ignore_poison;

#[derive(Clone, Debug)]
pub(super) enum BodyPiece {
    Bytes(Bytes),
    /// The first `length` bytes of a file.
    File {
        path: PathBuf,
        length: u64,
    },
}

impl BodyPiece {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }
}

/// How much of a file is held at once, in bytes.
const CHUNK: usize = 128 * 1024;

/// The body of one try of an upload.
#[derive(Debug)]
pub struct UploadBody {
    pieces: VecDeque<BodyPiece>,
    open: Option<OpenFile>,
    buffer: Box<[u8]>,
    sent: BytesSent,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    path: PathBuf,
    left: u64,
}

/// How much of a body was sent, readable while it is on its way.
#[derive(Clone, Debug)]
pub struct BytesSent(Arc<SendState>);

/// Whether the service may have accepted an upload, readable also after the upload was aborted.
#[derive(Clone, Debug, Default)]
pub struct UnclearOutcome(Arc<AtomicBool>);

impl UnclearOutcome {
    /// True once the whole body was sent, until an answer refuses it.
    pub fn is_unclear(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn set(&self, it_may: bool) {
        self.0.store(it_may, Ordering::Release);
    }
}

#[derive(Debug)]
struct SendState {
    bytes: AtomicU64,
    length: u64,
    outcome: UnclearOutcome,
    read_error: Mutex<Option<String>>,
}

impl BytesSent {
    /// Bytes sent so far.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Acquire)
    }

    /// Whether the closing boundary was sent. Before that no service has a complete request.
    pub(crate) fn is_complete(&self) -> bool {
        self.bytes() == self.0.length
    }

    /// Why a file could not be read to its end, if that ended the body.
    pub(crate) fn read_error(&self) -> Option<String> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        ignore_poison(self.0.read_error.lock())
    }
}

impl UploadBody {
    pub(super) fn new(pieces: VecDeque<BodyPiece>, outcome: UnclearOutcome) -> Self {
        let length = pieces.iter().map(BodyPiece::length).sum();
        Self {
            pieces,
            open: None,
            buffer: vec![0; CHUNK].into(),
            sent: BytesSent(Arc::new(SendState {
                bytes: AtomicU64::new(0),
                length,
                outcome,
                read_error: Mutex::new(None),
            })),
        }
    }

    /// The progress of the body, readable after the body was moved away.
    pub(crate) fn bytes_sent(&self) -> BytesSent {
        self.sent.clone()
    }

    fn broken(&self, path: &std::path::Path, why: &str) -> io::Error {
        let text = format!("{} {why}", path.display());
        *self.sent.lock() = Some(text.clone());
        io::Error::other(text)
    }

    fn hand_out(&self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.sent
            .0
            .bytes
            .fetch_add(bytes.len() as u64, Ordering::AcqRel);
        if self.sent.is_complete() {
            self.sent.0.outcome.set(true);
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Body for UploadBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        loop {
            if let Some(reading) = &mut this.open {
                if reading.left == 0 {
                    this.open = None;
                    continue;
                }
                let most = usize::try_from(reading.left).map_or(CHUNK, |left| left.min(CHUNK));
                let mut buffer = ReadBuf::new(&mut this.buffer[..most]);
                let read = ready!(Pin::new(&mut reading.file).poll_read(context, &mut buffer));
                let filled = buffer.filled();
                reading.left -= filled.len() as u64;
                let bytes = Bytes::copy_from_slice(filled);
                let path = reading.path.clone();
                return match read {
                    Err(error) => Poll::Ready(Some(Err(
                        this.broken(&path, &format!("cannot be read: {error}"))
                    ))),
                    Ok(()) if bytes.is_empty() => Poll::Ready(Some(Err(
                        this.broken(&path, "became shorter while it was sent")
                    ))),
                    Ok(()) => this.hand_out(bytes),
                };
            }
            match this.pieces.pop_front() {
                None => return Poll::Ready(None),
                Some(BodyPiece::Bytes(bytes)) if bytes.is_empty() => {}
                Some(BodyPiece::Bytes(bytes)) => return this.hand_out(bytes),
                Some(BodyPiece::File { path, length }) => match std::fs::File::open(&path) {
                    Ok(file) => {
                        let mut file = File::from_std(file);
                        file.set_max_buf_size(CHUNK);
                        this.open = Some(OpenFile {
                            file,
                            path,
                            left: length,
                        });
                    }
                    Err(error) => {
                        return Poll::Ready(Some(Err(
                            this.broken(&path, &format!("cannot be opened: {error}"))
                        )));
                    }
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.open.as_ref().is_none_or(|reading| reading.left == 0)
    }

    fn size_hint(&self) -> SizeHint {
        let left: u64 = self.pieces.iter().map(BodyPiece::length).sum();
        SizeHint::with_exact(left + self.open.as_ref().map_or(0, |reading| reading.left))
    }
}
