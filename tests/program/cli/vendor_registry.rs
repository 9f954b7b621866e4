//! A registry of Squish servers in the vendor's dialect: ids and ports are text, unknown members are none of its business,
//! nothing is upserted. It counts what was asked and refuses what a test wants refused.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// What is registered and what was asked.
#[derive(Default)]
pub(crate) struct Registry {
    pub(crate) servers: BTreeMap<u64, Value>,
    /// Methods and paths, without the lists.
    pub(crate) changes: Vec<String>,
    /// A port for which every change is refused, with this status.
    pub(crate) refuses: Option<(&'static str, u16)>,
}

/// Runs until the test's process ends.
pub(crate) struct Vendor {
    pub(crate) url: String,
    pub(crate) registry: Arc<Mutex<Registry>>,
}

impl Vendor {
    /// With these servers: id, host, port.
    pub(crate) fn new(servers: &[(u64, &str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let registry = Arc::new(Mutex::new(Registry::default()));
        for (id, host, port) in servers {
            let server = json!({
                "id": id.to_string(), "host": host, "port": port, "enabled": true,
                "labels": [{ "key": "OS", "value": "Linux" }],
            });
            registry.lock().unwrap().servers.insert(*id, server);
        }
        let kept = Arc::clone(&registry);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let registry = Arc::clone(&kept);
                thread::spawn(move || serve(&stream, &registry));
            }
        });
        Self { url, registry }
    }
}

/// One request per connection.
fn serve(mut stream: &TcpStream, registry: &Mutex<Registry>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let (method, path) = line.trim_end().split_once(' ')?;
    let (path, _) = path.split_once(' ')?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end().to_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (status, answer) = registry.lock().unwrap().answer(method, path, &body);
    let answer = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    stream.write_all((head + &answer).as_bytes()).ok()
}

impl Registry {
    fn answer(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let rest = path.strip_prefix("/execution/v1/squishservers").unwrap();
        if method == "GET" {
            return (200, self.servers.values().cloned().collect());
        }
        self.changes.push(format!("{method} {rest} {body}"));
        let id: u64 = rest.trim_start_matches('/').parse().unwrap_or(0);
        let known = self.servers.get(&id).cloned();
        let port = known.as_ref().unwrap_or(body)["port"].clone();
        if let Some((_, status)) = self.refuses.filter(|(refused, _)| port == *refused) {
            return (status, json!({ "code": 17, "message": "not this one" }));
        }
        match (method, known) {
            ("POST", _) => {
                assert!(body["port"].is_string(), "the page says text: {body}");
                let id = self.servers.keys().max().unwrap_or(&0) + 1;
                let mut server = body.clone();
                server["id"] = id.to_string().into();
                self.servers.insert(id, server.clone());
                (200, server)
            }
            ("PATCH", Some(mut server)) => {
                for (name, value) in body.as_object().unwrap() {
                    server[name] = value.clone();
                }
                self.servers.insert(id, server.clone());
                (200, server)
            }
            ("DELETE", Some(_)) => {
                self.servers.remove(&id);
                (200, json!({}))
            }
            _ => (
                400,
                json!({ "code": 1, "message": "no such Squish server" }),
            ),
        }
    }
}
