//! From a Squish report with a screenshot to the reports of the run: the path leads there from the `--out` folder.

use crate::support::Stage;

const PLAN: &str = "\
project: example
runner:
  command: [sh, test.sh, \"{results}\"]
  results: { format: squish }
  exit-codes: { passed: [0], failed: [44] }
templates:
  - title: all
    tests:
      - { suite: suite_a, testcases: [tst_b] }
";

const TEST: &str = r#"
mkdir "$1/run"
echo picture >"$1/run/shot 1.png"
cat >"$1/run/results.xml" <<END
<SquishReport version="3.4"><test type="testsuite"><prolog><name>suite_a</name></prolog><test type="testcase">
<prolog><name>tst_b</name></prolog>
<verification><scriptedVerificationResult type="FAIL"><text>Comparison</text>
<detail>Screenshot saved as '$1/run/shot 1.png'</detail></scriptedVerificationResult></verification>
<message type="ATTACHMENT"><text>$PWD/secret.txt</text></message>
<epilog/></test><epilog/></test></SquishReport>
END
exit 44
"#;

#[test]
fn a_screenshot_is_found_from_the_reports() {
    let stage = Stage::with(PLAN);
    stage.write("test.sh", TEST);
    stage.write("secret.txt", "secret");
    let ended = stage.run(["run"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    let junit = stage.read("testplan-out/junit.xml");
    let paths: Vec<&str> = junit
        .split("[[ATTACHMENT|")
        .skip(1)
        .filter_map(|rest| rest.split("]]").next())
        .collect();
    let [path] = paths[..] else {
        panic!("one attachment: {junit}")
    };
    assert!(
        path.starts_with("results/") && path.ends_with("/run/shot 1.png"),
        "{path}"
    );
    assert_eq!(stage.read(&format!("testplan-out/{path}")), "picture\n");
    assert!(
        junit.contains("secret.txt leads out of the results folder"),
        "{junit}"
    );
    let page = stage.read("testplan-out/report.html");
    let link = format!("href=\"./{}\"", path.replace(' ', "%20"));
    assert!(page.contains(&link), "{link}");
    assert!(
        stage
            .read("testplan-out/summary.md")
            .contains(", 1 attachment")
    );
}
