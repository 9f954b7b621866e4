//! Registered Squish servers.

use serde_json::{Value, json};

use super::{
    Dialect, World,
    answer::Answer,
    listen::Asked,
    world::{SquishServer, label_list, labels_of},
};

fn shown(server: &SquishServer, dialect: &Dialect) -> Value {
    json!({
        "id": dialect.id(server.id), "enabled": server.enabled, "host": server.host, "port": server.port,
        "labels": label_list(&server.labels),
    })
}

/// As a reservation shows it: with the page's other spelling of a value, `Chrome` for `chrome`.
pub(super) fn allocated(server: &SquishServer, dialect: &Dialect) -> Value {
    let labels = server.labels.iter().map(|(key, value)| {
        let mut letters = value.chars();
        let first = letters.next().map(|it| it.to_ascii_uppercase());
        (key.clone(), first.into_iter().chain(letters).collect())
    });
    let server = SquishServer {
        labels: labels.collect(),
        ..server.clone()
    };
    shown(&server, dialect)
}

pub(super) fn list(world: &mut World, dialect: &Dialect) -> Answer {
    world.expire();
    let servers = world.servers.iter().map(|server| {
        let mut json = shown(server, dialect);
        if let Some(execution) = world.busy_with(server.id) {
            json["testset"] = execution.into();
        }
        json
    });
    Answer::json(200, &servers.collect())
}

pub(super) fn add(world: &mut World, asked: &Asked, dialect: &Dialect) -> Answer {
    let body = asked.json().unwrap_or_default();
    let (Some(port), Some(enabled), Some(labels)) = (
        body["port"].as_str(),
        body["enabled"].as_bool(),
        labels_of(&body["labels"]),
    ) else {
        return Answer::refused(dialect, 400, "Invalid request body");
    };
    let server = SquishServer {
        id: world.servers.iter().map(|it| it.id).max().unwrap_or(0) + 1,
        enabled,
        host: body["host"].as_str().unwrap_or("127.0.0.1").to_owned(),
        port: port.to_owned(),
        labels,
    };
    let answer = Answer::json(200, &shown(&server, dialect));
    world.servers.push(server);
    answer
}

pub(super) fn change(world: &mut World, id: &str, asked: &Asked, dialect: &Dialect) -> Answer {
    let body = asked.json().unwrap_or_default();
    let id: Option<i64> = id.parse().ok();
    let Some(server) = world.servers.iter_mut().find(|it| Some(it.id) == id) else {
        return Answer::refused(dialect, 400, "Invalid server ID");
    };
    if let Some(port) = body["port"].as_str() {
        port.clone_into(&mut server.port);
    }
    if let Some(host) = body["host"].as_str() {
        host.clone_into(&mut server.host);
    }
    if let Some(enabled) = body["enabled"].as_bool() {
        server.enabled = enabled;
    }
    if let Some(labels) = labels_of(&body["labels"]) {
        server.labels = labels;
    }
    Answer::json(200, &shown(server, dialect))
}

pub(super) fn remove(world: &mut World, id: &str, dialect: &Dialect) -> Answer {
    let id: Option<i64> = id.parse().ok();
    let before = world.servers.len();
    world.servers.retain(|it| Some(it.id) != id);
    if world.servers.len() == before {
        return Answer::refused(dialect, 400, "Invalid server ID");
    }
    Answer::json(200, &json!({}))
}
