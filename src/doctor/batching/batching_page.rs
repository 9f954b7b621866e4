//! The comparison as text and as JSON.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use super::{
    BatchCheck, WayRun,
    verdicts::{ComparedTest, Verdict},
    way::Way,
};
use crate::{
    report::{sanitise::console_line, time_text::duration_text},
    text::{counted, format_duration, plural},
};

/// The verdicts with a column each.
const COLUMNS: [(&str, Verdict); 4] = [
    ("PASSED", Verdict::Passed),
    ("FAILED", Verdict::Failed),
    ("SKIPPED", Verdict::Skipped),
    ("NOT RUN", Verdict::CouldNotRun),
];
/// Most tests that the text names; JSON has all.
const MOST_NAMED: usize = 40;
/// Most bytes of a name.
const LONGEST: usize = 300;

impl BatchCheck {
    /// The comparison for people; ends with the recommendation.
    pub(crate) fn text(&self) -> String {
        let title = console_line(&self.set.template, LONGEST);
        let mut page = format!("template {title}: {}\n\n", self.coverage());
        self.add_table(&mut page);
        page.push('\n');
        for note in self.notes() {
            let _ = writeln!(page, "{note}");
        }
        self.add_differences(&mut page);
        let recommendation = self.recommendation().text(&self.modes);
        let _ = writeln!(page, "\nrecommendation: {recommendation}");
        page
    }

    fn add_table(&self, page: &mut String) {
        let _ = write!(page, "  {:<8}  {:>6}", "WAY", "TESTS");
        for (heading, _) in COLUMNS {
            let _ = write!(page, "  {heading:>7}");
        }
        page.push_str("       TIME\n");
        for run in &self.runs {
            let tests = self.tests.len() - self.without_verdict(run.way);
            let _ = write!(page, "  {:<8}  {tests:>6}", run.way.word());
            for (_, verdict) in COLUMNS {
                let _ = write!(page, "  {:>7}", self.count(run.way, verdict));
            }
            let _ = writeln!(page, "  {:>9}", duration_text(wall_ms(run)));
        }
    }

    /// What the numbers do not show.
    fn notes(&self) -> Vec<String> {
        let set = &self.set;
        let mut notes = Vec::new();
        if !self.tests.is_empty() {
            notes.push(self.savings());
        }
        notes.push(format!(
            "the random order has the seed {seed}: --seed {seed} repeats it",
            seed = set.seed
        ));
        if let Some(tool) = self.modes.ordering_tool {
            notes.push(format!(
                "{tool} may order the tests of a call itself: then the random order changes only which tests share a call"
            ));
        }
        if self.tests.len() < set.chosen {
            let (compared, chosen) = (self.tests.len(), counted(set.chosen, "test"));
            let limit = format_duration(set.time_limit);
            notes.push(if self.runs[0].is_cut {
                format!("the time limit of {limit} ended single after {compared} of {chosen}: only these are compared")
            } else {
                format!("{compared} of {chosen} have a verdict in single: only these are compared")
            });
        }
        for run in &self.runs[1..] {
            let missing = self.without_verdict(run.way);
            if missing > 0 {
                let why = if run.is_cut {
                    format!(": the time limit of {}", format_duration(set.time_limit))
                } else {
                    String::new()
                };
                let way = run.way.word();
                let tests = counted(missing, "test");
                let have = plural(&missing, "has", "have");
                notes.push(format!("{tests} {have} no verdict in {way}{why}"));
            }
            if run.repeated > 0 {
                notes.push(format!(
                    "{} ran again in {}, because the first process gave no verdict",
                    counted(run.repeated, "test"),
                    run.way.word()
                ));
            }
        }
        if set.unfit > 0 {
            notes.push(format!(
                "{} left out that {} capabilities not offered here with --capability",
                counted(set.unfit, "test"),
                plural(&set.unfit, "needs", "need")
            ));
        }
        let always = self.tests.iter().filter(|it| it.fails_always()).count();
        if always > 0 {
            notes.push(format!(
                "{} {} in all ways, so batching is not the cause",
                counted(always, "test"),
                plural(&always, "fails or cannot run", "fail or cannot run")
            ));
        }
        notes
    }

    fn savings(&self) -> String {
        let saved = self.saved_ms();
        let count = u64::try_from(self.tests.len()).unwrap_or(1).max(1);
        let total = saved.unsigned_abs();
        let each = format_duration(Duration::from_millis(total / count));
        let total = duration_text(total);
        match saved {
            1.. => format!("batching saves {total}, {each} per test"),
            0 => "batching saves no time".to_owned(),
            _ => format!("batching takes {total} longer, {each} per test"),
        }
    }

    fn add_differences(&self, page: &mut String) {
        let differing = || self.tests.iter().filter(|test| test.differs());
        let count = differing().count();
        if count == 0 {
            page.push_str("\nno verdict differs\n");
            return;
        }
        let _ = writeln!(
            page,
            "\n{count} of {} {} verdicts that differ:",
            counted(self.tests.len(), "test"),
            plural(&count, "has", "have")
        );
        for test in differing().take(MOST_NAMED) {
            add_difference(page, test);
        }
        if count > MOST_NAMED {
            let more = count - MOST_NAMED;
            let _ = writeln!(page, "  and {more} more: see --format json");
        }
    }

    /// The comparison for programs.
    pub(crate) fn json(&self) -> Value {
        let set = &self.set;
        let recommendation = self.recommendation();
        let ways = self.runs.iter().map(|run| {
            json!({
                "way": run.way.word(),
                "passed": self.count(run.way, Verdict::Passed),
                "failed": self.count(run.way, Verdict::Failed),
                "skipped": self.count(run.way, Verdict::Skipped),
                "errors": self.count(run.way, Verdict::CouldNotRun),
                "missing": self.without_verdict(run.way),
                "repeated": run.repeated,
                "time_limit_reached": run.is_cut,
                "wall_ms": wall_ms(run),
            })
        });
        let differing = self.tests.iter().filter_map(|test| {
            let difference = test.difference()?;
            let word = |way| test.verdict(way).map(Verdict::json_word);
            Some(json!({
                "suite": test.test.suite,
                "testcase": test.test.testcase,
                "required": test.required,
                "single": word(Way::Single),
                "batched": word(Way::Batched),
                "shuffled": word(Way::Shuffled),
                "alone": word(Way::Alone),
                "difference": difference.id(),
            }))
        });
        json!({
            "schema": 1,
            "conclusion": self.conclusion().word(),
            "template": set.template,
            "tests": {
                "listed": set.listed,
                "left_out": set.unfit,
                "chosen": set.chosen,
                "compared": self.tests.len(),
            },
            "seed": set.seed,
            "ways": ways.collect::<Vec<_>>(),
            "saved_ms": self.saved_ms(),
            "differences": differing.collect::<Vec<_>>(),
            "fail_always": self.tests.iter().filter(|it| it.fails_always()).count(),
            "recommendation": {
                "id": recommendation.id(),
                "text": recommendation.text(&self.modes),
            },
        })
    }
}

fn add_difference(page: &mut String, test: &ComparedTest) {
    let Some(difference) = test.difference() else {
        return;
    };
    let name = console_line(&test.test.to_string(), LONGEST);
    let needs = if test.required.is_empty() {
        String::new()
    } else {
        format!(" ({})", console_line(&test.required.to_string(), LONGEST))
    };
    let _ = writeln!(page, "  {name}{needs}: {}", difference.title());
    let ways = [Way::Single, Way::Batched, Way::Shuffled, Way::Alone];
    let verdicts: Vec<String> = ways
        .into_iter()
        .filter_map(|way| {
            let verdict = test.verdict(way)?.word();
            Some(match way {
                Way::Alone => format!("alone once more: {verdict}"),
                way => format!("{}: {verdict}", way.word()),
            })
        })
        .collect();
    let _ = writeln!(page, "    {}", verdicts.join(", "));
    let _ = writeln!(page, "    {}", difference.meaning());
}

fn wall_ms(run: &WayRun) -> u64 {
    u64::try_from(run.wall.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{super::CheckedSet, *};
    use crate::{
        config::PlanFile,
        doctor::batching::run_modes::RunModes,
        model::{Capabilities, Test},
    };

    fn test(name: &str, verdicts: [Option<Verdict>; 4]) -> ComparedTest {
        let [single, batched, shuffled, alone] = verdicts;
        ComparedTest {
            test: Test {
                suite: "a.js".to_owned(),
                testcase: name.to_owned(),
            },
            required: Capabilities::default(),
            single: single.unwrap(),
            batched,
            shuffled,
            alone,
        }
    }

    fn check(tests: Vec<ComparedTest>) -> BatchCheck {
        let text = "project: p\nrunner: node-test\n";
        let file = PlanFile::parse("t.yml", text).unwrap();
        let run = |way, ms| WayRun {
            way,
            wall: Duration::from_millis(ms),
            is_cut: false,
            repeated: 0,
        };
        BatchCheck {
            set: CheckedSet {
                template: "T".to_owned(),
                listed: tests.len(),
                listed_files: 1,
                unfit: 0,
                chosen: tests.len(),
                files: 1,
                time_limit: Duration::from_secs(600),
                seed: 7,
            },
            modes: RunModes::of(file.runner.as_ref().unwrap()).unwrap(),
            runs: [
                run(Way::Single, 4_000),
                run(Way::Batched, 1_000),
                run(Way::Shuffled, 1_100),
            ],
            tests,
        }
    }

    const PASSED: Option<Verdict> = Some(Verdict::Passed);
    const FAILED: Option<Verdict> = Some(Verdict::Failed);

    #[test]
    fn page_has_a_row_for_each_way_and_a_reason_for_each_difference() {
        let check = check(vec![
            test("first", [PASSED, PASSED, PASSED, None]),
            test("second\n::error::", [PASSED, FAILED, FAILED, PASSED]),
        ]);
        let text = check.text();
        assert_eq!(
            text,
            "template T: 2 tests in 1 file\n\n\
             \x20 WAY        TESTS   PASSED   FAILED  SKIPPED  NOT RUN       TIME\n\
             \x20 single         2        2        0        0        0       4.0s\n\
             \x20 batched        2        1        1        0        0       1.0s\n\
             \x20 shuffled       2        1        1        0        0       1.1s\n\
             \n\
             batching saves 3.0s, 1s 500ms per test\n\
             the random order has the seed 7: --seed 7 repeats it\n\
             node-test may order the tests of a call itself: then the random order changes only which tests share a call\n\
             \n\
             1 of 2 tests has verdicts that differ:\n\
             \x20 a.js / second\\n::error::: fails after others\n\
             \x20   single: passed, batched: failed, shuffled: failed, alone once more: passed\n\
             \x20   a test before it in the same process leaves something behind that it does not expect\n\
             \n\
             recommendation: fix the tests that depend on others; until then set `mode: single` in testplan.yml\n"
        );
    }

    #[test]
    fn page_says_what_was_not_compared() {
        let mut check = check(vec![
            test("a", [PASSED, PASSED, None, None]),
            test("b", [FAILED, FAILED, FAILED, None]),
        ]);
        check.set = CheckedSet {
            listed: 90,
            listed_files: 8,
            unfit: 3,
            chosen: 50,
            files: 2,
            ..check.set
        };
        check.runs[0].is_cut = true;
        check.runs[2].is_cut = true;
        check.runs[1].repeated = 1;
        let text = check.text();
        for line in [
            "template T: 2 of 90 tests in 2 of 8 files",
            "the time limit of 10m ended single after 2 of 50 tests: only these are compared",
            "1 test has no verdict in shuffled: the time limit of 10m",
            "1 test ran again in batched, because the first process gave no verdict",
            "3 tests left out that need capabilities not offered here with --capability",
            "1 test fails or cannot run in all ways, so batching is not the cause",
            "no verdict differs",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        assert!(
            text.contains("recommendation: no verdict differs, but"),
            "{text}"
        );
    }

    #[test]
    fn json_has_all_verdicts_of_a_test_that_differs() {
        let check = check(vec![test("a", [PASSED, FAILED, None, PASSED])]);
        let json = check.json();
        assert_eq!(
            json["differences"],
            json!([{
                "suite": "a.js",
                "testcase": "a",
                "required": [],
                "single": "passed",
                "batched": "failed",
                "shuffled": null,
                "alone": "passed",
                "difference": "fails-after-others",
            }])
        );
        assert_eq!(json["conclusion"], "failed");
        assert_eq!(json["recommendation"]["id"], "fix-dependent-tests");
        assert_eq!(json["ways"][2]["missing"], 1);
        assert_eq!(json["saved_ms"], 3000);
    }
}
