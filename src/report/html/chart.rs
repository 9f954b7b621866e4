//! The timeline as SVG. Positions are percentages and heights pixels, so it fills any width with readable text. Bars differ
//! by pattern as well as by colour.

use crate::{
    model::Capabilities,
    report::view::{Bar, Lane, Mark, ReportView},
};

use super::{
    MAX_NAME,
    drawn_lanes::{DrawnLanes, drawn_lanes},
    markup::Markup,
};

/// Heights, in pixels.
const AXIS: usize = 22;
const GROUP: usize = 26;
const LANE: usize = 44;
/// From the top of a lane to its bar, and the height of the bar.
const BAR_TOP: usize = 19;
const BAR: usize = 18;
/// Most arrows from a lost attempt to the counted one.
const MAX_ARROWS: usize = 50;
/// After this many bytes, bars are drawn without names and links.
const NAMED_BUDGET: usize = 3 << 20;
/// Longest label in a bar, in bytes; the browser clips it.
const MAX_LABEL: usize = 60;

/// The section with the chart and its legend.
pub(super) fn timeline_section(page: &mut Markup, view: &ReportView<'_>) {
    let chart = drawn_lanes(view);
    if chart.lanes.is_empty() {
        return;
    }
    page.raw("<section id=\"timeline\">\n<h2>Timeline</h2>\n<p class=\"quiet\">Each lane is a worker. The same facts are in the tables <a href=\"#workers\">Workers</a> and <a href=\"#all\">All tests</a>.</p>\n");
    legend(page);
    svg(page, &chart);
    if chart.more > 0 {
        page.raw("<p class=\"more\">")
            .number(chart.more)
            .raw(" more workers are not drawn</p>\n");
    }
    page.raw("</section>\n");
}

const LEGEND: [Mark; 6] = [
    Mark::PASSED,
    Mark::FAILED,
    Mark::COULD_NOT_RUN,
    Mark::SKIPPED,
    Mark::LOST,
    Mark::GIVEN_BACK,
];

fn legend(page: &mut Markup) {
    page.raw("<ul class=\"legend\">\n");
    for mark in LEGEND {
        swatch(page, mark.class, mark.word);
    }
    swatch(page, "waiting", "present, waiting");
    page.raw("</ul>\n");
}

fn swatch(page: &mut Markup, class: &'static str, word: &'static str) {
    page.raw("<li><svg width=\"22\" height=\"12\" aria-hidden=\"true\"><rect class=\"bar ")
        .raw(class)
        .raw("\" x=\"0.5\" y=\"0.5\" width=\"21\" height=\"11\"/></svg> ")
        .raw(word)
        .raw("</li>\n");
}

fn svg(page: &mut Markup, chart: &DrawnLanes<'_>) {
    let tops = tops(chart);
    let height = tops.last().map_or(AXIS, |top| top + LANE);
    page.raw(
        "<svg class=\"timeline\" role=\"group\" aria-label=\"Timeline of the workers\" height=\"",
    )
    .number(height)
    .raw("\" xmlns=\"http://www.w3.org/2000/svg\">\n");
    patterns(page);
    axis(page, chart.length, height);
    let mut group: Option<&Capabilities> = None;
    let full = page.len() + NAMED_BUDGET;
    for (lane, top) in chart.lanes.iter().zip(&tops) {
        if group != Some(lane.offers) {
            group = Some(lane.offers);
            page.raw("<text class=\"group\" x=\"0\" y=\"")
                .number(top - 8)
                .raw("\">")
                .text(&lane.offers.to_string(), MAX_NAME)
                .raw("</text>\n");
        }
        draw(page, lane, *top, chart.length, full);
    }
    arrows(page, chart, &tops);
    page.raw("</svg>\n");
}

/// The top of each lane.
fn tops(chart: &DrawnLanes<'_>) -> Vec<usize> {
    let mut group = None;
    let mut next = AXIS;
    let mut tops = Vec::new();
    for lane in &chart.lanes {
        if group != Some(lane.offers) {
            group = Some(lane.offers);
            next += GROUP;
        }
        tops.push(next);
        next += LANE;
    }
    tops
}

fn patterns(page: &mut Markup) {
    page.raw(concat!(
        "<defs>\n",
        "<pattern id=\"p-failed\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect class=\"under failed\" width=\"6\" height=\"6\"/><rect class=\"over\" width=\"2\" height=\"6\"/></pattern>\n",
        "<pattern id=\"p-error\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect class=\"under error\" width=\"6\" height=\"6\"/><path class=\"over-line\" d=\"M0 0L6 6M6 0L0 6\"/></pattern>\n",
        "<pattern id=\"p-skipped\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\"><rect class=\"under skipped\" width=\"4\" height=\"4\"/><rect class=\"over\" width=\"4\" height=\"1.5\"/></pattern>\n",
        "<pattern id=\"p-lost\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(-45)\"><rect class=\"paper\" width=\"8\" height=\"8\"/><rect class=\"under lost\" width=\"3\" height=\"8\"/></pattern>\n",
        "<pattern id=\"p-back\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect class=\"paper\" width=\"6\" height=\"6\"/><circle class=\"under back\" cx=\"3\" cy=\"3\" r=\"1.4\"/></pattern>\n",
        "<marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker>\n",
        "</defs>\n",
    ));
}

/// About five round times.
fn axis(page: &mut Markup, length: u64, height: usize) {
    const STEPS: [u64; 17] = [
        100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 120_000, 300_000, 600_000,
        1_200_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000,
    ];
    let step = STEPS
        .into_iter()
        .find(|step| length / step <= 6)
        .unwrap_or_else(|| (length / 6).max(1));
    page.raw("<g class=\"axis\" aria-hidden=\"true\">\n");
    for time in (0..=length / step).map(|index| index * step) {
        // A label at the very end would be cut.
        if time > length - length / 20 && time > 0 {
            continue;
        }
        page.raw("<line x1=\"")
            .percent(time, length)
            .raw("\" x2=\"")
            .percent(time, length)
            .raw("\" y1=\"0\" y2=\"")
            .number(height)
            .raw("\"/><text y=\"12\" dx=\"4\" x=\"")
            .percent(time, length)
            .raw("\">+")
            .span(time)
            .raw("</text>\n");
    }
    page.raw("</g>\n");
}

fn draw(page: &mut Markup, lane: &Lane<'_>, top: usize, length: u64, full: usize) {
    page.raw("<g class=\"lane\" role=\"group\" aria-label=\"Worker ")
        .text(lane.worker, MAX_NAME)
        .raw(": ")
        .amount(lane.attempts)
        .raw(" attempts\">\n<text class=\"worker\" x=\"0\" y=\"")
        .number(top + 13)
        .raw("\">")
        .text(lane.worker, MAX_NAME)
        .raw(" <tspan class=\"quiet\" dx=\"6\">")
        .amount(lane.attempts)
        .raw(if lane.attempts == 1 {
            " attempt, busy "
        } else {
            " attempts, busy "
        })
        .span(lane.busy_ms)
        .raw(" of ")
        .span(
            lane.presence
                .iter()
                .map(|(began, ended)| ended - began)
                .sum(),
        );
    if lane.killed {
        page.raw(", killed");
    }
    page.raw("</tspan></text>\n");
    for (began, ended) in &lane.presence {
        page.raw("<rect class=\"bar waiting\" y=\"")
            .number(top + BAR_TOP)
            .raw("\" height=\"")
            .number(BAR)
            .raw("\" x=\"")
            .percent(*began, length)
            .raw("\" width=\"")
            .percent(ended - began, length)
            .raw("\"/>\n");
    }
    for bar in &lane.bars {
        let named = page.len() < full;
        one(page, bar, top + BAR_TOP, length, named);
    }
    page.raw("</g>\n");
}

/// A bar links to its execution. The tab key stops only at those that did not pass.
fn one(page: &mut Markup, bar: &Bar<'_>, top: usize, length: u64, named: bool) {
    if named {
        page.raw("<a href=\"#e-")
            .number(bar.entry.execution.0)
            .raw("\"");
        if [Mark::PASSED, Mark::SKIPPED].contains(&bar.mark) {
            page.raw(" tabindex=\"-1\"");
        }
        page.raw("><title>");
        caption(page, bar);
        page.raw("</title>");
    }
    page.raw("<svg y=\"")
        .number(top)
        .raw("\" height=\"")
        .number(BAR)
        .raw("\" x=\"")
        .percent(bar.from, length)
        .raw("\" width=\"")
        .percent((bar.to - bar.from).max(length / 500), length)
        .raw("\"><rect class=\"bar ")
        .raw(bar.mark.class)
        .raw("\" width=\"100%\" height=\"100%\"/>");
    // A label needs room: a twentieth of the width.
    if named && bar.to - bar.from > length / 20 {
        page.raw("<text class=\"label ")
            .raw(bar.mark.class)
            .raw("\" x=\"5\" y=\"13\">")
            .raw(bar.mark.symbol)
            .raw(" ");
        if bar.attempts > 1 {
            page.amount(bar.attempts).raw(" attempts");
        } else {
            page.text(&bar.entry.test.testcase, MAX_LABEL);
        }
        page.raw("</text>");
    }
    page.raw(if named { "</svg></a>\n" } else { "</svg>\n" });
}

fn caption(page: &mut Markup, bar: &Bar<'_>) {
    page.raw(bar.mark.word).raw(": ");
    if !bar.entry.test.suite.is_empty() {
        page.text(&bar.entry.test.suite, MAX_LABEL).raw(" › ");
    }
    page.text(&bar.entry.test.testcase, MAX_LABEL);
    if bar.attempts > 1 {
        page.raw(" and ").amount(bar.attempts - 1).raw(" more");
    }
    page.raw(", at +")
        .span(bar.from)
        .raw(" for ")
        .span(bar.to - bar.from);
}

/// Arrows from each lost attempt to the one with the result.
fn arrows(page: &mut Markup, chart: &DrawnLanes<'_>, tops: &[usize]) {
    page.raw("<g class=\"rescue\" aria-hidden=\"true\">\n");
    let bars = || {
        chart
            .lanes
            .iter()
            .zip(tops)
            .flat_map(|(lane, top)| {
                lane.bars
                    .iter()
                    .map(move |bar| (bar, top + BAR_TOP + BAR / 2))
            })
            .filter(|(bar, _)| bar.attempts == 1 && bar.entry.recovered)
    };
    let rescues = bars().filter(|(bar, _)| {
        ![Mark::LOST.class, Mark::COULD_NOT_RUN.class].contains(&bar.mark.class)
    });
    let rescues: std::collections::BTreeMap<_, _> = rescues
        .map(|(bar, y)| (bar.entry.execution, (bar.from, y)))
        .collect();
    let lost = bars()
        .filter(|(bar, _)| [Mark::LOST.class, Mark::COULD_NOT_RUN.class].contains(&bar.mark.class));
    for (bar, y) in lost.take(MAX_ARROWS) {
        let Some((to, other)) = rescues.get(&bar.entry.execution) else {
            continue;
        };
        page.raw("<line marker-end=\"url(#tip)\" x1=\"")
            .percent(bar.to, chart.length)
            .raw("\" y1=\"")
            .number(y)
            .raw("\" x2=\"")
            .percent(*to, chart.length)
            .raw("\" y2=\"")
            .number(*other)
            .raw("\"/>\n");
    }
    page.raw("</g>\n");
}
