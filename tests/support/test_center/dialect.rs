//! What differs between servers, or is not known of any: switches.

use std::{collections::BTreeMap, time::Duration};

use super::Verdict;

/// How this Test Center speaks and decides.
#[derive(Clone, Debug)]
pub(crate) struct Dialect {
    /// How errors are wrapped.
    pub(crate) envelope: Envelope,
    /// No licence or no first user yet: everything leads to the activation page.
    pub(crate) activated: bool,
    /// `-` and `_` in titles are blanks, for whoever writes and for whoever looks up.
    pub(crate) normalises_titles: bool,
    /// Ids in quotes, as the page's tables have them; else numbers, as its examples.
    pub(crate) string_ids: bool,
    /// The last count of a status: `finished` by the page's table, `done` by its example.
    pub(crate) last_count: &'static str,
    /// A look-up answers with an array of one.
    pub(crate) lists_look_ups: bool,
    /// Whether `reset` is there at all.
    pub(crate) resets: bool,
    /// Whether what finished without a message can be reset.
    pub(crate) resets_completed: bool,
    /// How far its clock is behind.
    pub(crate) behind: Duration,
    /// How fast it runs scripts by itself.
    pub(crate) pace: Duration,
    /// What its own runs come to, by test case; passed where nothing is said.
    pub(crate) verdicts: BTreeMap<String, Verdict>,
}

/// How errors are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// `{"error":{"code":…,"message":…}}`, as measured.
    Nested,
    /// `{"code":…,"message":…}`, as the page has it.
    Flat,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            envelope: Envelope::Nested,
            activated: true,
            normalises_titles: false,
            string_ids: true,
            last_count: "finished",
            lists_look_ups: false,
            resets: true,
            resets_completed: true,
            behind: Duration::ZERO,
            pace: Duration::from_millis(50),
            verdicts: BTreeMap::new(),
        }
    }
}

impl Dialect {
    /// A title as it is kept and compared.
    pub(super) fn title(&self, title: &str) -> String {
        if self.normalises_titles {
            title.replace(['-', '_'], " ")
        } else {
            title.to_owned()
        }
    }

    /// What time it has, in milliseconds since the epoch.
    #[expect(clippy::disallowed_methods, reason = "the clock of the stand-in")]
    pub(super) fn time(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = since.unwrap().saturating_sub(self.behind);
        i64::try_from(now.as_millis()).unwrap()
    }

    pub(super) fn id(&self, id: i64) -> serde_json::Value {
        if self.string_ids {
            id.to_string().into()
        } else {
            id.into()
        }
    }
}
