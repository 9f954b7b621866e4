//! A badge for a README: how the last plan of a template ended, as a small SVG.

use super::page_state::PlanState;
use crate::report::html::Markup;

/// Longest name on a badge, in bytes.
const MAX_NAME: usize = 60;
/// Width of a letter, and the room beside a text. Fonts differ, so each text is drawn with the width that is counted for it.
const LETTER: u64 = 7;
const ROOM: u64 = 14;

/// What a badge says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    /// Of the template.
    pub(crate) name: String,
    /// How its last plan ended; nothing if none did.
    pub(crate) state: Option<(PlanState, u64)>,
}

impl Badge {
    fn words(&self) -> (String, &'static str) {
        let Some((state, count)) = self.state else {
            return ("no plan".to_owned(), "#5b626b");
        };
        let word = state.mark().word;
        match state {
            PlanState::Failed => (format!("{count} {word}"), "#b3261e"),
            PlanState::CouldNotRun => (format!("{count} {word}"), "#8f4a00"),
            PlanState::Passed => (format!("{count} {word}"), "#17703f"),
            _ => (word.to_owned(), "#5b626b"),
        }
    }

    /// The picture.
    pub(crate) fn svg(&self) -> Vec<u8> {
        let (words, colour) = self.words();
        let name = crate::text::prefix(self.name.trim(), MAX_NAME);
        let wide = |text: &str| text.chars().count() as u64 * LETTER;
        let (left, right) = (wide(name) + ROOM, wide(&words) + ROOM);
        let mut page = Markup::default();
        page.raw("<svg xmlns=\"http://www.w3.org/2000/svg\" height=\"20\" width=\"")
            .number(left + right)
            .raw("\" role=\"img\" aria-label=\"")
            .text(name, MAX_NAME)
            .raw(": ")
            .text(&words, MAX_NAME)
            .raw("\"><clipPath id=\"r\"><rect height=\"20\" rx=\"3\" width=\"")
            .number(left + right)
            .raw("\"/></clipPath><g clip-path=\"url(#r)\"><rect height=\"20\" fill=\"#3b4046\" width=\"")
            .number(left)
            .raw("\"/><rect height=\"20\" fill=\"")
            .raw(colour)
            .raw("\" x=\"")
            .number(left)
            .raw("\" width=\"")
            .number(right)
            .raw("\"/></g><g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">");
        for (begin, width, text) in [(0, left, name), (left, right, &*words)] {
            page.raw("<text y=\"14\" x=\"")
                .number(begin + ROOM / 2)
                .raw("\" textLength=\"")
                .number(width - ROOM)
                .raw("\">")
                .text(text, MAX_NAME)
                .raw("</text>");
        }
        page.raw("</g></svg>\n");
        page.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn badge_says_how_the_last_plan_ended() {
        let text = |state| {
            let badge = Badge {
                name: "night<ly>".to_owned(),
                state,
            };
            String::from_utf8(badge.svg()).unwrap()
        };
        let failed = text(Some((PlanState::Failed, 3)));
        assert!(
            failed.contains("aria-label=\"night&lt;ly&gt;: 3 failed\""),
            "{failed}"
        );
        assert!(!failed.contains("<ly>"));
        assert!(text(None).contains(": no plan\""));
        assert!(text(Some((PlanState::Running, 0))).contains(": running\""));
    }
}
