//! A Test Center that answers what `testplan doctor` asks.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::support::{Answer, HttpServer};

/// A refusal of the API.
pub(crate) fn refusal(status: u16, message: &str) -> Answer {
    Answer::json(status, json!({ "code": 1, "message": message }))
}

/// This machine's clock, moved by so many seconds.
pub(crate) fn clock(ahead: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap() + ahead * 1000
}

/// A Test Center of the vendor's dialect: it speaks of template 64 and plan 105 of project `example`.
pub(crate) struct ScriptedCenter {
    /// How it calls the executions that are done.
    pub(crate) done: &'static str,
    /// How far its clock is ahead, in seconds.
    pub(crate) ahead: i64,
    /// The repositories that the template names.
    pub(crate) repositories: serde_json::Value,
}

impl Default for ScriptedCenter {
    fn default() -> Self {
        Self {
            done: "done",
            ahead: 0,
            repositories: json!([]),
        }
    }
}

impl ScriptedCenter {
    pub(crate) fn start(self) -> HttpServer {
        HttpServer::start(move |request| self.answer(request.call()))
    }

    fn answer(&self, line: &str) -> Answer {
        let path = line.strip_prefix("GET ").unwrap_or("");
        let path = path.strip_prefix("/execution/v1").unwrap_or(path);
        let plan = |id: i64, kind: &str| {
            json!({
                "id": id, "title": "CI Tests master", "type": kind, "project": "example",
                "server_dt": clock(self.ahead), "repository_information": self.repositories,
            })
        };
        let counts = |open: u64| json!({ "open": open, "reserved": 1, self.done: 2 });
        match path {
            "/" => Answer::redirect(302, "/login/index"),
            "/squishservers" => Answer::json(
                200,
                json!([
                    { "id": "1", "enabled": true, "host": "lab", "port": "4322",
                      "labels": [{ "key": "OS", "value": "Linux" }] },
                ]),
            ),
            "/testplans?project=example&title=CI%20Tests%20master&type=template" => {
                Answer::json(200, plan(64, "template"))
            }
            "/testplans/105" => Answer::json(200, plan(105, "instance")),
            "/status/105" => Answer::json(200, counts(27)),
            "/status/105?OS=Linux" => Answer::json(200, counts(19)),
            "/status/105?OS=Windows" => {
                Answer::json(200, json!({ "open": 0, "reserved": 0, self.done: 0 }))
            }
            _ => refusal(404, "nothing here"),
        }
    }
}
