//! `testplan serve` as a process, which can be killed and started again in its place.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    time::Duration,
};

use testplan::api::execution_list::{EventResponse, ExecutionResponse, PageResponse};

use super::{Ended, Process, Stage, Testplan, until};

/// A service on a stage, with the templates of its `testplan.yml` and a token of its own making in `data/token`.
pub(crate) struct Service {
    pub(crate) url: String,
    /// Its access token; empty if it did not make one.
    pub(crate) token: String,
    data: PathBuf,
    command: Testplan,
    process: Option<Process>,
}

impl Service {
    pub(crate) fn start(stage: &Stage) -> Self {
        Self::start_with(stage, |serve| serve)
    }

    /// With another program before that starts it: `program` gets the call of testplan as its last arguments.
    pub(crate) fn start_below(
        stage: &Stage,
        program: &str,
        arguments: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>,
    ) -> Self {
        let command = stage.program(program).args(arguments);
        let command = command.args([env!("CARGO_BIN_EXE_testplan"), "serve"]);
        let data = stage.path("data");
        Self::start_command(command.flags("--data").arg(&data), data)
    }

    /// With more flags or variables.
    pub(crate) fn start_with(stage: &Stage, more: impl FnOnce(Testplan) -> Testplan) -> Self {
        let data = stage.path("data");
        let command = stage.testplan("serve").flags("--data").arg(&data);
        Self::start_command(more(command), data)
    }

    fn start_command(command: Testplan, data: PathBuf) -> Self {
        let mut process = command.clone().flags("--listen 127.0.0.1:0").start();
        let url = listening(&mut process).unwrap_or_else(|| panic!("{}", process.stderr()));
        let token = std::fs::read_to_string(data.join("token")).unwrap_or_default();
        Self {
            url,
            token: token.trim().to_owned(),
            data,
            command,
            process: Some(process),
        }
    }

    pub(crate) fn process(&self) -> &Process {
        self.process.as_ref().expect("the service was killed")
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub(crate) fn token_file(&self) -> PathBuf {
        self.data.join("token")
    }

    /// Kills it without a warning.
    pub(crate) fn kill(&mut self) {
        self.process.take().expect("it is killed once").kill();
    }

    /// Starts it again where it was.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        let address = self.address().to_owned();
        let command = self.command.clone().flags("--listen").arg(&address);
        // A connection of somebody else may have got the port for a moment.
        let process = until("the port to be free again", || {
            let mut process = command.clone().start();
            if listening(&mut process).is_some() {
                return Some(process);
            }
            let said = process.stderr();
            assert!(said.contains("cannot listen"), "{said}");
            None
        });
        self.process = Some(process);
    }

    /// Its URL and token as a user exports them.
    pub(crate) fn exports(&self) -> [(&'static str, &str); 2] {
        [
            ("TESTCENTER_URL", &self.url),
            ("TESTCENTER_TOKEN", &self.token),
        ]
    }

    /// Runs a command against it to its end.
    #[track_caller]
    pub(crate) fn run(&self, stage: &Stage, arguments: &[&str]) -> Ended {
        stage.command(arguments).with_all(self.exports()).run()
    }

    /// Stops it as a service manager does.
    #[cfg(unix)]
    #[track_caller]
    pub(crate) fn stop(mut self) -> Ended {
        let process = self.process.take().unwrap();
        process.send(rustix::process::Signal::TERM);
        process.end()
    }

    /// Restarts it as a service manager does, in its place: it ends by itself with exit code 0.
    #[cfg(unix)]
    #[track_caller]
    pub(crate) fn stop_and_restart(&mut self) {
        let process = self.process.take().unwrap();
        process.send(rustix::process::Signal::TERM);
        process.end().code_is(0);
        self.restart();
    }

    /// Starts the plan of the template `T`.
    #[track_caller]
    pub(crate) fn start_plan(&self, stage: &Stage) -> i64 {
        let ended = stage
            .testplan("execute")
            .at(self)
            .flags("--format json --template T")
            .run()
            .code_is(0);
        ended.json()["plan_id"].as_i64().unwrap()
    }

    /// The history of a plan, without changes in the length of a lease, which come or not by the time that passes.
    pub(crate) fn events(&self, plan: i64) -> Vec<EventResponse> {
        let mut events: Vec<EventResponse> =
            self.list(&format!("/testplan/v1/plans/{plan}/events"));
        events.retain(|it| it.kind != "heartbeat" || !it.detail.starts_with("lease of"));
        events
    }

    /// The kinds of what happened to one execution, in order.
    pub(crate) fn history(&self, plan: i64, execution: i64) -> Vec<String> {
        let of_it =
            |event: EventResponse| (event.execution_id.0 == execution).then_some(event.kind);
        self.events(plan).into_iter().filter_map(of_it).collect()
    }

    /// The executions of a plan.
    pub(crate) fn executions(&self, plan: i64) -> Vec<ExecutionResponse> {
        self.list(&format!("/testplan/v1/plans/{plan}/executions"))
    }

    pub(crate) fn list<T: serde::de::DeserializeOwned>(&self, path: &str) -> Vec<T> {
        let mut items = Vec::new();
        let mut after = 0;
        loop {
            let body = self.get(&format!("{path}?limit=1000&after={after}"));
            let page: PageResponse<T> = serde_json::from_str(&body).unwrap();
            items.extend(page.items);
            match page.next {
                Some(next) => after = next,
                None => return items,
            }
        }
    }

    fn get(&self, path: &str) -> String {
        let (status, body) = self.answer(path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Status and body of the answer to a `GET`.
    pub(crate) fn answer(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, "")
    }

    /// Status and JSON of the answer to a `POST`.
    pub(crate) fn post(&self, path: &str, body: &serde_json::Value) -> (u16, serde_json::Value) {
        let (status, body) = self.ask("POST", path, &body.to_string());
        (status, serde_json::from_str(&body).unwrap())
    }

    /// What can be repeated is asked once more if the connection was reset, as clients do: a service that a busy machine stops
    /// for ten seconds has no patience left for a head.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let can_repeat = method == "GET" || path.contains("/heartbeat/");
        match self.try_ask(method, path, body) {
            Err(error) if can_repeat && error.kind() == io::ErrorKind::ConnectionReset => {
                self.try_ask(method, path, body).unwrap()
            }
            answer => answer.unwrap(),
        }
    }

    fn try_ask(&self, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(self.address())?;
        let limit = Some(Duration::from_secs(30));
        stream.set_read_timeout(limit)?;
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nAuthorization: Token {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address(),
            self.token,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        Ok((status.unwrap(), body.to_owned()))
    }

    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }
}

/// Waits until a service says where it listens; `None` if it ended instead.
#[track_caller]
fn listening(process: &mut Process) -> Option<String> {
    until("a service that listens", || {
        let ended = process.has_ended() && process.has_closed_its_output();
        let said = process.stdout();
        match said.strip_prefix("listening on ") {
            Some(url) if url.ends_with('\n') => Some(Some(url.trim_end().to_owned())),
            _ if ended => Some(None),
            _ => None,
        }
    })
}
