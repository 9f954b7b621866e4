//! The reader of Squish reports: what is documented of them, and what could hide a failure.

use testplan::{
    model::{CaseResult, outcome::CaseVerdict},
    result_file::{self, ReadError, Scenarios},
};

use crate::result_file::summary;

const SUITE: &str = include_str!("../../fixtures/squish/suite.xml");
const BDD: &str = include_str!("../../fixtures/squish/bdd.xml");
const ABORTED: &str = include_str!("../../fixtures/squish/aborted.xml");
const TRUNCATED: &str = include_str!("../../fixtures/squish/truncated.xml");
const VERSION1: &str = include_str!("../../fixtures/squish/version1.xml");
const VERSION2: &str = include_str!("../../fixtures/squish/version2.xml");
const README: &str = include_str!("../../fixtures/squish/README.md");

fn read(xml: &str) -> Result<Vec<CaseResult>, ReadError> {
    result_file::read("results.xml", xml.as_bytes(), Scenarios::Each).map(|file| file.cases)
}

fn cases(xml: &str) -> Vec<CaseResult> {
    read(xml).unwrap()
}

/// The same with all scenarios of a test case as one.
fn together(xml: &str) -> Vec<CaseResult> {
    let file = result_file::read("r", xml.as_bytes(), Scenarios::Together);
    file.unwrap().cases
}

/// A report of one suite with one case that holds these elements.
fn of_case(content: &str) -> Vec<CaseResult> {
    cases(&report(&format!(
        "<test type='testcase'><prolog><name>c</name></prolog>{content}<epilog/></test>"
    )))
}

fn report(content: &str) -> String {
    format!(
        "<SquishReport version='3.4'><test type='testsuite'><prolog><name>s</name></prolog>{content}<epilog/></test>\
         </SquishReport>"
    )
}

fn verification(kind: &str) -> String {
    format!(
        "<verification><scriptedVerificationResult type='{kind}'><text>t</text></scriptedVerificationResult></verification>"
    )
}

fn text(case: &CaseResult) -> &str {
    match &case.verdict {
        CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) => &trouble.text,
        CaseVerdict::Passed { .. } | CaseVerdict::Skipped { .. } => "",
    }
}

#[test]
fn the_fixtures_have_the_counts_their_readme_says() {
    let mut held = 0;
    for (file, xml) in [
        ("suite.xml", SUITE),
        ("bdd.xml", BDD),
        ("aborted.xml", ABORTED),
        ("version2.xml", VERSION2),
    ] {
        let cases = cases(xml);
        let count = |which: fn(&CaseVerdict) -> bool| {
            cases.iter().filter(|case| which(&case.verdict)).count()
        };
        let row = format!(
            "| {file} | {} | {} | {} | {} |",
            count(|verdict| matches!(verdict, CaseVerdict::Passed { .. })),
            count(|verdict| matches!(verdict, CaseVerdict::Failed(_))),
            count(|verdict| matches!(verdict, CaseVerdict::Error(_))),
            count(|verdict| matches!(verdict, CaseVerdict::Skipped { .. })),
        );
        assert!(README.contains(&row), "not in the README: {row}");
        held += 1;
    }
    let rows = README
        .lines()
        .filter(|line| line.contains(".xml | "))
        .count();
    assert_eq!(held, rows);
}

#[test]
fn reads_a_suite() {
    let cases = cases(SUITE);
    assert_eq!(
        summary(&cases),
        [
            "suite_addressbook | tst_add | passed",
            "suite_addressbook | tst_remove | failed: Comparison: '125' and '124' are not equal (and 1 more)",
            "suite_addressbook | tst_known_bug | failed: Umlauts are kept",
            "suite_addressbook | tst_older_word | failed: Umlauts are kept",
            "suite_addressbook | tst_script_error | error: Script Error: LookupError: Object not found.",
            "suite_addressbook | tst_crash | error: The application crashed",
            "suite_addressbook | tst_pictures | failed: VP2: Screenshot comparison failed: object: :logo (and 1 more)",
            "suite_addressbook | tst_not_here | skipped: Windows only",
            "suite_addressbook | (outside any test case) | error: The clean-up of the suite failed",
        ]
    );
    let kind = |index: usize| match &cases[index].verdict {
        CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) => trouble.kind.as_str(),
        CaseVerdict::Passed { .. } | CaseVerdict::Skipped { .. } => "",
    };
    assert_eq!(
        [1, 2, 3, 4, 5].map(kind),
        ["FAIL", "XPASS", "XPASS", "ERROR", "FATAL"]
    );
}

#[test]
fn tells_times_and_places() {
    let cases = cases(SUITE);
    let place = |index: usize| (cases[index].file.as_deref(), cases[index].line);
    assert_eq!(cases[0].duration_ms, Some(1250));
    assert_eq!(
        place(0),
        (Some("/lab/suites/suite_addressbook/tst_add/test.py"), None)
    );
    assert_eq!(
        place(1),
        (
            Some("/lab/suites/suite_addressbook/tst_remove/test.py"),
            Some(17)
        )
    );
    assert_eq!(
        place(4),
        (
            Some("/lab/suites/suite_addressbook/shared/scripts/names.py"),
            Some(3)
        ),
        "the place of the worst"
    );
    assert_eq!(place(5), (None, None));
}

#[test]
fn joins_what_went_wrong_and_keeps_the_rest_as_output() {
    let cases = cases(SUITE);
    assert_eq!(
        cases[0].output,
        "LOG: Add <one> & another\nWARNING: Slow start\nThe application took 12 s\nXFAIL: Known: sorted by name"
    );
    assert_eq!(
        text(&cases[1]),
        "FAIL in Remove the last: Comparison\n'125' and '124' are not equal\n\
         at /lab/suites/suite_addressbook/tst_remove/test.py:17\n\n\
         FAIL: VP1: Property 'rowCount'\nobject: addressBookTable\nexpected: 124\nactual: 125\n\
         at /lab/suites/suite_addressbook/tst_remove/test.py:23"
    );
    assert!(text(&cases[4]).starts_with("FAIL: First this\n\nERROR: Script Error\n"));
    assert!(
        text(&cases[6]).contains("inserted: Max"),
        "{}",
        text(&cases[6])
    );
}

#[test]
fn finds_attachments() {
    let cases = cases(SUITE);
    assert_eq!(cases[4].attachments, ["failedImages/names_1.png"]);
    assert_eq!(
        cases[6].attachments,
        [
            "/lab/results/expected.png",
            "failedImages/VP2.png",
            "attachments/app.log"
        ]
    );
    let cases = of_case(
        "<message type='LOG'><attachment uri='a.png'/></message><message type='LOG'><text>x</text>\
         <screenshot>b.png</screenshot></message><message type='ENDVIDEO'><detail>c.mp4</detail></message>\
         <message type='LOG'><image><uri>d.png</uri></image><text>[[ATTACHMENT|no]]</text></message>\
         <message type='ATTACHMENT'><text>https://example.com/e</text></message>",
    );
    assert_eq!(cases[0].attachments, ["a.png", "b.png", "c.mp4", "d.png"]);
    assert!(
        cases[0]
            .output
            .contains("not an attachment, or one too many: https://example.com/e"),
        "{}",
        cases[0].output
    );
}

#[test]
fn scenarios_are_cases_or_not() {
    assert_eq!(
        summary(&cases(BDD)),
        [
            "suite_shop.tst_basket | Basket / Empty | passed",
            "suite_shop.tst_basket | Basket / One thing | failed: Count: '0' is not '1'",
            "suite_shop.tst_basket | Basket / Many things [pear, 2] | passed",
            "suite_shop.tst_basket | Basket / Many things [plum, 3] | error: No such step",
            "suite_shop.tst_basket | Basket / Later | skipped: tagged @later",
        ]
    );
    let together = together(BDD);
    assert_eq!(
        summary(&together),
        ["suite_shop | tst_basket | error: No such step"]
    );
    let text = text(&together[0]);
    assert!(
        text.starts_with("FAIL in Basket / One thing / When I take a pear: Count"),
        "{text}"
    );
    assert!(text.contains("ERROR in Basket / Many things / plum, 3 / When I take 3 of plum"));
    assert_eq!(together[0].duration_ms, Some(3000));
}

#[test]
fn trouble_beside_the_scenarios_is_the_case_s_own() {
    let cases = of_case(
        "<test type='feature'><prolog><name>f</name></prolog><test type='scenario'><prolog><name>a</name></prolog><epilog/>\
         </test><message type='ERROR'><text>hook failed</text></message><epilog/></test>",
    );
    assert_eq!(
        summary(&cases),
        ["s.c | f / a | passed", "s | c | error: hook failed"]
    );
}

#[test]
fn a_test_without_its_end_is_an_error() {
    assert_eq!(
        summary(&cases(ABORTED))
            .iter()
            .map(|line| line.split(": the").next().unwrap())
            .collect::<Vec<_>>(),
        [
            "suite_a | tst_done | passed",
            "suite_a | tst_stopped | error: aborted",
            "suite_a | (outside any test case) | error: aborted",
        ]
    );
    let scenario = "<test type='scenario'><prolog><name>a</name></prolog></test>";
    assert!(summary(&of_case(scenario))[0].starts_with("s.c | a | error: aborted"));
    let section = "<test type='section'><prolog><name>a</name></prolog></test>";
    assert_eq!(summary(&of_case(section)), ["s | c | passed"]);
}

#[test]
fn every_result_counts_whatever_it_is_in() {
    let table = [
        ("PASS", "passed"),
        ("XFAIL", "passed"),
        ("FAIL", "failed: t"),
        ("fail", "failed: t"),
        ("XPASS", "failed: t"),
        ("UPASS", "failed: t"),
        ("ERROR", "error: t"),
        ("FATAL", "error: t"),
        ("SKIPPED", "skipped: t"),
        ("", "error: a verification without a result"),
        (
            "MAYBE",
            "error: a verification with an unknown result: \"MAYBE\"",
        ),
    ];
    for (kind, expected) in table {
        let expected = format!("s | c | {expected}");
        let verification = verification(kind);
        for content in [
            verification.clone(),
            format!("<unknown>{verification}</unknown>"),
            format!(
                "<test type='section'><test type='step'>{verification}<epilog/></test><epilog/></test>"
            ),
            format!("<test type='never-heard-of'>{verification}</test>"),
            format!("<message type='LOG'><text>{verification}</text></message>"),
            verification.replace("scripted", "ocr"),
        ] {
            assert_eq!(summary(&of_case(&content)).concat(), expected, "{content}");
        }
    }
    for kind in ["FAIL", "ERROR", "FATAL", "XPASS"] {
        let message = format!("<message type='{kind}'>t</message>");
        assert!(!matches!(
            of_case(&message)[0].verdict,
            CaseVerdict::Passed { .. }
        ));
    }
    assert_eq!(
        summary(&of_case("<verification/>")),
        ["s | c | error: a verification without a result"]
    );
    assert_eq!(
        summary(&of_case(
            "<verification type='FAIL'><text>t</text></verification>"
        )),
        ["s | c | failed: t"]
    );
    let both =
        verification("PASS").replace("<verification>", "<verification type='FAIL' name='v'>");
    assert_eq!(summary(&of_case(&both)), ["s | c | failed: v"]);
}

#[test]
fn trouble_outside_any_case_becomes_a_case() {
    let message = "<message type='FATAL'><text>no licence</text></message>";
    assert_eq!(
        summary(&cases(&report(message))),
        ["s | (outside any test case) | error: no licence"]
    );
    assert_eq!(
        summary(&cases(&format!(
            "<SquishReport version='3.4'>{message}</SquishReport>"
        ))),
        [" | (outside any test case) | error: no licence"]
    );
    assert!(cases(&report("<message type='LOG'><text>hello</text></message>")).is_empty());
}

#[test]
fn levels_may_be_missing() {
    let xml = "<SquishReport version='3.4'><test type='testcase'><prolog><name>c</name></prolog><epilog/></test>\
               <test type='scenario'><prolog><name>a</name></prolog><epilog/></test>\
               <test type='section'><prolog><name>p</name></prolog><epilog/></test></SquishReport>";
    assert_eq!(
        summary(&cases(xml)),
        [" | c | passed", " | a | passed", " | p | passed"]
    );
}

#[test]
fn a_skip_is_one_only_where_nothing_was_verified() {
    let skip = "<message type='SKIPPED'><text>why</text></message>";
    assert_eq!(summary(&of_case(skip)), ["s | c | skipped: why"]);
    let both = format!("{skip}{}", verification("PASS"));
    assert_eq!(summary(&of_case(&both)), ["s | c | passed"]);
    let failed = format!("{skip}{}", verification("FAIL"));
    assert_eq!(summary(&of_case(&failed)), ["s | c | failed: t"]);
    let attribute = report(
        "<test type='testcase' result='skipped'><prolog><name>c</name></prolog><epilog/></test>",
    );
    assert_eq!(summary(&cases(&attribute)), ["s | c | skipped: "]);
    assert_eq!(
        summary(&cases(&attribute.replace("skipped", "FAIL"))),
        ["s | c | failed: FAIL"]
    );
}

#[test]
fn a_test_that_never_began_was_skipped() {
    let skipped = |kind: &str, name: &str| {
        format!("<test type='{kind}' time='2026-01-01T10:00:00Z'><name>{name}</name></test>")
    };
    let begun = |kind: &str, name: &str, content: &str| {
        format!("<test type='{kind}'><prolog><name>{name}</name></prolog>{content}<epilog/></test>")
    };
    let ran = begun(
        "scenario",
        "Cold",
        &begun("step", "When", &verification("PASS")),
    );
    let warm = skipped("scenario", "Warm");
    let table: [(String, &[&str], &[&str]); 8] = [
        (
            begun(
                "testcase",
                "c",
                &begun("feature", "F", &format!("{ran}{warm}")),
            ),
            &["s.c | F / Cold | passed", "s.c | F / Warm | skipped: "],
            &["s | c | passed"],
        ),
        (
            begun("testcase", "c", &begun("feature", "F", &warm)),
            &["s.c | F / Warm | skipped: "],
            &["s | c | skipped: "],
        ),
        (
            begun("testcase", "c", &skipped("feature", "F")),
            &["s | c | skipped: "],
            &["s | c | skipped: "],
        ),
        (
            skipped("testcase", "c"),
            &["s | c | skipped: "],
            &["s | c | skipped: "],
        ),
        (
            begun(
                "testcase",
                "c",
                &begun("scenario", "S", &skipped("step", "When")),
            ),
            &["s.c | S | skipped: "],
            &["s | c | skipped: "],
        ),
        // After a step that failed the others are skipped.
        (
            begun(
                "testcase",
                "c",
                &begun(
                    "scenario",
                    "S",
                    &(begun("step", "When", &verification("FAIL")) + &skipped("step", "Then")),
                ),
            ),
            &["s.c | S | failed: t"],
            &["s | c | failed: t"],
        ),
        (
            begun(
                "testcase",
                "c",
                &begun(
                    "scenariooutline",
                    "O",
                    &(skipped("row", "1") + &begun("row", "2", &verification("FAIL"))),
                ),
            ),
            &["s.c | O [1] | skipped: ", "s.c | O [2] | failed: t"],
            &["s | c | failed: t"],
        ),
        // What something went wrong in was not skipped.
        (
            format!(
                "<test type='testcase'><name>c</name>{}</test>",
                verification("FAIL")
            ),
            &["s | c | error: aborted"],
            &["s | c | error: aborted"],
        ),
    ];
    for (content, each, as_one) in table {
        let xml = report(&content);
        let short = |cases: &[CaseResult]| -> Vec<String> {
            let lines = summary(cases);
            lines
                .iter()
                .map(|line| line.split(": the report").next().unwrap().to_owned())
                .collect()
        };
        assert_eq!(short(&cases(&xml)), each, "{content}");
        assert_eq!(short(&together(&xml)), as_one, "{content}");
    }
    // A suite that was stopped is an error, whatever of it was skipped before.
    let stopped = format!(
        "<SquishReport version='3.5'><test type='testsuite'><prolog><name>s</name></prolog>{}</test></SquishReport>",
        skipped("testcase", "c")
    );
    assert!(
        summary(&cases(&stopped))
            .iter()
            .any(|line| line.contains("error: aborted"))
    );
}

#[test]
fn a_suite_before_version_3_that_ran_no_test_has_no_case() {
    let report = |content: &str| format!("<SquishReport version='2.1'>{content}</SquishReport>");
    let ended =
        "<prolog time='2026-01-01T10:00:00+01:00'/><epilog time='2026-01-01T10:00:01+01:00'/>";
    for content in [
        format!("<test name='suite_a'>{ended}</test>"),
        format!("<test name='other'>{ended}</test>"),
        format!(
            "<test name='suite_a'><message type='LOG'><description>l</description></message>{ended}</test>"
        ),
    ] {
        assert_eq!(summary(&cases(&report(&content))), [""; 0], "{content}");
    }
    let failed = format!(
        "<test name='suite_a'><message type='ERROR'><description>l</description></message>{ended}</test>"
    );
    assert_eq!(
        summary(&cases(&report(&failed))),
        ["suite_a | (outside any test case) | error: l"]
    );
    let alone = format!("<test name='tst_a'>{ended}</test>");
    assert_eq!(summary(&cases(&report(&alone))), [" | tst_a | passed"]);
    let empty_case =
        format!("<test name='suite_a'><test name='tst_a'>{ended}</test>{ended}</test>");
    assert_eq!(
        summary(&cases(&report(&empty_case))),
        ["suite_a | tst_a | passed"]
    );
}

#[test]
fn the_type_of_a_verification_before_version_3_is_no_result() {
    let line = |verification: &str| {
        let xml = format!(
            "<SquishReport version='2.1'><test name='suite_a'><prolog/><test name='tst_a'><prolog/>{verification}<epilog/></test>\
             <epilog/></test></SquishReport>"
        );
        summary(&cases(&xml)).concat()
    };
    let with = |kind: &str, result: &str| {
        line(&format!(
            "<verification type='{kind}' name='v'><result type='{result}'><description>d</description></result></verification>"
        ))
    };
    for kind in ["properties", "", "screenshot", "MAYBE"] {
        assert_eq!(with(kind, "PASS"), "suite_a | tst_a | passed", "{kind}");
        assert_eq!(
            with(kind, "FAIL"),
            "suite_a | tst_a | failed: v: d",
            "{kind}"
        );
    }
    assert!(with("FAIL", "PASS").contains("failed"));
    assert!(with("properties", "MAYBE").contains("unknown result: \"MAYBE\""));
    assert!(line("<verification type='properties'/>").contains("a verification without a result"));
}

#[test]
fn reads_version_2_and_no_other_before_3() {
    assert_eq!(
        summary(&cases(VERSION2)),
        [
            "suite_old | tst_good | passed",
            "suite_old | tst_bad | failed: VP1: Comparison: '1' and '2' are not equal",
            "suite_old | tst_broken | error: Script Error: ReferenceError",
        ]
    );
    let case = &cases(VERSION2)[1];
    assert_eq!(
        (case.file.as_deref(), case.line, case.duration_ms),
        (Some("/lab/suite_old/tst_bad/test.js"), Some(7), Some(2000))
    );
    let error = read(VERSION1).unwrap_err();
    assert_eq!(error.line, Some(2));
    assert!(
        error.message.contains("version \"1.2\"") && error.message.contains("xml3.4"),
        "{error}"
    );
    assert!(read("<SquishReport version='4.0'/>").is_err());
}

#[test]
fn a_file_that_breaks_off_is_never_read_as_whole() {
    let error = read(TRUNCATED).unwrap_err();
    assert!(
        error.to_string().starts_with("results.xml: line "),
        "{error}"
    );
    for (fixture, step) in [(SUITE, 7), (BDD, 5), (ABORTED, 1), (VERSION2, 3)] {
        let whole = fixture.trim_end();
        let ends = (0..whole.len()).filter(|end| whole.is_char_boundary(*end));
        for end in ends.step_by(step) {
            assert!(read(&whole[..end]).is_err(), "read after {end} bytes");
        }
    }
}
