//! What people did, newest first; and the note about what was done just now.

use serde::Serialize;

use super::{
    layout::{Entry, Frame},
    site::{MAX_LINK, Site},
};
use crate::{
    api::actions::ActionResponse,
    model::Timestamp,
    report::html::{MAX_MESSAGE, MAX_NAME, Markup},
};

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AuditPage {
    /// Now, by the service's clock.
    pub(crate) server_dt: i64,
    pub(crate) actions: Vec<ActionResponse>,
    /// The `before` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<i64>,
    /// Whether newer actions are on an earlier page.
    #[serde(skip)]
    pub(crate) is_later_page: bool,
}

impl AuditPage {
    /// The page.
    pub(crate) fn html(&self, site: &Site) -> Vec<u8> {
        let mut content = Markup::default();
        content.raw("<h1>Actions</h1>\n<p class=\"meaning\">What people did to plans and Squish servers, newest first. A name before the brackets is what its owner typed at the login; in brackets are the credentials.</p>\n");
        if self.actions.is_empty() {
            content.raw("<p class=\"quiet\">Nothing was done yet. Log in and open a plan to cancel it or to run its failed tests again.</p>\n");
        } else {
            self.table(&mut content);
        }
        self.turn(&mut content, site);
        let frame = Frame {
            site,
            entry: Entry::Audit,
            title: "Actions",
            json: Some("/audit.json"),
            live: None,
            now: Some(self.server_dt),
        };
        frame.page(&content)
    }

    fn table(&self, page: &mut Markup) {
        page.raw("<div class=\"wide\" role=\"region\" aria-label=\"Actions\" tabindex=\"0\"><table class=\"events\">\n<thead><tr><th scope=\"col\">When</th><th scope=\"col\">What</th><th scope=\"col\">Who</th><th scope=\"col\">Detail</th></tr></thead>\n<tbody>\n");
        for action in &self.actions {
            page.raw("<tr><td>")
                .time(Timestamp(action.at))
                .raw("</td><th scope=\"row\">")
                .text(&words(action), MAX_NAME)
                .raw("</th><td><bdi>")
                .text(&action.principal, MAX_NAME)
                .raw("</bdi></td><td>")
                .text(&action.detail, MAX_MESSAGE)
                .raw("</td></tr>\n");
        }
        page.raw("</tbody>\n</table></div>\n");
    }

    fn turn(&self, page: &mut Markup, site: &Site) {
        if self.next.is_none() && !self.is_later_page {
            return;
        }
        page.raw("<nav class=\"turn\" aria-label=\"More actions\">");
        if self.is_later_page {
            page.raw("<a href=\"")
                .text(&site.path("/audit"), MAX_LINK)
                .raw("\">Newest</a> ");
        }
        if let Some(next) = self.next {
            page.raw("<a rel=\"next\" href=\"")
                .text(&site.path("/audit?before="), MAX_LINK)
                .number(next)
                .raw("\">Older</a>");
        }
        page.raw("</nav>\n");
    }
}

/// An action in words: `cancelled plan 12`.
fn words(action: &ActionResponse) -> String {
    let did = match action.action.as_str() {
        "cancel" => "cancelled",
        "retry" => "retried what failed of",
        "release" => "released the lease of",
        "enable" => "enabled",
        "disable" => "disabled",
        "register" => "registered",
        "change" => "changed",
        "remove" => "removed",
        other => other,
    };
    format!("{did} {}", action.subject)
}

/// What was done just now, above a page; nothing without an action.
pub(super) fn note(page: &mut Markup, action: Option<&ActionResponse>) {
    let Some(action) = action else {
        return;
    };
    page.raw("<p id=\"done\" class=\"done\" role=\"status\">")
        .time(Timestamp(action.at))
        .raw(": <bdi>")
        .text(&action.principal, MAX_NAME)
        .raw("</bdi> ")
        .text(&words(action), MAX_NAME);
    if !action.detail.is_empty() {
        page.raw(". ").text(&action.detail, MAX_MESSAGE);
    }
    page.raw("</p>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(principal: &str) -> ActionResponse {
        ActionResponse {
            id: 7,
            at: 0,
            principal: principal.to_owned(),
            action: "retry".to_owned(),
            subject: "plan 12".to_owned(),
            detail: "3 executions are open again".to_owned(),
        }
    }

    #[test]
    fn list_has_who_what_and_the_way_to_older_ones() {
        let page = AuditPage {
            server_dt: 0,
            actions: vec![action("<i>Ann</i> (ci)")],
            next: Some(7),
            is_later_page: true,
        };
        let html = String::from_utf8(page.html(&Site::default())).expect("UTF-8");
        for part in [
            "retried what failed of plan 12",
            "&lt;i&gt;Ann&lt;/i&gt; (ci)",
            "href=\"/audit?before=7\"",
            "href=\"/audit\">Newest",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn note_says_what_was_done() {
        let mut page = Markup::default();
        note(&mut page, None);
        assert_eq!(page.len(), 0);
        note(&mut page, Some(&action("Ann (ci)")));
        let text = page.into_text();
        assert!(
            text.contains(
                "Ann (ci)</bdi> retried what failed of plan 12. 3 executions are open again"
            ),
            "{text}"
        );
    }
}
