//! Screenshots and logs beside a report.

use super::told::told;
use crate::support::Squish;

fn files_are_attached(report: &str) {
    let squish = Squish::new();
    squish.suite(
        "suite_a",
        &[
            (
                "tst_fail",
                "screenshot shots/failed.png\nfile aut.log\nfail looks wrong",
            ),
            ("tst_pass", "pass"),
        ],
    );
    squish
        .plan(&format!("server: local, report: {report}"), "")
        .run()
        .code_is(1);
    let told = told(&squish);
    let [case] = &told["tst_fail"].cases[..] else {
        panic!()
    };
    assert_eq!(case.attachments.len(), 2, "{case:?}");
    for attachment in &case.attachments {
        assert!(
            squish.stage.path("out").join(attachment).is_file(),
            "{attachment}"
        );
    }
    let names = case.attachments.join(" ");
    assert!(
        names.contains("shots/failed.png") && names.contains("aut.log"),
        "{names}"
    );
    assert!(told["tst_pass"].cases[0].attachments.is_empty());
    assert!(
        !names.contains("results.xml") && !names.contains("junit.xml"),
        "the report itself is none: {names}"
    );
}

#[test]
fn beside_squish_s_report() {
    files_are_attached("xml3.4");
}

#[test]
fn beside_a_junit_report() {
    files_are_attached("junit");
}

#[test]
fn without_a_report_they_are_kept_and_named() {
    let squish = Squish::new();
    squish.suite(
        "suite_a",
        &[("tst_one", "screenshot last.png\nno-report 255")],
    );
    squish.plan("server: local", "").run().code_is(3);
    let words = told(&squish)["tst_one"].words();
    assert!(words.contains("squish/last.png"), "{words}");
}
