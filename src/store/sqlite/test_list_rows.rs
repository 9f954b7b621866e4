//! Lists of tests that come with requests for plans: each is stored once per project and shared by its plans.

use std::collections::{HashMap, hash_map::Entry};

use rusqlite::{Connection, params};

use super::{column_values::number, statements::Statements as _, write_context::WriteContext};
use crate::{
    model::{PlanId, PlannedTest, Test, TestListDigest},
    store::{
        RefusalCode, RequestedTests, StoreError,
        protocol::{refuse, request_limits},
    },
};

/// Where the tests of a plan are copied from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TestSource {
    /// The published tests of a template.
    Template(PlanId),
    /// A list that came with a request.
    List(i64),
}

impl TestSource {
    /// The table of the tests, the column that names their owner, and the owner.
    pub(super) fn rows(self) -> (&'static str, &'static str, i64) {
        match self {
            Self::Template(id) => ("template_tests", "template", id.0),
            Self::List(id) => ("listed_tests", "list", id),
        }
    }
}

/// Refuses a list that exceeds a limit or does not match its digest. Reads no database, so it runs before the writer.
pub(super) fn check(tests: &RequestedTests) -> Result<(), StoreError> {
    let Some(list) = &tests.list else {
        return Ok(());
    };
    request_limits::tests(list)?;
    if TestListDigest::of(list) != tests.digest {
        return Err(refuse(
            RefusalCode::Malformed,
            format!(
                "the list of {} tests does not match its digest: send the list that the digest was made of.",
                list.len()
            ),
        ));
    }
    Ok(())
}

/// The source of requested tests and their number; stores a list that is new to the project.
pub(super) fn source(
    context: &WriteContext,
    (template, project): (PlanId, &str),
    tests: &RequestedTests,
) -> Result<(TestSource, u64), StoreError> {
    let db = &context.db;
    let published: Option<i64> = db.read_if(
        "SELECT size FROM plans WHERE id = ?1 AND kind = 0 AND tests_digest = ?2",
        params![template.0, tests.digest.bytes()],
        |row| row.get(0),
    )?;
    if let Some(size) = published {
        return Ok((TestSource::Template(template), number(size)));
    }
    let known: Option<(i64, i64)> = db.read_if(
        "SELECT id, size FROM test_lists WHERE project = ?1 AND digest = ?2",
        params![project, tests.digest.bytes()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if let Some((id, size)) = known {
        return Ok((TestSource::List(id), number(size)));
    }
    let Some(list) = &tests.list else {
        return Err(refuse(
            RefusalCode::UnknownTests,
            format!(
                "project {project:?} has no list of tests with the digest {}: send the list beside the digest.",
                tests.digest
            ),
        ));
    };
    let id = db.insert(
        "INSERT INTO test_lists (project, digest, size) VALUES (?1, ?2, ?3)",
        params![
            project,
            tests.digest.bytes(),
            i64::try_from(list.len()).unwrap_or(i64::MAX)
        ],
    )?;
    insert(context, TestSource::List(id), project, list)?;
    Ok((TestSource::List(id), list.len() as u64))
}

/// Inserts the tests of a source that has none yet.
pub(super) fn insert(
    context: &WriteContext,
    source: TestSource,
    project: &str,
    tests: &[PlannedTest],
) -> Result<(), StoreError> {
    let (table, column, owner) = source.rows();
    let mut insert = context.db.prepare_cached(&format!(
        "INSERT INTO {table} ({column}, position, test, label_set) VALUES (?1, ?2, ?3, ?4)"
    ))?;
    let mut sets = HashMap::new();
    for (position, PlannedTest { test, required }) in (0_i64..).zip(tests) {
        let set = match sets.entry(required) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(context.intern_labels(required)?),
        };
        insert.execute([
            owner,
            position,
            intern_test(&context.db, project, test)?,
            set,
        ])?;
    }
    Ok(())
}

fn intern_test(db: &Connection, project: &str, test: &Test) -> Result<i64, StoreError> {
    let values = params![project, test.suite, test.testcase];
    let known = db.read_if(
        "SELECT id FROM tests WHERE project = ?1 AND suite = ?2 AND testcase = ?3",
        values,
        |row| row.get(0),
    )?;
    match known {
        Some(id) => Ok(id),
        None => db.insert(
            "INSERT INTO tests (project, suite, testcase) VALUES (?1, ?2, ?3)",
            values,
        ),
    }
}
