//! Whatever else may listen where a service is expected.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// What it does with every request.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Answers with these bytes and closes.
    Answers(String),
    /// Answers with the beginning of an endless body.
    Pours,
    /// Takes the request and says nothing.
    Hangs,
    /// Takes the request and hangs up.
    HangsUp,
}

/// A listener on a port of its own, until dropped.
pub(crate) struct Hostile {
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Hostile {
    pub(crate) fn new(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                let manner = manner.clone();
                // What one client does to its connection must not keep the others waiting.
                thread::spawn(move || serve(stream.ok(), &manner));
            }
        });
        Self { address, over }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the listener up.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

/// Errors are the client's hanging up, which is its right.
fn serve(stream: Option<TcpStream>, manner: &Manner) -> Option<()> {
    let mut stream = stream?;
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            count => head.extend_from_slice(&chunk[..count]),
        }
    }
    match manner {
        Manner::Answers(bytes) => stream.write_all(bytes.as_bytes()).ok()?,
        Manner::Pours => {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n[";
            stream.write_all(head.as_bytes()).ok()?;
            let body = vec![b' '; 64 * 1024];
            loop {
                stream.write_all(&body).ok()?;
            }
        }
        // Ends when the client gives up.
        Manner::Hangs => while stream.read(&mut [0; 64]).ok()? > 0 {},
        Manner::HangsUp => {}
    }
    Some(())
}

/// A whole HTTP response.
pub(crate) fn response(status: &str, headers: &[&str], body: &str) -> Manner {
    let (first, length) = (
        format!("HTTP/1.1 {status}"),
        format!("Content-Length: {}", body.len()),
    );
    let lines = [
        &[first.as_str()],
        headers,
        &[&length, "Connection: close", "", body],
    ];
    Manner::Answers(lines.concat().join("\r\n"))
}
