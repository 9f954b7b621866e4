//! A wire with a tap on it: forwards connections to a service and keeps what went by.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::Service;

/// Stands between workers and a service. Ends with the test's process.
pub(crate) struct Tap {
    pub(crate) url: String,
    requests: Kept,
    answers: Kept,
}

/// One direction: what went by, a text per connection.
type Kept = Arc<Mutex<Vec<Vec<u8>>>>;

impl Tap {
    pub(crate) fn before(service: &Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, answers) = (Kept::default(), Kept::default());
        let to = service.address().to_owned();
        let kept = (Arc::clone(&requests), Arc::clone(&answers));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(service) = TcpStream::connect(&to) else {
                    continue;
                };
                forward(&client, &service, &kept.0);
                forward(&service, &client, &kept.1);
            }
        });
        Self {
            url,
            requests,
            answers,
        }
    }

    /// What was asked, headers and all.
    pub(crate) fn requests(&self) -> String {
        text(&self.requests)
    }

    /// What was answered.
    pub(crate) fn answers(&self) -> String {
        text(&self.answers)
    }

    /// The leases that were handed out.
    pub(crate) fn leases(&self) -> Vec<String> {
        let answers = self.answers();
        let behind = answers.split("\"lease\":\"").skip(1);
        let mut leases: Vec<String> = behind
            .filter_map(|rest| rest.split('"').next().map(str::to_owned))
            .collect();
        leases.sort();
        leases.dedup();
        leases
    }
}

fn text(kept: &Kept) -> String {
    String::from_utf8_lossy(&kept.lock().unwrap().concat()).into_owned()
}

fn forward(from: &TcpStream, to: &TcpStream, kept: &Kept) {
    let mut from = from.try_clone().unwrap();
    let mut to = to.try_clone().unwrap();
    let kept = Arc::clone(kept);
    let place = {
        let mut kept = kept.lock().unwrap();
        kept.push(Vec::new());
        kept.len() - 1
    };
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            kept.lock().unwrap()[place].extend_from_slice(&buffer[..count]);
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
