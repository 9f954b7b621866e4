//! Rows on their way from one database to another, by columns.

use super::tables::{Kind, Table};

/// Most rows of a batch.
const MAX_ROWS: usize = 5_000;
/// A batch is full with this many bytes of text, so that memory has a bound.
const MAX_BYTES: usize = 4 << 20;

/// The values of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Values {
    Numbers(Vec<Option<i64>>),
    Truths(Vec<Option<bool>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Values {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Number => Self::Numbers(Vec::new()),
            Kind::Truth => Self::Truths(Vec::new()),
            Kind::Text => Self::Texts(Vec::new()),
            Kind::Bytes => Self::Bytes(Vec::new()),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Numbers(list) => list.clear(),
            Self::Truths(list) => list.clear(),
            Self::Texts(list) => list.clear(),
            Self::Bytes(list) => list.clear(),
        }
    }
}

/// Some rows of a table.
#[derive(Debug)]
pub(in crate::store) struct Batch {
    pub(in crate::store) columns: Vec<Values>,
    pub(in crate::store) rows: usize,
    bytes: usize,
}

impl Batch {
    pub(in crate::store) fn new(table: &Table) -> Self {
        let kinds = table.columns.iter().map(|(_, kind)| Values::new(*kind));
        Self {
            columns: kinds.collect(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Notes that a row was added, with so many bytes of text.
    pub(in crate::store) fn end_row(&mut self, bytes: usize) {
        self.rows += 1;
        self.bytes += bytes;
    }

    /// Whether it should be sent before another row is added.
    pub(in crate::store) fn is_full(&self) -> bool {
        self.rows >= MAX_ROWS || self.bytes >= MAX_BYTES
    }

    pub(in crate::store) fn clear(&mut self) {
        self.columns.iter_mut().for_each(Values::clear);
        (self.rows, self.bytes) = (0, 0);
    }
}
