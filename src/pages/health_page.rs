//! How the service is.

use serde::Serialize;

use super::{
    layout::{Entry, Frame, fact},
    site::{MAX_LINK, Site},
};
use crate::report::{
    html::{MAX_MESSAGE, Markup},
    time_text::duration_text,
    view::Mark,
};

/// The state of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct HealthPage {
    /// Now, by the service's clock.
    pub(crate) server_dt: i64,
    pub(crate) version: String,
    /// How long this process runs.
    pub(crate) uptime_ms: u64,
    /// Why it accepts no changes now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<String>,
    /// Whether a stop was ordered.
    pub(crate) stopping: bool,
    /// Whether others may serve the same database.
    pub(crate) replicas: bool,
    /// The workers of all plans that are there, as far as this process knows.
    pub(crate) workers: u64,
    /// Open live pages of this process, and the most that it serves.
    pub(crate) streams: usize,
    pub(crate) most_streams: usize,
}

impl HealthPage {
    /// The page.
    pub(crate) fn html(&self, site: &Site) -> Vec<u8> {
        let (mark, meaning) = match (&self.fault, self.stopping) {
            (Some(fault), _) => (
                Mark {
                    word: "not ready",
                    ..Mark::COULD_NOT_RUN
                },
                fault.as_str(),
            ),
            (None, true) => (
                Mark {
                    word: "stopping",
                    ..Mark::SKIPPED
                },
                "A stop was ordered: no more reservations; leases stay valid.",
            ),
            (None, false) => (
                Mark {
                    word: "ready",
                    ..Mark::PASSED
                },
                "Changes are accepted.",
            ),
        };
        let mut content = Markup::default();
        content
            .raw("<div class=\"")
            .raw(mark.class)
            .raw("\">\n<h1><span class=\"verdict\"><span class=\"seal\" aria-hidden=\"true\">")
            .raw(mark.symbol)
            .raw("</span> <span class=\"word\">")
            .raw(mark.word)
            .raw("</span></span> <span class=\"title\">Health</span></h1>\n<p class=\"lead\">")
            .text(meaning, MAX_MESSAGE)
            .raw("</p>\n<dl class=\"facts\">\n");
        fact(&mut content, "Version", &self.version);
        fact(&mut content, "Up for", &duration_text(self.uptime_ms));
        fact(
            &mut content,
            "Database",
            if self.replicas {
                "PostgreSQL, for any number of replicas"
            } else {
                "SQLite, for this process"
            },
        );
        fact(&mut content, "Live workers", &self.workers.to_string());
        let streams = format!("{} of {}", self.streams, self.most_streams);
        fact(&mut content, "Live pages", &streams);
        content.raw("</dl>\n</div>\n<section>\n<h2>For programs</h2>\n<ul class=\"sentences\">\n");
        for (path, what) in [
            ("/healthz", "200 while requests are served"),
            (
                "/readyz",
                "200 while changes are accepted, else 503 with the reason",
            ),
            ("/openapi.json", "the API"),
        ] {
            content
                .raw("<li><a href=\"")
                .text(&site.path(path), MAX_LINK)
                .raw("\"><code>")
                .raw(path)
                .raw("</code></a> ")
                .raw(what)
                .raw("</li>\n");
        }
        content.raw("</ul>\n</section>\n");
        let frame = Frame {
            site,
            entry: Entry::Health,
            title: "Health",
            json: Some("/health.json"),
            live: None,
            now: Some(self.server_dt),
        };
        frame.page(&content)
    }
}
