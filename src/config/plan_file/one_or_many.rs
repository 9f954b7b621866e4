//! A value that may stand alone or in a list.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Unexpected, Visitor},
};

/// One text without a list around it, or a list.
#[derive(Debug)]
pub(super) enum OneOrMany<T> {
    One(String),
    Many(Vec<T>),
}

/// Whether a number may stand alone in place of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    Taken,
    Refused,
}

impl<T> OneOrMany<T> {
    /// Reads it; `expected` is what a message about another value says.
    pub(super) fn read<'de, D>(
        deserializer: D,
        expected: &'static str,
        numbers: Numbers,
    ) -> Result<Self, D::Error>
    where
        T: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        deserializer.deserialize_any(OneOrManyVisitor {
            expected,
            numbers,
            item: PhantomData,
        })
    }
}

struct OneOrManyVisitor<T> {
    expected: &'static str,
    numbers: Numbers,
    item: PhantomData<T>,
}

impl<T> OneOrManyVisitor<T> {
    fn number<E: Error>(&self, text: String, number: Unexpected<'_>) -> Result<OneOrMany<T>, E> {
        match self.numbers {
            Numbers::Taken => Ok(OneOrMany::One(text)),
            Numbers::Refused => Err(E::invalid_type(number, &self.expected)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(OneOrMany::One(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        self.number(number.to_string(), Unexpected::Signed(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        self.number(number.to_string(), Unexpected::Unsigned(number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(OneOrMany::Many(items))
    }
}
