//! What an operation is: one method on one path, with all that router and document need to know of it.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::{
    answer,
    failure::Failure,
    parameters::Packing,
    request::{Call, NoBody, ReadBody},
    shared::Shared,
};

type Handled = Pin<Box<dyn Future<Output = Result<Response, Failure>> + Send>>;
type StreamHandler = Arc<dyn Fn(Arc<Shared>, Call, Body) -> Handled + Send + Sync>;
type Handler = Arc<dyn Fn(Arc<Shared>, Call, Bytes) -> Handled + Send + Sync>;

/// Adds a type to a generator and refers to it.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub(super) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// One method on one path.
#[derive(Clone)]
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// Its name in the document.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<RequestBody>,
    /// Of a success.
    pub(super) status: StatusCode,
    /// Of a success.
    pub(super) answer: SchemaOf,
    /// Served without credentials.
    pub(super) public: bool,
    /// A look-up by name, which may answer 404.
    pub(super) look_up: bool,
    /// Refused while the service is stopping.
    pub(super) hands_out: bool,
    /// Its body may hold a list of tests: larger than others, and packed.
    pub(super) takes_lists: bool,
    pub(super) handler: Handler,
    /// In its place, for a body that is read while it arrives.
    pub(super) stream: Option<StreamHandler>,
}

/// A parameter beside the one in the path.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) required: bool,
    pub(super) what: &'static str,
    pub(super) schema: SchemaOf,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the query, by its name.
    Query,
    /// All pairs of the query.
    QueryPairs,
    /// In the head.
    Header,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub(super) struct RequestBody {
    pub(super) schema: SchemaOf,
    /// Its content type.
    pub(super) media: &'static str,
    /// An empty body is refused.
    pub(super) required: bool,
}

impl Operation {
    /// An operation of a handler, whose types say what is read and answered.
    pub(super) fn new<B, A, F, Fut>(method: Method, path: &'static str, handler: F) -> Self
    where
        B: ReadBody,
        A: Serialize + JsonSchema,
        F: Fn(Arc<Shared>, Call, B) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<A, Failure>> + Send + 'static,
    {
        Self {
            method,
            path,
            id: "",
            summary: "",
            parameters: Vec::new(),
            body: B::describe(),
            status: StatusCode::OK,
            answer: schema::<A>,
            public: false,
            look_up: false,
            hands_out: false,
            takes_lists: false,
            handler: Arc::new(move |shared, call, bytes| {
                let body = B::read(&bytes);
                Box::pin(async move {
                    let answer = handler(shared, call, body?).await?;
                    Ok(answer::json(StatusCode::OK, &answer))
                })
            }),
            stream: None,
        }
    }

    /// An operation whose body is a form, read while it arrives.
    pub(super) fn upload<B, A, F, Fut>(method: Method, path: &'static str, handler: F) -> Self
    where
        B: JsonSchema,
        A: Serialize + JsonSchema,
        F: Fn(Arc<Shared>, Call, Body) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<A, Failure>> + Send + 'static,
    {
        let unread = |_: Arc<Shared>, _: Call, _: NoBody| async {
            Err::<A, _>(Failure::malformed("the form of the upload is missing"))
        };
        let stream: StreamHandler = Arc::new(move |shared, call, body| {
            Box::pin(async move {
                let answer = handler(shared, call, body).await?;
                Ok(answer::json(StatusCode::OK, &answer))
            })
        });
        Self {
            body: Some(RequestBody {
                schema: schema::<B>,
                media: "multipart/form-data",
                required: true,
            }),
            stream: Some(stream),
            ..Self::new(method, path, unread)
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

    /// Its body may hold a list of tests.
    pub(super) fn takes_lists(self) -> Self {
        Self {
            takes_lists: true,
            ..self.header::<Packing>(
                "content-encoding",
                "The body may be packed with gzip; unpacked it has at most 64 MiB",
            )
        }
    }

    /// A parameter of the query that is needed.
    pub(super) fn needs<T: JsonSchema>(self, name: &'static str, what: &'static str) -> Self {
        self.with(Place::Query, true, name, what, schema::<T>)
    }

    /// A parameter of the query that may be there.
    pub(super) fn query<T: JsonSchema>(self, name: &'static str, what: &'static str) -> Self {
        self.with(Place::Query, false, name, what, schema::<T>)
    }

    /// Takes all pairs of the query.
    pub(super) fn query_pairs<T: JsonSchema>(self, name: &'static str, what: &'static str) -> Self {
        self.with(Place::QueryPairs, false, name, what, schema::<T>)
    }

    /// A header that may be there.
    pub(super) fn header<T: JsonSchema>(self, name: &'static str, what: &'static str) -> Self {
        self.with(Place::Header, false, name, what, schema::<T>)
    }

    fn with(
        mut self,
        place: Place,
        required: bool,
        name: &'static str,
        what: &'static str,
        schema: SchemaOf,
    ) -> Self {
        self.parameters.push(Parameter {
            name,
            place,
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

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
