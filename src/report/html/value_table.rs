//! Two compared values side by side.

use crate::report::value_comparison::{Piece, Sides, ValueComparison, differences};

use super::markup::Markup;

/// Writes the values that a failure compared, with their differences marked; nothing if its texts have no single clear
/// comparison.
pub(crate) fn value_table(page: &mut Markup, message: &str, text: &str) {
    let Some(comparison) = ValueComparison::of(message, text) else {
        return;
    };
    page.raw(match comparison.sides {
        Sides::ExpectedActual => "<table class=\"values expected\">",
        Sides::LeftRight => "<table class=\"values\">",
    })
    .raw("<thead><tr>");
    for heading in comparison.sides.headings() {
        page.raw("<th scope=\"col\">").raw(heading).raw("</th>");
    }
    page.raw("</tr></thead><tbody><tr>");
    for pieces in differences(&comparison.first, &comparison.second) {
        page.raw("<td><pre>");
        for Piece { text, differs } in pieces {
            if differs {
                page.raw("<mark>").exact(text).raw("</mark>");
            } else {
                page.exact(text);
            }
        }
        page.raw("</pre></td>");
    }
    page.raw("</tr></tbody></table>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_marked_and_text_stays_text() {
        let mut page = Markup::default();
        value_table(&mut page, "expected: <<b>\t1> but was: <<b>\t2>", "");
        assert_eq!(
            page.into_text(),
            "<table class=\"values expected\"><thead><tr><th scope=\"col\">Expected</th><th scope=\"col\">Actual</th></tr></thead>\
             <tbody><tr><td><pre>&lt;b&gt;    <mark>1</mark></pre></td><td><pre>&lt;b&gt;    <mark>2</mark></pre></td></tr></tbody></table>\n"
        );
        let mut page = Markup::default();
        value_table(&mut page, "no", "");
        assert_eq!(page.into_text(), "");
    }
}
