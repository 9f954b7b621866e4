//! The form of the login.

use super::{
    layout::{Entry, Frame},
    site::{MAX_LINK, Site},
};
use crate::report::html::{MAX_MESSAGE, Markup};

/// The login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoginPage {
    /// Where to go after it: a path of this service without the base.
    pub(crate) next: String,
    /// Whether users with passwords have access.
    pub(crate) has_users: bool,
    /// Whether holders of tokens have.
    pub(crate) has_tokens: bool,
    /// Why the last try was refused.
    pub(crate) refused: Option<&'static str>,
}

impl LoginPage {
    /// The page.
    pub(crate) fn html(&self, site: &Site) -> Vec<u8> {
        let mut content = Markup::default();
        content
            .raw("<form class=\"login\" method=\"post\" action=\"")
            .text(&site.path("/login"), MAX_LINK)
            .raw("\">\n<h1>testplan</h1>\n");
        if let Some(refused) = self.refused {
            content
                .raw("<p class=\"error\" role=\"alert\"><span class=\"mark\" aria-hidden=\"true\">!</span> ")
                .text(refused, MAX_MESSAGE)
                .raw("</p>\n");
        }
        content
            .raw("<input type=\"hidden\" name=\"next\" value=\"")
            .text(&self.next, MAX_LINK)
            .raw("\"/>\n");
        match (self.has_users, self.has_tokens) {
            (false, _) => {
                // Password managers keep a token under a name.
                content.raw("<input name=\"user\" type=\"text\" value=\"token\" autocomplete=\"username\" hidden=\"hidden\"/>\n<label for=\"secret\">Access token</label>\n");
            }
            (true, false) => {
                content.raw("<label for=\"user\">User</label>\n<input id=\"user\" name=\"user\" type=\"text\" autocomplete=\"username\" spellcheck=\"false\" required=\"required\"/>\n<label for=\"secret\">Password</label>\n");
            }
            (true, true) => {
                content.raw("<label for=\"user\">User; none for a token</label>\n<input id=\"user\" name=\"user\" type=\"text\" autocomplete=\"username\" spellcheck=\"false\"/>\n<label for=\"secret\">Password or token</label>\n");
            }
        }
        content.raw("<input id=\"secret\" name=\"secret\" type=\"password\" autocomplete=\"current-password\" required=\"required\"/>\n<label for=\"name\">Your name, to sign what you do (optional)</label>\n<input id=\"name\" name=\"name\" type=\"text\" autocomplete=\"name\" maxlength=\"80\"/>\n<button type=\"submit\">Log in</button>\n");
        if self.has_tokens {
            content.raw("<p class=\"quiet\">The token is what workers have in <code>TESTCENTER_TOKEN</code>; without <code>--token-file</code> the service keeps it in the file <code>token</code> of its data folder.</p>\n");
        }
        content.raw("</form>\n");
        let frame = Frame {
            site,
            entry: Entry::Outside,
            title: "Log in",
            json: None,
            live: None,
            now: None,
        };
        frame.page(&content)
    }
}
