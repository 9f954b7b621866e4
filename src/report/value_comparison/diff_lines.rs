//! The diff of jest and vitest: `- Expected`, `+ Received`, an empty line, and lines with marks.

use super::{Sides, Unclear, ValueComparison};

/// Every comparison of this shape.
pub(super) fn all(lines: &[&str]) -> impl Iterator<Item = Result<ValueComparison, Unclear>> {
    let places = lines.windows(2).enumerate().filter_map(|(at, pair)| {
        let indent = pair[0].len() - pair[0].trim_start().len();
        let is_head = is_heading(pair[0].get(indent..)?, "- Expected", '-')
            && is_heading(pair[1].get(indent..)?, "+ Received", '+')
            && pair[1][..indent].trim().is_empty();
        is_head.then_some((at + 2, indent))
    });
    places.map(|(at, indent)| diff(&lines[at..], indent).ok_or(Unclear))
}

/// `- Expected`, or with the number of its lines: `- Expected  - 1`.
fn is_heading(line: &str, words: &str, mark: char) -> bool {
    line.strip_prefix(words).is_some_and(|count| {
        let count = count.trim();
        count.is_empty()
            || count
                .strip_prefix(mark)
                .is_some_and(|digits| digits.trim().bytes().all(|byte| byte.is_ascii_digit()))
    })
}

fn diff(lines: &[&str], indent: usize) -> Option<ValueComparison> {
    let (empty, lines) = lines.split_first()?;
    if !empty.trim().is_empty() {
        return None;
    }
    let length = lines
        .iter()
        .position(|line| line.trim().is_empty())
        .unwrap_or(lines.len());
    let (lines, after) = lines.split_at(length);
    let (mut expected, mut actual) = (Vec::new(), Vec::new());
    for line in lines {
        let line = line.get(indent..)?;
        let (mark, rest) = line.split_at_checked(1)?;
        let rest = rest.strip_prefix(' ').or(rest.is_empty().then_some(""))?;
        match mark {
            "-" => expected.push(rest),
            "+" => actual.push(rest),
            " " => {
                expected.push(rest);
                actual.push(rest);
            }
            _ => return None,
        }
    }
    // An empty line may be a part of a value: then more marks follow.
    let goes_on = after.iter().any(|line| {
        line.get(indent..)
            .is_some_and(|line| line.starts_with("- ") || line.starts_with("+ "))
    });
    (!goes_on && !lines.is_empty()).then(|| {
        ValueComparison::new(
            Sides::ExpectedActual,
            &expected.join("\n"),
            &actual.join("\n"),
        )
    })
}
