//! Names that are hard to write down arrive as the writer wrote them.

use super::read;

const QUOTES: &str = "\"double\" 'single'";
const MARKUP: &str = "<less> & more &amp;";
const LETTERS: &str = "ünïcödé 日本語";
const FAMILY: &str = "🎉👩\u{200d}👩\u{200d}👧";
const BREAKS: &str = "tab\tnew\nline";
const SLASHES: &str = "a/b\\c.d::e";
const BRACKETS: &str = "[x](y){z}";
const SPACES: &str = " spaces  around ";
const COLOUR: &str = "\u{1b}[31mred\u{1b}[0m";
const CONTROLS: &str = "bell\u{7} backspace\u{8}";
const CDATA_END: &str = "]]>";

/// All of them.
const ALL: &[&str] = &[
    QUOTES, MARKUP, LETTERS, FAMILY, BREAKS, SLASHES, BRACKETS, SPACES, COLOUR, CONTROLS, CDATA_END,
];

/// Whether each of `names`, put between `before` and `after`, is the name of exactly one case.
fn has(writer: &str, before: &str, names: &[&str], after: &str) {
    let cases = read(writer, "*.xml");
    let read: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    for name in names {
        let name = format!("{before}{name}{after}");
        let count = read.iter().filter(|read| **read == name).count();
        assert_eq!(count, 1, "{writer}: {name:?} in {read:?}");
    }
}

#[test]
fn names_that_are_written_as_they_are() {
    has("mocha-junit-reporter", "odd ", &ALL[..8], "");
    has("jest-junit", " odd ", ALL, "");
    has(
        "tap-junit",
        "says ",
        &[
            QUOTES, LETTERS, FAMILY, SLASHES, BRACKETS, COLOUR, CDATA_END,
        ],
        "",
    );
    has(
        "phpunit",
        "testOdd with data set \"",
        &[
            QUOTES,
            "<less>",
            LETTERS,
            "🎉",
            BREAKS,
            SLASHES,
            BRACKETS,
            COLOUR,
            "bell\u{7} \u{8}",
            CDATA_END,
            " & ",
        ],
        "\"",
    );
    has("rspec", "String ", &ALL[..8], "");
    has("vitest", "odd ", &ALL[..8], "");
    has("bun", "", &ALL[..8], "");
    has(
        "gradle",
        "odd[",
        &[QUOTES, MARKUP, LETTERS, BREAKS, SLASHES, SPACES, CDATA_END],
        "]",
    );
    has(
        "ant-junit",
        "odd[",
        &[QUOTES, MARKUP, LETTERS, BREAKS, SLASHES, SPACES, CDATA_END],
        "]",
    );
    has(
        "eunit",
        "odd_tests:0 -odd_test_/0-fun-2- (",
        &[
            QUOTES,
            "<less> & more",
            SLASHES,
            BRACKETS,
            BREAKS,
            SPACES,
            CDATA_END,
        ],
        ")",
    );
    has(
        "deno",
        "",
        &[
            QUOTES, MARKUP, LETTERS, FAMILY, SLASHES, BRACKETS, SPACES, CDATA_END,
        ],
        "",
    );
    let short = &["\"double\" 'single' <less> & more", "ünïcödé 日本語 🎉"];
    has("behave", "", short, "");
    has("cucumber-js", "", short, "");
    has("ctest", "", short, "");
    has(
        "bats",
        "",
        &[
            "\"double\" 'single' <less> & more &amp;",
            short[1],
            "a/b.c::d [x](y){z} ]]>",
        ],
        "",
    );
    has("meson", "odd / ", &[short[1], "a/b.c [x](y){z} ]]>"], "");
    has("meson", "odd:a <suite> / ", &short[..1], "");
    for writer in ["catch2", "doctest"] {
        let names = [
            "\"double\" 'single' <less> & more &amp;",
            "ünïcöde 日本 🎉",
            "a/b\\c.d::e [x](y){z} ]]>",
        ];
        has(writer, "", &names, "");
    }
    has(
        "robotframework",
        "",
        &[
            "\"Quotes\" & <angles> 'single'",
            short[1],
            "a/b\\c.d [x](y) {z}",
        ],
        "",
    );
    has(
        "pytest-xunit1",
        "test_odd[",
        &[QUOTES, MARKUP, BRACKETS, SPACES, CDATA_END, ""],
        "]",
    );
    has("libtest", "", &["ünïcödé::日本語"], "");
    has(
        "unittest-xml-reporting",
        "test_subs [sub] (name='",
        &["<x>", "🎉"],
        "')",
    );
    has("unittest-xml-reporting", "", &["test_日本語"], "");
}

/// These writers change names before they write them. Nothing is changed back.
#[test]
fn names_that_the_writer_changed() {
    let red = "[31mred[0m";
    has(
        "mocha-junit-reporter",
        "odd ",
        &["red", CONTROLS, CDATA_END, ""],
        "",
    );
    has("vitest", "odd ", &[red, "bell backspace", CDATA_END], "");
    has("bun", "", &[red, "bell backspace", CDATA_END], "");
    has(
        "ant-junit",
        "odd[",
        &["\u{200d}\u{200d}", red, "bell back"],
        "]",
    );
    has(
        "gradle",
        "odd[",
        &["????\u{200d}??\u{200d}??", "?[31mred?[0m", "bell? back?"],
        "]",
    );
    has(
        "deno",
        "",
        &[
            "tab\\tnew\\nline",
            "\\x1b[31mred\\x1b[0m",
            "bell\\x07 backspace\\b",
        ],
        "",
    );
    has(
        "rspec",
        "String ",
        &[
            "\\e[31mred\\e[0m",
            "bell\\a back\\b",
            CDATA_END,
            "\\0nul",
            "\\uFFFE",
        ],
        "",
    );
    has("tap-junit", "says ", &["<less> & more &"], "");
    has(
        "boost-test",
        "",
        &[
            "\"double\"_'single'",
            "<less>_&_more_&amp;",
            "ünïcöde_🎉",
            BREAKS,
        ],
        "",
    );
    for writer in ["catch2", "doctest"] {
        has(
            writer,
            "",
            &["tab\tnew\nline \\x1B[31mred\\x1B[0m bell\\x07"],
            "",
        );
    }
    has(
        "tap-formatter-junit",
        "",
        &["6 -", "5 - red ^[[31mred^[[0m bell^G back^H"],
        "",
    );
    has(
        "pytest-xunit1",
        "test_odd[",
        &[
            "tab\\tnew\\nline",
            "a/b\\\\c.d::e",
            "\\x1b[31mred\\x1b[0m",
            "bell\\x07 backspace\\x08",
        ],
        "]",
    );
}

/// What is longer than a name may be is cut at its end.
#[test]
fn a_name_of_1500_letters_is_cut() {
    let name = read("jest-junit", "*.xml")
        .into_iter()
        .map(|case| case.name)
        .find(|name| name.contains("xxx"))
        .unwrap();
    assert_eq!(name, format!(" odd {}…", "x".repeat(1024 - " odd ".len())));
}

/// Where a case has no class, its suites stand in; where it has no name, that is said.
#[test]
fn classes_and_suites() {
    let class = |writer: &str, name: &str| {
        let cases = read(writer, "*.xml");
        let Some(case) = cases.iter().find(|case| case.name == name) else {
            panic!("{writer}: {name}");
        };
        case.classname.clone()
    };
    assert_eq!(class("boost-test", "passes"), "odd_<module>_&_\"more");
    assert_eq!(class("boost-test", "deep"), "outer.inner");
    assert_eq!(
        class("eunit", "odd_tests:0 passes_test"),
        "module 'odd_tests'"
    );
    assert_eq!(class("bun", QUOTES), "odd.test.ts");
    assert_eq!(class("bun", "passes"), "inner <group> > outer \"group\"");
    assert_eq!(class("qt-test", "table"), "Odd");
    assert_eq!(class("criterion", "passes"), "plain");
    assert_eq!(class("bats", "(no name)"), "./set_up.bats");
    assert_eq!(class("mocha-junit-reporter", "odd "), "odd");
    assert_eq!(class("pytest-xdist", "test_uncollectable"), "pytest");
    assert_eq!(class("surefire", "displayed"), "odd.OddTest");
}

/// Files and lines where the writer tells them.
#[test]
fn places() {
    let place = |writer: &str, name: &str| {
        let cases = read(writer, "*.xml");
        let case = cases.iter().find(|case| case.name == name).unwrap();
        (case.file.clone().unwrap(), case.line)
    };
    assert_eq!(
        place("pytest-xunit1", "test_skip"),
        ("test_odd.py".into(), Some(60))
    );
    assert_eq!(
        place("googletest", "FailsTwice"),
        ("odd.cpp".into(), Some(9))
    );
    assert_eq!(place("bun", "fails"), ("odd.test.ts".into(), Some(8)));
    assert_eq!(
        place("rspec", "set-up never"),
        ("./odd_spec.rb".into(), None)
    );
}
