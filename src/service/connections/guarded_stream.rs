//! The stream of a connection within its limits: an answer that is not read ends it, no further request is read before, and what
//! is read ahead is little.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

use super::Connection;
use crate::service::limits::Limits;

/// Most bytes of one read, except of a large body. hyper's buffer then stays at its smallest size, so what a client sends
/// ahead of its answers is at most that.
const PIECE: usize = 4 * 1024;

/// A stream whose client must read its answers.
///
/// Requests sent ahead are bounded: hyper answers one at a time and writes no further answer before the one before it is
/// written, and nothing is read while an answer waits for its client.
#[derive(Debug)]
pub(in crate::service) struct GuardedStream {
    stream: TcpStream,
    connection: Arc<Connection>,
    limits: Limits,
    /// The end of the current answer, since it had to wait for the client for the first time.
    answer_end: Option<Pin<Box<Sleep>>>,
    /// The end of the pause in which the client reads nothing.
    pause_end: Option<Pin<Box<Sleep>>>,
    reader: Option<Waker>,
}

impl GuardedStream {
    pub(in crate::service) fn new(
        stream: TcpStream,
        connection: Arc<Connection>,
        limits: Limits,
    ) -> Self {
        Self {
            stream,
            connection,
            limits,
            answer_end: None,
            pause_end: None,
            reader: None,
        }
    }

    /// Ends the connection if its client does not read.
    fn blocked(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let Limits { answer, unread, .. } = self.limits;
        let answer_end = self
            .answer_end
            .get_or_insert_with(|| Box::pin(sleep(answer)));
        let pause_end = self
            .pause_end
            .get_or_insert_with(|| Box::pin(sleep(unread)));
        let is_over = answer_end.as_mut().poll(context).is_ready()
            | pause_end.as_mut().poll(context).is_ready();
        if is_over {
            Poll::Ready(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client does not read its answer",
            ))
        } else {
            Poll::Pending
        }
    }

    fn written(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(written) => {
                self.pause_end = None;
                self.wake_reader();
                Poll::Ready(written)
            }
            Poll::Pending => self.blocked(context).map(Err),
        }
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.pause_end.is_some() {
            this.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        if this.connection.reads_large_body() {
            ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        } else {
            let most = PIECE.min(buffer.remaining());
            let mut piece = ReadBuf::new(buffer.initialize_unfilled_to(most));
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut piece))?;
            let read = piece.filled().len();
            buffer.advance(read);
        }
        if this.connection.may_read(buffer.filled().len() - before) {
            Poll::Ready(Ok(()))
        } else {
            Poll::Ready(Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                "too many long heads at once",
            )))
        }
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes once everything is written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        (self.answer_end, self.pause_end) = (None, None);
        self.wake_reader();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
