//! Schemas of parameters and bodies, and limits on parameters.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::store::protocol::request_limits::MAX_PAGE;

/// Adds a type to a generator and refers to it.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub(super) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The body of a request.
#[derive(Clone, Debug)]
pub(super) struct RequestBody {
    pub(super) schema: SchemaOf,
    /// Its content type.
    pub(super) media: &'static str,
    /// Whether an empty body is refused.
    pub(super) required: bool,
}

/// Most items of a page.
pub(super) const MAX_LIMIT: u32 = MAX_PAGE;
/// The longest idempotency key or worker name, in characters.
pub(super) const HEADER_CHARS: usize = 255;

/// The number of items of a page.
pub(super) enum Limit {}

impl JsonSchema for Limit {
    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT })
    }
}

/// A header with a short text.
pub(super) enum ShortText {}

impl JsonSchema for ShortText {
    fn schema_name() -> Cow<'static, str> {
        "ShortText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": HEADER_CHARS })
    }
}

/// A header with the address of a page. What is no address counts as none, so any text is accepted.
pub(super) enum PageAddress {}

impl JsonSchema for PageAddress {
    fn schema_name() -> Cow<'static, str> {
        "PageAddress".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// The content encoding of a body.
pub(super) enum Packing {}

impl JsonSchema for Packing {
    fn schema_name() -> Cow<'static, str> {
        "Packing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["gzip", "identity"] })
    }
}

/// A name; not empty.
pub(super) enum Name {}

impl JsonSchema for Name {
    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}
