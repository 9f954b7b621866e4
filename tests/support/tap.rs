//! A wire with a tap on it: forwards connections to a service, keeps what went by, and can be turned off for some of it.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::Service;

/// Stands between workers and a service. Ends with the test's process.
pub(crate) struct Tap {
    pub(crate) url: String,
    requests: Kept,
    answers: Kept,
    held_back: Arc<HeldBack>,
    lost: Lost,
    other: Arc<AtomicBool>,
}

/// Texts of requests whose answers are thrown away, and how many of each.
type Lost = Arc<Mutex<Vec<(&'static str, usize)>>>;

/// Requests that hold this text wait.
#[derive(Default)]
struct HeldBack {
    text: Mutex<Option<&'static str>>,
    changed: Condvar,
}

/// One direction: what went by, a text per connection.
type Kept = Arc<Mutex<Vec<Vec<u8>>>>;

impl Tap {
    pub(crate) fn before(service: &Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, answers) = (Kept::default(), Kept::default());
        let held_back = Arc::new(HeldBack::default());
        let lost = Lost::default();
        let losing = Arc::clone(&lost);
        let other = Arc::new(AtomicBool::new(false));
        let is_other = Arc::clone(&other);
        let to = service.address().to_owned();
        let kept = (Arc::clone(&requests), Arc::clone(&answers));
        let gate = Arc::clone(&held_back);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(service) = TcpStream::connect(&to) else {
                    continue;
                };
                // Whether the answer to what is being asked on this connection is thrown away.
                let doomed = Arc::new(AtomicBool::new(false));
                let wait = {
                    let (gate, losing) = (Arc::clone(&gate), Arc::clone(&losing));
                    let doomed = Arc::clone(&doomed);
                    move |bytes: &mut [u8]| {
                        gate.wait(bytes);
                        if is_to_be_lost(&losing, bytes) {
                            doomed.store(true, Ordering::SeqCst);
                        }
                        true
                    }
                };
                forward(&client, &service, &kept.0, wait);
                let disguise = {
                    let is_other = Arc::clone(&is_other);
                    move |bytes: &mut [u8]| {
                        if is_other.load(Ordering::Relaxed) {
                            disguise(bytes);
                        }
                        !doomed.load(Ordering::SeqCst)
                    }
                };
                forward(&service, &client, &kept.1, disguise);
            }
        });
        Self {
            url,
            requests,
            answers,
            held_back,
            lost,
            other,
        }
    }

    /// Throws the answers to the next so many requests away that contain a text: the service has done what they ask.
    pub(crate) fn lose_answers(&self, text: &'static str, times: usize) {
        self.lost.lock().unwrap().push((text, times));
    }

    /// From now on the service looks like somebody else's, which has no lists: its mark is taken off its answers.
    pub(crate) fn play_another_service(&self) {
        self.other.store(true, Ordering::Relaxed);
    }

    /// Holds requests back that contain a text: the service does not hear of them.
    pub(crate) fn hold_back(&self, text: &'static str) {
        self.held_back.set(Some(text));
    }

    /// Lets them go on.
    pub(crate) fn let_go(&self) {
        self.held_back.set(None);
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

impl HeldBack {
    fn set(&self, text: Option<&'static str>) {
        *self.text.lock().unwrap() = text;
        self.changed.notify_all();
    }

    fn wait(&self, request: &[u8]) {
        let request = String::from_utf8_lossy(request);
        let held = |text: &mut Option<&str>| text.is_some_and(|text| request.contains(text));
        let text = self.text.lock().unwrap();
        drop(self.changed.wait_while(text, held).unwrap());
    }
}

fn is_to_be_lost(lost: &Lost, request: &[u8]) -> bool {
    let request = String::from_utf8_lossy(request);
    let mut orders = lost.lock().unwrap();
    let order = orders
        .iter_mut()
        .find(|(text, times)| *times > 0 && request.contains(text));
    order.is_some_and(|(_, times)| {
        *times -= 1;
        true
    })
}

/// Overwrites the name of the header that tells our service from others with one as long.
fn disguise(bytes: &mut [u8]) {
    let mark = testplan::api::SERVICE.as_bytes();
    if let Some(place) = bytes.windows(mark.len()).position(|part| part == mark) {
        bytes[place..place + mark.len()].fill(b'x');
    }
}

fn forward(
    from: &TcpStream,
    to: &TcpStream,
    kept: &Kept,
    change: impl Fn(&mut [u8]) -> bool + Send + 'static,
) {
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
            if !change(&mut buffer[..count]) {
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
