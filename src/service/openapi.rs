//! The OpenAPI 3.1 document, made from the table of operations and the wire types.

use http::StatusCode;
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    json_response,
    operation::{Operation, Parameter, ParameterLocation},
    parameters::schema,
};
use crate::api::{self, problem::Problem};

/// The document of a table of operations.
pub(super) fn document(operations: &[Operation]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = describe(operation, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "testplan",
            "version": json_response::VERSION,
            "description": "The Squish Test Center Test Plan Execution API as testplan serves it. Paths under \
                            /testplan/v1, and members called additive, are not part of the vendor's API.",
        },
        "security": [{ "token": [] }, { "basic": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas.merged(),
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Token`, a space and the access token",
                },
                "basic": { "type": "http", "scheme": "basic" },
            },
        },
    })
}

/// Schemas of requests and of responses, which differ if a member has a default.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            read: settings().for_deserialize().into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }

    fn merged(mut self) -> Map<String, Value> {
        let mut all = self.written.take_definitions(true);
        for (name, read) in self.read.take_definitions(true) {
            let written = all.entry(name).or_insert_with(|| read.clone());
            debug_assert_eq!(*written, read, "one type is read and written differently");
        }
        all
    }
}

fn describe(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut parameters = Vec::new();
    if operation.has_id() {
        parameters.push(json!({
            "name": "id",
            "in": "path",
            "required": true,
            "schema": { "type": "integer", "format": "int64", "minimum": 1 },
        }));
    }
    for it in &operation.parameters {
        parameters.push(parameter(it, schemas));
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses(operation, schemas),
    });
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({
            "required": body.required,
            "content": { body.media: { "schema": (body.schema)(&mut schemas.read) } },
        });
    }
    if operation.public {
        described["security"] = json!([]);
    }
    described
}

fn parameter(parameter: &Parameter, schemas: &mut Schemas) -> Value {
    let location = match parameter.location {
        ParameterLocation::Query | ParameterLocation::QueryPairs => "query",
        ParameterLocation::Header => "header",
    };
    let mut described = json!({
        "name": parameter.name,
        "in": location,
        "required": parameter.required,
        "description": parameter.what,
        "schema": (parameter.schema)(&mut schemas.read),
    });
    if parameter.location == ParameterLocation::QueryPairs {
        described["style"] = "form".into();
        described["explode"] = true.into();
    }
    described
}

/// Every status that an operation may answer.
fn responses(operation: &Operation, schemas: &mut Schemas) -> Value {
    let answer = (operation.answer)(&mut schemas.written);
    let problem = schema::<Problem>(&mut schemas.written);
    let mut responses = Map::new();
    responses.insert(
        operation.status.as_str().to_owned(),
        response("Success", &[], answer.as_value()),
    );
    for (status, headers) in failures(operation) {
        let words = status.canonical_reason().unwrap_or_default();
        responses.insert(
            status.as_str().to_owned(),
            response(words, headers, problem.as_value()),
        );
    }
    Value::Object(responses)
}

fn response(description: &str, headers: &[&str], schema: &Value) -> Value {
    let headers = headers.iter().chain(&[api::SERVICE]);
    let headers: Map<_, _> = headers
        .map(|name| {
            (
                (*name).to_owned(),
                json!({ "schema": { "type": "string" } }),
            )
        })
        .collect();
    json!({
        "description": description,
        "headers": headers,
        "content": { "application/json": { "schema": schema } },
    })
}

/// The failures that an operation may answer, each with the headers it adds.
fn failures(operation: &Operation) -> Vec<(StatusCode, &'static [&'static str])> {
    let mut failures: Vec<(_, &'static [_])> = vec![
        (StatusCode::METHOD_NOT_ALLOWED, &["Allow"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &[]),
        (StatusCode::SERVICE_UNAVAILABLE, &["Retry-After"]),
    ];
    if !operation.public {
        failures.push((StatusCode::UNAUTHORIZED, &["WWW-Authenticate"]));
    }
    let has_body = operation.body.is_some();
    if has_body || operation.has_id() || !operation.parameters.is_empty() {
        failures.push((StatusCode::BAD_REQUEST, &[]));
    }
    if has_body {
        failures.push((StatusCode::REQUEST_TIMEOUT, &[]));
        failures.push((StatusCode::PAYLOAD_TOO_LARGE, &[]));
    }
    if operation.look_up {
        failures.push((StatusCode::NOT_FOUND, &[]));
    }
    failures
}

#[cfg(test)]
mod api_page;
