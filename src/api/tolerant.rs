//! Readers for members that the vendor's page shows in more than one form.

use serde::{Deserialize, Deserializer, de::Error as _};

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a whole number or a text")]
enum NumberOrText {
    Number(i64),
    Text(String),
}

/// An id as number or as string of digits: tables and examples of the page disagree (`SquishServer.id`, `test_id`).
pub fn id<'de, D: Deserializer<'de>, T: From<WireId>>(from: D) -> Result<T, D::Error> {
    Ok(WireId::deserialize(from)?.into())
}

/// A number that may stand in quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireId(pub i64);

impl<'de> Deserialize<'de> for WireId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match NumberOrText::deserialize(from)? {
            NumberOrText::Number(number) => Ok(Self(number)),
            NumberOrText::Text(text) => text.trim().parse().map(Self).map_err(|_| {
                D::Error::custom(format!("{text:?} is not an id: expected a whole number"))
            }),
        }
    }
}

macro_rules! from_wire {
    ($($name:ident),*) => {
        $(impl From<WireId> for crate::model::$name {
            fn from(id: WireId) -> Self {
                Self(id.0)
            }
        })*
    };
}
from_wire!(PlanId, ExecutionId, SquishServerId, TestId);

impl From<WireId> for i64 {
    fn from(id: WireId) -> Self {
        id.0
    }
}

/// A text that may come as a number: `Repository.id`, and ports as people write them.
pub fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(match NumberOrText::deserialize(from)? {
        NumberOrText::Number(number) => number.to_string(),
        NumberOrText::Text(text) => text,
    })
}

/// The same where the member may be absent.
pub fn optional_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(
        Option::<NumberOrText>::deserialize(from)?.map(|value| match value {
            NumberOrText::Number(number) => number.to_string(),
            NumberOrText::Text(text) => text,
        }),
    )
}

/// A list that may be absent, null, or a single value: `linkedRepos` is an array in words and an object by type.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list, or one of its entries")]
    enum OneOrMany<T> {
        Many(Vec<T>),
        One(T),
    }
    Ok(match Option::<OneOrMany<T>>::deserialize(from)? {
        None => Vec::new(),
        Some(OneOrMany::One(one)) => vec![one],
        Some(OneOrMany::Many(many)) => many,
    })
}
