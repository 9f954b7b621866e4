//! A connection that breaks somewhere in an upload: what is surely incomplete is sent again, what may have got in is
//! not, unless the service is ours and knows it by its key.

use std::{
    collections::VecDeque,
    io::{BufRead as _, Read as _},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use testplan::client::{Client, ErrorKind, UnclearOutcome};

use super::{
    stage::{JUNIT, client, file, import},
    wire::no,
};
use crate::support::{Answer, Connection, HttpServer};

/// More than the buffers of two sockets hold, so that the client knows when its body broke off.
const LARGE: usize = 48 * 1024 * 1024;

/// What becomes of one upload.
#[derive(Clone, Debug)]
enum Play {
    /// The connection ends after so many bytes, head included.
    CutAfter(usize),
    /// It ends after the whole request.
    CutAtTheEnd,
    /// Nothing is read any more.
    Hang,
    Answer(Answer),
    Take,
}

/// A service that plays; the keys of all whole uploads that it read, and how many there were of any length.
struct Uploads {
    server: HttpServer,
    whole: Arc<Mutex<Vec<String>>>,
    begun: Arc<AtomicUsize>,
}

impl Uploads {
    fn start(ours: bool, plays: impl IntoIterator<Item = Play>) -> Self {
        let (whole, begun) = (
            Arc::<Mutex<Vec<_>>>::default(),
            Arc::<AtomicUsize>::default(),
        );
        let (keys, count) = (Arc::clone(&whole), Arc::clone(&begun));
        let plays = Mutex::new(plays.into_iter().collect::<VecDeque<_>>());
        // Connections of their own for greeting and uploads: each answer says close.
        let server = HttpServer::connections_to(move |connection| {
            if connection.bytes().fill_buf().ok()?.starts_with(b"GET ") {
                connection.request()?;
                let answer = if ours {
                    no().header("testplan-service: 1")
                } else {
                    no()
                };
                return connection.answer(&answer);
            }
            count.fetch_add(1, Ordering::SeqCst);
            let play = plays.lock().unwrap().pop_front().unwrap_or(Play::Take);
            perform(connection, play, &keys)
        });
        Self {
            server,
            whole,
            begun,
        }
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    fn client(&self) -> Client {
        client(&self.server.url)
    }
}

fn perform(connection: &mut Connection, play: Play, whole: &Mutex<Vec<String>>) -> Option<()> {
    match play {
        Play::CutAfter(bytes) => {
            let mut taken = vec![0; bytes];
            connection.bytes().read_exact(&mut taken).ok()
        }
        Play::Hang => {
            thread::sleep(Duration::from_secs(60));
            None
        }
        Play::Answer(answer) => {
            connection.request()?;
            connection.answer(&answer)
        }
        Play::CutAtTheEnd | Play::Take => {
            let request = connection.request()?;
            let key = request.header("idempotency-key")[0].to_owned();
            whole.lock().unwrap().push(key);
            let answer = match play {
                Play::CutAtTheEnd => Answer::close(),
                _ => Answer::new(200, "OK"),
            };
            connection.answer(&answer)
        }
    }
}

fn large(folder: &std::path::Path) -> testplan::client::Import {
    let content = [b"PK\x03\x04".as_slice(), &vec![7; LARGE]].concat();
    import(&["OS=Linux"], vec![file(folder, "big.zip", &content)])
}

#[tokio::test]
async fn interrupted_upload_is_repeated_and_accepted_once() {
    let folder = tempfile::tempdir().unwrap();
    let upload = large(folder.path());
    for play in [
        Play::CutAfter(0),
        Play::CutAfter(1),
        Play::CutAfter(300),
        Play::CutAfter(1024 * 1024),
        Play::CutAfter(LARGE / 2),
        Play::Hang,
    ] {
        let service = Uploads::start(false, [play.clone()]);
        service.client().import(&upload).await.unwrap();
        assert_eq!(service.begun(), 2, "{play:?}");
        assert_eq!(service.whole.lock().unwrap().len(), 1, "{play:?}");
    }
}

#[tokio::test]
async fn unclear_upload_is_not_repeated_to_other_services() {
    let folder = tempfile::tempdir().unwrap();
    let upload = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let broken = Answer::new(500, "");
    let page = Answer::new(200, "<html></html>");
    for play in [Play::CutAtTheEnd, Play::Answer(broken), Play::Answer(page)] {
        let service = Uploads::start(false, [play.clone()]);
        let error = service.client().import(&upload).await.unwrap_err();
        assert!(error.may_have_happened, "{play:?}: {error}");
        assert_eq!(error.tries, 1, "{play:?}");
        assert_eq!(service.begun(), 1, "{play:?}");
    }
}

#[tokio::test]
async fn unclear_upload_is_repeated_with_its_key_to_testplan_serve() {
    let folder = tempfile::tempdir().unwrap();
    let upload = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let service = Uploads::start(true, [Play::CutAtTheEnd, Play::CutAtTheEnd]);
    service.client().import(&upload).await.unwrap();
    let keys = service.whole.lock().unwrap().clone();
    assert_eq!(keys.len(), 3);
    assert!(
        keys.iter().all(|key| *key == keys[0] && key.len() >= 32),
        "{keys:?}"
    );
}

#[tokio::test]
async fn upload_is_repeated_after_503_and_429() {
    let folder = tempfile::tempdir().unwrap();
    let upload = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let busy = Answer::new(503, "").header("retry-after: 0");
    let slowly = Answer::new(429, "");
    let service = Uploads::start(false, [Play::Answer(busy), Play::Answer(slowly)]);
    service.client().import(&upload).await.unwrap();
    assert_eq!(service.begun(), 3);
    assert_eq!(service.whole.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn upload_refused_by_the_service_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let upload = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let refused = Answer::json(400, r#"{"error":{"code":1006,"message":"disliked"}}"#);
    let service = Uploads::start(false, [Play::Answer(refused)]);
    let error = service.client().import(&upload).await.unwrap_err();
    assert!(error.to_string().contains("disliked"), "{error}");
    assert!(!error.may_have_happened);
    assert_eq!(service.begun(), 1);
}

#[tokio::test]
async fn upload_is_repeated_after_a_proxy_asked_for_a_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let upload = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    for answer in [
        Answer::redirect(302, "/login/index"),
        Answer::page(401),
        Answer::page(403),
    ] {
        for ours in [false, true] {
            let service = Uploads::start(ours, [Play::Answer(answer.clone())]);
            service.client().import(&upload).await.unwrap();
            assert_eq!(service.begun(), 2, "{answer:?}");
        }
    }
    // For as long as the client is patient.
    let login = Play::Answer(Answer::redirect(302, "/login/index"));
    let service = Uploads::start(false, vec![login; 1_000]);
    let error = service.client().import(&upload).await.unwrap_err();
    assert!(error.to_string().contains("log-in page"), "{error}");
    assert!(!error.may_have_happened && error.tries > 2, "{error}");
}

#[tokio::test]
async fn upload_refused_by_a_proxy_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let upload = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let large = Answer::page(413);
    let gone = Answer::page(404);
    for (answer, word) in [
        (large, "a proxy before it, takes (status 413)"),
        (gone, "(status 404)"),
    ] {
        for ours in [false, true] {
            let service = Uploads::start(ours, [Play::Answer(answer.clone())]);
            let error = service.client().import(&upload).await.unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            assert!(!error.may_have_happened, "{error}");
            assert_eq!(service.begun(), 1);
        }
    }
}

#[tokio::test]
async fn aborted_upload_is_unclear_only_after_its_last_byte() {
    let folder = tempfile::tempdir().unwrap();
    let small = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let put_off = Answer::new(503, "").header("retry-after: 3");
    for (upload, play, may_have) in [
        (large(folder.path()), Play::Hang, false),
        (small.clone(), Play::Hang, true),
        (small, Play::Answer(put_off), false),
    ] {
        let service = Uploads::start(false, [play.clone()]);
        let (client, doubt) = (service.client(), UnclearOutcome::default());
        let sending = client.import_tracked(&upload, &doubt);
        // Long enough for whatever happens first, and less than it takes to give it up.
        let broken_off = tokio::time::timeout(Duration::from_millis(500), sending).await;
        assert!(broken_off.is_err(), "{play:?}");
        assert_eq!(service.begun(), 1, "{play:?}");
        assert_eq!(doubt.is_unclear(), may_have, "{play:?}");
    }
}

#[tokio::test]
async fn shrinking_file_aborts_the_upload() {
    let folder = tempfile::tempdir().unwrap();
    let mut upload = large(folder.path());
    let service = Uploads::start(false, [Play::Take, Play::Take]);
    let client = service.client();
    // Shorter by the time it is read: its length was told in the head of the request before.
    let path = upload.files[0].path.clone();
    let sending = client.import(&upload);
    let shrinking = async {
        while service.begun() == 0 {
            tokio::task::yield_now().await;
        }
        std::fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(1000)
            .unwrap();
    };
    let (sent, ()) = tokio::join!(sending, shrinking);
    let error = sent.unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Unreadable { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("became shorter"), "{error}");
    upload.files[0].path = folder.path().join("gone.zip");
    let error = client.import(&upload).await.unwrap_err();
    assert!(error.to_string().contains("gone.zip"), "{error}");
    assert_eq!(service.whole.lock().unwrap().len(), 0);
}
