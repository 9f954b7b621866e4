//! A GitHub with a memory: it keeps check runs and comments as the real one does, and fails where it is told to.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Answer, HttpRequest, HttpServer};

/// Where one request goes wrong.
#[derive(Clone, Debug)]
pub(crate) struct ScriptedFault {
    /// Its method.
    pub on: &'static str,
    /// Whether what it asks for happens all the same.
    pub happens: bool,
    /// What is answered.
    pub answer: Answer,
}

/// What has become of it.
#[derive(Default)]
pub(crate) struct World {
    pub check_runs: Vec<Value>,
    pub comments: Vec<Value>,
    pub statuses: Vec<Value>,
    /// The repository as its token sees it.
    pub repository: Value,
    denied: Option<&'static str>,
    faults: Vec<ScriptedFault>,
}

pub(crate) struct FakeGitHub {
    pub url: String,
    server: HttpServer,
    world: Arc<Mutex<World>>,
}

impl FakeGitHub {
    /// Each fault strikes once, in this order.
    pub(crate) fn start(faults: Vec<ScriptedFault>) -> Self {
        let world = Arc::new(Mutex::new(World {
            faults,
            repository: json!({ "full_name": "octo-org/app", "archived": false }),
            ..World::default()
        }));
        let served = Arc::clone(&world);
        let server = HttpServer::start(move |request| served.lock().unwrap().serve(request));
        Self {
            url: server.url.clone(),
            server,
            world,
        }
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<HttpRequest> {
        self.server.requests()
    }

    /// Looks at the world, or changes it.
    pub(crate) fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.world.lock().unwrap())
    }
}

impl World {
    fn serve(&mut self, request: &HttpRequest) -> Answer {
        let (method, _, _) = request.parts();
        let at = self.faults.iter().position(|fault| fault.on == method);
        let fault = at.map(|at| self.faults.remove(at));
        if fault.as_ref().is_some_and(|fault| !fault.happens) {
            return fault.unwrap().answer;
        }
        let (code, body) = self.answer(request);
        fault.map_or_else(|| Answer::json(code, body), |fault| fault.answer)
    }

    fn answer(&mut self, request: &HttpRequest) -> (u16, Value) {
        let (method, path, query) = request.parts();
        // GitHub Enterprise has its API below /api/v3.
        let path = path.trim_start_matches("/api/v3");
        if path == "/repos/octo-org/app" {
            return (200, self.repository.clone());
        }
        let Some(path) = path.strip_prefix("/repos/octo-org/app/") else {
            return (404, json!({ "message": "Not Found" }));
        };
        let parts: Vec<&str> = path.split('/').collect();
        if self.denied.is_some_and(|denied| parts.contains(&denied)) {
            return (
                403,
                json!({ "message": "Resource not accessible by integration" }),
            );
        }
        match (method, &parts[..]) {
            ("POST", ["statuses", _]) => {
                self.statuses.push(request.json());
                (201, json!({ "id": 1 }))
            }
            ("GET", ["commits", _, "status"]) => (200, json!({ "statuses": self.statuses })),
            ("GET", ["pulls"]) => (200, json!([])),
            ("GET", ["commits", sha, "check-runs"]) => {
                let here = |run: &&Value| run["head_sha"] == **sha;
                let runs: Vec<&Value> = self.check_runs.iter().filter(here).collect();
                (
                    200,
                    json!({ "total_count": runs.len(), "check_runs": runs }),
                )
            }
            ("POST", ["check-runs"]) => {
                let mut run = request.json();
                run["id"] = json!(self.check_runs.len() + 1);
                let sent = run["output"]["annotations"].take();
                run["output"]["annotations_count"] = json!(sent.as_array().map_or(0, Vec::len));
                self.check_runs.push(run.clone());
                (201, run)
            }
            ("PATCH", ["check-runs", id]) => {
                let id: usize = id.parse().unwrap();
                let run = &mut self.check_runs[id - 1];
                let change = request.json();
                let more = change["output"]["annotations"]
                    .as_array()
                    .map_or(0, Vec::len);
                let count = run["output"]["annotations_count"].as_u64().unwrap();
                for (name, value) in change.as_object().unwrap() {
                    run[name] = value.clone();
                }
                run["output"]["annotations_count"] = json!(count + more as u64);
                (200, run.clone())
            }
            ("GET", ["issues", _, "comments"]) => {
                let number = |name: &str| {
                    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                    pairs
                        .find(|(key, _)| *key == name)
                        .unwrap()
                        .1
                        .parse::<usize>()
                        .unwrap()
                };
                let (size, page) = (number("per_page"), number("page"));
                let comments = self.comments.iter().skip(size * (page - 1)).take(size);
                (200, json!(comments.collect::<Vec<_>>()))
            }
            ("POST", ["issues", _, "comments"]) => {
                let body = request.json()["body"].clone();
                self.comment(&body, "Bot");
                (201, self.comments.last().unwrap().clone())
            }
            ("PATCH", ["issues", "comments", id]) => {
                let id: usize = id.parse().unwrap();
                self.comments[id - 1]["body"] = request.json()["body"].clone();
                (200, self.comments[id - 1].clone())
            }
            ("GET", ["commits", sha, "pulls"]) => (
                200,
                json!([{ "number": 5, "state": "open", "head": { "sha": sha } }]),
            ),
            _ => (404, json!({ "message": "Not Found" })),
        }
    }

    /// Lets nobody see what has this in its path.
    pub(crate) fn deny(&mut self, part: &'static str) {
        self.denied = Some(part);
    }

    /// Adds a comment of a person or of a bot.
    pub(crate) fn comment(&mut self, body: &Value, kind: &str) {
        self.comments.push(json!({
            "id": self.comments.len() + 1,
            "body": body,
            "user": { "type": kind },
            "author_association": "NONE",
        }));
    }
}
