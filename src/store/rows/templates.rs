//! Statements about templates.

use crate::{
    model::{PlanId, TestListDigest, Timestamp},
    store::{StoreError, TemplateDefinition, protocol::StoredDigest},
};

/// A template as it is published.
#[derive(Debug)]
pub(in crate::store) struct TemplateRow {
    pub(in crate::store) id: PlanId,
    /// Of what was published last.
    pub(in crate::store) definition: Option<StoredDigest>,
    /// Of what a file had when it was read last.
    pub(in crate::store) file_definition: Option<StoredDigest>,
    pub(in crate::store) is_hidden: bool,
    /// Whether its tests have a digest: rows of older versions have none.
    pub(in crate::store) has_digest: bool,
}

/// Suite, test case and labels as JSON: what makes two planned tests the same.
pub(in crate::store) type TestKey = (String, String, String);

/// Reading templates.
pub(in crate::store) trait TemplateReads {
    /// A template by project and title, hidden or not.
    fn template(
        &mut self,
        template: &TemplateDefinition,
    ) -> Result<Option<TemplateRow>, StoreError>;

    /// The tests of a template in order.
    fn published_tests(&mut self, template: PlanId) -> Result<Vec<TestKey>, StoreError>;
}

/// Publishing templates.
pub(in crate::store) trait TemplateRows {
    /// The templates of a project that came from its file and are not hidden.
    fn shown_templates(&mut self, project: &str) -> Result<Vec<PlanId>, StoreError>;

    /// Hides a template.
    fn hide_template(&mut self, id: PlanId) -> Result<(), StoreError>;

    /// Inserts a template without tests.
    fn insert_template(
        &mut self,
        project: &str,
        title: &str,
        now: Timestamp,
    ) -> Result<PlanId, StoreError>;

    /// Changes what a template says of itself, shows it, and deletes its tests.
    fn update_template(
        &mut self,
        id: PlanId,
        template: &TemplateDefinition,
        digests: &TemplateDigests,
    ) -> Result<(), StoreError>;
}

/// The digests of a published template.
#[derive(Clone, Debug)]
pub(in crate::store) struct TemplateDigests {
    pub(in crate::store) definition: StoredDigest,
    pub(in crate::store) file_definition: Option<StoredDigest>,
    pub(in crate::store) tests: TestListDigest,
}
