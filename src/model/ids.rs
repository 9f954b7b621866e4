//! Identifiers, one type each, so that an execution's id cannot be passed where a plan's is meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give its number alone, as 105")]
pub struct NotANumber;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotANumber;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self).map_err(|_| NotANumber)
            }
        }
    };
}

id! {
    /// A template or a plan: the vendor's API draws both from one number range.
    PlanId
}
id! {
    /// One test in one configuration of a plan. Stable for ever: a reset or a new reservation does not change it.
    ExecutionId
}
id! {
    /// A registered Squish server.
    SquishServerId
}
id! {
    /// The service's number of a test, equal for the same project, suite and test case.
    TestId
}
