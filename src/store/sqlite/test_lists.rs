//! Lists of tests that come with requests for plans: each is kept once per project, and plans of it share its rows.

use std::collections::{HashMap, hash_map::Entry};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    desk::Desk,
    plans::started,
    rows::{from_json, number},
};
use crate::{
    model::{PlanId, PlannedTest, Test, TestListDigest},
    store::{
        PlanTests, RefusalCode, RequestedTests, StoreError,
        protocol::{limits, refuse},
    },
};

/// Where the tests of a plan are copied from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The published tests of a template.
    Template(PlanId),
    /// A list that came with a request.
    List(i64),
}

impl Source {
    /// The table of the tests, the column that names their owner, and the owner.
    pub(super) fn rows(self) -> (&'static str, &'static str, i64) {
        match self {
            Self::Template(id) => ("template_tests", "template", id.0),
            Self::List(id) => ("listed_tests", "list", id),
        }
    }
}

/// Refuses a list that breaks a limit or does not match its digest. Reads no database, so it runs before the writer.
pub(super) fn check(tests: &RequestedTests) -> Result<(), StoreError> {
    let Some(list) = &tests.list else {
        return Ok(());
    };
    limits::tests(list)?;
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

/// The source of requested tests and how many they are; keeps a list that is new to the project.
pub(super) fn source(
    desk: &Desk,
    (template, project): (PlanId, &str),
    tests: &RequestedTests,
) -> Result<(Source, u64), StoreError> {
    let published: Option<i64> = desk
        .db
        .prepare_cached("SELECT size FROM plans WHERE id = ?1 AND kind = 0 AND tests_digest = ?2")?
        .query_row(params![template.0, tests.digest.bytes()], |row| row.get(0))
        .optional()?;
    if let Some(size) = published {
        return Ok((Source::Template(template), number(size)));
    }
    let known: Option<(i64, i64)> = desk
        .db
        .prepare_cached("SELECT id, size FROM test_lists WHERE project = ?1 AND digest = ?2")?
        .query_row(params![project, tests.digest.bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some((id, size)) = known {
        return Ok((Source::List(id), number(size)));
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
    let id = desk
        .db
        .prepare_cached("INSERT INTO test_lists (project, digest, size) VALUES (?1, ?2, ?3)")?
        .insert(params![
            project,
            tests.digest.bytes(),
            i64::try_from(list.len()).unwrap_or(i64::MAX)
        ])?;
    insert(desk, Source::List(id), project, list)?;
    Ok((Source::List(id), list.len() as u64))
}

/// Writes the tests of a source that has none.
pub(super) fn insert(
    desk: &Desk,
    source: Source,
    project: &str,
    tests: &[PlannedTest],
) -> Result<(), StoreError> {
    let (table, column, owner) = source.rows();
    let mut insert = desk.db.prepare_cached(&format!(
        "INSERT INTO {table} ({column}, position, test, label_set) VALUES (?1, ?2, ?3, ?4)"
    ))?;
    let mut sets = HashMap::new();
    for (position, PlannedTest { test, required }) in (0_i64..).zip(tests) {
        let set = match sets.entry(required) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(desk.intern(required)?),
        };
        insert.execute([owner, position, intern_test(desk, project, test)?, set])?;
    }
    Ok(())
}

fn intern_test(desk: &Desk, project: &str, test: &Test) -> Result<i64, StoreError> {
    let what = params![project, test.suite, test.testcase];
    let known = desk
        .db
        .prepare_cached("SELECT id FROM tests WHERE project = ?1 AND suite = ?2 AND testcase = ?3")?
        .query_row(what, |row| row.get(0))
        .optional()?;
    match known {
        Some(id) => Ok(id),
        None => Ok(desk
            .db
            .prepare_cached("INSERT INTO tests (project, suite, testcase) VALUES (?1, ?2, ?3)")?
            .insert(what)?),
    }
}

/// What a plan keeps of the list that it was requested with.
pub(super) fn of_plan(db: &Connection, plan: PlanId) -> Result<PlanTests, StoreError> {
    started(db, plan)?;
    let (digest, discovery): (Option<Vec<u8>>, Option<String>) = db
        .prepare_cached("SELECT tests_digest, discovery FROM plans WHERE id = ?1")?
        .query_row([plan.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let digest = digest
        .map(|bytes| TestListDigest::from_bytes(&bytes))
        .transpose()
        .map_err(|error| StoreError::Broken(format!("plan {plan}: {error}")))?;
    Ok(PlanTests {
        digest,
        discovery: discovery.as_deref().map(from_json).transpose()?,
    })
}
