//! Whether a line that was not taken may be a test.
//!
//! The rules, in order; the first that holds gives the reason:
//!
//! 1. The line reports an error (`ERROR tests/bad.py`, `Traceback …`, `command not found`, a sum that counts errors) or is cut
//!    short (`... and 12 more`): tests may be missing.
//! 2. It contains what stands between suite and test case in the pattern, or all separators of the pattern in their
//!    order. Separators are literals with two or more punctuation characters together.
//! 3. It is a heading (a colon at its end, or no letter and no digit) or a sum (`3 tests collected in 0.01s`): no test.
//! 4. It has the shape of a line that was taken: the same punctuation in the same order, whatever the words, blanks,
//!    `_`, `-` and repetitions between. With less than two kinds of punctuation the number of words counts, too.
//! 5. Otherwise it is no test.

use std::{collections::HashMap, fmt, sync::LazyLock};

use regex::Regex;
use regex_syntax::hir::{Hir, HirKind};

/// Most different shapes that are remembered.
const MOST_SHAPES: usize = 4096;
/// Most characters of a line that its shape is made of.
const SHAPE_CHARS: usize = 1000;

static ERROR: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"^[\s!=]*(?:(?:ERROR|FATAL|FAILED|FAIL|not ok)\b|(?i:error|fatal|fatal error|traceback|exception)\b\s*[:(]|\w+(?:Error|Exception)\b|(?i:interrupted: ))",
    )
});
/// Words of shells, runtimes and loaders, anywhere in a line that is no test.
static TROUBLE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?ix) \b(?: segmentation\ fault | core\ dumped | killed | aborted | panick?ed | panic: | timed\ out | command\ not\ found
          | no\ such\ file | (?:could|can)\ ?not | couldn't | can't | unable\ to | failed\ to | (?:collection|compilation|import)\ failed
          | failure | exception | an?\ error\ occurred | \w+error\b | (?:err!|error:) ) | ^\s*(?:\.\.\.|…)\ .*\bmore\b",
    )
});
/// `1 error`, and not `0 errors`.
static ERRORS_COUNTED: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"(?i)\b0*[1-9]\d* (?:errors?|failed|failures?)\b"));
static SUM: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?ix)^ [\s=*\#-]*
          (?: no\ tests?\b
            | total\b [\w\s]* :? \s* \d+ [\s=*-]* $
            | (?: (?:collected|collecting|found|listed|listing|selected|discovered|total|ran) [:\s]+ )?
              \d+ (?:/\d+)? \s+ (?:\w+\s+)? (?:tests?|items?|cases?|testcases?|examples?|scenarios?|specs?|suites?|files?|benchmarks?|features?|warnings?|errors?|deselected) \b )",
    )
});

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a fixed pattern, compiled by a test")
}

/// What tests of a listing look like.
pub(super) struct Likeness {
    /// Separators between the two groups, each enough by itself.
    between: Vec<String>,
    /// All separators, enough together.
    all: Vec<String>,
    /// Shapes of taken lines, with the number of the first line of each.
    shapes: HashMap<String, u64>,
}

/// Why a line was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Ignored,
    /// A heading or a sum.
    Noise,
    /// It does not match, and has no sign of a test.
    Other,
    /// It reports an error: tests may be missing from the listing.
    ReportsError,
    /// It does not match, and looks like a test all the same; how.
    MayBeATest(String),
}

impl Judgement {
    /// Whether tests may be missing because of the line.
    pub(super) fn is_suspicious(&self) -> bool {
        matches!(self, Self::ReportsError | Self::MayBeATest(_))
    }

    /// Whether a listing without tests is believable with such lines.
    pub(super) fn is_explained(&self) -> bool {
        matches!(self, Self::Ignored | Self::Noise)
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ignored => f.write_str("is named by `ignore`"),
            Self::Noise => f.write_str("is a heading or a sum"),
            Self::Other => f.write_str("does not match `line`"),
            Self::ReportsError => {
                f.write_str("reports an error: tests may be missing from the listing")
            }
            Self::MayBeATest(how) => write!(f, "does not match `line`, but {how}"),
        }
    }
}

impl Likeness {
    /// Without any listed line yet: from the pattern alone.
    pub(super) fn of(pattern: &Regex) -> Self {
        let mut parts = Parts::default();
        if let Ok(hir) = regex_syntax::parse(pattern.as_str()) {
            parts.walk(&hir);
        }
        Self {
            between: separators(&parts.between),
            all: separators(&parts.all),
            shapes: HashMap::new(),
        }
    }

    /// Remembers what a taken line looks like.
    pub(super) fn learn(&mut self, number: u64, line: &str) {
        if self.shapes.len() < MOST_SHAPES {
            self.shapes.entry(shape(line)).or_insert(number);
        }
    }

    /// Judges a line that was left out, once all taken lines are known.
    pub(super) fn judge(&self, line: &str) -> Judgement {
        let sum = SUM.is_match(line);
        if ERROR.is_match(line) || (sum && ERRORS_COUNTED.is_match(line)) {
            return Judgement::ReportsError;
        }
        if let Some(separator) = self.between.iter().find(|part| line.contains(*part)) {
            return Judgement::MayBeATest(format!("contains its separator {separator:?}"));
        }
        if !self.all.is_empty() && contains_in_order(line, &self.all) {
            let all = self.all.join("…");
            return Judgement::MayBeATest(format!("contains {all:?} as it does"));
        }
        if TROUBLE.is_match(line) {
            return Judgement::ReportsError;
        }
        if sum || is_heading(line) {
            return Judgement::Noise;
        }
        match self.shapes.get(&shape(line)) {
            Some(number) => {
                Judgement::MayBeATest(format!("has the shape of line {number}, which is a test"))
            }
            None => Judgement::Other,
        }
    }
}

fn is_heading(line: &str) -> bool {
    line.trim_end().ends_with(':') || !line.contains(char::is_alphanumeric)
}

fn contains_in_order(line: &str, parts: &[String]) -> bool {
    let mut rest = line;
    parts
        .iter()
        .all(|part| match rest.split_once(part.as_str()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
}

/// Literals that tell something: two punctuation characters together at least.
fn separators(literals: &[String]) -> Vec<String> {
    let is_telling = |literal: &&String| {
        let mark = |c: char| !c.is_alphanumeric() && !c.is_whitespace();
        let marks: Vec<bool> = literal.chars().map(mark).collect();
        marks.windows(2).any(|pair| pair == [true, true])
    };
    literals.iter().filter(is_telling).cloned().collect()
}

/// The punctuation of a line, repetitions once; the number of words where that is little.
fn shape(line: &str) -> String {
    let mut runs: Vec<String> = Vec::new();
    let mut kinds = Vec::new();
    let mut former = None;
    for c in line.chars().take(SHAPE_CHARS) {
        let is_word = c.is_alphanumeric() || c.is_whitespace() || matches!(c, '_' | '-');
        match runs.last_mut() {
            _ if is_word => {}
            Some(run) if former == Some(c) => run.push(c),
            _ => runs.push(c.to_string()),
        }
        if !is_word && !kinds.contains(&c) {
            kinds.push(c);
        }
        former = Some(c);
    }
    runs.dedup();
    let mut shape = runs.concat();
    if kinds.len() < 2 {
        shape = format!("{shape} {}", line.split_whitespace().count());
    }
    shape
}

/// The literals that every match contains, in order.
#[derive(Default)]
struct Parts {
    all: Vec<String>,
    between: Vec<String>,
    /// How many of the two groups are behind, and whether one is open.
    groups: usize,
    open: usize,
    /// The last part ends where the next begins.
    adjoining: bool,
}

impl Parts {
    fn walk(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Literal(literal) => {
                let text = String::from_utf8_lossy(&literal.0).into_owned();
                if self.groups == 1 && self.open == 0 {
                    self.between.push(text.clone());
                }
                match self.all.last_mut() {
                    Some(last) if self.adjoining => last.push_str(&text),
                    _ => self.all.push(text),
                }
                self.adjoining = true;
            }
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.walk(part)),
            HirKind::Capture(capture) => {
                let is_name = matches!(capture.name.as_deref(), Some("suite" | "testcase"));
                self.open += usize::from(is_name);
                self.walk(&capture.sub);
                if is_name {
                    self.open -= 1;
                    self.groups += 1;
                }
            }
            HirKind::Repetition(repetition) if repetition.min == 1 && repetition.max == Some(1) => {
                self.walk(&repetition.sub);
            }
            HirKind::Look(_) | HirKind::Empty => {}
            HirKind::Repetition(_) | HirKind::Class(_) | HirKind::Alternation(_) => {
                self.adjoining = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PYTEST: &str = r"^(?<suite>[^: ]+\.py)::(?<testcase>.+)$";
    const JEST: &str = r"^(?<suite>.*/(?<testcase>[^/]+)\.test\.js)$";
    const DOTTED: &str = r"^(?<suite>\w+)\.(?<testcase>\w+)$";
    const WORDS: &str = r"^(?<suite>\w+) (?<testcase>\w+)$";
    const LIBTEST: &str = r"^(?<suite>.+)::(?<testcase>[^:]+): test$";
    const CTEST: &str = r"^\s*(?<suite>Test)\s+#\d+: (?<testcase>test\w+)$";

    /// Which rule holds for a line, beside a taken line.
    fn rule(pattern: &str, taken: &str, line: &str) -> &'static str {
        let pattern = Regex::new(pattern).unwrap();
        assert!(pattern.is_match(taken), "{taken}");
        assert!(!pattern.is_match(line), "{line}");
        let mut likeness = Likeness::of(&pattern);
        likeness.learn(1, taken);
        match likeness.judge(line) {
            Judgement::ReportsError => "error",
            Judgement::MayBeATest(how) if how.starts_with("contains") => "separator",
            Judgement::MayBeATest(_) => "shape",
            Judgement::Noise => "noise",
            Judgement::Other => "other",
            Judgement::Ignored => unreachable!("nothing is ignored here"),
        }
    }

    #[test]
    fn lines_that_look_like_tests() {
        let taken = "tests/test_a.py::test_a";
        for (pattern, taken, line, expected) in [
            (PYTEST, taken, "my tests/test_x.py::test_a", "separator"),
            (
                PYTEST,
                taken,
                "my tests/test_x.py::T::test[a/b c]",
                "separator",
            ),
            (PYTEST, taken, "docs/usage.rst::usage.rst", "separator"),
            (PYTEST, taken, "a: b/test_x.py::test_a", "separator"),
            (LIBTEST, "a::b: test", "a::c: benchmark", "separator"),
            (
                LIBTEST,
                "a::b: test",
                "src/lib.rs - f (line 3): test",
                "other",
            ),
            (JEST, "/w/src/a.test.js", "/w/src/b.spec.js", "shape"),
            (JEST, "/w/src/a.test.js", "/w/x y/c.test.jsx", "shape"),
            (DOTTED, "Suite.case", "Suite.case-2", "shape"),
            (DOTTED, "Suite.case", "Süite.çase ", "shape"),
            (WORDS, "login works", "log-in works", "shape"),
            (CTEST, "  Test #1: test_a", "  Test #2: io.open", "other"),
            (CTEST, "  Test #1: test_a", "  Test #2: io_open", "shape"),
        ] {
            assert_eq!(rule(pattern, taken, line), expected, "{pattern}: {line}");
        }
    }

    #[test]
    fn headings_and_sums() {
        let taken = "tests/test_a.py::test_a";
        for (pattern, taken, line) in [
            (PYTEST, taken, "3 tests collected in 0.01s"),
            (PYTEST, taken, "2/3 tests collected (1 deselected) in 0.01s"),
            (PYTEST, taken, "no tests collected in 0.00s"),
            (
                PYTEST,
                taken,
                "========= 3 tests collected in 0.01s ========",
            ),
            (PYTEST, taken, "=============================="),
            (LIBTEST, "a::b: test", "3 tests, 0 benchmarks"),
            (CTEST, "  Test #1: test_a", "Total Tests: 3"),
            (DOTTED, "Suite.case", "Collected 3 tests in 0.1s"),
            (DOTTED, "Suite.case", "1 file"),
            (WORDS, "login works", "Available tests:"),
            (WORDS, "login works", "12 examples found"),
            (WORDS, "login works", "3 tests, 0 errors"),
        ] {
            assert_eq!(rule(pattern, taken, line), "noise", "{pattern}: {line}");
        }
    }

    #[test]
    fn lines_that_report_errors() {
        let taken = "tests/test_a.py::test_a";
        for line in [
            "ERROR tests/bad.py",
            "ERROR tests/bad.py - ModuleNotFoundError: No module named 'x'",
            "error: linker not found",
            "Error: cannot find module",
            "Traceback (most recent call last):",
            "ModuleNotFoundError: No module named 'x'",
            "FAIL src/x.test.js",
            "!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!",
            "1 test collected, 1 error in 0.05s",
            "============ 2 errors in 0.05s ============",
        ] {
            assert_eq!(rule(PYTEST, taken, line), "error", "{line}");
        }
    }

    #[test]
    fn other_lines_are_no_tests() {
        let taken = "tests/test_a.py::test_a";
        for (pattern, taken, line) in [
            (PYTEST, taken, "tests/test_a.py: 6"),
            (
                PYTEST,
                taken,
                "platform linux -- Python 3.13.0, pytest-9.2.0",
            ),
            (PYTEST, taken, "rootdir: /home/me/project"),
            (DOTTED, "Suite.case", "Running main() from gtest_main.cc"),
            (DOTTED, "Suite.case", "Listing done in 0.5s"),
            (WORDS, "login works", "This program lists tests"),
            (CTEST, "  Test #1: test_a", "Test project /tmp/build"),
        ] {
            assert_eq!(rule(pattern, taken, line), "other", "{pattern}: {line}");
        }
    }

    #[test]
    fn separators_are_read_off_the_pattern() {
        let of = |pattern: &str| {
            let likeness = Likeness::of(&Regex::new(pattern).unwrap());
            (likeness.between, likeness.all)
        };
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert_eq!(of(PYTEST), (texts(&["::"]), texts(&[".py::"])));
        assert_eq!(of("(?<testcase>.+) => (?<suite>.+)").0, texts(&[" => "]));
        // Optional, alternative and weak literals tell nothing.
        for pattern in [
            JEST,
            DOTTED,
            WORDS,
            "(?<suite>.+)(::)?(?<testcase>.+)",
            "(?<suite>.+)(::|->)(?<testcase>.+)",
        ] {
            assert_eq!(of(pattern), (vec![], vec![]), "{pattern}");
        }
    }
}
