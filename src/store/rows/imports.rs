//! Statements about uploads and the results that they have for tests of this service.

use super::OutcomeColumns;
use crate::{
    model::{Capabilities, ExecutionId, PlanId, Test, TestResult, Timestamp},
    store::{Import, NewImport, StoreError},
};

/// An execution that is done and has no verdict.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Unjudged {
    pub(in crate::store) execution: ExecutionId,
    pub(in crate::store) plan: PlanId,
    pub(in crate::store) test: i64,
    pub(in crate::store) label_set: i64,
    pub(in crate::store) epoch: u32,
}

/// A result of an import.
#[derive(Clone, Debug)]
pub(in crate::store) struct ImportedResult {
    pub(in crate::store) import: i64,
    pub(in crate::store) labels: Capabilities,
    pub(in crate::store) result: TestResult,
}

/// An import to insert.
#[derive(Debug)]
pub(in crate::store) struct NewImportRow<'a> {
    pub(in crate::store) import: &'a NewImport,
    /// As JSON.
    pub(in crate::store) labels: String,
    /// As JSON.
    pub(in crate::store) files: String,
    pub(in crate::store) at: Timestamp,
}

/// Reading imports.
pub(in crate::store) trait ImportReads {
    /// An import by number.
    fn import(&mut self, id: i64) -> Result<Option<Import>, StoreError>;

    /// Imports from after `after` on, at most `limit`, of one project or batch if requested.
    fn imports(
        &mut self,
        project: Option<&str>,
        batch: Option<&str>,
        page: (i64, u32),
    ) -> Result<Vec<Import>, StoreError>;
}

/// Adding imports, and verdicts from them.
pub(in crate::store) trait ImportRows {
    /// Inserts an import and returns its number, which is higher than all before.
    fn insert_import(&mut self, row: &NewImportRow<'_>) -> Result<i64, StoreError>;

    /// The plans of a batch.
    fn plans_of_batch(&mut self, project: &str, batch: &str) -> Result<Vec<PlanId>, StoreError>;

    /// The number of a test that any template or list has.
    fn known_test(&mut self, project: &str, test: &Test) -> Result<Option<i64>, StoreError>;

    /// Stores the result of a test in an import.
    fn insert_imported_test(
        &mut self,
        test: i64,
        import: i64,
        columns: &OutcomeColumns<'_>,
    ) -> Result<(), StoreError>;

    /// The executions of a test that are done without a verdict, and were reserved before the import.
    fn unjudged(
        &mut self,
        plan: PlanId,
        test: i64,
        import: i64,
    ) -> Result<Vec<Unjudged>, StoreError>;

    /// The results of an execution's test that were imported since its reservation, in order of the imports.
    fn imported_since(
        &mut self,
        execution: ExecutionId,
        project: &str,
        batch: &str,
    ) -> Result<Vec<ImportedResult>, StoreError>;

    /// An imported result becomes the verdict of an execution without one.
    fn judge(
        &mut self,
        execution: ExecutionId,
        columns: &OutcomeColumns<'_>,
        import: i64,
    ) -> Result<(), StoreError>;
}
