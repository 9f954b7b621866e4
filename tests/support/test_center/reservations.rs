//! Reservations and what ends them. A holder has no name here: whoever speaks of an execution that is reserved is
//! believed.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Dialect, State, World,
    answer::Answer,
    listen::Asked,
    squish_servers,
    world::{Labels, has_all, labels_of},
};

/// What the vendor takes for an absent `timeout`.
const DEFAULT_TIMEOUT_MS: u64 = 5000;

/// The length of a lease that a body asks for; `None` for what is no length.
fn timeout(body: &Value) -> Option<Duration> {
    match &body["timeout"] {
        Value::Null => Some(DEFAULT_TIMEOUT_MS),
        value => value.as_u64(),
    }
    .map(Duration::from_millis)
}

pub(super) fn reserve(world: &mut World, id: &str, asked: &Asked, dialect: &Dialect) -> Answer {
    let Some(plan) = id.parse().ok().and_then(|id| world.plan(id).cloned()) else {
        return Answer::refused(dialect, 400, "Invalid test plan ID");
    };
    let body = asked.json().unwrap_or_default();
    let (Some(offered), Some(timeout)) = (labels_of(&body["capabilities"]), timeout(&body)) else {
        return Answer::refused(dialect, 400, "Invalid JSON request format");
    };
    let now = world.expire();
    let fitting = world
        .of_plan(plan.id)
        .find(|it| it.state == State::Open && has_all(&offered, &it.needs))
        .filter(|_| !plan.is_managed())
        .map(|execution| execution.id);
    let Some(execution) = fitting else {
        return failed("No executions available that match requested capabilities.");
    };
    let server = if body["allocate_server"] == true {
        match free_server(world, &offered) {
            None => return failed("No servers available that match requested capabilities."),
            free => free,
        }
    } else {
        None
    };
    let execution = world.execution(execution).unwrap();
    execution.state = State::Reserved {
        until: now + timeout,
    };
    execution.reservations += 1;
    execution.server = server;
    let mut granted = json!({
        "batch": plan.batch, "execution_id": dialect.id(execution.id), "project_name": plan.project,
        "status": "Reservation successful", "suite": execution.suite,
        "test_id": dialect.id(500_000 + execution.id), "testcase": execution.testcase,
    });
    if let Some(server) = server {
        let server = world.servers.iter().find(|it| it.id == server).unwrap();
        granted["server"] = squish_servers::allocated(server, dialect);
    }
    Answer::json(200, &granted)
}

fn free_server(world: &World, offered: &Labels) -> Option<i64> {
    let free = world.servers.iter().find(|server| {
        server.enabled && has_all(&server.labels, offered) && world.busy_with(server.id).is_none()
    });
    free.map(|server| server.id)
}

fn failed(status: &str) -> Answer {
    Answer::json(200, &json!({ "status": status }))
}

pub(super) fn heartbeat(world: &mut World, id: &str, asked: &Asked, dialect: &Dialect) -> Answer {
    let Some(timeout) = asked.json().as_ref().and_then(timeout) else {
        return Answer::refused(dialect, 400, "Invalid JSON request format");
    };
    let now = world.expire();
    let execution = id.parse().ok().and_then(|id| world.execution(id));
    match execution {
        Some(execution) if matches!(execution.state, State::Reserved { .. }) => {
            execution.state = State::Reserved {
                until: now + timeout,
            };
            Answer::json(200, &json!({}))
        }
        _ => Answer::refused(dialect, 400, "Invalid execution ID"),
    }
}

pub(super) fn finished(world: &mut World, id: &str, asked: &Asked, dialect: &Dialect) -> Answer {
    let Some(body) = asked.json() else {
        return Answer::refused(dialect, 400, "Invalid request format");
    };
    world.expire();
    let execution = id.parse().ok().and_then(|id| world.execution(id));
    match execution {
        Some(execution) if matches!(execution.state, State::Reserved { .. }) => {
            let message = body["message"].as_str().unwrap_or_default().to_owned();
            execution.state = State::Done {
                with_error: !message.is_empty(),
            };
            execution.finishes.push(message);
            execution.server = None;
            Answer::json(200, &json!({ "status": "Execution marked as finished" }))
        }
        _ => Answer::refused(dialect, 400, "Invalid execution ID"),
    }
}

pub(super) fn reset(world: &mut World, id: &str, dialect: &Dialect) -> Answer {
    world.expire();
    let execution = id.parse().ok().and_then(|id| world.execution(id));
    match execution {
        Some(execution)
            if matches!(execution.state, State::Done { with_error }
                if with_error || dialect.resets_completed) =>
        {
            execution.state = State::Open;
            Answer::json(200, &json!({}))
        }
        _ => Answer::refused(dialect, 400, "Execution is not failed"),
    }
}
