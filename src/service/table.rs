//! The table of operations: what the router routes is what the document describes.

use std::collections::BTreeMap;

use http::Method;

use super::{
    health, imports, leases, listings, openapi,
    operation::Operation,
    parameters::{Limit, Name, ShortText},
    plans, squish_servers, templates, waiting,
};
use crate::{
    api::{self, IDEMPOTENCY_KEY, WORKER, import::ImportForm},
    model::{ExecutionState, PlanKind},
};

/// All operations: the vendor's as its page lists them, then ours.
pub(super) fn operations() -> Vec<Operation> {
    let (get, post) = (Method::GET, Method::POST);
    let key = "The same key with the same body gets the same answer, up to 255 characters";
    let wait = "wait=N: answer only when there is something new to say, after N seconds at the latest. What is no such \
         preference is ignored";
    vec![
        Operation::new(get.clone(), "/execution/v1/testplans", plans::find)
            .named(
                "findTestPlan",
                "Look a test plan up by project and title; the newest wins",
            )
            .needs::<Name>("project", "Project name, exact")
            .needs::<Name>("title", "Title, exact")
            .needs::<PlanKind>("type", "Template, or started plan")
            .look_up(),
        Operation::new(get.clone(), "/execution/v1/testplans/{id}", plans::get)
            .named("getTestPlan", "Retrieve a test plan by its id"),
        Operation::new(post.clone(), "/execution/v1/executeplan", plans::execute)
            .named(
                "executeTestPlan",
                "Start a plan from a template, or of the tests in the request",
            )
            .header::<ShortText>(IDEMPOTENCY_KEY, key)
            .takes_lists()
            .created()
            .hands_out(),
        Operation::new(get.clone(), "/execution/v1/status/{id}", plans::status)
            .named(
                "getStatus",
                "Count the executions of a plan that require all given capabilities",
            )
            .query_pairs::<BTreeMap<String, String>>(
                "capabilities",
                "Capabilities as pairs, as OS=Linux; at most 64 of at most 256 characters",
            )
            .header::<String>("prefer", wait),
        Operation::new(post.clone(), "/execution/v1/reserve/{id}", leases::reserve)
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
            leases::heartbeat,
        )
        .named("heartbeat", "Keep a reservation, or give it back"),
        Operation::new(
            post.clone(),
            "/execution/v1/finished/{id}",
            leases::finished,
        )
        .named("finished", "Mark an execution as finished"),
        Operation::new(post.clone(), "/execution/v1/reset/{id}", leases::reset)
            .named("reset", "Open a failed execution again"),
        Operation::new(
            get.clone(),
            "/execution/v1/squishservers",
            squish_servers::list,
        )
        .named("listSquishServers", "List the registered Squish servers"),
        Operation::new(
            post.clone(),
            "/execution/v1/squishservers",
            squish_servers::add,
        )
        .named("addSquishServer", "Register a Squish server"),
        Operation::new(
            Method::PATCH,
            "/execution/v1/squishservers/{id}",
            squish_servers::change,
        )
        .named("changeSquishServer", "Change a Squish server"),
        Operation::new(
            Method::DELETE,
            "/execution/v1/squishservers/{id}",
            squish_servers::remove,
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
            templates::publish,
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
        Operation::new(get, "/openapi.json", openapi::get)
            .named("getOpenApi", "This description")
            .public(),
    ]
}
