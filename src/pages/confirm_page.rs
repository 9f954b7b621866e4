//! What an action will do, and the form that does it.

use super::{
    layout::{Entry, Frame, crumb},
    site::{MAX_LINK, Site},
};
use crate::report::html::{MAX_MESSAGE, MAX_NAME, Markup};

/// Longest reason that a form takes, in characters.
const MAX_REASON: usize = 200;

/// A question before an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfirmPage {
    /// The heading, such as `Cancel plan 12?`.
    pub(crate) question: String,
    /// What it is about: the title of the plan, the test, the address.
    pub(crate) subject: String,
    /// What will happen, one sentence each.
    pub(crate) sentences: Vec<String>,
    /// The form; none if there is nothing to do.
    pub(crate) form: Option<ConfirmForm>,
    /// The way back, without the base.
    pub(crate) back: String,
    /// What is there.
    pub(crate) back_to: String,
    /// The part of the navigation.
    pub(crate) of_servers: bool,
    /// Now, by the service's clock.
    pub(crate) now: i64,
}

/// The form of a question. It is sent to the address of its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfirmForm {
    /// Without the base.
    pub(crate) path: String,
    /// Shows that the page was made for this session.
    pub(crate) token: String,
    /// The word on the button.
    pub(crate) button: &'static str,
    /// Who signs.
    pub(crate) who: String,
    pub(crate) asks_reason: bool,
    /// How many tests run now, if they may be stopped.
    pub(crate) may_stop: Option<u64>,
}

impl ConfirmPage {
    /// The page.
    pub(crate) fn html(&self, site: &Site) -> Vec<u8> {
        let mut content = Markup::default();
        crumb(&mut content, &site.path(&self.back), &self.back_to);
        content
            .raw("<h1>")
            .text(&self.question, MAX_NAME)
            .raw("</h1>\n<p class=\"lead\"><bdi>")
            .text(&self.subject, MAX_NAME)
            .raw("</bdi></p>\n<ul class=\"sentences\">\n");
        for sentence in &self.sentences {
            content
                .raw("<li>")
                .text(sentence, MAX_MESSAGE)
                .raw("</li>\n");
        }
        content.raw("</ul>\n");
        match &self.form {
            Some(form) => self.form(&mut content, site, form),
            None => {
                content
                    .raw("<p><a class=\"button\" href=\"")
                    .text(&site.path(&self.back), MAX_LINK)
                    .raw("\">Back</a></p>\n");
            }
        }
        let frame = Frame {
            site,
            entry: if self.of_servers {
                Entry::Servers
            } else {
                Entry::Plans
            },
            title: &self.question,
            json: None,
            live: None,
            now: Some(self.now),
        };
        frame.page(&content)
    }

    fn form(&self, page: &mut Markup, site: &Site, form: &ConfirmForm) {
        page.raw("<form class=\"confirm\" method=\"post\" action=\"")
            .text(&site.path(&form.path), MAX_LINK)
            .raw("\">\n<input type=\"hidden\" name=\"token\" value=\"")
            .text(&form.token, MAX_LINK)
            .raw("\"/>\n");
        if let Some(running) = form.may_stop {
            page.raw("<fieldset><legend>Running tests <span class=\"quiet\">")
                .amount(running)
                .raw("</span></legend>\n<p><input type=\"radio\" id=\"finish\" name=\"running\" value=\"finish\" checked=\"checked\"/> <label for=\"finish\">Let them finish: their results count</label></p>\n<p><input type=\"radio\" id=\"stop\" name=\"running\" value=\"stop\"/> <label for=\"stop\">Stop them: their results do not count</label></p>\n</fieldset>\n");
        }
        if form.asks_reason {
            page.raw("<label for=\"reason\">Reason, for the report</label>\n<input id=\"reason\" name=\"reason\" type=\"text\" autocomplete=\"off\" maxlength=\"")
                .number(MAX_REASON)
                .raw("\"/>\n");
        }
        page.raw("<p class=\"quiet\">Signed by <bdi>")
            .text(&form.who, MAX_NAME)
            .raw("</bdi></p>\n<p class=\"choice\"><button type=\"submit\" class=\"strong\">")
            .raw(form.button)
            .raw("</button> <a class=\"button\" href=\"")
            .text(&site.path(&self.back), MAX_LINK)
            .raw("\">Do nothing</a></p>\n</form>\n");
    }
}

/// Links to what a person can do, as buttons.
pub(super) fn actions(page: &mut Markup, links: &[(String, &'static str)]) {
    if links.is_empty() {
        return;
    }
    page.raw("<nav id=\"actions\" aria-label=\"Actions\">");
    for (path, words) in links {
        page.raw("<a class=\"button\" href=\"")
            .text(path, MAX_LINK)
            .raw("\">")
            .raw(words)
            .raw("</a> ");
    }
    page.raw("</nav>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(form: Option<ConfirmForm>) -> String {
        let page = ConfirmPage {
            question: "Cancel plan 12?".to_owned(),
            subject: "<b>nightly</b>".to_owned(),
            sentences: vec!["340 tests wait & end.".to_owned()],
            form,
            back: "/plans/12".to_owned(),
            back_to: "</a>".to_owned(),
            of_servers: false,
            now: 0,
        };
        let site = Site {
            base: "/ci".to_owned(),
            ..Site::default()
        };
        String::from_utf8(page.html(&site)).expect("UTF-8")
    }

    #[test]
    fn question_has_what_will_happen_and_foreign_text_is_text() {
        let form = ConfirmForm {
            path: "/plans/12/cancel".to_owned(),
            token: "t".to_owned(),
            button: "Cancel plan",
            who: "<img> (ci)".to_owned(),
            asks_reason: true,
            may_stop: Some(4),
        };
        let html = page(Some(form));
        for part in [
            "Cancel plan 12?",
            "&lt;b&gt;nightly&lt;/b&gt;",
            "340 tests wait &amp; end.",
            "action=\"/ci/plans/12/cancel\"",
            "href=\"/ci/plans/12\"",
            "&lt;img&gt; (ci)",
            "id=\"stop\"",
            "id=\"reason\"",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn without_anything_to_do_there_is_no_form() {
        let html = page(None);
        assert!(!html.contains("class=\"confirm\""), "{html}");
        assert!(html.contains(">Back</a>"), "{html}");
    }
}
