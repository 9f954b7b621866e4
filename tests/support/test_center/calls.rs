//! What was asked, for tests to judge.

use std::sync::Mutex;

/// Most of a body that is kept, in bytes.
const KEPT: usize = 64 * 1024;

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Method and path, as `POST /execution/v1/reserve/105`.
    pub(crate) line: String,
    /// What was after `?`, as it came.
    pub(crate) query: String,
    /// Its headers, names in small letters, without the credentials.
    pub(crate) headers: Vec<(String, String)>,
    /// Its body, as far as it is text.
    pub(crate) body: String,
    /// What it was answered; `None` if the answer was thrown away.
    pub(crate) status: Option<u16>,
}

impl Call {
    /// Its body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// All calls so far.
#[derive(Default)]
pub(super) struct Calls(Mutex<Vec<Call>>);

impl Calls {
    pub(super) fn add(&self, mut call: Call) {
        if call.body.len() > KEPT {
            let end = (0..=KEPT).rev().find(|at| call.body.is_char_boundary(*at));
            call.body.truncate(end.unwrap_or(0));
        }
        self.0.lock().unwrap().push(call);
    }

    pub(super) fn all(&self) -> Vec<Call> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn count(&self, line: &str) -> usize {
        let calls = self.0.lock().unwrap();
        calls.iter().filter(|it| it.line.starts_with(line)).count()
    }
}
