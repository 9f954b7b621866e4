//! The registered Squish servers.

use serde::Serialize;

use super::{
    audit_page,
    execution_table::name,
    layout::{Entry, Frame},
    page_state::{OPEN, RUNNING},
    site::{MAX_LINK, Site},
};
use crate::{
    api::{actions::ActionResponse, squish_server::SquishServerResponse},
    model::{Capabilities, CoolingReason, Timestamp},
    report::{
        html::{MAX_NAME, Markup, tables::state},
        view::Mark,
    },
};

/// Most servers on a page.
const MAX_ROWS: usize = 1_000;

/// The Squish servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ServerPage {
    /// Now, by the service's clock.
    pub(crate) server_dt: i64,
    /// As the API lists them.
    pub(crate) squish_servers: Vec<SquishServerResponse>,
    /// What was done just now.
    #[serde(skip)]
    pub(crate) done: Option<ActionResponse>,
}

impl ServerPage {
    /// The page.
    pub(crate) fn html(&self, site: &Site) -> Vec<u8> {
        let mut content = Markup::default();
        audit_page::note(&mut content, self.done.as_ref());
        content.raw("<h1>Squish servers</h1>\n");
        if self.squish_servers.is_empty() {
            content.raw("<div class=\"teach\"><p class=\"lead\">No Squish server is registered.</p>\n<p>A plan whose tests do not run with Squish needs none. Register one with its labels, or list it under <code>servers:</code> in the file of <code>--plans</code>:</p>\n<pre>testplan servers add lab-1:4322 --label OS=Linux</pre></div>\n");
        } else {
            self.table(&mut content, site);
        }
        let frame = Frame {
            site,
            entry: Entry::Servers,
            title: "Squish servers",
            json: Some("/servers.json"),
            live: None,
            now: Some(self.server_dt),
        };
        frame.page(&content)
    }

    fn table(&self, page: &mut Markup, site: &Site) {
        page.raw("<div id=\"squish-servers\" class=\"part\"><div class=\"wide\" role=\"region\" aria-label=\"Squish servers\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">State</th><th scope=\"col\">Address</th><th scope=\"col\">Labels</th><th scope=\"col\">Test</th>");
        if site.can_act {
            page.raw("<th scope=\"col\">Action</th>");
        }
        page.raw("</tr></thead>\n<tbody>\n");
        for server in self.squish_servers.iter().take(MAX_ROWS) {
            self.row(page, site, server);
        }
        page.raw("</tbody>\n</table></div></div>\n");
        if self.squish_servers.len() > MAX_ROWS {
            page.raw("<p class=\"more\">and ")
                .number(self.squish_servers.len() - MAX_ROWS)
                .raw(" more</p>\n");
        }
    }

    fn row(&self, page: &mut Markup, site: &Site, server: &SquishServerResponse) {
        let mark = mark(server);
        page.raw("<tr><td>");
        state(page, mark, mark.word);
        if let Some(cooling) = server.cooling.filter(|_| server.enabled) {
            page.raw("<p class=\"line\"><span>")
                .raw(reason(cooling.because))
                .raw("; until ")
                .time(Timestamp(cooling.until_dt))
                .raw(", in ")
                .span(u64::try_from(cooling.until_dt - self.server_dt).unwrap_or(0))
                .raw("</span></p>");
        }
        if !server.note.is_empty() {
            page.raw("<p class=\"line\"><span>")
                .raw(if server.enabled {
                    "enabled "
                } else {
                    "disabled "
                })
                .text(&server.note, MAX_NAME)
                .raw("</span></p>");
        }
        page.raw("</td><th scope=\"row\"><bdi>")
            .text(&format!("{}:{}", server.host, server.port), MAX_NAME)
            .raw("</bdi> <span class=\"quiet\">#")
            .number(server.id.0)
            .raw("</span></th><td>")
            .text(
                &Capabilities::from(server.labels.clone()).to_string(),
                MAX_NAME,
            )
            .raw("</td><td>");
        if let Some(execution) = server.testset {
            if let Some(test) = &server.busy_test {
                name(page, &test.suite, &test.testcase);
            }
            page.raw(" <span class=\"quiet\">#")
                .number(execution.0)
                .raw("</span>");
        }
        if site.can_act {
            let (word, action) = if server.enabled {
                ("Disable …", "disable")
            } else {
                ("Enable …", "enable")
            };
            page.raw("</td><td><a class=\"button\" href=\"")
                .text(
                    &site.path(&format!("/servers/{}/{action}", server.id)),
                    MAX_LINK,
                )
                .raw("\" aria-label=\"")
                .raw(word)
                .raw(" ")
                .text(&format!("{}:{}", server.host, server.port), MAX_NAME)
                .raw("\">")
                .raw(word)
                .raw("</a>");
        }
        page.raw("</td></tr>\n");
    }
}

/// What a server does now.
fn mark(server: &SquishServerResponse) -> Mark {
    if server.testset.is_some() {
        Mark {
            word: "busy",
            ..RUNNING
        }
    } else if !server.enabled {
        Mark {
            word: "disabled",
            ..Mark::SKIPPED
        }
    } else if server.cooling.is_some() {
        Mark {
            word: "cools down",
            ..Mark::COULD_NOT_RUN
        }
    } else {
        Mark {
            word: "free",
            ..OPEN
        }
    }
}

/// Why a server cools down, for people.
fn reason(because: CoolingReason) -> &'static str {
    match because {
        CoolingReason::Expired => "the lease of its last test expired",
        CoolingReason::Unreachable => "a worker could not connect to it",
        CoolingReason::Hung => "its last test reached the time limit",
    }
}
