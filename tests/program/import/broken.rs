//! A connection that breaks somewhere in an upload: what is surely incomplete is sent again, what may have got in is
//! not, unless the service is ours and knows it by its key.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use testplan::client::{Doubt, ErrorKind};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{
    stage::{JUNIT, client, file, import},
    wire::{NO, YES, header, read_request},
};

/// More than the buffers of two sockets hold, so that the client knows when its body broke off.
const LARGE: usize = 48 * 1024 * 1024;

/// What becomes of one upload.
#[derive(Clone, Copy, Debug)]
enum Play {
    /// The connection ends after so many bytes, head included.
    CutAfter(usize),
    /// It ends after the whole request.
    CutAtTheEnd,
    /// Nothing is read any more.
    Hang,
    Answer(&'static str),
    Take,
}

const OURS: &str = "HTTP/1.1 404 Not Found\r\ntestplan-service: 1\r\ncontent-type: application/json\r\ncontent-length: 30\r\n\r\n{\"code\":404,\"message\":\"nope!\"}";

/// A service that plays; the keys of all whole uploads that it read, and how many there were of any length.
struct Stage {
    url: String,
    whole: Arc<Mutex<Vec<String>>>,
    begun: Arc<Mutex<usize>>,
}

async fn stage(ours: bool, plays: Vec<Play>) -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (whole, begun) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
    let (told, count) = (Arc::clone(&whole), Arc::clone(&begun));
    tokio::spawn(async move {
        let mut plays = plays.into_iter();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut start = [0; 4];
            // Connections of their own for greeting and uploads: each answer says close.
            if stream.peek(&mut start).await.is_err() {
                continue;
            }
            if &start == b"GET " {
                read_request(&mut stream).await;
                let answer = if ours { OURS.as_bytes() } else { NO };
                let answer = String::from_utf8_lossy(answer)
                    .replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
                continue;
            }
            *count.lock().unwrap() += 1;
            let play = plays.next().unwrap_or(Play::Take);
            perform(stream, play, &told).await;
        }
    });
    Stage { url, whole, begun }
}

async fn perform(mut stream: TcpStream, play: Play, whole: &Mutex<Vec<String>>) {
    match play {
        Play::CutAfter(bytes) => {
            let mut taken = vec![0; bytes];
            let _ = stream.read_exact(&mut taken).await;
        }
        Play::Hang => {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(60)).await;
                drop(stream);
            });
        }
        Play::CutAtTheEnd | Play::Answer(_) | Play::Take => {
            let Some((head, _)) = read_request(&mut stream).await else {
                return;
            };
            let key = header(&head, "idempotency-key").unwrap().to_owned();
            let answer = match play {
                Play::Answer(answer) => answer.as_bytes(),
                _ => YES,
            };
            if !matches!(play, Play::Answer(_)) {
                whole.lock().unwrap().push(key);
            }
            if !matches!(play, Play::CutAtTheEnd) {
                let _ = stream.write_all(answer).await;
            }
        }
    }
}

fn large(folder: &std::path::Path) -> testplan::client::Import {
    let content = [b"PK\x03\x04".as_slice(), &vec![7; LARGE]].concat();
    import(&["OS=Linux"], vec![file(folder, "big.zip", &content)])
}

#[tokio::test]
async fn what_broke_off_before_its_end_is_sent_again_and_gets_in_once() {
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
        let stage = stage(false, vec![play]).await;
        client(&stage.url).import(&upload).await.unwrap();
        assert_eq!(*stage.begun.lock().unwrap(), 2, "{play:?}");
        assert_eq!(stage.whole.lock().unwrap().len(), 1, "{play:?}");
    }
}

#[tokio::test]
async fn what_may_have_got_in_is_not_sent_again_to_strangers() {
    let folder = tempfile::tempdir().unwrap();
    let upload = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let broken = "HTTP/1.1 500 Oops\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let page = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 13\r\n\r\n<html></html>";
    for play in [Play::CutAtTheEnd, Play::Answer(broken), Play::Answer(page)] {
        let stage = stage(false, vec![play]).await;
        let error = client(&stage.url).import(&upload).await.unwrap_err();
        assert!(error.may_have_happened, "{play:?}: {error}");
        assert_eq!(error.tries, 1, "{play:?}");
        assert_eq!(*stage.begun.lock().unwrap(), 1, "{play:?}");
    }
}

#[tokio::test]
async fn our_own_service_is_asked_again_under_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let upload = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let stage = stage(true, vec![Play::CutAtTheEnd, Play::CutAtTheEnd]).await;
    client(&stage.url).import(&upload).await.unwrap();
    let keys = stage.whole.lock().unwrap().clone();
    assert_eq!(keys.len(), 3);
    assert!(
        keys.iter().all(|key| *key == keys[0] && key.len() >= 32),
        "{keys:?}"
    );
}

#[tokio::test]
async fn a_service_that_puts_it_off_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let upload = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let busy =
        "HTTP/1.1 503 Busy\r\nconnection: close\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n";
    let slowly = "HTTP/1.1 429 Slowly\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let stage = stage(false, vec![Play::Answer(busy), Play::Answer(slowly)]).await;
    client(&stage.url).import(&upload).await.unwrap();
    assert_eq!(*stage.begun.lock().unwrap(), 3);
    assert_eq!(stage.whole.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn log_in_pages_and_refusals_are_told_as_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let upload = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let login = "HTTP/1.1 302 Found\r\nlocation: /login/index\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let refused = "HTTP/1.1 400 No\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 44\r\n\r\n{\"error\":{\"code\":1006,\"message\":\"disliked\"}}";
    for (answer, word) in [(login, "log-in page"), (refused, "disliked")] {
        let stage = stage(false, vec![Play::Answer(answer)]).await;
        let error = client(&stage.url).import(&upload).await.unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
        assert!(!error.may_have_happened);
        assert_eq!(*stage.begun.lock().unwrap(), 1);
    }
}

#[tokio::test]
async fn a_page_of_a_proxy_that_refuses_took_nothing_and_is_not_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let upload = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let large = "HTTP/1.1 413 Request Entity Too Large\r\nconnection: close\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>";
    let gone = "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>";
    for (answer, word) in [
        (large, "a proxy before it, takes (status 413)"),
        (gone, "(status 404)"),
    ] {
        for ours in [false, true] {
            let stage = stage(ours, vec![Play::Answer(answer)]).await;
            let error = client(&stage.url).import(&upload).await.unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            assert!(!error.may_have_happened, "{error}");
            assert_eq!(*stage.begun.lock().unwrap(), 1);
        }
    }
}

#[tokio::test]
async fn one_that_is_broken_off_is_in_doubt_only_once_all_of_it_travelled() {
    let folder = tempfile::tempdir().unwrap();
    let small = import(&[], vec![file(folder.path(), "r.xml", JUNIT.as_bytes())]);
    let put_off =
        "HTTP/1.1 503 Busy\r\nconnection: close\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n";
    for (upload, play, may_have) in [
        (large(folder.path()), Play::Hang, false),
        (small.clone(), Play::Hang, true),
        (small, Play::Answer(put_off), false),
    ] {
        let stage = stage(false, vec![play]).await;
        let (client, doubt) = (client(&stage.url), Doubt::default());
        let sending = client.import_told(&upload, &doubt);
        // Long enough for whatever happens first, and less than it takes to give it up.
        let broken_off = tokio::time::timeout(Duration::from_millis(500), sending).await;
        assert!(broken_off.is_err(), "{play:?}");
        assert_eq!(*stage.begun.lock().unwrap(), 1, "{play:?}");
        assert_eq!(doubt.is_there(), may_have, "{play:?}");
    }
}

#[tokio::test]
async fn a_file_that_goes_away_or_shrinks_is_told_and_nothing_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let mut upload = large(folder.path());
    let stage = stage(false, vec![Play::Take, Play::Take]).await;
    let client = client(&stage.url);
    // Shorter by the time it is read: its length was told in the head of the request before.
    let path = upload.files[0].path.clone();
    let sending = client.import(&upload);
    let shrinking = async {
        while *stage.begun.lock().unwrap() == 0 {
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
    assert_eq!(stage.whole.lock().unwrap().len(), 0);
}
