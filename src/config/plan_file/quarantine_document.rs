//! The keys of a quarantine file and the shapes of their values. Its JSON Schema is made of these types.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    marked::{Marked, Pairs, Plain},
    verdict_keys::Globs,
};

/// Longest quarantine, in days from today.
pub(super) const MOST_DAYS: i64 = 90;

/// The tests in quarantine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(title = "quarantine.yml")]
pub(super) struct QuarantineDocument(pub(super) Vec<Marked<EntrySection>>);

/// Tests in quarantine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Entry")]
pub(super) struct EntrySection {
    /// Patterns on suite/testcase, one or a list; * matches / too.
    pub(super) tests: Marked<Globs>,
    /// Who repairs them: a person or a team.
    pub(super) owner: Marked<String>,
    /// Why they are in quarantine.
    pub(super) reason: Marked<String>,
    /// Where more about it is, such as the address of an issue.
    pub(super) link: Option<Marked<String>>,
    /// The last day of the quarantine, at most 90 days from today, as 2026-12-31 (UTC).
    #[schemars(with = "UntilSchema")]
    pub(super) until: Plain,
    /// Only where the test requires all of these capabilities.
    pub(super) capabilities: Option<Marked<Pairs>>,
}

/// A day in the schema.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes the schema; read as text")]
struct UntilSchema(#[schemars(regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))] String);
