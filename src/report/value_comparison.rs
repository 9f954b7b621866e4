//! The two values of a failed comparison, read from the message of a test tool.
//!
//! Only shapes that are known are read. If the text leaves open where a value ends, or has several comparisons, there is
//! no result: the message is shown anyway.

mod assert_line;
mod diff_lines;
mod differences;
mod labelled_lines;

pub(crate) use differences::{Piece, differences};

use super::sanitise::strip_escapes;

/// Longest text that is read, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// Longest value, in bytes.
const MAX_VALUE: usize = 4 * 1024;

/// What the values are to each other, as headings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sides {
    /// The tool says which one the test wanted.
    ExpectedActual,
    /// The tool names two operands.
    LeftRight,
}

impl Sides {
    /// The headings of the two columns.
    pub(crate) fn headings(self) -> [&'static str; 2] {
        match self {
            Self::ExpectedActual => ["Expected", "Actual"],
            Self::LeftRight => ["Left", "Right"],
        }
    }
}

/// A text has the beginning of a known shape, and leaves open what the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unclear;

/// Two values that a test compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueComparison {
    pub(crate) sides: Sides,
    /// The expected, or left one.
    pub(crate) first: String,
    /// The actual, or right one.
    pub(crate) second: String,
}

impl ValueComparison {
    fn new(sides: Sides, first: &str, second: &str) -> Self {
        Self {
            sides,
            first: first.to_owned(),
            second: second.to_owned(),
        }
    }

    /// The only comparison of a failure's texts; `None` if there is none, several, or an unclear one.
    pub(crate) fn of(message: &str, text: &str) -> Option<Self> {
        let mut found: Vec<Self> = Vec::new();
        for text in [message, text] {
            if text.len() > MAX_TEXT {
                return None;
            }
            let plain = strip_escapes(text).replace('\r', "");
            let lines: Vec<&str> = plain.lines().collect();
            for comparison in labelled_lines::all(&lines)
                .chain(diff_lines::all(&lines))
                .chain(assert_line::all(&lines))
            {
                match comparison {
                    Ok(comparison) if found.contains(&comparison) => {}
                    Ok(comparison) => found.push(comparison),
                    Err(Unclear) => return None,
                }
            }
        }
        match <[Self; 1]>::try_from(found) {
            Ok([only]) if only.is_worth_showing() => Some(only),
            _ => None,
        }
    }

    fn is_worth_showing(&self) -> bool {
        self.first != self.second && self.first.len().max(self.second.len()) <= MAX_VALUE
    }
}

/// Whether nothing of the comparison before can go on in this line.
fn is_end(line: Option<&&str>) -> bool {
    let Some(line) = line.map(|line| line.trim()) else {
        return true;
    };
    line.is_empty()
        || [
            "at ",
            "note:",
            "stack backtrace:",
            "Timeout:",
            "Call log:",
            "Loc: [",
            "Test:",
            "With diff:",
            "❯ ",
        ]
        .iter()
        .any(|start| line.starts_with(start))
        || line.starts_with("--") && line.ends_with('^') && line.trim_matches('-') == "^"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Sides, String, String)> {
        let found = ValueComparison::of("", text)?;
        Some((found.sides, found.first, found.second))
    }

    fn expected(first: &str, second: &str) -> (Sides, String, String) {
        (Sides::ExpectedActual, first.to_owned(), second.to_owned())
    }

    fn left(first: &str, second: &str) -> (Sides, String, String) {
        (Sides::LeftRight, first.to_owned(), second.to_owned())
    }

    #[test]
    fn shapes_of_tools_are_read() {
        let table = [
            // pytest
            (
                "E   +  where 1 = f()\nE   assert None == 'x'",
                left("None", "'x'"),
            ),
            (
                "    def test_a():\n>       assert f() == 'b c'\nE       AssertionError: assert 'a c' == 'b c'\nE         \nE         - b c\nE         + a c",
                left("'a c'", "'b c'"),
            ),
            (
                "E       assert {'a': [1, 2]} == {'a': [1, 3]}",
                left("{'a': [1, 2]}", "{'a': [1, 3]}"),
            ),
            // unittest
            ("AssertionError: 1 != 2", left("1", "2")),
            // Rust
            (
                "thread 'a' panicked at t.rs:1:2:\nassertion `left == right` failed: numbers\n  left: 1\n right: 2\nnote: run with `RUST_BACKTRACE=1`",
                left("1", "2"),
            ),
            // JUnit, opentest4j, Kotlin
            (
                "org.opentest4j.AssertionFailedError: expected: <a > b> but was: <c>\n\tat x.Y.z(Y.java:1)",
                expected("a > b", "c"),
            ),
            (
                "java.lang.AssertionError: expected:<1> but was:<2>",
                expected("1", "2"),
            ),
            (
                "kotlin.AssertionError: Expected <1>, actual <2>.",
                expected("1", "2"),
            ),
            // Qt Test
            (
                "Compared values are not the same\n   Actual   (list.at(0)): 1\n   Expected (2)         : 2",
                expected("2", "1"),
            ),
            // Squish
            ("'125' and '124' are not equal", left("125", "124")),
            (
                "Comparison: '125' and '124' are not equal",
                left("125", "124"),
            ),
            // GoogleTest
            (
                "t.cpp:5\nExpected equality of these values:\n  f(1)\n    Which is: 3\n  2",
                left("3", "2"),
            ),
            // jest, Playwright
            (
                "expect(received).toBe(expected) // Object.is equality\n\nExpected: \"a\"\nReceived: \"b\"\n\n    at Object.<anonymous> (a.test.js:1:2)",
                expected("\"a\"", "\"b\""),
            ),
            (
                "Error: expect(locator).toHaveText(expected) failed\n\nExpected: \"x\"\nReceived: \"y\"\nTimeout:  5000ms\n",
                expected("\"x\"", "\"y\""),
            ),
            (
                "    expect(received).toEqual(expected) // deep equality\n\n    - Expected  - 1\n    + Received  + 1\n\n      Object {\n    -   \"a\": 1,\n    +   \"a\": 2,\n        \"b\": 3,\n      }\n\n      3 |   x\n\n      at Object.<anonymous> (a.js:3:5)",
                expected(
                    "Object {\n  \"a\": 1,\n  \"b\": 3,\n}",
                    "Object {\n  \"a\": 2,\n  \"b\": 3,\n}",
                ),
            ),
            // vitest
            (
                "AssertionError: expected 1 to be 2 // Object.is equality\n\n- Expected\n+ Received\n\n- 2\n+ 1\n\n ❯ a.test.js:3:13",
                expected("2", "1"),
            ),
            // xUnit, NUnit, testify, RSpec
            (
                "Assert.Equal() Failure: Values differ\nExpected: 1\nActual:   2\n   at A.B()",
                expected("1", "2"),
            ),
            (
                "  Expected: 1\n  But was:  2\n\n   at A.B()",
                expected("1", "2"),
            ),
            (
                "\tError:      \tNot equal: \n\t            \texpected: 1\n\t            \tactual  : 2\n\tTest:       \tTestA",
                expected("1", "2"),
            ),
            (
                "Failure/Error: expect(a).to eq(1)\n\n  expected: 1\n       got: 2\n\n  (compared using ==)",
                expected("1", "2"),
            ),
        ];
        for (text, values) in table {
            assert_eq!(read(text), Some(values), "{text}");
        }
    }

    #[test]
    fn unclear_texts_have_no_comparison() {
        for text in [
            "",
            "assertion failed: `(left == right)`\n  left: `\"a\"`,\n right: `\"b\"`, src/x.rs:1",
            "assert x == y",
            "  File \"a.py\", line 3\n    assert len(x) == 3\nAssertionError",
            "E   assert len == 3",
            "E   assert (1 == 2 and 3 == 3)",
            "E   assert 1 == 2 == 3",
            "E   assert [1, 2, ...] == [1, 3, ...]",
            "E   assert 'a == b",
            "E   assert 1 == 1",
            "E   assert 1 == 2\nE   assert 3 == 4",
            "AssertionError: 1 != 2 : the sum",
            "assertion `left == right` failed\n  left: A {\n    x: 1\n}\n right: B",
            "assertion `left == right` failed\n  left: A\n right: B {\n    x: 1\n}",
            "expected:<a> but was:<b> but was:<c>",
            "expected:<a> but was:<b> and more",
            "expected:<a[b]> but was:<a[c]>",
            "expected: java.lang.Long@1<1> but was: java.lang.Integer@2<1>",
            "Actual   (f(\"): \")): 1\nExpected (2): 2",
            "'a' and 'b' and 'c' are not equal",
            "Expected equality of these values:\n  a\n    Which is: 1\n    As Text: x\n  b",
            "Expected: 1\nReceived: 2\nof something",
            "Expected: not 1\nReceived: 1",
            "- Expected\n+ Received\n\n- a\n+ b\n\n- c",
            "- Expected\n+ Received\n\n@@ -1,3 +1,3 @@\n- a\n+ b",
            "- Expected\n+ Received\n",
            "Expected: 1\nReceived: 2\n\nExpected: 3\nReceived: 4",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let long = format!("Expected: 1\nReceived: {}", "x".repeat(MAX_VALUE + 1));
        assert_eq!(read(&long), None);
    }

    #[test]
    fn the_same_comparison_in_message_and_text_is_one() {
        let found = ValueComparison::of(
            "AssertionError: assert 1 == 2",
            "E       \u{1b}[31massert 1 == 2\u{1b}[0m",
        );
        assert_eq!(
            found,
            Some(ValueComparison::new(Sides::LeftRight, "1", "2"))
        );
    }
}
