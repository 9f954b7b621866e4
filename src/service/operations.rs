//! The table of operations, from which both the router and the OpenAPI document are made.

use std::{collections::BTreeMap, sync::Arc};

use http::Method;
use serde_json::Value;

use super::{
    health,
    http_error::HttpError,
    imports, lease_handlers, listings, openapi,
    operation::Operation,
    parameters::{Limit, Name, ShortText},
    plan_handlers,
    request_parts::{NoBody, RequestHead},
    server_handlers,
    shared::Shared,
    template_handlers, waiting,
};
use crate::{
    api::{self, IDEMPOTENCY_KEY, WORKER, import::ImportForm},
    model::{ExecutionState, PlanKind},
};

/// `GET /openapi.json`
async fn document(shared: Arc<Shared>, _: RequestHead, _: NoBody) -> Result<Value, HttpError> {
    let document = shared
        .document
        .get_or_init(|| openapi::document(&operations()));
    Ok(document.clone())
}

/// All operations: the vendor's in the order of its page, then ours.
pub(super) fn operations() -> Vec<Operation> {
    let (get, post) = (Method::GET, Method::POST);
    let key = "The same key with the same body gets the same answer, up to 255 characters";
    let wait = "wait=N: answer only when there is something new to say, after N seconds at the latest. What is no such \
         preference is ignored";
    vec![
        Operation::new(get.clone(), "/execution/v1/testplans", plan_handlers::find)
            .named(
                "findTestPlan",
                "Look a test plan up by project and title; the newest wins",
            )
            .required_query::<Name>("project", "Project name, exact")
            .required_query::<Name>("title", "Title, exact")
            .required_query::<PlanKind>("type", "Template, or started plan")
            .look_up(),
        Operation::new(get.clone(), "/execution/v1/testplans/{id}", plan_handlers::get)
            .named("getTestPlan", "Retrieve a test plan by its id"),
        Operation::new(post.clone(), "/execution/v1/executeplan", plan_handlers::execute)
            .named(
                "executeTestPlan",
                "Start a plan from a template, or of the tests in the request",
            )
            .header::<ShortText>(IDEMPOTENCY_KEY, key)
            .takes_lists()
            .created()
            .hands_out(),
        Operation::new(get.clone(), "/execution/v1/status/{id}", plan_handlers::status)
            .named(
                "getStatus",
                "Count the executions of a plan that require all given capabilities",
            )
            .query_pairs::<BTreeMap<String, String>>(
                "capabilities",
                "Capabilities as pairs, as OS=Linux; at most 64 of at most 256 characters",
            )
            .header::<String>("prefer", wait),
        Operation::new(post.clone(), "/execution/v1/reserve/{id}", lease_handlers::reserve)
            .named(
                "reserve",
                "Reserve an execution of a plan; 200 whether or not one was free",
            )
            .header::<ShortText>(IDEMPOTENCY_KEY, key)
            .header::<ShortText>(WORKER, "Which worker asks, up to 255 characters")
            .header::<String>("prefer", wait)
            .hands_out(),
        Operation::new(
            post.clone(),
            "/execution/v1/heartbeat/{id}",
            lease_handlers::heartbeat,
        )
        .named("heartbeat", "Keep a reservation, or give it back"),
        Operation::new(
            post.clone(),
            "/execution/v1/finished/{id}",
            lease_handlers::finished,
        )
        .named("finished", "Mark an execution as finished"),
        Operation::new(post.clone(), "/execution/v1/reset/{id}", lease_handlers::reset)
            .named("reset", "Open a failed execution again"),
        Operation::new(
            get.clone(),
            "/execution/v1/squishservers",
            server_handlers::list,
        )
        .named("listSquishServers", "List the registered Squish servers"),
        Operation::new(
            post.clone(),
            "/execution/v1/squishservers",
            server_handlers::add,
        )
        .named("addSquishServer", "Register a Squish server"),
        Operation::new(
            Method::PATCH,
            "/execution/v1/squishservers/{id}",
            server_handlers::change,
        )
        .named("changeSquishServer", "Change a Squish server"),
        Operation::new(
            Method::DELETE,
            "/execution/v1/squishservers/{id}",
            server_handlers::remove,
        )
        .named(
            "removeSquishServer",
            "Remove a Squish server; a reservation on it runs on",
        ),
        Operation::new(
            get.clone(),
            "/testplan/v1/plans/{id}/executions",
            listings::executions,
        )
        .named(
            "listExecutions",
            "List the executions of a plan in the order of their ids",
        )
        .query::<ExecutionState>("state", "Only those in this state")
        .query::<i64>(
            "after",
            "Only those with a greater id; `next` of the part before",
        )
        .query::<Limit>("limit", "At most as many, 100 by default"),
        Operation::new(
            get.clone(),
            "/testplan/v1/plans/{id}/events",
            listings::events,
        )
        .named("listEvents", "List the history of a plan's executions")
        .query::<i64>(
            "after",
            "Only those with a greater id; `next` of the part before",
        )
        .query::<Limit>("limit", "At most as many, 100 by default"),
        Operation::new(
            get.clone(),
            "/testplan/v1/plans/{id}/waiting",
            waiting::get,
        )
        .named(
            "getWaiting",
            "What a plan waits for: what is open, which live workers and Squish servers fit, and what is lacking",
        ),
        Operation::new(
            get.clone(),
            "/testplan/v1/plans/{id}/discovery",
            listings::discovery,
        )
        .named(
            "getDiscovery",
            "The digest of the tests that a plan was requested with, and the account of their discovery",
        ),
        Operation::new(
            Method::PUT,
            api::test_list::TEMPLATES_PATH,
            template_handlers::publish,
        )
        .named(
            "publishTemplates",
            "Publish templates for plans started from now on; templates not named stay as they are",
        )
        .takes_lists()
        .hands_out(),
        Operation::upload::<ImportForm, _, _, _>(post, api::import::PATH, imports::import)
            .named(
                "importResults",
                "Upload result files; they fill in the verdicts of what was finished without one",
            )
            .header::<ShortText>(IDEMPOTENCY_KEY, key),
        Operation::new(get.clone(), "/testplan/v1/imports", imports::list)
            .named("listImports", "List what was uploaded")
            .query::<String>("project", "Only those of this project")
            .query::<String>("batch", "Only those of this batch")
            .query::<i64>(
                "after",
                "Only those with a greater id; `next` of the part before",
            )
            .query::<Limit>("limit", "At most as many, 100 by default"),
        Operation::new(get.clone(), "/healthz", health::get)
            .named("getHealth", "Whether requests are served")
            .public(),
        Operation::new(get, "/openapi.json", document)
            .named("getOpenApi", "This description")
            .public(),
    ]
}
