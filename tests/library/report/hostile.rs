//! Foreign text on every surface: it stays text, whatever it is.

use proptest::prelude::*;
use testplan::{
    model::{Capabilities, Test},
    report::{
        console::{FinishedLine, Paint, ResultWord, final_block, line},
        json,
        junit::{Profile, render},
        sanitise::xml_line,
        sanitise::{console_line, markdown_code, markdown_text},
        summary,
    },
};

use super::{
    junit::{self, parse, validate},
    story::{Worker, case_failed, case_passed, failed, passed, report},
    summary as summary_checks,
};

/// Whether a CI's runner would take a line as a command. Written from its rules, apart from the product code:
/// the new form begins with `::` behind white space; the old one is `##`, perhaps a word, `[`, anywhere. What some
/// comparisons ignore is taken out first.
fn is_command(line: &str) -> bool {
    let ignored = |c: char| {
        matches!(c, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
    };
    let line: String = line.chars().filter(|c| !ignored(*c)).collect();
    if line.trim_start().starts_with("::") {
        return true;
    }
    line.match_indices("##").any(|(at, _)| {
        line[at + 2..]
            .trim_start_matches('#')
            .trim_start_matches(|c: char| c.is_ascii_alphanumeric())
            .starts_with('[')
    })
}

/// The lines as a runner cuts them.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

fn assert_no_command(text: &str) {
    for line in lines(text) {
        assert!(!is_command(line), "{line:?} is a command");
    }
}

/// Any text, and text made of pieces that mean something to somebody.
fn foreign() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "::",
        ":",
        "##[",
        "#",
        "[",
        "]",
        "error",
        "vso",
        "::error::",
        "##vso[task]",
        "%0A",
        "%3a",
        "\n",
        "\r",
        "\r\n",
        " ",
        "\t",
        "\u{1b}[31m",
        "\u{1b}]0;",
        "\u{1b}",
        "\u{7}",
        "\0",
        "\u{85}",
        "\u{9b}",
        "\u{200d}",
        "\u{200b}",
        "\u{202e}",
        "\u{feff}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{2028}",
        "`",
        "```",
        "~~~",
        "|",
        "\\",
        "<",
        ">",
        "&",
        "</details>",
        "<!--",
        "-->",
        "@team",
        "#12",
        "]]>",
        "\"",
        "'",
        "é",
        "漢",
        "👩\u{200d}🚀",
        "a",
        "www.e.org",
        "http://e.org",
        "$x$",
        "* ",
        "_",
        "---",
    ]);
    prop_oneof![
        any::<String>(),
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(120) })]

    #[test]
    fn a_console_line_is_one_line_and_no_command(text in foreign(), max in 8_usize..400) {
        let shown = console_line(&text, max);
        prop_assert!(shown.len() <= max);
        prop_assert!(!shown.chars().any(char::is_control));
        prop_assert!(!is_command(&shown), "{:?}", shown);
        for decoded in ["%0A", "%0D", "%25", "%3A", "%2C"] {
            prop_assert!(!shown.to_uppercase().contains(decoded), "{:?}", shown);
        }
    }

    #[test]
    fn a_finished_execution_is_one_line(suite in foreign(), testcase in foreign(), worker in foreign()) {
        let test = Test { suite, testcase };
        let finished = FinishedLine {
            done: 1,
            total: None,
            word: ResultWord::Lost,
            duration_ms: 5,
            test: &test,
            worker: &worker,
            capabilities: &Capabilities::default(),
        };
        let shown = line(&finished, Paint::Plain);
        prop_assert_eq!(lines(&shown).count(), 1);
        prop_assert!(!is_command(&shown), "{:?}", shown);
    }

    #[test]
    fn markdown_is_text(text in foreign()) {
        let shown = markdown_text(&text, 10_000);
        prop_assert_eq!(lines(&shown).count(), 1);
        assert_no_command(&shown);
summary_checks::check(&format!("### x\n\n| {shown} |\n| --- |\n\n- {shown}\n"));
        let code = markdown_code(&text, 10_000);
        assert_no_command(&code);
        summary_checks::check(&format!("### x\n\n{code}"));
    }

    #[test]
    fn junit_is_well_formed_and_names_read_back(
        classname in foreign(), name in foreign(), message in foreign(), output in foreign(), title in foreign(),
    ) {
        let worker = Worker::begins(&title, &["OS=Linux"], 3)
            .takes(1, Some(1))
            .ends_with(1, failed(), vec![
                case_failed(&classname, &name, &message),
                case_passed(&classname, &name),
            ], &output)
            .counted(1)
            .takes(2, Some(1))
            .ends_with(2, passed(), vec![case_passed(&format!("c{classname}"), &format!("n{name}"))], "")
            .counted(2);
        let report = report(&[worker]);
        for profile in [Profile::Default, Profile::Strict] {
            let root = parse(&render(&report, profile).unwrap());
            junit::check(&root);
            let cases = root.all("testcase");
            let kept = cases.iter().find(|case| case.get("name").starts_with('n')
                && case.get("name") == xml_line(&format!("n{name}"), 1000)
                && case.get("classname") == xml_line(&format!("c{classname}"), 1000));
            prop_assert!(kept.is_some(), "{:?}", cases);
        }
    }

    #[test]
    fn every_surface_of_a_hostile_report_holds(text in foreign()) {
        let worker = Worker::begins(&text, &["OS=Linux"], 3)
            .plans(&[(1, &text, &text, &["OS=Linux"]), (2, &text, &text, &["OS=Linux"])])
            .takes_with(1, Some(1), Some(&text))
            .ends_with(1, failed(), vec![case_failed(&text, &text, &text)], &text)
            .hears(1, testplan::model::record::Confirmation::NotCounted { reason: text.clone() })
            .takes(1, Some(2))
            .ends_with(1, failed(), vec![case_failed(&text, &text, &text)], &text)
            .counted(1)
            .takes(2, Some(1));
        let report = report(&[worker]);
        for budget in [2_048, 6_000, summary::DEFAULT_BUDGET] {
            let page = summary::render(&report, budget);
            prop_assert!(page.len() <= budget);
            summary_checks::check(&page);
            assert_no_command(&page);
        }
        let block = final_block(&report, Paint::Plain);
        assert_no_command(&block);
        prop_assert!(block.lines().last().unwrap().starts_with("conclusion: incomplete (exit code 5)"));
        prop_assert!(json(&report).to_string().len() > 100);
    }
}

#[test]
fn strict_stays_valid_with_hostile_text() {
    let text = summary_checks::HOSTILE;
    let worker = Worker::begins(text, &["OS=Linux"], 3)
        .takes(1, Some(1))
        .ends_with(1, failed(), vec![case_failed(text, text, text)], text)
        .counted(1)
        .resets(1)
        .takes(1, Some(2))
        .ends_with(1, passed(), vec![case_passed(text, text)], text)
        .counted(1);
    validate(&render(&report(&[worker]), Profile::Strict).unwrap());
}

#[test]
fn the_parser_of_this_test_knows_commands() {
    for command in [
        "::error::x",
        "  ::set-output name=a::b",
        "x ##[error]y",
        "###[group]",
        "##vso[task.setvariable]x",
        "\u{200b}::notice::",
    ] {
        assert!(is_command(command), "{command}");
    }
    for text in ["std::vec", "a ## b [c]", "#[test]", "| ::error::"] {
        assert!(!is_command(text), "{text}");
    }
}
