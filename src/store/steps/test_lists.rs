//! Lists of tests that come with requests for plans: each is stored once per project and shared by its plans.

use super::write_context::WriteContext;
use crate::{
    model::{PlanId, TestListDigest},
    store::{
        RefusalCode, RequestedTests, StoreError,
        protocol::{refuse, request_limits},
        rows::TestSource,
        values::number,
    },
};

/// Refuses a list that exceeds a limit or does not match its digest. Reads no database, so it runs before the writer.
pub(in crate::store) fn check(tests: &RequestedTests) -> Result<(), StoreError> {
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
pub(in crate::store) fn source(
    context: &mut WriteContext<'_>,
    (template, project): (PlanId, &str),
    tests: &RequestedTests,
) -> Result<(TestSource, u64), StoreError> {
    if let Some(size) = context.rows.published_size(template, &tests.digest)? {
        return Ok((TestSource::Template(template), number(size)));
    }
    if let Some((id, size)) = context.rows.test_list(project, &tests.digest)? {
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
    let size = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let id = context
        .rows
        .insert_test_list(project, &tests.digest, size)?;
    let source = TestSource::List(id);
    context.rows.insert_tests(source, project, list)?;
    Ok((source, list.len() as u64))
}
