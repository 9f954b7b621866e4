//! Go, Catch2 and doctest.

use std::{path::Path, process::Command};

use testplan::model::Test;

use super::preset_project::{PresetProject, assert_exact, test};
use crate::skip;

/// A project with a test program of this source; `None` if it cannot be built here.
fn compiled(preset: &str, folder: &Path, source: &str, options: &[&str]) -> Option<PresetProject> {
    let (file, program) = (folder.join("t.cpp"), folder.join("t"));
    std::fs::write(&file, source).unwrap();
    let mut compiler = Command::new("g++");
    compiler.args(["-std=c++17", "-o"]).arg(&program).arg(&file);
    let answer = compiler.args(options).output();
    if !answer.is_ok_and(|it| it.status.success()) {
        skip::missing(&format!("no g++ with {preset}"));
        return None;
    }
    Some(PresetProject::new(preset, vec![program.into()]))
}

fn verdicts(project: &PresetProject, tests: &[Test]) -> (Vec<String>, i32) {
    let (ran, code) = project.run(tests);
    let lines = ran
        .iter()
        .map(|(name, verdict)| format!("{name}: {verdict}"));
    (lines.collect(), code)
}

#[test]
fn go_lists_and_selects_exactly() {
    let Some(project) = PresetProject::installed("go", "gotestsum") else {
        return;
    };
    project.write("go.mod", "module example.com/m\n\ngo 1.19\n");
    project.write(
        "a/a_test.go",
        "package a\nimport (\"testing\"; \"fmt\"; \"os\")\n\
         func TestA(t *testing.T) { fmt.Println(\"a line\") }\nfunc TestAB(t *testing.T) {}\nfunc TestÜ(t *testing.T) {}\n\
         func TestB(t *testing.T) { t.Run(\"x\", func(t *testing.T) { t.Error(\"boom x\") }); t.Run(\"y\", func(t *testing.T) {}) }\n\
         func TestOff(t *testing.T) { t.Skip(\"not here\") }\n\
         func BenchmarkB(b *testing.B) {}\nfunc FuzzF(f *testing.F) { f.Add(1); f.Fuzz(func(t *testing.T, n int) {}) }\n\
         func ExamplePrint() { fmt.Println(\"x\")\n// Output: x\n}\n\
         func TestMain(m *testing.M) { fmt.Println(\"Testing begins\"); os.Exit(m.Run()) }\n",
    );
    project.write(
        "b/c/b_test.go",
        "package c\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Fatal(\"in b\") }\n",
    );
    project.write("empty/e.go", "package empty\n");
    let listing = project.list();
    let named = |name: &str| test("example.com/m/a", name);
    let mut all = [
        "TestA",
        "TestAB",
        "TestÜ",
        "TestB",
        "TestOff",
        "FuzzF",
        "ExamplePrint",
    ]
    .map(named)
    .to_vec();
    all.push(test("example.com/m/b/c", "TestA"));
    let sorted = |tests: &[Test]| {
        let mut names: Vec<String> = tests.iter().map(super::preset_project::called).collect();
        names.sort();
        names
    };
    assert_eq!(sorted(&listing.tests), sorted(&all));
    assert_eq!(listing.broken.len() + listing.duplicates.len(), 0);
    let (ran, code) = verdicts(
        &project,
        &[
            named("TestAB"),
            named("TestÜ"),
            named("FuzzF"),
            named("ExamplePrint"),
        ],
    );
    // A seed of a fuzz test is a sub-test.
    assert_eq!((ran.len(), code), (5, 0), "{ran:?}");
    assert!(ran.iter().all(|it| it.ends_with(": passed")), "{ran:?}");
    let (ran, code) = verdicts(
        &project,
        &[named("TestB"), named("TestOff"), named("TestGone")],
    );
    let begins = [
        "example.com/m/a::TestB: failed",
        "example.com/m/a::TestB/x: failed",
        "example.com/m/a::TestB/y: passed",
        "example.com/m/a::TestOff: skipped",
    ];
    assert_eq!((ran.len(), code), (4, 1), "{ran:?}");
    for (line, begin) in ran.iter().zip(begins) {
        assert!(line.starts_with(begin), "{ran:?}");
    }
    // One pattern holds for both packages.
    let (ran, code) = verdicts(
        &project,
        &[named("TestAB"), test("example.com/m/b/c", "TestA")],
    );
    assert_eq!((ran.len(), code), (3, 1), "{ran:?}");
    let (ran, code) = project.run(&[named("TestGone")]);
    assert_eq!((ran.len(), code), (0, 0));
}

const CATCH2: &str = "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n#include <cstdio>\n\
    TEST_CASE(\"plain\") { CHECK(true); puts(\"<TestCase name='plain'/>\"); }\nTEST_CASE(\"checks nothing\") {}\n\
    TEST_CASE(\" with, comma [x] * \\\"q\\\" \\\\ ~ end \", \"[tag]\") { CHECK(true); }\nTEST_CASE(\"#hash\") { CHECK(true); }\n\
    TEST_CASE(\"a*b\") { CHECK(true); }\nTEST_CASE(\"~tilde\") { CHECK(true); }\nTEST_CASE(\"-k=~1\") { CHECK(true); }\n\
    TEST_CASE(\"sections\") { SECTION(\"a\") { CHECK(true); } SECTION(\"b/c\") { SECTION(\"d\") { INFO(\"note\"); CHECK(true == false); } } }\n\
    TEST_CASE(\"may\", \"[!mayfail]\") { CHECK(1 == 2); }\nTEST_CASE(\"should\", \"[!shouldfail]\") { CHECK(1 == 2); }\n\
    TEST_CASE(\"should not pass\", \"[!shouldfail]\") { CHECK(1 == 1); }\nTEST_CASE(\"throws\") { throw std::runtime_error(\"boom\"); }\n\
    TEST_CASE(\"hidden\", \"[.]\") {}\nTEMPLATE_TEST_CASE(\"of type\", \"\", int, char) { CHECK(true); }\n";

#[test]
fn catch2_lists_and_selects_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let Some(project) = compiled("catch2-v2", folder.path(), CATCH2, &[]) else {
        return;
    };
    let mut listing = project.list();
    assert_eq!(listing.tests.len(), 14, "{listing:?}");
    assert!(listing.tests.contains(&test("catch2", "#hash")));
    assert!(listing.tests.contains(&test("catch2", "of type - char")));
    let fails = ["sections", "should not pass", "throws"].map(|name| test("catch2", name));
    let (ran, code) = verdicts(&project, &fails);
    let expected = [
        "catch2::sections: failed CHECK( true == false )",
        "catch2::should not pass: failed it passed, but is expected to fail",
        "catch2::throws: failed boom",
    ];
    assert_eq!((ran, code), (expected.map(str::to_owned).to_vec(), 3));
    listing.tests.retain(|it| !fails.contains(it));
    for it in &mut listing.tests {
        it.testcase = it.testcase.trim().to_owned();
    }
    assert_exact(&project, &listing, |_| true);
    let (ran, code) = project.run(&[test("catch2", "gone")]);
    assert_eq!((ran.len(), code), (0, 0));
}

const DOCTEST: &str = "#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN\n#include <doctest/doctest.h>\n#include <cstdio>\n#include <stdexcept>\n\
    TEST_CASE(\"plain\") { CHECK(true); puts(\"<TestCase name='plain'/>\"); }\nTEST_CASE(\"Plain\") {}\n\
    TEST_CASE(\" with, comma [x] & <y> \\\"q\\\" \\\\ name=\\\"z\\\" testsuite=\\\"z\\\" \") {}\nTEST_CASE(\"-k=~1\") {}\n\
    TEST_SUITE(\"S (x)\") { TEST_CASE(\"inner\") { CHECK(true); } }\n\
    TEST_CASE(\"parts\") { SUBCASE(\"a\") { CHECK(true); } SUBCASE(\"b\") { CHECK(true == false); } }\n\
    TEST_CASE(\"may\" * doctest::may_fail()) { CHECK(1 == 2); }\nTEST_CASE(\"should\" * doctest::should_fail()) { CHECK(1 == 2); }\n\
    TEST_CASE(\"should not pass\" * doctest::should_fail()) { CHECK(1 == 1); }\nTEST_CASE(\"throws\") { throw std::runtime_error(\"boom\"); }\n\
    TEST_CASE(\"off\" * doctest::skip()) {}\nTEST_CASE_TEMPLATE(\"of type\", T, int, char) { CHECK(true); }\n";

#[test]
fn doctest_lists_and_selects_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let Some(project) = compiled("doctest", folder.path(), DOCTEST, &[]) else {
        return;
    };
    let mut listing = project.list();
    assert_eq!(listing.tests.len(), 12, "{listing:?}");
    assert!(listing.tests.contains(&test("S (x)", "inner")));
    assert!(listing.tests.contains(&test("doctest", "of type<char>")));
    let fails = ["parts", "should not pass", "throws"].map(|name| test("doctest", name));
    let (ran, code) = verdicts(&project, &fails);
    let expected = [
        "doctest::parts: failed CHECK( true == false )",
        "doctest::should not pass: failed it passed, but is expected to fail",
        "doctest::throws: failed boom",
    ];
    assert_eq!((ran, code), (expected.map(str::to_owned).to_vec(), 1));
    listing.tests.retain(|it| !fails.contains(it));
    assert_exact(&project, &listing, |_| true);
    let (ran, code) = project.run(&[test("doctest", "gone")]);
    assert_eq!((ran.len(), code), (0, 0));
}

const QT: &str = "#include <QtTest/QtTest>\n#include <cstdio>\n#include <cstdlib>\nclass T : public QObject { Q_OBJECT\nprivate slots:\n\
    void initTestCase() { if (getenv(\"INIT\")) QFAIL(\"no server\"); }\n\
    void a() { QVERIFY(true); printf(\"<TestFunction name='x'>\\n\"); }\nvoid ab() { QCOMPARE(1, 2); }\n\
    void row_data() { QTest::addColumn<int>(\"x\"); for (const char *name : {\"one two\", \"c:d\", \"dup\", \"dup\", \"bad\", \"(<&>) \\\"q\\\"\", \"-k\"}) QTest::newRow(name) << int(name[0] == 'b'); }\n\
    void row() { QFETCH(int, x); QCOMPARE(x, 0); }\n\
    void off() { QSKIP(\"not here\"); }\nvoid fails_as_expected() { QEXPECT_FAIL(\"\", \"known\", Continue); QVERIFY(false); }\n\
    void passes_unexpectedly() { QEXPECT_FAIL(\"\", \"known\", Continue); QVERIFY(true); }\n\
    void warns() { qWarning(\"careful\"); }\n};\nQTEST_APPLESS_MAIN(T)\n";

/// Qt's compiler of classes writes the end of the source.
fn qt_project(folder: &Path, qt: &str, moc: &str) -> Option<PresetProject> {
    std::fs::write(folder.join("t.cpp"), QT).unwrap();
    let moc = Command::new(moc)
        .arg("-i")
        .arg(folder.join("t.cpp"))
        .output();
    let Ok(moc) = moc else {
        skip::missing(&format!("no moc of {qt}"));
        return None;
    };
    let source = format!("{QT}{}", String::from_utf8(moc.stdout).unwrap());
    let headers = |module: &str| {
        format!(
            "-I/usr/include/{}-linux-gnu/{qt}{module}",
            std::env::consts::ARCH
        )
    };
    let options = [
        "-fPIC".to_owned(),
        headers(""),
        headers("/QtCore"),
        headers("/QtTest"),
    ];
    let libraries = ["Test", "Core"].map(|module| format!("-lQt{}{module}", &qt[2..]));
    let options: Vec<&str> = options
        .iter()
        .chain(&libraries)
        .map(String::as_str)
        .collect();
    compiled("qt-test", folder, &source, &options)
}

#[test]
fn qt_test_lists_and_selects_exactly() {
    for (qt, moc) in [
        ("qt5", "/usr/lib/qt5/bin/moc"),
        ("qt6", "/usr/lib/qt6/libexec/moc"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let Some(project) = qt_project(folder.path(), qt, moc) else {
            return;
        };
        let mut listing = project.list();
        assert_eq!(listing.tests.len(), 11, "{listing:?}");
        assert_eq!(listing.broken.len(), 1, "{listing:?}");
        assert!(listing.broken[0].contains("row(dup)"), "{listing:?}");
        let other = ["ab", "row(bad)", "off", "passes_unexpectedly"].map(|name| test("T", name));
        let (ran, code) = verdicts(&project, &other);
        let begins = [
            "T::ab: failed Compared values",
            "T::off: skipped not here",
            "T::passes_unexpectedly: failed 'true' returned TRUE unexpectedly",
            "T::row(bad): failed Compared values",
        ];
        assert_eq!((ran.len(), code), (4, 3), "{ran:?}");
        for (line, begin) in ran.iter().zip(begins) {
            assert!(line.starts_with(begin), "{ran:?}");
        }
        listing.tests.retain(|it| !other.contains(it));
        for one in &listing.tests {
            let (ran, code) = verdicts(&project, std::slice::from_ref(one));
            let name = super::preset_project::called(one);
            assert_eq!((ran, code), (vec![format!("{name}: passed")], 0));
        }
        let (ran, code) = verdicts(&project, &listing.tests);
        assert_eq!((ran.len(), code), (7, 0), "{ran:?}");
    }
}

const BOOST: &str = "#define BOOST_TEST_MODULE my module\n#define BOOST_TEST_DYN_LINK\n#include <boost/test/unit_test.hpp>\n\
    #include <boost/test/data/test_case.hpp>\n#include <iostream>\nnamespace ut = boost::unit_test;\n\
    BOOST_AUTO_TEST_CASE(top, *ut::description(\"what: it* does\")) { std::cout << \"<TestCase name='x' result='passed'/>\\n\"; }\n\
    BOOST_AUTO_TEST_SUITE(S)\nBOOST_AUTO_TEST_CASE(a) { BOOST_TEST(true); }\nBOOST_AUTO_TEST_CASE(b) { BOOST_TEST(1 == 2); }\n\
    BOOST_AUTO_TEST_CASE(off, *ut::disabled()) {}\nBOOST_AUTO_TEST_CASE(known, *ut::expected_failures(1)) { BOOST_TEST(1 == 2); }\n\
    BOOST_AUTO_TEST_CASE(behind, *ut::depends_on(\"S/b\")) {}\nBOOST_AUTO_TEST_CASE(throws) { throw std::runtime_error(\"boom\"); }\n\
    BOOST_DATA_TEST_CASE(data, ut::data::make({1, 2}), x) { BOOST_TEST(x > 0); }\n\
    BOOST_AUTO_TEST_SUITE(in)\nBOOST_AUTO_TEST_CASE(a) {}\nBOOST_AUTO_TEST_SUITE_END()\nBOOST_AUTO_TEST_SUITE_END()\n";

#[test]
fn boost_test_lists_and_selects_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["-lboost_unit_test_framework"];
    let Some(project) = compiled("boost-test", folder.path(), BOOST, &options) else {
        return;
    };
    let mut listing = project.list();
    assert_eq!(listing.tests.len(), 9, "{listing:?}");
    assert!(listing.tests.contains(&test("boost-test", "top")));
    assert!(listing.tests.contains(&test("S/data", "_1")));
    assert!(listing.tests.contains(&test("S/in", "a")));
    let other = ["b", "behind", "throws"].map(|name| test("S", name));
    let (ran, code) = verdicts(&project, &other);
    let expected = [
        "S::b: failed failed: 1 assertion failed, see the output",
        "S::behind: skipped ",
        "S::throws: failed aborted: 1 assertion failed, see the output",
    ];
    assert_eq!((ran, code), (expected.map(str::to_owned).to_vec(), 201));
    listing.tests.retain(|it| !other.contains(it));
    assert_exact(&project, &listing, |_| true);
}
