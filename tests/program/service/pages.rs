//! The pages of the service, as a browser asks for them.

mod actions;
mod content;
mod live;
mod logins;
mod over_time;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use testplan::{
    model::{
        Capabilities, Capability, ExecutionId, LeaseToken, PlanId, PlanOrigin, PlannedTest, Test,
        TestResult, TestVerdict, Timestamp,
    },
    service::{Limits, Service},
    store::{
        ExecutePlan, Finish, Rules, Store, TemplateDefinition,
        sqlite::{Durability, SqliteStore},
    },
};

use super::support::{access, clock, get, json, patient, post, soon, with};

/// A name that would be markup if anything forgot to escape it.
const HOSTILE: &str = "</td><script>alert('1')</script>\"'&lt;";

/// A test under a lease.
struct Taken {
    execution: ExecutionId,
    lease: LeaseToken,
}

/// A store with a plan, and a service over it.
struct Site {
    store: Arc<SqliteStore>,
    template: PlanId,
    plan: PlanId,
    service: Service,
    _folder: tempfile::TempDir,
}

impl Site {
    /// A plan with this many tests for Linux and one for macOS.
    async fn with(tests: usize, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let opened =
            SqliteStore::open(&path, Durability::Normal, Rules::default(), Timestamp(0)).unwrap();
        let store = Arc::new(opened.0);
        let test = |name: String, os: &str| PlannedTest {
            test: Test {
                suite: "suite_a".to_owned(),
                testcase: name,
            },
            required: Capabilities::from(vec![Capability::new("OS", os)]),
        };
        let mut executions: Vec<PlannedTest> = (1..tests)
            .map(|number| test(format!("tst_{number}"), "Linux"))
            .collect();
        executions.insert(0, test(HOSTILE.to_owned(), "Linux"));
        executions.push(test("tst_mac".to_owned(), "macOS"));
        let template = TemplateDefinition {
            project: "shop".to_owned(),
            title: "nightly".to_owned(),
            description: String::new(),
            tags: Vec::new(),
            executions,
        };
        let now = clock().now();
        let templates = store.publish(vec![template], now).await.unwrap();
        let request = request(templates[0], PlanOrigin::default());
        let plan = store.execute_plan(request, now).await.unwrap().id;
        let shared: Arc<dyn Store> = store.clone();
        Self {
            store,
            template: templates[0],
            plan,
            service: Service::new(shared, clock(), access(), limits),
            _folder: folder,
        }
    }

    async fn new(tests: usize) -> Self {
        Self::with(tests, patient()).await
    }

    /// Starts another plan of the same template, which is the one from now on.
    async fn start(&mut self, branch: &str, commit: &str) {
        let origin = PlanOrigin {
            branch: branch.to_owned(),
            commit: commit.to_owned(),
            author: HOSTILE.to_owned(),
            run_url: "https://ci.example/runs/7".to_owned(),
        };
        let request = request(self.template, origin);
        let started = self.store.execute_plan(request, clock().now());
        self.plan = started.await.unwrap().id;
    }

    /// Reserves a test for a worker.
    async fn take(&self, worker: &str) -> Taken {
        let body = r#"{"capabilities": [{"key": "OS", "value": "Linux"}], "timeout": 3600000}"#;
        let request = post(&format!("/execution/v1/reserve/{}", self.plan), body);
        let request = with(request, "testplan-worker", worker);
        let response = soon(self.service.in_process().call(request)).await;
        let granted = json(&response);
        Taken {
            execution: ExecutionId(granted["execution_id"].as_i64().expect("one is open")),
            lease: LeaseToken::new(granted["lease"].as_str().unwrap()),
        }
    }

    /// Ends the test for macOS.
    async fn finish_mac(&self) {
        let body = r#"{"capabilities": [{"key": "OS", "value": "macOS"}], "timeout": 3600000}"#;
        let request = post(&format!("/execution/v1/reserve/{}", self.plan), body);
        let granted = json(&soon(self.service.in_process().call(request)).await);
        let taken = Taken {
            execution: ExecutionId(granted["execution_id"].as_i64().expect("one is open")),
            lease: LeaseToken::new(granted["lease"].as_str().unwrap()),
        };
        self.finish(&taken, Some(TestVerdict::Passed), "").await;
    }

    async fn finish(&self, of: &Taken, verdict: Option<TestVerdict>, message: &str) {
        let finish = Finish {
            execution: of.execution,
            lease: Some(of.lease.clone()),
            message: if verdict.is_none() {
                message.to_owned()
            } else {
                String::new()
            },
            details: String::new(),
            result: verdict.map(|verdict| TestResult {
                verdict,
                duration_ms: 1200,
                flaky: false,
            }),
            failure: if verdict.is_some() {
                message.to_owned()
            } else {
                String::new()
            },
            server_trouble: None,
            principal: "ci".to_owned(),
        };
        self.store.finish(finish, clock().now()).await.unwrap();
    }

    async fn get(&self, path: &str) -> Response<Bytes> {
        soon(self.service.in_process().call(get(path))).await
    }

    /// The text of a page that must be there.
    async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        text(&response)
    }

    async fn json(&self, path: &str) -> serde_json::Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        serde_json::from_slice(response.body()).unwrap()
    }

    fn plan_path(&self) -> String {
        format!("/plans/{}", self.plan)
    }
}

fn request(template: PlanId, origin: PlanOrigin) -> ExecutePlan {
    ExecutePlan {
        template,
        title: format!("nightly {HOSTILE}"),
        batch: HOSTILE.to_owned(),
        planned: None,
        repositories: Vec::new(),
        tests: None,
        discovery: None,
        origin,
        principal: "anna".to_owned(),
        key: None,
    }
}

fn text(response: &Response<Bytes>) -> String {
    String::from_utf8(response.body().to_vec()).unwrap()
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

/// A request of a browser without a login.
fn bare(method: &str, path: &str, body: &str) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

/// The same with the cookie of a login.
fn with_cookie(path: &str, cookie: &str) -> Request<Bytes> {
    with(bare("GET", path, ""), "cookie", cookie)
}
