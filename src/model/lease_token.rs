//! The token that proves a lease.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The secret in a reservation of testplan's service; it identifies the holder of the lease.
///
/// Additive to the vendor's API: against Test Center there is none. Never shown in full.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct LeaseToken(String);

impl LeaseToken {
    /// Takes the token as it stood on the wire.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token itself, for the wire and for hashing.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The first six characters: enough to tell two leases of one execution apart in a record, useless to present.
    pub fn fingerprint(&self) -> String {
        self.0.chars().take(6).collect()
    }
}

impl fmt::Debug for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LeaseToken({}…)", self.fingerprint())
    }
}
