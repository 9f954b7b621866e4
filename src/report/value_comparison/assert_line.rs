//! Both values on one line.

use super::{Sides, Unclear, ValueComparison};

/// Every comparison of these shapes.
pub(super) fn all(lines: &[&str]) -> impl Iterator<Item = Result<ValueComparison, Unclear>> {
    lines.iter().filter_map(|line| {
        junit(line)
            .or_else(|| kotlin(line))
            .or_else(|| squish(line))
            .or_else(|| python(line))
    })
}

/// `expected:<A> but was:<B>`, also with spaces in front of the values.
fn junit(line: &str) -> Option<Result<ValueComparison, Unclear>> {
    let (_, rest) = line.split_once("expected:")?;
    let values = rest.trim_start().strip_prefix('<')?;
    let values = values.trim_end().strip_suffix('>')?;
    let places: Vec<(&str, &str)> = ["> but was:<", "> but was: <"]
        .iter()
        .flat_map(|between| {
            let places = values.match_indices(between);
            places.map(|(at, _)| (&values[..at], &values[at + between.len()..]))
        })
        .collect();
    let [(expected, actual)] = places[..] else {
        return Some(Err(Unclear));
    };
    // JUnit 4 shortens what is equal, and puts brackets around what differs: these are not the values.
    let is_marked = |value: &str| value.contains(['[', ']']) || value.contains("...");
    let is_shortened = rest.starts_with('<') && is_marked(expected) && is_marked(actual);
    Some(if is_shortened {
        Err(Unclear)
    } else {
        Ok(ValueComparison::new(
            Sides::ExpectedActual,
            expected,
            actual,
        ))
    })
}

/// `Expected <A>, actual <B>.`
fn kotlin(line: &str) -> Option<Result<ValueComparison, Unclear>> {
    let (_, values) = line.split_once("Expected <")?;
    let values = values.trim_end().strip_suffix(">.")?;
    let values = only_split(values, ">, actual <").ok_or(Unclear);
    Some(
        values.map(|(expected, actual)| {
            ValueComparison::new(Sides::ExpectedActual, expected, actual)
        }),
    )
}

/// `'A' and 'B' are not equal`
fn squish(line: &str) -> Option<Result<ValueComparison, Unclear>> {
    let values = line.trim().strip_suffix("' are not equal")?;
    let values = values
        .strip_prefix('\'')
        .or_else(|| Some(values.split_once(": '")?.1))?;
    Some(
        only_split(values, "' and '")
            .map(|(first, second)| ValueComparison::new(Sides::LeftRight, first, second))
            .ok_or(Unclear),
    )
}

/// `assert A == B` of pytest, in its lines that begin with `E` or in a message; `A != B` of unittest.
fn python(line: &str) -> Option<Result<ValueComparison, Unclear>> {
    let reported = line.strip_prefix("E  ").map(str::trim);
    let named = reported.unwrap_or(line).strip_prefix("AssertionError: ");
    // Any other line that begins with `assert` may be source: it has names instead of values.
    let words = named.or(reported)?;
    let (values, operator) = match words.strip_prefix("assert ") {
        Some(values) => (values, " == "),
        None => (named?, " != "),
    };
    let (first, second) = split_outside_quotes(values, operator)?;
    (is_value(first) && is_value(second) && !values.contains("..."))
        .then(|| Ok(ValueComparison::new(Sides::LeftRight, first, second)))
}

fn only_split<'a>(text: &'a str, between: &str) -> Option<(&'a str, &'a str)> {
    let parts = text.split_once(between)?;
    (!parts.1.contains(between)).then_some(parts)
}

/// The halves around the only `operator` that is outside of quotes and brackets.
fn split_outside_quotes<'a>(text: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let outside = outside_places(text)?;
    let mut places = outside
        .into_iter()
        .filter(|at| text[*at..].starts_with(operator));
    let at = places.next()?;
    places
        .next()
        .is_none()
        .then(|| (&text[..at], &text[at + operator.len()..]))
}

/// Whether it can be one value as Python writes it: no operator and no comma outside of quotes and brackets. A bare word
/// could be a name of the source.
fn is_value(text: &str) -> bool {
    let is_literal = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit() || "-'\"[{<(".contains(c))
            || text.contains(['(', '\'', '"'])
            || ["None", "True", "False", "nan", "inf"].contains(&text)
    };
    let is_object = text.starts_with('<') && text.ends_with('>');
    let one_word = outside_places(text).is_some_and(|outside| {
        outside
            .into_iter()
            .all(|at| !text[at..].starts_with([' ', ',']))
    });
    is_literal(text) && (one_word || is_object)
}

/// Where the characters begin that are outside of quotes and brackets; `None` if one of these is not closed.
fn outside_places(text: &str) -> Option<Vec<usize>> {
    let (mut quote, mut depth, mut escaped) = (None, 0_usize, false);
    let mut outside = Vec::new();
    for (at, c) in text.char_indices() {
        if let Some(open) = quote {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == open => quote = None,
                _ => {}
            }
            continue;
        }
        match c {
            '\'' | '"' => quote = Some(c),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            _ if depth == 0 => outside.push(at),
            _ => {}
        }
    }
    (quote.is_none() && depth == 0).then_some(outside)
}
