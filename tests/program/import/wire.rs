//! The bytes of an upload, held against what the vendor's page asks for, on a socket that only looks.

use super::stage::{JUNIT, TOKEN, client, file, import};
use crate::support::{Answer, HttpServer};

/// How a service of which nothing is known answers what only testplan has.
pub(super) fn no() -> Answer {
    Answer::json(404, r#"{"code":404,"message":"nope!"}"#)
}

/// Takes uploads like a service of which nothing is known.
fn look() -> (String, HttpServer) {
    let server = HttpServer::start(|request| match request.parts() {
        ("GET", ..) => no(),
        _ => Answer::new(200, "OK"),
    });
    (format!("{}/tc", server.url), server)
}

#[tokio::test]
async fn an_upload_is_byte_by_byte_what_the_page_asks_for() {
    let (url, server) = look();
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

    let seen = server.requests();
    let [greeting, upload] = &seen[..] else {
        panic!("{} requests", seen.len());
    };
    let squish_servers = "GET /tc/execution/v1/squishservers HTTP/1.1";
    assert_eq!(greeting.line(), squish_servers);
    assert_eq!(upload.line(), "POST /tc/import HTTP/1.1");
    assert_eq!(upload.header("authorization"), [format!("Token {TOKEN}")]);
    assert_eq!(upload.header("transfer-encoding"), [""; 0]);
    let body = &upload.body;
    assert_eq!(upload.header("content-length"), [body.len().to_string()]);
    let boundary = upload.header("content-type")[0]
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
    let (url, server) = look();
    let folder = tempfile::tempdir().unwrap();
    let client = client(&url);
    for _ in 0..2 {
        let results = file(folder.path(), "results.xml", JUNIT.as_bytes());
        client.import(&import(&[], vec![results])).await.unwrap();
    }
    let seen = server.requests();
    let types: Vec<_> = seen
        .iter()
        .filter(|request| request.line().starts_with("POST"))
        .map(|request| request.header("content-type")[0])
        .collect();
    assert_eq!(types.len(), 2);
    assert_ne!(types[0], types[1]);
}
