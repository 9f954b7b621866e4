//! Live streams over a socket.

use std::time::Duration;

use http::StatusCode;
use testplan::{
    model::TestVerdict,
    service::{Limits, StreamLimits},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{HOSTILE, Site};
use crate::service::support::{Served, get, patient, soon, wire, with};

/// A stream that was opened.
struct Stream {
    socket: TcpStream,
    text: String,
}

impl Stream {
    async fn open(served: &Served, path: &str) -> Self {
        Self::resume(served, path, None).await
    }

    async fn resume(served: &Served, path: &str, last: Option<&str>) -> Self {
        let mut request = get(path);
        if let Some(last) = last {
            request = with(request, "last-event-id", last);
        }
        let mut socket = served.connect().await;
        socket
            .write_all(&wire(&request, "keep-alive"))
            .await
            .unwrap();
        Self {
            socket,
            text: String::new(),
        }
    }

    /// Reads until the text is there; returns all that was read so far.
    async fn until(&mut self, wanted: &str) -> &str {
        let mut buffer = vec![0; 16 * 1024];
        while !self.text.contains(wanted) {
            let read = soon(self.socket.read(&mut buffer)).await.unwrap();
            assert!(read > 0, "{wanted}: the stream ended: {}", self.text);
            self.text
                .push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        &self.text
    }

    /// Whether the service ends it.
    async fn ends(&mut self) -> bool {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match soon(self.socket.read(&mut buffer)).await {
                Ok(0) | Err(_) => return true,
                Ok(read) => self
                    .text
                    .push_str(&String::from_utf8_lossy(&buffer[..read])),
            }
        }
    }
}

fn quick() -> Limits {
    Limits {
        streams: StreamLimits {
            most: 10,
            pause_ms: 20,
        },
        ..patient()
    }
}

async fn served(tests: usize, limits: Limits) -> (Site, Served) {
    let site = Site::with(tests, limits).await;
    let served = Served::start(&site.service).await;
    (site, served)
}

/// The open streams.
async fn streams(site: &Site) -> u64 {
    site.json("/health.json").await["streams"].as_u64().unwrap()
}

async fn wait_for_streams(site: &Site, expected: u64) {
    soon(async {
        while streams(site).await != expected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_reach_all_browsers_with_the_number_of_the_event() {
    let (site, served) = served(3, quick()).await;
    let path = format!("{}/live", site.plan_path());
    let mut first = Stream::open(&served, &path).await;
    let head = first.until("id: 0\n").await;
    assert!(head.contains("text/event-stream"), "{head}");
    assert!(head.contains("x-accel-buffering: no"), "{head}");
    assert!(head.contains("retry: 2000"), "{head}");
    let mut second = Stream::open(&served, &path).await;
    second.until("id: 0\n").await;

    let taken = site.take(HOSTILE).await;
    let row = format!("\"e-{}\"", taken.execution);
    for stream in [&mut first, &mut second] {
        let text = stream.until(&row).await;
        assert!(text.contains("id: 1\nevent: patch\n"), "{text}");
        assert!(text.contains("1 running"), "{text}");
        assert!(!text.contains("<script"), "{text}");
    }
    site.finish(&taken, Some(TestVerdict::Passed), "").await;
    first.until("id: 2\n").await;
    assert_eq!(streams(&site).await, 2);
    drop((first, second));
    wait_for_streams(&site, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_is_resumed_after_the_last_event() {
    let (site, served) = served(4, quick()).await;
    let path = format!("{}/live", site.plan_path());
    let one = site.take("w").await;
    let two = site.take("w").await;
    let row = |id| format!("\"e-{id}\"");
    // The first event is known: only what came after it is sent again.
    for (address, last) in [(format!("{path}?after=1"), None), (path.clone(), Some("1"))] {
        let mut stream = Stream::resume(&served, &address, last).await;
        let text = stream.until(&row(two.execution)).await;
        assert!(text.contains("id: 2\n"), "{text}");
        assert!(!text.contains(&row(one.execution)), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_loads_the_page_again_if_too_much_changed() {
    let (site, served) = served(500, quick()).await;
    for _ in 0..401 {
        site.take("w").await;
    }
    let path = format!("{}/live", site.plan_path());
    let mut stream = Stream::open(&served, &path).await;
    stream.until("\"reload\":true").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_limited() {
    let (site, served) = served(
        1,
        Limits {
            streams: StreamLimits {
                most: 1,
                pause_ms: 20,
            },
            ..quick()
        },
    )
    .await;
    let path = format!("{}/live", site.plan_path());
    let mut first = Stream::open(&served, &path).await;
    first.until("id: 0\n").await;
    let refused = served.ask(&get(&path)).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "1");
    drop(first);
    wait_for_streams(&site, 0).await;
    let mut next = Stream::open(&served, &path).await;
    next.until("id: 0\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_that_does_not_read_is_dropped() {
    let limits = Limits {
        streams: StreamLimits {
            most: 1,
            pause_ms: 1,
        },
        unread: Duration::from_millis(200),
        ..quick()
    };
    let (site, served) = served(3, limits).await;
    let mut slow = Stream::open(&served, &format!("{}/live", site.plan_path())).await;
    slow.until("id: 0\n").await;
    // More than the buffers of both ends hold; each test adds to the page.
    soon(async {
        while streams(&site).await == 1 {
            let taken = site.take(&"w".repeat(200)).await;
            site.finish(&taken, None, &"long ".repeat(1500)).await;
            let reset = testplan::store::Reset {
                execution: taken.execution,
                generation: None,
                principal: "ci".to_owned(),
            };
            let now = super::clock().now();
            testplan::store::Store::reset(site.store.as_ref(), reset, now)
                .await
                .unwrap();
        }
    })
    .await;
    assert!(slow.ends().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_with_the_service() {
    let (site, served) = served(1, quick()).await;
    let mut stream = Stream::open(&served, &format!("{}/live", site.plan_path())).await;
    stream.until("id: 0\n").await;
    let stopped = served.stop();
    assert!(stream.ends().await);
    soon(stopped).await.unwrap().unwrap();
}
