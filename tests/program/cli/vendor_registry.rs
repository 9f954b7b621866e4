//! A registry of Squish servers in the vendor's dialect: ids and ports are text, unknown members are none of its business,
//! nothing is upserted. It counts what was asked and refuses what a test wants refused.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::support::{Answer, HttpRequest, HttpServer};

/// What is registered and what was asked.
#[derive(Default)]
pub(crate) struct Registry {
    pub(crate) servers: BTreeMap<u64, Value>,
    /// Methods and paths, without the lists.
    pub(crate) changes: Vec<String>,
    /// A port for which every change is refused, with this status.
    pub(crate) refuses: Option<(&'static str, u16)>,
}

/// A registry that is served until dropped.
pub(crate) struct Vendor {
    pub(crate) url: String,
    _server: HttpServer,
    pub(crate) registry: Arc<Mutex<Registry>>,
}

impl Vendor {
    /// With these servers: id, host, port.
    pub(crate) fn new(servers: &[(u64, &str, &str)]) -> Self {
        let registry = Arc::new(Mutex::new(Registry::default()));
        for (id, host, port) in servers {
            let server = json!({
                "id": id.to_string(), "host": host, "port": port, "enabled": true,
                "labels": [{ "key": "OS", "value": "Linux" }],
            });
            registry.lock().unwrap().servers.insert(*id, server);
        }
        let kept = Arc::clone(&registry);
        let server = HttpServer::start(move |request| kept.lock().unwrap().answer(request));
        Self {
            url: server.url.clone(),
            _server: server,
            registry,
        }
    }
}

impl Registry {
    fn answer(&mut self, request: &HttpRequest) -> Answer {
        let (method, path, _) = request.parts();
        let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let (status, answer) = self.act(method, path, &body);
        Answer::json(status, answer)
    }

    fn act(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
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
