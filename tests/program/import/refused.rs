//! What the service refuses, in words that say what to do, and without keeping anything.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::stage::{JUNIT, Served, TOKEN, file, import};

const FORM: &str = "multipart/form-data; boundary=AaB";

/// One part of a form, by its head and its content.
fn part(head: &str, content: &[u8]) -> Vec<u8> {
    [
        format!("--AaB\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        content,
        b"\r\n",
    ]
    .concat()
}

fn result(content_type: &str, name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("name=\"result[]\"; filename=\"{name}\"\r\nContent-Type: {content_type}");
    part(&head, content)
}

/// Sends bytes as an upload; what is answered, head and body.
async fn send(served: &Served, content_type: &str, token: &str, body: &[u8]) -> String {
    let address = served.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /import HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Token {token}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(20), read)
        .await
        .expect("an answer")
        .unwrap();
    String::from_utf8(answer).unwrap()
}

async fn status_and_text(served: &Served, parts: &[Vec<u8>]) -> (u16, String) {
    let body = [parts.concat(), b"--AaB--\r\n".to_vec()].concat();
    let answer = send(served, FORM, TOKEN, &body).await;
    (answer[9..12].parse().unwrap(), answer)
}

#[tokio::test]
async fn a_form_that_does_not_fit_is_refused_and_leaves_nothing() {
    let served = Served::start().await;
    let good = || result("application/xml", "r.xml", JUNIT.as_bytes());
    let label = |text: &str| part("name=\"label[]\"", text.as_bytes());
    let bomb = bomb();
    for (parts, word) in [
        (vec![], "has no file"),
        (vec![part("name=\"project\"", b"p")], "has no file"),
        (vec![label("a=b,c"), good()], "a comma"),
        (vec![label("a=\"b\""), good()], "a double quote"),
        (vec![label("a=b\nc"), good()], "a line break"),
        (vec![label("nothing"), good()], "KEY=VALUE"),
        (vec![good(), label("a=b,c")], "a comma"),
        (vec![part("name=\"result[]\"", b"x")], "no file name"),
        (vec![result("image/png", "a.png", b"x")], "image/png"),
        (
            vec![result("application/xml", "r.xml", b"<testsuites>")],
            "not a result file",
        ),
        (
            vec![result("application/xml", "r.xml", b"<html></html>")],
            "not a result file",
        ),
        (
            vec![good(), result("application/zip", "r.zip", b"PK")],
            "not a readable zip",
        ),
        (
            vec![result("application/zip", "bomb.zip", &bomb)],
            "zip bomb",
        ),
        (vec![part("name=\"project\"", &[0xff]), good()], "not UTF-8"),
        (
            vec![part("name=\"batch\"", &[b'x'; 5_000]), good()],
            "longer than",
        ),
        (
            vec![part("name=\"batch\"", &[b'x'; 300]), good()],
            "256 characters",
        ),
    ] {
        let (status, text) = status_and_text(&served, &parts).await;
        assert_eq!(status, 400, "{word}: {text}");
        assert!(text.contains(word), "{word}: {text}");
        assert!(text.contains("\"code\":1001"), "{text}");
        assert_eq!(served.kept().len(), 0, "{word}");
    }
    let answer = send(&served, "application/json", TOKEN, b"{}").await;
    assert!(answer.contains("multipart/form-data"), "{answer}");
    let answer = send(&served, FORM, "wrong", b"").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let (status, text) = status_and_text(&served, &[good()]).await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(served.kept().len(), 1);
}

/// A small zip that unpacks to a lot.
fn bomb() -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("results.xml", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(JUNIT.replace("</testsuites>", "").as_bytes())
        .unwrap();
    zip.write_all(&vec![b' '; 64 * 1024 * 1024]).unwrap();
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn the_names_of_the_page_all_work_and_other_fields_are_not_ours_to_refuse() {
    let served = Served::start().await;
    let parts = [
        part("name=\"name\"", b"by its alias"),
        part("name=\"comment\"", b"of another release"),
        result("text/xml", "a.xml", JUNIT.as_bytes()),
        result("application/octet-stream", "..\\x\\b.zip", &{
            let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
            zip.start_file("r/results.xml", zip::write::SimpleFileOptions::default())
                .unwrap();
            std::io::Write::write_all(&mut zip, JUNIT.as_bytes()).unwrap();
            zip.finish().unwrap().into_inner()
        }),
    ];
    let (status, text) = status_and_text(&served, &parts).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("\"project\":\"by its alias\""), "{text}");
    assert!(text.contains("\"name\":\"002-b.zip\""), "{text}");
    assert!(text.contains("\"cases\":4"), "{text}");
}

#[tokio::test]
async fn an_upload_that_is_too_large_is_told_so_while_it_is_still_sent() {
    let served = Served::limited(1024 * 1024).await;
    let folder = tempfile::tempdir().unwrap();
    let big = [b"PK\x03\x04".as_slice(), &vec![7; 8 * 1024 * 1024]].concat();
    let upload = import(&[], vec![file(folder.path(), "big.zip", &big)]);
    let error = served.client().import(&upload).await.unwrap_err();
    assert!(error.to_string().contains("1048576 bytes"), "{error}");
    assert!(error.to_string().contains("status 413"), "{error}");
    assert!(!error.may_have_happened);
    assert_eq!(error.tries, 1, "and nothing is tried again");
    assert_eq!(served.kept().len(), 0);
}
