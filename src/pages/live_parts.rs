//! What a live stream sends: the parts of a plan's page that changed, and rows of tests.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    execution_table::{ListedState, cells},
    plan_page::PlanPage,
    site::Site,
};
use crate::{api::execution_list::ExecutionResponse, model::PlanId, report::html::Markup};

/// The parts of a plan's page at one time, by the ids of their elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LiveParts(BTreeMap<&'static str, String>);

/// A change of a page.
#[derive(Debug, Serialize)]
struct Patch<'a> {
    /// The new content of elements by their ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parts: BTreeMap<&'a str, &'a str>,
    /// The new cells of rows by their ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    rows: BTreeMap<String, String>,
    /// More changed than this says.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reload: bool,
}

impl LiveParts {
    /// The parts of a page.
    pub(crate) fn of(page: &PlanPage, site: &Site) -> Self {
        let parts = page.parts(site, ListedState::All, None).into_iter();
        Self(parts.map(|(id, markup)| (id, markup.into_text())).collect())
    }

    /// The event that brings a page from `before` to here, and these rows with it; `None` if nothing changed.
    pub(crate) fn event(
        &self,
        before: &Self,
        (site, plan): (&Site, PlanId),
        rows: Option<&[ExecutionResponse]>,
        number: i64,
    ) -> Option<String> {
        let changed = self
            .0
            .iter()
            .filter(|(id, part)| before.0.get(*id) != Some(*part));
        let patch = Patch {
            parts: changed.map(|(id, part)| (*id, part.as_str())).collect(),
            rows: rows
                .unwrap_or_default()
                .iter()
                .map(|it| row(site, plan, it))
                .collect(),
            reload: rows.is_none(),
        };
        if patch.parts.is_empty() && patch.rows.is_empty() && !patch.reload {
            return None;
        }
        let json = serde_json::to_string(&patch).unwrap_or_default();
        Some(format!("id: {number}\nevent: patch\ndata: {json}\n\n"))
    }
}

/// The id and the cells of a test's row.
fn row(site: &Site, plan: PlanId, execution: &ExecutionResponse) -> (String, String) {
    let mut markup = Markup::default();
    cells(&mut markup, site, plan, execution);
    (format!("e-{}", execution.execution_id), markup.into_text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::problem_groups::tests::ended;

    fn parts(texts: &[(&'static str, &str)]) -> LiveParts {
        let texts = texts.iter();
        LiveParts(texts.map(|(id, text)| (*id, (*text).to_owned())).collect())
    }

    fn event(
        before: &LiveParts,
        after: &LiveParts,
        rows: Option<&[ExecutionResponse]>,
    ) -> Option<String> {
        let site = Site::default();
        after.event(before, (&site, PlanId(1)), rows, 7)
    }

    #[test]
    fn event_has_only_what_changed() {
        let before = parts(&[("a", "one"), ("b", "two")]);
        let after = parts(&[("a", "one"), ("b", "<b>\nthree")]);
        assert_eq!(event(&before, &before, Some(&[])), None);
        assert_eq!(
            event(&before, &after, Some(&[])).unwrap(),
            "id: 7\nevent: patch\ndata: {\"parts\":{\"b\":\"<b>\\nthree\"}}\n\n"
        );
        assert_eq!(
            event(&before, &before, None).unwrap(),
            "id: 7\nevent: patch\ndata: {\"reload\":true}\n\n"
        );
    }

    #[test]
    fn row_of_a_test_has_no_markup_of_its_name() {
        let hostile = ended(
            5,
            "</td><script>",
            None,
            Some("<img src=x onerror=alert(1)>"),
        );
        let same = LiveParts::default();
        let event = event(&same, &same, Some(&[hostile])).unwrap();
        assert!(event.contains("\"e-5\""), "{event}");
        assert!(
            !event.contains("<script") && !event.contains("<img"),
            "{event}"
        );
    }
}
