//! Which parts of two values differ.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Most words of a value that are compared one by one; of more, only the equal ends are found.
const MAX_WORDS: usize = 200;

/// A part of a value, and whether the other value lacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) text: &'a str,
    pub(crate) differs: bool,
}

/// The pieces of both values, in order.
pub(crate) fn differences<'a>(first: &'a str, second: &'a str) -> [Vec<Piece<'a>>; 2] {
    let (old, new) = (words(first), words(second));
    if old.len().max(new.len()) > MAX_WORDS {
        return without_equal_ends(first, second);
    }
    let (mut left, mut right) = (Pieces::of(first), Pieces::of(second));
    for operation in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let differs = !matches!(operation, DiffOp::Equal { .. });
        left.add(length(&old[operation.old_range()]), differs);
        right.add(length(&new[operation.new_range()]), differs);
    }
    [left.pieces, right.pieces]
}

/// Runs of letters and digits, and every other character for itself.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if first.is_alphanumeric() {
            rest.find(|c: char| !c.is_alphanumeric())
                .unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(end);
        words.push(word);
        rest = after;
    }
    words
}

fn length(words: &[&str]) -> usize {
    words.iter().map(|word| word.len()).sum()
}

/// The pieces of long values: what both begin and end with, and the rest.
fn without_equal_ends<'a>(first: &'a str, second: &'a str) -> [Vec<Piece<'a>>; 2] {
    let equal = |(a, b): &(char, char)| a == b;
    let start: usize = first
        .chars()
        .zip(second.chars())
        .take_while(equal)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let end: usize = first[start..]
        .chars()
        .rev()
        .zip(second[start..].chars().rev())
        .take_while(equal)
        .map(|(c, _)| c.len_utf8())
        .sum();
    [first, second].map(|value| {
        let mut pieces = Pieces::of(value);
        pieces.add(start, false);
        pieces.add(value.len() - start - end, true);
        pieces.add(end, false);
        pieces.pieces
    })
}

/// A value that is cut into pieces.
struct Pieces<'a> {
    rest: &'a str,
    pieces: Vec<Piece<'a>>,
}

impl<'a> Pieces<'a> {
    fn of(value: &'a str) -> Self {
        Self {
            rest: value,
            pieces: Vec::new(),
        }
    }

    fn add(&mut self, length: usize, differs: bool) {
        if length > 0 {
            let (text, rest) = self.rest.split_at(length);
            self.pieces.push(Piece { text, differs });
            self.rest = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces with brackets around what differs.
    fn marked(first: &str, second: &str) -> [String; 2] {
        differences(first, second).map(|pieces| {
            let shown = pieces.iter().map(|piece| {
                if piece.differs {
                    format!("[{}]", piece.text)
                } else {
                    piece.text.to_owned()
                }
            });
            shown.collect()
        })
    }

    #[test]
    fn differing_words_are_marked() {
        let table = [
            (("a cat is", "a dog is"), ["a [cat] is", "a [dog] is"]),
            (
                ("{'a': 1, 'b': 2}", "{'a': 3, 'b': 2}"),
                ["{'a': [1], 'b': 2}", "{'a': [3], 'b': 2}"],
            ),
            (("a b", "a"), ["a[ b]", "a"]),
            (("", "x"), ["", "[x]"]),
            (("é1", "é2"), ["[é1]", "[é2]"]),
        ];
        for ((first, second), shown) in table {
            assert_eq!(marked(first, second), shown, "{first} / {second}");
        }
    }

    #[test]
    fn of_long_values_the_middle_is_marked() {
        let value = |middle: &str| format!("{}{middle}{}", "é ".repeat(150), " z".repeat(150));
        let [first, second] = marked(&value("one"), &value("ote"));
        assert!(
            first.contains("é o[n]e z") && second.contains("é o[t]e z"),
            "{first}"
        );
        let [first, second] = marked(&"a ".repeat(300), &"a ".repeat(301));
        assert!(!first.contains('['));
        assert!(second.ends_with("[a ]"), "{second}");
    }
}
