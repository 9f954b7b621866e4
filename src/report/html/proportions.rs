//! Counts as a bar.

use crate::report::view::Mark;

use super::markup::Markup;

/// A bar with a part for each count; nothing if the whole is zero.
pub(crate) fn proportions(
    page: &mut Markup,
    counts: impl IntoIterator<Item = (u64, Mark)>,
    total: u64,
) {
    if total == 0 {
        return;
    }
    page.raw("<svg class=\"proportions\" height=\"10\" aria-hidden=\"true\">");
    let mut before = 0;
    for (count, mark) in counts {
        if count == 0 {
            continue;
        }
        page.raw("<rect class=\"bar ")
            .raw(mark.class)
            .raw("\" height=\"10\" x=\"")
            .percent(before, total)
            .raw("\" width=\"")
            .percent(count, total)
            .raw("\"/>");
        before += count;
    }
    page.raw("</svg>\n");
}
