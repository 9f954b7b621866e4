//! Several statements as one: each message to the server costs it about as much as a small statement itself.

use super::client::{Value, int};

/// Statements that become one, each written as if its values were the only ones.
#[derive(Default)]
pub(super) struct Joined<'a> {
    texts: Vec<String>,
    values: Vec<Value<'a>>,
}

impl<'a> Joined<'a> {
    /// Adds a statement; `$1` is the first of its values.
    pub(super) fn add(&mut self, sql: &str, values: impl IntoIterator<Item = Value<'a>>) {
        self.texts.push(renumbered(sql, self.values.len()));
        self.values.extend(values);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The rows of all of them, which have the same columns. In no order.
    pub(super) fn rows(&self) -> (String, Vec<Value<'a>>) {
        (self.texts.join(" UNION ALL "), self.values.clone())
    }
}

/// Changes that become one statement. It fails, and changes nothing, if one of them changes another number of rows than it
/// must.
#[derive(Default)]
pub(super) struct JoinedChanges<'a> {
    changes: Joined<'a>,
    checks: Vec<String>,
}

impl<'a> JoinedChanges<'a> {
    /// Adds a change without `RETURNING`, of as many rows as `must` says.
    pub(super) fn add(&mut self, sql: &str, values: Vec<Value<'a>>, must: &'a i64) {
        let name = self.checks.len();
        let count = self.changes.values.len() + values.len() + 1;
        self.checks
            .push(format!("(SELECT count(*) FROM c{name}) = ${count}"));
        let sql = format!("c{name} AS ({sql} RETURNING 1)");
        self.changes
            .add(&sql, values.into_iter().chain([int(must)]));
    }

    /// The statement; `None` if there are no changes.
    pub(super) fn statement(&self) -> Option<(String, Vec<Value<'a>>)> {
        if self.changes.is_empty() {
            return None;
        }
        let sql = format!(
            "WITH {} SELECT 1 / ({})::integer",
            self.changes.texts.join(", "),
            self.checks.join(" AND ")
        );
        Some((sql, self.changes.values.clone()))
    }
}

/// Rows `n` whose columns are elements of arrays, `$1` and so on: for `FROM`. `columns` are names and types, as in `CREATE TABLE`.
/// `unnest` would do the same, but keeps the elements of each array in a store of its own, which takes longer than to write the
/// row.
pub(super) fn rows_of_arrays(columns: &str) -> String {
    let each = columns.split(", ").enumerate().map(|(index, column)| {
        let (name, kind) = column.trim().split_once(' ').unwrap_or((column, "bigint"));
        format!("(${}::{kind}[])[i] AS {name}", index + 1)
    });
    let each: Vec<_> = each.collect();
    let (_, first) = columns.split_once(' ').unwrap_or_default();
    let first = first.split(',').next().unwrap_or_default();
    format!(
        "generate_series(1, array_length($1::{first}[], 1)) AS i CROSS JOIN LATERAL (SELECT {}) AS n",
        each.join(", ")
    )
}

/// A statement whose values come after `others` other ones.
fn renumbered(sql: &str, others: usize) -> String {
    let mut parts = sql.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(part.len());
        let (number, rest) = part.split_at(digits);
        let number = number.parse::<usize>().map_or(0, |number| number + others);
        text.push('$');
        text.push_str(&number.to_string());
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_on() {
        let numbers = [1, 2, 3];
        let [one, two, three] = numbers.each_ref().map(int);
        let mut joined = Joined::default();
        joined.add("SELECT $2, $1", [one, two]);
        joined.add("SELECT 'a', $1::bigint[]", [three]);
        let (sql, values) = joined.rows();
        assert_eq!(sql, "SELECT $2, $1 UNION ALL SELECT 'a', $3::bigint[]");
        assert_eq!(values.len(), 3);
    }

    #[test]
    fn columns_are_elements_of_arrays() {
        assert_eq!(
            rows_of_arrays("id bytea, at bigint"),
            "generate_series(1, array_length($1::bytea[], 1)) AS i CROSS JOIN LATERAL \
             (SELECT ($1::bytea[])[i] AS id, ($2::bigint[])[i] AS at) AS n"
        );
    }

    #[test]
    fn each_change_is_checked() {
        let numbers = [1, 2, 3, 4];
        let [one, two, _, _] = numbers.each_ref().map(int);
        let mut changes = JoinedChanges::default();
        assert!(changes.statement().is_none());
        changes.add("UPDATE a SET b = $1", vec![one], &numbers[2]);
        changes.add("DELETE FROM c WHERE d = $1", vec![two], &numbers[3]);
        let (sql, values) = changes.statement().expect("two changes");
        assert_eq!(
            sql,
            "WITH c0 AS (UPDATE a SET b = $1 RETURNING 1), c1 AS (DELETE FROM c WHERE d = $3 RETURNING 1) \
             SELECT 1 / ((SELECT count(*) FROM c0) = $2 AND (SELECT count(*) FROM c1) = $4)::integer"
        );
        assert_eq!(values.len(), 4);
    }
}
