//! A page that says why there is no other.

use super::{
    layout::{Entry, Frame},
    site::{MAX_LINK, Site},
};
use crate::report::html::{MAX_MESSAGE, Markup};

/// Why a page cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MessagePage {
    /// The heading.
    pub(crate) title: &'static str,
    /// What failed, why, and what to do.
    pub(crate) message: String,
    /// Another way than to the list of plans: its path without the base, and what is there.
    pub(crate) back: Option<(String, String)>,
}

impl MessagePage {
    /// The page.
    pub(crate) fn html(&self, site: &Site) -> Vec<u8> {
        let mut content = Markup::default();
        content
            .raw("<h1>")
            .raw(self.title)
            .raw("</h1>\n<p class=\"lead\">")
            .text(&self.message, MAX_MESSAGE)
            .raw("</p>\n<p><a href=\"");
        let all = || ("/".to_owned(), "All plans".to_owned());
        let (path, words) = self.back.clone().unwrap_or_else(all);
        content
            .text(&site.path(&path), MAX_LINK)
            .raw("\">")
            .text(&words, MAX_MESSAGE)
            .raw("</a></p>\n");
        let frame = Frame {
            site,
            entry: Entry::Plans,
            title: self.title,
            json: None,
            live: None,
            now: None,
        };
        frame.page(&content)
    }
}
