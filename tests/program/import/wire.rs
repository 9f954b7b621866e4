//! The bytes of an upload, held against what the vendor's page asks for, on a socket that only looks.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::stage::{JUNIT, TOKEN, client, file, import};

/// Reads one request to the end that its length tells.
pub(super) async fn read_request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = header(&head, "content-length").map_or(0, |text| text.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some((head, bytes.split_off(end + 4)));
            }
        }
        let mut chunk = vec![0; 64 * 1024];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}

pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

pub(super) const NO: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 30\r\n\r\n{\"code\":404,\"message\":\"nope!\"}";
pub(super) const YES: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK";

/// Takes uploads like a service of which nothing is known; what it read, in order.
async fn look() -> (String, Arc<Mutex<Vec<(String, Vec<u8>)>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/tc", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            while let Some(request) = read_request(&mut stream).await {
                let answer = if request.0.starts_with("GET") {
                    NO
                } else {
                    YES
                };
                told.lock().unwrap().push(request);
                stream.write_all(answer).await.unwrap();
            }
        }
    });
    (url, seen)
}

#[tokio::test]
async fn an_upload_is_byte_by_byte_what_the_page_asks_for() {
    let (url, seen) = look().await;
    let folder = tempfile::tempdir().unwrap();
    // Not valid UTF-8, with what looks like ends of lines and boundaries.
    let zip = [
        b"PK\x03\x04\xff\r\n--\r\n\r\n--testplan--\r\n".as_slice(),
        &vec![0; 300_000],
    ]
    .concat();
    let files = vec![
        file(folder.path(), "results.xml", JUNIT.as_bytes()),
        file(folder.path(), "run.zip", &zip),
        file(folder.path(), "results-v1.js", b"var results = {};"),
        file(folder.path(), "app.csmes", b"\x00coco"),
        file(folder.path(), "app.csexe", b""),
    ];
    let labels = [
        "OS=Linux",
        ".reference.url=[Run 7](https://ci.example.com/7?a=b)",
    ];
    client(&url).import(&import(&labels, files)).await.unwrap();

    let seen = seen.lock().unwrap();
    let [(greeting, _), (head, body)] = &seen[..] else {
        panic!("{} requests", seen.len());
    };
    assert!(greeting.starts_with("GET /tc/execution/v1/squishservers HTTP/1.1\r\n"));
    assert!(head.starts_with("POST /tc/import HTTP/1.1\r\n"), "{head}");
    assert_eq!(
        header(head, "authorization"),
        Some(format!("Token {TOKEN}").as_str())
    );
    assert_eq!(header(head, "transfer-encoding"), None);
    assert_eq!(
        header(head, "content-length"),
        Some(body.len().to_string().as_str())
    );
    let lengths = head.to_lowercase().matches("content-length").count();
    assert_eq!(lengths, 1, "{head}");
    let boundary = header(head, "content-type")
        .unwrap()
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap();
    assert!((20..=70).contains(&boundary.len()), "{boundary}");
    assert!(
        boundary
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    );

    let mut expected = Vec::new();
    let mut text = |name: &str, value: &str| {
        expected.extend_from_slice(
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
            .as_bytes(),
        );
    };
    text("project", "example");
    text("batch", "nightly 7");
    for label in labels {
        text("label[]", label);
    }
    for (name, content_type, content) in [
        ("results.xml", "application/xml", JUNIT.as_bytes()),
        ("run.zip", "application/zip", &zip),
        (
            "results-v1.js",
            "application/javascript",
            b"var results = {};",
        ),
        ("app.csmes", "application/octet-stream", b"\x00coco"),
        ("app.csexe", "application/octet-stream", b""),
    ] {
        expected.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"result[]\"; filename=\"{name}\"\r\nContent-Type: {content_type}\r\n\r\n")
                .as_bytes(),
        );
        expected.extend_from_slice(content);
        expected.extend_from_slice(b"\r\n");
    }
    expected.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    assert!(
        *body == expected,
        "sent {:?}\nwanted {:?}",
        String::from_utf8_lossy(&body[..2000]),
        String::from_utf8_lossy(&expected[..2000])
    );
}

#[tokio::test]
async fn every_upload_has_a_boundary_of_its_own() {
    let (url, seen) = look().await;
    let folder = tempfile::tempdir().unwrap();
    let client = client(&url);
    for _ in 0..2 {
        let results = file(folder.path(), "results.xml", JUNIT.as_bytes());
        client.import(&import(&[], vec![results])).await.unwrap();
    }
    let seen = seen.lock().unwrap();
    let types: Vec<_> = seen
        .iter()
        .filter(|(head, _)| head.starts_with("POST"))
        .map(|(head, _)| header(head, "content-type").unwrap())
        .collect();
    assert_eq!(types.len(), 2);
    assert_ne!(types[0], types[1]);
}
