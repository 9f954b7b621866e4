//! Waits for the first head of a connection while it stays in the system's buffer: a client that sends nothing or a little
//! at a time costs no buffer of this process.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
};

use memchr::memmem;
use tokio::{
    io::{Interest, ReadBuf},
    net::TcpStream,
};

/// Longer beginnings are left to the HTTP parser.
const MOST: usize = 2 * 1024;

/// Waits until the head of a request is there, or so much of it that it has to be read.
///
/// # Errors
/// If the client closed the connection.
pub(in crate::service) async fn first_head(stream: &TcpStream) -> io::Result<()> {
    loop {
        if poll_fn(|context| poll_is_enough(stream, context)).await? {
            return Ok(());
        }
        // Otherwise what is there already would count as news.
        let _ = stream.try_io(Interest::READABLE, || {
            Err::<(), _>(io::ErrorKind::WouldBlock.into())
        });
    }
}

/// Looks at what is there; the place for it is on the stack, so that none is kept while the connection waits.
fn poll_is_enough(stream: &TcpStream, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
    let mut place = [0; MOST];
    let mut beginning = ReadBuf::new(&mut place);
    let length = ready!(stream.poll_peek(context, &mut beginning))?;
    if length == 0 {
        return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
    }
    Poll::Ready(Ok(length == MOST || has_end(beginning.filled())))
}

/// Whether the empty line after a head is there. Anything that cannot become a head ends here too, by its length or the
/// time limit.
fn has_end(beginning: &[u8]) -> bool {
    memmem::find(beginning, b"\r\n\r\n").is_some() || memmem::find(beginning, b"\n\n").is_some()
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt as _, net::TcpListener};

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        (client.unwrap(), accepted.unwrap().0)
    }

    #[tokio::test]
    async fn head_in_pieces_is_awaited_and_stays_unread() {
        let (mut client, server) = pair().await;
        let waiting = tokio::spawn(async move {
            first_head(&server).await.unwrap();
            server
        });
        for piece in ["GET / HT", "TP/1.1\r\nhost: x\r\n", "\r\n"] {
            assert!(!waiting.is_finished());
            client.write_all(piece.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
        let server = waiting.await.unwrap();
        let mut head = [0; 100];
        let length = server.try_read(&mut head).unwrap();
        assert_eq!(&head[..length], b"GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    }

    #[tokio::test]
    async fn long_beginning_is_enough_and_a_closed_connection_an_error() {
        let (mut client, server) = pair().await;
        client.write_all(&[b'x'; MOST]).await.unwrap();
        first_head(&server).await.unwrap();
        let (client, server) = pair().await;
        drop(client);
        assert!(first_head(&server).await.is_err());
    }
}
