//! Rows of different kinds in one answer: a statement has one list of columns, but a column can be a row of its own.

use std::error::Error;

use tokio_postgres::types::{FromSql, Type};

use super::client::Columns;
use crate::store::StoreError;

/// The value of a column that is a row.
pub(super) struct Record<'a> {
    /// The type of each column by its number, and its value unless it is null.
    columns: Vec<(u32, Option<&'a [u8]>)>,
}

impl<'a> FromSql<'a> for Record<'a> {
    /// How many columns; then of each its type, the length of its value or -1, and the value.
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let mut rest = bytes;
        let count = usize::try_from(i32::from_be_bytes(take(&mut rest)?))?;
        let mut columns = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let kind = u32::from_be_bytes(take(&mut rest)?);
            let value = match usize::try_from(i32::from_be_bytes(take(&mut rest)?)) {
                Err(_negative) => None,
                Ok(length) => {
                    let (value, after) = rest.split_at_checked(length).ok_or(CUT)?;
                    rest = after;
                    Some(value)
                }
            };
            columns.push((kind, value));
        }
        Ok(Self { columns })
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::RECORD
    }
}

const CUT: &str = "a row within a row ends too early";

fn take(rest: &mut &[u8]) -> Result<[u8; 4], &'static str> {
    let (first, after) = rest.split_first_chunk().ok_or(CUT)?;
    *rest = after;
    Ok(*first)
}

impl Columns for Record<'_> {
    fn column<'a, T: FromSql<'a>>(&'a self, index: usize) -> Result<T, StoreError> {
        let bug = |why: String| StoreError::Broken(format!("BUG: column {index} of a row: {why}"));
        let column = self.columns.get(index);
        let (kind, value) = column.ok_or_else(|| bug("it has fewer".to_owned()))?;
        let kind = Type::from_oid(*kind).filter(T::accepts);
        let kind = kind.ok_or_else(|| bug("its type is another".to_owned()))?;
        T::from_sql_nullable(&kind, *value).map_err(|error| bug(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ROW(7::bigint, NULL::text)` as the server writes it.
    fn bytes() -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 2, 0, 0, 0, 20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7];
        bytes.extend([0, 0, 0, 25, 255, 255, 255, 255]);
        bytes
    }

    #[test]
    fn columns_are_read_by_their_types() {
        let bytes = bytes();
        let record = Record::from_sql(&Type::RECORD, &bytes).expect("a record");
        assert_eq!(record.column::<i64>(0).expect("a number"), 7);
        assert_eq!(record.column::<Option<String>>(1).expect("a null"), None);
        for error in [
            record
                .column::<String>(0)
                .expect_err("a number")
                .to_string(),
            record.column::<String>(1).expect_err("a null").to_string(),
            record.column::<i64>(2).expect_err("no column").to_string(),
        ] {
            assert!(error.contains("BUG: column"), "{error}");
        }
    }

    #[test]
    fn row_that_ends_too_early_is_an_error() {
        let bytes = bytes();
        for length in 0..bytes.len() {
            assert!(
                Record::from_sql(&Type::RECORD, &bytes[..length]).is_err(),
                "{length}"
            );
        }
    }
}
