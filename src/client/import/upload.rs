//! The body of an upload: texts and files in turn, of a length known before, read in chunks as the network takes them.

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

/// A piece of a body.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Bytes(Bytes),
    /// The first `length` bytes of a file.
    File {
        path: PathBuf,
        length: u64,
    },
}

impl Piece {
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
pub struct Upload {
    pieces: VecDeque<Piece>,
    open: Option<Reading>,
    buffer: Box<[u8]>,
    handed: Handed,
}

/// A file that is being read.
#[derive(Debug)]
struct Reading {
    file: File,
    path: PathBuf,
    left: u64,
}

/// How far a body was handed to the network, told while it travels.
#[derive(Clone, Debug)]
pub struct Handed(Arc<Progress>);

/// Whether an upload may have got in: told while it travels, also to whoever breaks it off.
#[derive(Clone, Debug, Default)]
pub struct Doubt(Arc<AtomicBool>);

impl Doubt {
    /// Whether it may have got in by now: all of it was handed to the network, and no answer said no.
    pub fn is_there(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(in crate::client) fn set(&self, it_may: bool) {
        self.0.store(it_may, Ordering::Release);
    }
}

#[derive(Debug)]
struct Progress {
    bytes: AtomicU64,
    length: u64,
    doubt: Doubt,
    trouble: Mutex<Option<String>>,
}

impl Handed {
    /// How many bytes were handed out so far.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Acquire)
    }

    /// Whether all of it was, the closing boundary included. Before that no service has a complete request.
    pub fn is_complete(&self) -> bool {
        self.bytes() == self.0.length
    }

    /// Why a file could not be read to its end, if that is what broke the body off.
    pub fn trouble(&self) -> Option<String> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        ignore_poison(self.0.trouble.lock())
    }
}

impl Upload {
    pub(super) fn new(pieces: VecDeque<Piece>, doubt: Doubt) -> Self {
        let length = pieces.iter().map(Piece::length).sum();
        Self {
            pieces,
            open: None,
            buffer: vec![0; CHUNK].into(),
            handed: Handed(Arc::new(Progress {
                bytes: AtomicU64::new(0),
                length,
                doubt,
                trouble: Mutex::new(None),
            })),
        }
    }

    /// Tells how far it is, also after it was given away.
    pub fn handed(&self) -> Handed {
        self.handed.clone()
    }

    fn broken(&self, path: &std::path::Path, why: &str) -> io::Error {
        let text = format!("{} {why}", path.display());
        *self.handed.lock() = Some(text.clone());
        io::Error::other(text)
    }

    fn hand_out(&self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.handed
            .0
            .bytes
            .fetch_add(bytes.len() as u64, Ordering::AcqRel);
        if self.handed.is_complete() {
            self.handed.0.doubt.set(true);
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Body for Upload {
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
                Some(Piece::Bytes(bytes)) if bytes.is_empty() => {}
                Some(Piece::Bytes(bytes)) => return this.hand_out(bytes),
                Some(Piece::File { path, length }) => match std::fs::File::open(&path) {
                    Ok(file) => {
                        let mut file = File::from_std(file);
                        file.set_max_buf_size(CHUNK);
                        this.open = Some(Reading {
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
        let left: u64 = self.pieces.iter().map(Piece::length).sum();
        SizeHint::with_exact(left + self.open.as_ref().map_or(0, |reading| reading.left))
    }
}
