//! An operation: one method on one path, with everything that the router and the OpenAPI document need.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    http_error::HttpError,
    json_response,
    parameters::{Packing, RequestBody, SchemaOf, schema},
    request_parts::{ReadBody, RequestHead},
    service_state::ServiceState,
};

type Answer = Pin<Box<dyn Future<Output = Result<Response, HttpError>> + Send>>;

/// Runs an operation.
#[derive(Clone)]
pub(super) enum Handler {
    /// Gets the whole body.
    Buffered(Arc<dyn Fn(Arc<ServiceState>, RequestHead, Bytes) -> Answer + Send + Sync>),
    /// Reads the body while it arrives.
    Streamed(Arc<dyn Fn(Arc<ServiceState>, RequestHead, Body) -> Answer + Send + Sync>),
}

/// One method on one path.
#[derive(Clone)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// Its name in the OpenAPI document.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<RequestBody>,
    /// The status of a success.
    pub(super) status: StatusCode,
    /// The body of a success.
    pub(super) answer: SchemaOf,
    /// Served without credentials.
    pub(super) public: bool,
    /// A look-up by name, which may answer 404.
    pub(super) look_up: bool,
    /// Refused while the service is stopping.
    pub(super) hands_out: bool,
    /// Its body may hold a list of tests, heartbeats or results: it may be larger than others, and compressed.
    pub(super) takes_lists: bool,
    pub(super) handler: Handler,
}

/// A parameter beside the one in the path.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) location: ParameterLocation,
    pub(super) required: bool,
    pub(super) what: &'static str,
    pub(super) schema: SchemaOf,
}

/// Where a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParameterLocation {
    /// A named pair of the query.
    Query,
    /// All pairs of the query.
    QueryPairs,
    /// A header.
    Header,
}

impl Operation {
    /// An operation of a handler, whose types say what it reads and answers.
    pub(super) fn new<B, A, F, Fut>(method: Method, path: &'static str, handler: F) -> Self
    where
        B: ReadBody,
        A: Serialize + JsonSchema,
        F: Fn(Arc<ServiceState>, RequestHead, B) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<A, HttpError>> + Send + 'static,
    {
        let buffered = move |shared, head, bytes: Bytes| -> Answer {
            let body = B::read(&bytes);
            Box::pin(async move { answer(handler(shared, head, body?).await) })
        };
        Self::with_handler::<A>(
            method,
            path,
            B::describe(),
            Handler::Buffered(Arc::new(buffered)),
        )
    }

    /// An operation whose answer is JSON that is made already.
    pub(super) fn prepared<A: JsonSchema>(
        method: Method,
        path: &'static str,
        json: fn(&ServiceState) -> Bytes,
    ) -> Self {
        let prepared = move |shared: Arc<ServiceState>, _, _| -> Answer {
            let response = json_response::prepared(StatusCode::OK, json(&shared));
            Box::pin(async move { Ok(response) })
        };
        let handler = Handler::Buffered(Arc::new(prepared));
        Self::with_handler::<A>(method, path, None, handler)
    }

    /// An operation whose body is a form, read while it arrives.
    pub(super) fn upload<B, A, F, Fut>(method: Method, path: &'static str, handler: F) -> Self
    where
        B: JsonSchema,
        A: Serialize + JsonSchema,
        F: Fn(Arc<ServiceState>, RequestHead, Body) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<A, HttpError>> + Send + 'static,
    {
        let streamed = move |shared, head, body| -> Answer {
            Box::pin(async move { answer(handler(shared, head, body).await) })
        };
        let form = RequestBody {
            schema: schema::<B>,
            media: "multipart/form-data",
            required: true,
        };
        Self::with_handler::<A>(
            method,
            path,
            Some(form),
            Handler::Streamed(Arc::new(streamed)),
        )
    }

    fn with_handler<A: JsonSchema>(
        method: Method,
        path: &'static str,
        body: Option<RequestBody>,
        handler: Handler,
    ) -> Self {
        Self {
            method,
            path,
            id: "",
            summary: "",
            parameters: Vec::new(),
            body,
            status: StatusCode::OK,
            answer: schema::<A>,
            public: false,
            look_up: false,
            hands_out: false,
            takes_lists: false,
            handler,
        }
    }

    pub(super) fn named(self, id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            summary,
            ..self
        }
    }

    pub(super) fn created(self) -> Self {
        Self {
            status: StatusCode::CREATED,
            ..self
        }
    }

    pub(super) fn public(self) -> Self {
        Self {
            public: true,
            ..self
        }
    }

    pub(super) fn look_up(self) -> Self {
        Self {
            look_up: true,
            ..self
        }
    }

    pub(super) fn hands_out(self) -> Self {
        Self {
            hands_out: true,
            ..self
        }
    }

    /// Its body may hold a list of tests, heartbeats or results.
    pub(super) fn takes_lists(self) -> Self {
        Self {
            takes_lists: true,
            ..self.header::<Packing>(
                "content-encoding",
                "The body may be compressed with gzip; uncompressed it has at most 64 MiB",
            )
        }
    }

    /// A required parameter of the query.
    pub(super) fn required_query<T: JsonSchema>(
        self,
        name: &'static str,
        what: &'static str,
    ) -> Self {
        self.with(ParameterLocation::Query, true, name, what, schema::<T>)
    }

    /// An optional parameter of the query.
    pub(super) fn query<T: JsonSchema>(self, name: &'static str, what: &'static str) -> Self {
        self.with(ParameterLocation::Query, false, name, what, schema::<T>)
    }

    /// Takes all pairs of the query.
    pub(super) fn query_pairs<T: JsonSchema>(self, name: &'static str, what: &'static str) -> Self {
        self.with(
            ParameterLocation::QueryPairs,
            false,
            name,
            what,
            schema::<T>,
        )
    }

    /// An optional header.
    pub(super) fn header<T: JsonSchema>(self, name: &'static str, what: &'static str) -> Self {
        self.with(ParameterLocation::Header, false, name, what, schema::<T>)
    }

    fn with(
        mut self,
        location: ParameterLocation,
        required: bool,
        name: &'static str,
        what: &'static str,
        schema: SchemaOf,
    ) -> Self {
        self.parameters.push(Parameter {
            name,
            location,
            required,
            what,
            schema,
        });
        self
    }

    /// Whether the path has an id.
    pub(super) fn has_id(&self) -> bool {
        self.path.ends_with('}') || self.path.contains("}/")
    }
}

fn answer(result: Result<impl Serialize, HttpError>) -> Result<Response, HttpError> {
    Ok(json_response::json(StatusCode::OK, &result?))
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
