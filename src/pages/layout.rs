//! What all pages have: head, navigation, footer.

use super::{
    assets,
    site::{MAX_LINK, Site},
};
use crate::{
    report::html::{MAX_NAME, Markup, link_outside},
    text::web_address,
};

/// The entry of the navigation that a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Plans,
    Tests,
    Servers,
    Audit,
    Health,
    /// None, and no navigation either: nothing is shown before a login.
    Outside,
}

/// A page.
pub(super) struct Frame<'a> {
    pub(super) site: &'a Site,
    pub(super) entry: Entry,
    /// Foreign text.
    pub(super) title: &'a str,
    /// The path of the same as JSON, without the base.
    pub(super) json: Option<&'a str>,
    /// The plan's live stream and its last event.
    pub(super) live: Option<(&'a str, i64)>,
    /// The time by the service's clock, for ages.
    pub(super) now: Option<i64>,
}

impl Frame<'_> {
    /// The page with this content.
    pub(super) fn page(&self, content: &Markup) -> Vec<u8> {
        let mut page = Markup::default();
        self.head(&mut page);
        if self.entry != Entry::Outside {
            self.navigation(&mut page);
        }
        page.raw("<main id=\"main\">\n")
            .part(content)
            .raw("</main>\n<footer><p>testplan ")
            .raw(env!("CARGO_PKG_VERSION"));
        if let Some(json) = self.json {
            page.raw(" · <a href=\"")
                .text(&self.site.path(json), MAX_LINK)
                .raw("\">this page as JSON</a>");
        }
        page.raw("</p></footer>\n</body>\n</html>\n");
        page.into_bytes()
    }

    fn head(&self, page: &mut Markup) {
        page.raw("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>")
            .text(self.title, MAX_NAME)
            .raw(" · testplan</title>\n<link rel=\"icon\" href=\"");
        self.link(page, &assets::ICON.path());
        page.raw("\"/>\n<link rel=\"stylesheet\" href=\"");
        self.link(page, &assets::STYLE.path());
        page.raw("\"/>\n<script src=\"");
        self.link(page, &assets::SCRIPT.path());
        page.raw("\" defer=\"defer\"></script>\n</head>\n<body");
        if let Some((path, event)) = self.live {
            page.raw(" data-live=\"");
            self.link(page, path);
            page.raw("\" data-event=\"").number(event).raw("\"");
        }
        if let Some(now) = self.now {
            page.raw(" data-now=\"").number(now).raw("\"");
        }
        page.raw(">\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n");
    }

    fn link(&self, page: &mut Markup, path: &str) {
        page.text(&self.site.path(path), MAX_LINK);
    }

    fn navigation(&self, page: &mut Markup) {
        page.raw("<div class=\"top\" role=\"banner\"><a class=\"brand\" href=\"");
        self.link(page, "/");
        page.raw("\">testplan</a>\n<div role=\"navigation\" aria-label=\"Pages\"><ul>");
        for (entry, path, word) in [
            (Entry::Plans, "/", "Plans"),
            (Entry::Tests, "/tests", "Tests"),
            (Entry::Servers, "/servers", "Squish servers"),
            (Entry::Audit, "/audit", "Actions"),
            (Entry::Health, "/health", "Health"),
        ] {
            page.raw("<li><a href=\"");
            self.link(page, path);
            page.raw(if self.entry == entry {
                "\" aria-current=\"page\">"
            } else {
                "\">"
            })
            .raw(word)
            .raw("</a></li>");
        }
        page.raw("</ul></div>\n<p id=\"live\" class=\"quiet\" hidden=\"hidden\"></p>");
        if self.site.has_session {
            page.raw("<form method=\"post\" action=\"");
            self.link(page, "/logout");
            page.raw("\"><button type=\"submit\">Log out</button></form>");
        }
        page.raw("</div>\n");
    }
}

/// A way back, above the heading.
pub(super) fn crumb(page: &mut Markup, path: &str, text: &str) {
    page.raw("<p class=\"crumb\"><a href=\"")
        .text(path, MAX_LINK)
        .raw("\">← ")
        .text(text, MAX_NAME)
        .raw("</a></p>\n");
}

/// A fact of a list; nothing if the text is empty.
pub(super) fn fact(page: &mut Markup, name: &'static str, value: &str) {
    if !value.is_empty() {
        page.raw("<div><dt>")
            .raw(name)
            .raw("</dt><dd>")
            .text(value, MAX_NAME)
            .raw("</dd></div>\n");
    }
}

/// A fact that is a link to a page elsewhere; the text alone if it is no address of the web, nothing if it is empty.
pub(super) fn outside_link(page: &mut Markup, name: &'static str, address: &str) {
    if web_address(address).is_none() {
        fact(page, name, address);
        return;
    }
    page.raw("<div><dt>").raw(name).raw("</dt><dd>");
    link_outside(page, address);
    page.raw("</dd></div>\n");
}

/// A fact with a time.
pub(super) fn time_fact(page: &mut Markup, name: &'static str, time: i64) {
    page.raw("<div><dt>")
        .raw(name)
        .raw("</dt><dd>")
        .time(crate::model::Timestamp(time))
        .raw("</dd></div>\n");
}

/// Time since a moment, which the script keeps up to date. Without a time it is left to the script.
pub(super) fn age(page: &mut Markup, since: i64, now: Option<i64>) {
    page.raw("<span data-since=\"").number(since).raw("\">");
    if let Some(now) = now {
        page.span(u64::try_from(now - since).unwrap_or(0));
    }
    page.raw("</span>");
}

/// A section with a heading; its content has the name of the part, so that it can be replaced.
pub(super) fn part(page: &mut Markup, id: &'static str, content: &Markup) {
    page.raw("<section id=\"")
        .raw(id)
        .raw("\" class=\"part\">")
        .part(content)
        .raw("</section>\n");
}
