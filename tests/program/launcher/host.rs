//! A host of releases: answers each address as it was told, once per telling, the last one for ever.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
};

/// How a request is answered.
#[derive(Clone)]
pub(crate) enum Answer {
    /// 200 with this.
    Bytes(Vec<u8>),
    /// This status, without a body.
    Status(u16),
    /// 302 to there.
    Redirect(String),
    /// 200 with a length, but the connection ends after the first half.
    Cut(Vec<u8>),
    /// 200 without a length and without an end, as fast as it goes.
    Endless,
    /// 200 with a length, then nothing, until the other side hangs up.
    Hang,
}

/// Ends with the test's process.
pub(crate) struct Host {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
    hung_up: mpsc::Receiver<()>,
    hanging: mpsc::Receiver<()>,
}

impl Host {
    pub(crate) fn new(answers: &[(&str, &[Answer])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (hang, hanging) = mpsc::channel();
        let (hang_up, hung_up) = mpsc::channel();
        let answers: HashMap<String, Vec<Answer>> = answers
            .iter()
            .map(|(path, answers)| ((*path).to_owned(), answers.to_vec()))
            .collect();
        let kept = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, kept) = (answers.clone(), Arc::clone(&kept));
                let (hang, hang_up) = (hang.clone(), hang_up.clone());
                thread::spawn(move || serve(stream, &answers, &kept, &hang, &hang_up));
            }
        });
        Self {
            url,
            asked,
            hung_up,
            hanging,
        }
    }

    /// What was asked so far: a request line without the version each.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Until somebody waits in [`Answer::Hang`].
    pub(crate) fn until_hanging(&self) {
        self.hanging.recv_timeout(crate::support::PATIENCE).unwrap();
    }

    /// Until who waited has hung up.
    pub(crate) fn until_hung_up(&self) {
        self.hung_up.recv_timeout(crate::support::PATIENCE).unwrap();
    }
}

fn serve(
    mut stream: TcpStream,
    answers: &HashMap<String, Vec<Answer>>,
    asked: &Mutex<Vec<String>>,
    hang: &mpsc::Sender<()>,
    hang_up: &mpsc::Sender<()>,
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else {
        return;
    };
    for line in lines.by_ref() {
        if line.is_ok_and(|line| line.is_empty()) {
            break;
        }
    }
    let request = request.rsplit_once(' ').unwrap().0.to_owned();
    let (method, path) = request.split_once(' ').unwrap();
    let time = {
        let mut asked = asked.lock().unwrap();
        asked.push(request.clone());
        asked.iter().filter(|earlier| **earlier == request).count() - 1
    };
    if method == "CONNECT" {
        // A proxy's door: what is said behind it comes as a request of its own.
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        return serve(stream, answers, asked, hang, hang_up);
    }
    let told = &answers[path];
    let head = |length: usize| {
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n")
    };
    // Who hangs up first has seen enough.
    let _ = match &told[time.min(told.len() - 1)] {
        Answer::Bytes(bytes) => stream.write_all(&[head(bytes.len()).as_bytes(), bytes].concat()),
        Answer::Status(status) => {
            write!(
                stream,
                "HTTP/1.1 {status} Told\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
        }
        Answer::Redirect(to) => {
            write!(
                stream,
                "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
            )
        }
        Answer::Cut(bytes) => {
            stream.write_all(&[head(bytes.len()).as_bytes(), &bytes[..bytes.len() / 2]].concat())
        }
        Answer::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
            let block = [b'x'; 4096];
            while stream.write_all(&block).is_ok() {}
            hang_up.send(()).map_err(std::io::Error::other)
        }
        Answer::Hang => {
            let _ = stream.write_all(head(1000).as_bytes());
            hang.send(()).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
            hang_up.send(()).map_err(std::io::Error::other)
        }
    };
}
