//! The table of operations, from which both the router and the OpenAPI document are made.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;

use super::{
    action_handlers, health, imports, lease_handlers, list_handlers, listings, openapi,
    operation::Operation,
    parameters::{Limit, Name, PageAddress, ShortText},
    plan_handlers, server_handlers,
    service_state::ServiceState,
    template_handlers, waiting_handlers,
};
use crate::{
    api::{self, IDEMPOTENCY_KEY, JOB, WORKER, import::ImportForm},
    model::{ExecutionState, PlanKind},
};

/// `GET /openapi.json`: made once, and shared by all answers, since anyone may ask for it without reading it.
fn document(shared: &ServiceState) -> Bytes {
    let document = shared.document.get_or_init(|| {
        let document = openapi::document(&operations());
        document.to_string().into()
    });
    document.clone()
}

/// All operations: the vendor's in the order of its page, then ours.
pub(super) fn operations() -> Vec<Operation> {
    let (get, post) = (Method::GET, Method::POST);
    let key =
        "Repeating the key with the same body returns the same answer; at most 255 characters";
    let wait = "wait=N: wait up to N seconds for a better answer; other preferences are ignored";
    vec![
        Operation::new(get.clone(), "/execution/v1/testplans", plan_handlers::find)
            .named(
                "findTestPlan",
                "Find a test plan by project and title; the newest of several",
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
                "Start a plan from a template, or with the tests in the request",
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
                "Capabilities as pairs, such as OS=Linux; at most 64 of at most 256 characters",
            )
            .header::<String>("prefer", wait),
        Operation::new(post.clone(), "/execution/v1/reserve/{id}", lease_handlers::reserve)
            .named(
                "reserve",
                "Reserve an execution of a plan; 200 whether or not one fits",
            )
            .header::<ShortText>(IDEMPOTENCY_KEY, key)
            .header::<ShortText>(WORKER, "Name of the worker, at most 255 characters")
            .header::<PageAddress>(JOB, "Page of the CI job of the worker, for people")
            .header::<String>("prefer", wait)
            .hands_out(),
        Operation::new(
            post.clone(),
            "/execution/v1/heartbeat/{id}",
            lease_handlers::heartbeat,
        )
        .named("heartbeat", "Renew or release a reservation"),
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
            "Remove a Squish server; a reservation on it stays valid",
        ),
        Operation::new(
            post.clone(),
            "/testplan/v1/plans/{id}/heartbeat",
            list_handlers::heartbeats,
        )
        .named(
            "heartbeatMany",
            "Renew or release up to 1000 reservations of a plan at once; each entry is answered on its own",
        )
        .takes_lists(),
        Operation::new(
            post.clone(),
            "/testplan/v1/plans/{id}/finished",
            list_handlers::results,
        )
        .named(
            "finishedMany",
            "Mark up to 1000 executions of a plan as finished at once; each entry is answered on its own",
        )
        .takes_lists(),
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
            "Only those with a greater id: `next` of the page before",
        )
        .query::<Limit>("limit", "Most items, 100 by default"),
        Operation::new(
            get.clone(),
            "/testplan/v1/plans/{id}/events",
            listings::events,
        )
        .named("listEvents", "List the history of a plan's executions")
        .query::<i64>(
            "after",
            "Only those with a greater id: `next` of the page before",
        )
        .query::<Limit>("limit", "Most items, 100 by default"),
        Operation::new(
            get.clone(),
            "/testplan/v1/tests/{id}/runs",
            listings::test_runs,
        )
        .named(
            "listTestRuns",
            "List the runs of a test in all plans of its project, newest first",
        )
        .query::<i64>(
            "before",
            "Only those of executions with a smaller id: `next` of the page before",
        )
        .query::<Limit>("limit", "Most items, 100 by default"),
        Operation::new(
            post.clone(),
            "/testplan/v1/plans/{id}/cancel",
            action_handlers::cancel,
        )
        .named(
            "cancelPlan",
            "Cancel a plan: end its open executions with an error that names who and why; running tests may finish or are stopped",
        ),
        Operation::new(
            post.clone(),
            "/testplan/v1/plans/{id}/release",
            action_handlers::release,
        )
        .named(
            "releaseLease",
            "End a lease in place of its holder: the execution opens, and its worker stops the test",
        ),
        Operation::new(get.clone(), "/testplan/v1/audit", action_handlers::audit)
            .named("listActions", "List what people did, newest first")
            .query::<i64>(
                "before",
                "Only those with a smaller id: `next` of the page before",
            )
            .query::<Limit>("limit", "Most items, 100 by default"),
        Operation::new(
            get.clone(),
            "/testplan/v1/plans/{id}/waiting",
            waiting_handlers::get,
        )
        .named(
            "getWaiting",
            "What a plan waits for: open executions, fitting workers and Squish servers, missing capabilities",
        ),
        Operation::new(
            get.clone(),
            "/testplan/v1/plans/{id}/discovery",
            listings::discovery,
        )
        .named(
            "getDiscovery",
            "The digest of the requested tests of a plan, and how they were discovered",
        ),
        Operation::new(
            get.clone(),
            "/testplan/v1/templates/{id}/plans",
            listings::plans,
        )
        .named("listPlans", "List the plans of a template, newest first")
        .query::<String>("branch", "Only those for this branch")
        .query::<i64>(
            "before",
            "Only those with a smaller id: `next` of the page before",
        )
        .query::<Limit>("limit", "Most items, 100 by default"),
        Operation::new(
            Method::PUT,
            api::test_list::TEMPLATES_PATH,
            template_handlers::publish,
        )
        .named(
            "publishTemplates",
            "Publish templates for plans started from now on; other templates stay",
        )
        .takes_lists()
        .hands_out(),
        Operation::upload::<ImportForm, _, _, _>(post, api::import::PATH, imports::import)
            .named(
                "importResults",
                "Upload result files: their results become the verdicts of executions that finished without one",
            )
            .header::<ShortText>(IDEMPOTENCY_KEY, key),
        Operation::new(get.clone(), "/testplan/v1/imports", imports::list)
            .named("listImports", "List uploads")
            .query::<String>("project", "Only those of this project")
            .query::<String>("batch", "Only those of this batch")
            .query::<i64>(
                "after",
                "Only those with a greater id: `next` of the page before",
            )
            .query::<Limit>("limit", "Most items, 100 by default"),
        Operation::new(get.clone(), "/healthz", health::get)
            .named("getHealth", "Whether the service is up")
            .public(),
        Operation::new(get.clone(), "/readyz", health::readiness)
            .named(
                "getReadiness",
                "Whether changes are accepted; 503 with the reason if the disk takes none",
            )
            .public(),
        Operation::prepared::<serde_json::Value>(get, "/openapi.json", document)
            .named("getOpenApi", "This description")
            .public(),
    ]
}
