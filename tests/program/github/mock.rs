//! An API on a socket of this machine that answers by a script and keeps what it was asked.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// What the API does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// Answers: status, header lines (each ended by CRLF), body.
    Says(u16, &'static str, &'static str),
    /// Refuses and repeats every header of the request in its words.
    Echo(u16),
    /// Reads the request and never answers.
    Hangs,
    /// Reads the request and closes.
    Cuts,
    /// Begins an answer of this status and closes in the middle of it.
    Half(u16),
    /// Begins an answer of this status and never ends it.
    Endless(u16),
    /// Sends a page for people, as a proxy does.
    Page(u16),
}

impl Reply {
    /// Answers; gives the stream back if it is to be held open.
    pub(crate) fn give(self, mut stream: TcpStream, request: &Request) -> Option<TcpStream> {
        match self {
            Self::Says(code, headers, body) => say(&mut stream, code, headers, body),
            Self::Echo(code) => {
                let words = request.headers.join(" ");
                let body = serde_json::json!({ "message": words }).to_string();
                say(&mut stream, code, "", &body);
            }
            Self::Hangs => return Some(stream),
            Self::Cuts => {}
            Self::Half(code) => {
                let _ = write!(
                    stream,
                    "HTTP/1.1 {code} X\r\ncontent-length: 1000\r\n\r\n[{{\"message\": \"a"
                );
            }
            Self::Endless(code) => {
                let _ = write!(stream, "HTTP/1.1 {code} X\r\nconnection: close\r\n\r\n[");
                while stream.write_all(&[b' '; 8192]).is_ok() {}
            }
            Self::Page(code) => {
                let headers = "content-type: text/html\r\n";
                say(
                    &mut stream,
                    code,
                    headers,
                    "<html><body>Please log in</body></html>",
                );
            }
        }
        None
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method and path.
    pub line: String,
    /// Header lines, names in small letters.
    pub headers: Vec<String>,
    pub body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let found = self.headers.iter().filter_map(|line| line.split_once(": "));
        found
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .collect()
    }

    /// Method, path and query.
    pub(crate) fn parts(&self) -> (&str, &str, &str) {
        let mut words = self.line.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        (method, path, query)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) struct Mock {
    pub url: String,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Mock {
    /// Answers one request with each reply, and all further ones with the last.
    pub(crate) fn start(replies: &'static [Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut held = Vec::new();
            let mut number = 0;
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let Some(request) = read(&stream) else {
                    continue;
                };
                let reply = replies[number.min(replies.len() - 1)];
                number += 1;
                seen.lock().unwrap().push(request.clone());
                held.extend(reply.give(stream, &request));
            }
        });
        Self { url, asked }
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }
}

/// `None` if the other side went away without one.
pub(crate) fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    let headers: Vec<String> = lines
        .get(1..)?
        .iter()
        .map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            format!("{}: {value}", name.to_lowercase())
        })
        .collect();
    let length = headers
        .iter()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        line: lines[0].clone(),
        headers,
        body: String::from_utf8(body).unwrap(),
    })
}

pub(crate) fn say(stream: &mut TcpStream, code: u16, headers: &str, body: &str) {
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
}
