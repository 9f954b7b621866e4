//! Errors on the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The vendor's Error Response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Error code returned by the server.
    pub code: i64,
    /// Description of the issue.
    pub message: String,
}

impl Problem {
    /// Reads either envelope: flat as the page has it, or nested in `error` as Test Center 4.3 was seen to send.
    pub fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Nested {
            error: Loose,
        }
        #[derive(Deserialize)]
        struct Loose {
            #[serde(default)]
            code: Option<super::tolerant::WireId>,
            message: String,
        }
        let loose = serde_json::from_slice::<Nested>(body)
            .map(|nested| nested.error)
            .or_else(|_| serde_json::from_slice::<Loose>(body))
            .ok()?;
        Some(Self {
            code: loose.code.map_or(0, i64::from),
            message: loose.message,
        })
    }
}
