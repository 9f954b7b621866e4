//! Values on two lines in a row that begin with labels.

use super::{Sides, Unclear, ValueComparison, is_end};

/// Labels of the expected and the actual value.
const PAIRS: [[&str; 2]; 7] = [
    // jest and Playwright.
    ["Expected:", "Received:"],
    ["Expected string:", "Received string:"],
    // xUnit, NUnit, testify, RSpec.
    ["Expected:", "Actual:"],
    ["Expected:", "But was:"],
    ["expected:", "actual  :"],
    ["expected:", "got:"],
    ["expected:", "actual:"],
];

/// Every comparison of these shapes.
pub(super) fn all(lines: &[&str]) -> impl Iterator<Item = Result<ValueComparison, Unclear>> {
    (0..lines.len()).filter_map(|at| {
        let here = &lines[at..];
        labels(here)
            .or_else(|| qt_test(here))
            .or_else(|| rust(here))
            .or_else(|| google_test(here))
    })
}

fn labels(lines: &[&str]) -> Option<Result<ValueComparison, Unclear>> {
    let [one, two, ..] = lines else {
        return None;
    };
    let (first, second) = PAIRS.iter().find_map(|[first, second]| {
        let first = one.trim().strip_prefix(first)?;
        Some((first.trim(), two.trim().strip_prefix(second)?.trim()))
    })?;
    let is_whole = is_end(lines.get(2)) && !first.is_empty() && !second.is_empty();
    let is_negated = first.starts_with("not ");
    let comparison = ValueComparison::new(Sides::ExpectedActual, first, second);
    Some(if is_whole && !is_negated {
        Ok(comparison)
    } else {
        Err(Unclear)
    })
}

/// `Actual (expression): value`, then `Expected (expression): value`.
fn qt_test(lines: &[&str]) -> Option<Result<ValueComparison, Unclear>> {
    let [one, two, ..] = lines else {
        return None;
    };
    let actual = one.trim().strip_prefix("Actual")?.trim_start();
    let expected = two.trim().strip_prefix("Expected")?.trim_start();
    if !(actual.starts_with('(') && expected.starts_with('(')) {
        return None;
    }
    let value = |text: &str| {
        let places: Vec<usize> = text
            .match_indices(')')
            .filter(|(at, _)| text[at + 1..].trim_start().starts_with(": "))
            .map(|(at, _)| at)
            .collect();
        let [end] = places[..] else {
            return None;
        };
        let (_, value) = text[end + 1..].split_once(": ")?;
        Some(value.to_owned())
    };
    let comparison = value(expected)
        .zip(value(actual))
        .filter(|_| is_end(lines.get(2)));
    let comparison = comparison
        .map(|(expected, actual)| ValueComparison::new(Sides::ExpectedActual, &expected, &actual));
    Some(comparison.ok_or(Unclear))
}

fn rust(lines: &[&str]) -> Option<Result<ValueComparison, Unclear>> {
    if !lines[0]
        .trim()
        .starts_with("assertion `left == right` failed")
    {
        return None;
    }
    let label = |at: usize, label: &str| lines.get(at)?.trim_start().strip_prefix(label);
    let values = label(1, "left: ").zip(label(2, "right: "));
    Some(
        values
            .filter(|_| is_end(lines.get(3)))
            .map(|(left, right)| ValueComparison::new(Sides::LeftRight, left, right))
            .ok_or(Unclear),
    )
}

/// Two expressions, each with its value below unless it is one itself.
fn google_test(lines: &[&str]) -> Option<Result<ValueComparison, Unclear>> {
    if lines[0].trim() != "Expected equality of these values:" {
        return None;
    }
    let mut rest = lines[1..].iter().peekable();
    let mut operand = || {
        let expression = rest.next()?.strip_prefix("  ")?;
        if expression.starts_with(' ') {
            return None;
        }
        let value = rest.peek().and_then(|it| it.strip_prefix("    Which is: "));
        if value.is_some() {
            rest.next();
        }
        Some(value.unwrap_or(expression))
    };
    let values = operand().zip(operand());
    let is_whole = is_end(rest.peek().copied());
    Some(
        values
            .filter(|_| is_whole)
            .map(|(first, second)| ValueComparison::new(Sides::LeftRight, first, second))
            .ok_or(Unclear),
    )
}
