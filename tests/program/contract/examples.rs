//! Each example of the documentation, with what it documents.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

use super::page::{Example, Page, read};
use crate::support::{Service, Stage};

/// What the documentation has of one example: method and path, status, and the fixtures of its request and answer.
struct Documented {
    method: &'static str,
    path: &'static str,
    status: u16,
    request: Option<&'static str>,
    answer: Option<&'static str>,
}

const fn documented(
    method: &'static str,
    path: &'static str,
    status: u16,
    request: Option<&'static str>,
    answer: Option<&'static str>,
) -> Documented {
    Documented {
        method,
        path,
        status,
        request,
        answer,
    }
}

/// In the order of the page.
const DOCUMENTED: &[Documented] = &[
    documented(
        "GET",
        "testplans?project=MyProject&type=template&title=CI-Tests-master",
        200,
        None,
        Some("testplans-lookup"),
    ),
    documented("GET", "testplans/1", 200, None, Some("testplans-by-id")),
    documented(
        "POST",
        "executeplan",
        201,
        Some("executeplan-request"),
        Some("executeplan-response"),
    ),
    documented(
        "GET",
        "status/2?OS=Linux",
        200,
        None,
        Some("status-response"),
    ),
    documented(
        "POST",
        "reserve/2",
        200,
        Some("reserve-request"),
        Some("reserve-response"),
    ),
    documented(
        "GET",
        "squishservers",
        200,
        None,
        Some("squishservers-list"),
    ),
    documented(
        "POST",
        "reserve/2",
        200,
        Some("reserve-request"),
        Some("reserve-no-executions"),
    ),
    documented(
        "POST",
        "reserve/2",
        200,
        Some("reserve-request-windows"),
        Some("reserve-no-servers"),
    ),
    documented("POST", "heartbeat/1", 200, Some("heartbeat-request"), None),
    documented(
        "POST",
        "finished/1",
        200,
        Some("finished-error-request"),
        Some("finished-response"),
    ),
    documented("POST", "reset/1", 200, None, None),
    documented(
        "POST",
        "reserve/2",
        200,
        Some("reserve-request"),
        Some("reserve-response"),
    ),
    documented(
        "POST",
        "finished/1",
        200,
        Some("finished-request"),
        Some("finished-response"),
    ),
    documented(
        "POST",
        "squishservers",
        200,
        Some("squishservers-add-request"),
        Some("squishservers-add-response"),
    ),
    documented(
        "PATCH",
        "squishservers/3",
        200,
        Some("squishservers-update-request"),
        Some("squishservers-update-response"),
    ),
    documented("DELETE", "squishservers/3", 200, None, None),
    documented(
        "GET",
        "testplans?project=MyProject&type=template&title=CI-Tests-mastre",
        404,
        None,
        None,
    ),
    documented(
        "GET",
        "testplans?project=MyProject&type=template",
        400,
        None,
        None,
    ),
    documented("GET", "executeplan", 405, None, None),
];

#[test]
fn every_curl_example_is_answered_as_documented() {
    for tool in ["curl", "sh"] {
        if Command::new(tool).arg("--version").output().is_err() {
            crate::support::skip::missing(&format!("{tool} is not installed"));
            return;
        }
    }
    let Page { plan, examples } = read();
    assert_eq!(examples.len(), DOCUMENTED.len());
    let stage = Stage::with(&plan);
    // Tells method, address, status and type after each answer, without a word in the commands.
    stage.write(
        ".curlrc",
        "silent\nshow-error\nmax-time = 60\nnoproxy = *\nwrite-out = \"\\n%{method} %{url_effective} %{http_code} %{content_type}\"\n",
    );
    let service = Service::start(&stage);
    for (example, documented) in examples.iter().zip(DOCUMENTED) {
        let (said, answer) = typed(&stage, &service, example);
        let Documented {
            method,
            path,
            status,
            request,
            answer: fixture,
        } = documented;
        let url = format!("{}/execution/v1/{path}", service.url);
        let title = &example.title;
        assert_eq!(
            said,
            format!("{method} {url} {status} application/json"),
            "{title}: {answer}"
        );
        assert_eq!(example.status, *status, "{title}: the page says otherwise");
        match request.map(self::fixture) {
            None => assert_eq!(example.body(), None, "{title}"),
            Some(mut request) => {
                if let Some(template) = request.get_mut("templateId") {
                    *template = 1.into();
                }
                assert_eq!(example.body(), Some(request), "{title}");
            }
        }
        if let Some(name) = fixture {
            holds(&answer, &self::fixture(name), title);
        }
        if *status >= 400 {
            assert!(
                answer["code"].is_i64() && answer["message"].is_string(),
                "{title}: {answer}"
            );
        }
        same(&answer, &example.answer, title);
    }
}

/// Types a command into a shell; returns what curl told of the call, and the answer.
fn typed(stage: &Stage, service: &Service, example: &Example) -> (String, Value) {
    let ended = stage
        .program("sh")
        .args(["-c", &example.command])
        .with("CURL_HOME", stage.path(""))
        .with_all([("URL", &service.url), ("TOKEN", &service.token)])
        .run();
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{}: {ended:#?}",
        example.title
    );
    let (answer, said) = ended.stdout.rsplit_once('\n').unwrap();
    let answer = serde_json::from_str(answer)
        .unwrap_or_else(|error| panic!("{}: {error}: {ended:#?}", example.title));
    (said.to_owned(), answer)
}

fn fixture(name: &str) -> Value {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/vendor/{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Whether every documented member is there, in the documented type.
fn holds(answer: &Value, documented: &Value, place: &str) {
    match (answer, documented) {
        (Value::Object(answer), Value::Object(documented)) => {
            for (name, documented) in documented {
                let place = format!("{place}: {name}");
                let member = answer
                    .get(name)
                    .unwrap_or_else(|| panic!("{place} is missing"));
                holds(member, documented, &place);
            }
        }
        (Value::Array(answer), Value::Array(documented)) => {
            assert_eq!(answer.len(), documented.len(), "{place}");
            for (answer, documented) in answer.iter().zip(documented) {
                holds(answer, documented, place);
            }
        }
        // Sentences that clients compare.
        (Value::String(answer), Value::String(documented)) if place.ends_with(": status") => {
            assert_eq!(answer, documented, "{place}");
        }
        (answer, documented) => {
            let (is, should) = (
                std::mem::discriminant(answer),
                std::mem::discriminant(documented),
            );
            assert_eq!(is, should, "{place}: {answer} for {documented}");
        }
    }
}

/// Whether the page shows what its reader gets: the same members, and the same values but for times and secrets.
fn same(answer: &Value, shown: &Value, place: &str) {
    match (answer, shown) {
        (Value::Object(answer), Value::Object(shown)) => {
            let names = |object: &serde_json::Map<String, Value>| {
                object.keys().cloned().collect::<BTreeSet<_>>()
            };
            assert_eq!(names(answer), names(shown), "{place}");
            for (name, shown) in shown {
                if !["server_dt", "expires_dt", "lease", "test_id"].contains(&name.as_str()) {
                    same(&answer[name], shown, &format!("{place}: {name}"));
                }
            }
        }
        (Value::Array(answer), Value::Array(shown)) => {
            assert_eq!(answer.len(), shown.len(), "{place}");
            for (answer, shown) in answer.iter().zip(shown) {
                same(answer, shown, place);
            }
        }
        _ => assert_eq!(answer, shown, "{place}: the page shows something else"),
    }
}

/// Every fixture of the documentation is one that this test or the client's own reads: none lies there unused.
#[test]
fn every_fixture_is_read() {
    let client = include_str!("../../library/client/vendor.rs");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vendor");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            client.contains(&format!("\"{name}\"")),
            "tests/library/client/vendor.rs does not read {name}"
        );
        let here = DOCUMENTED
            .iter()
            .any(|it| it.request == Some(name) || it.answer == Some(name));
        assert!(here, "{name} is no request or answer of an example here");
        count += 1;
    }
    assert_eq!(count, 19);
}
