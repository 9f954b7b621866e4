//! The HTML report: well-formed, whole, bounded, and never anything of a test's making but text.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use quick_xml::{Reader, events::Event};
use sha2::{Digest as _, Sha256};
use testplan::{
    model::{
        ExecutionId, ExecutionState, Outcome, PlanStatus, Timestamp,
        outcome::{CaseVerdict, Trouble},
    },
    report::{
        AttemptEnd, AttemptReport, Cases, Counting, EntryStatus, Evidence, PlanReport, ReportEntry,
        html::{HtmlOptions, render},
        merge,
        report_entry::EndedAttempt,
    },
};

use crate::report::story::{
    Worker, case, case_failed, case_passed, error, evidence, failed, flaky, listed, nightly,
    passed, report, set, test,
};

/// A page, read as XML.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// How often each element and attribute occurs, as `td` and `td@class`.
    pub shape: BTreeMap<String, usize>,
    /// Values of `id`.
    pub anchors: BTreeSet<String>,
    /// Values of `href` that lead into the page.
    pub links: BTreeSet<String>,
    /// Everything that is text.
    pub text: String,
    /// Contents of scripts and styles.
    pub code: BTreeMap<String, String>,
    /// The policy.
    pub policy: String,
}

/// Reads the page, and fails where it is not well-formed or an anchor occurs twice.
pub(crate) fn read(bytes: &[u8]) -> Page {
    let source = std::str::from_utf8(bytes).unwrap();
    let mut reader = Reader::from_str(source);
    reader.config_mut().check_end_names = true;
    let mut page = Page::default();
    let mut open: Vec<String> = Vec::new();
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                let name = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
                *page.shape.entry(name.clone()).or_default() += 1;
                for attribute in element.attributes() {
                    let attribute = attribute.unwrap();
                    let key = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
                    let value = String::from_utf8(attribute.value.to_vec()).unwrap();
                    let value = quick_xml::escape::unescape(&value).unwrap().into_owned();
                    *page.shape.entry(format!("{name}@{key}")).or_default() += 1;
                    match key.as_str() {
                        "id" => assert!(page.anchors.insert(value), "an anchor twice"),
                        "href" if value.starts_with('#') => {
                            page.links.insert(value[1..].to_owned());
                        }
                        "content" if value.contains("default-src") => page.policy = value,
                        _ => {}
                    }
                }
                if matches!(event, Event::Start(_)) {
                    open.push(name);
                }
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(text) => {
                let text = text.decode().unwrap().into_owned();
                match open.last().map(String::as_str) {
                    Some(name @ ("script" | "style")) => {
                        page.code
                            .entry(name.to_owned())
                            .or_default()
                            .push_str(&text);
                    }
                    _ => page.text.push_str(&text),
                }
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().unwrap();
                page.text
                    .push_str(&quick_xml::escape::unescape(&format!("&{name};")).unwrap());
            }
            Event::CData(_) => assert_eq!(open.last().unwrap(), "script"),
            Event::Eof => break,
            Event::DocType(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(open.is_empty(), "{open:?} left open");
    page
}

fn html(report: &PlanReport) -> String {
    String::from_utf8(render(report, &HtmlOptions::default())).unwrap()
}

fn page(report: &PlanReport) -> Page {
    read(html(report).as_bytes())
}

/// What stands between the tags of an element without attributes.
fn between<'a>(source: &'a str, element: &str) -> &'a str {
    let (_, after) = source.split_once(&format!("<{element}>")).unwrap();
    after.split_once(&format!("</{element}>")).unwrap().0
}

#[test]
fn the_night_is_whole_and_every_link_leads_somewhere() {
    let page = page(&report(&nightly()));
    for id in 1..=10 {
        assert!(page.anchors.contains(&format!("e-{id}")), "{id}");
    }
    let astray: Vec<_> = page.links.difference(&page.anchors).collect();
    assert!(astray.is_empty(), "{astray:?}");
    for text in [
        "incomplete",
        "deadline reached, or executions without a counted result",
        "expected 200 < 300 & got 500",
        "tests/test_api.py:42",
        "the command was not found",
        "pytest: no such file",
        "late result not counted: failed on worker linux-1 (1301: lease lost)",
        "recovered by worker linux-2",
        "worker killed",
        "10.0.0.7:4322",
        "logs/3.log",
        "1 without a name",
    ] {
        assert!(page.text.contains(text), "{text}");
    }
}

#[test]
fn could_not_run_and_missing_are_sections_apart_from_failed() {
    let page = html(&report(&nightly()));
    let section = |class: &str| {
        let (_, after) = page
            .split_once(&format!("<section class=\"group {class}\""))
            .unwrap_or_else(|| panic!("no {class}"));
        after.split_once("</section>").unwrap().0
    };
    assert!(section("failed").contains("id=\"e-3\""));
    assert!(section("error").contains("id=\"e-4\""));
    assert!(section("missing").contains("id=\"e-9\""));
    assert!(section("flaky").contains("id=\"e-6\""));
    assert!(section("recovered").contains("id=\"e-5\""));
    assert!(page.find("id=\"failed\"").unwrap() < page.find("id=\"all\"").unwrap());
    for (class, other) in [("failed", "e-4"), ("error", "e-3"), ("missing", "e-3")] {
        assert!(!section(class).contains(&format!("id=\"{other}\"")));
    }
}

#[test]
fn the_policy_allows_this_script_and_this_style_alone() {
    let source = html(&report(&nightly()));
    let policy = read(source.as_bytes()).policy;
    for (directive, element) in [("script-src", "script"), ("style-src", "style")] {
        let hash = BASE64_STANDARD.encode(Sha256::digest(between(&source, element)));
        assert!(
            policy.contains(&format!("{directive} 'sha256-{hash}'")),
            "{element}: {policy}"
        );
        assert_eq!(source.matches(&format!("<{element}")).count(), 1);
    }
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn nothing_is_fetched_and_nothing_is_inline() {
    let source = html(&report(&nightly()));
    let page = read(source.as_bytes());
    for name in page.shape.keys() {
        let attribute = name.split_once('@').map_or("", |(_, attribute)| attribute);
        assert!(
            !attribute.starts_with("on") && !["style", "src", "srcset"].contains(&attribute),
            "{name}"
        );
    }
    for element in ["img", "iframe", "object", "embed", "base", "form"] {
        assert!(!page.shape.contains_key(element), "{element}");
    }
    let outside: Vec<_> = source
        .match_indices("://")
        .map(|(at, _)| &source[at - 5..(at + 20).min(source.len())])
        .filter(|place| !place.contains("www.w3.org"))
        .collect();
    assert!(outside.is_empty(), "{outside:?}");
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let setting = HtmlOptions {
        commit: Some("11c02e5"),
        ..HtmlOptions::default()
    };
    let mut workers = nightly();
    let once = render(&report(&workers), &setting);
    workers.reverse();
    assert!(once == render(&report(&workers), &setting));
    assert!(read(&once).text.contains("11c02e5"));
}

/// The night with `text` wherever somebody else chooses what is said.
pub(crate) fn told_by(text: &str) -> PlanReport {
    let labels = format!("OS={text}");
    let labels: &[&str] = &[&labels];
    let mut result = case_failed(text, text, text);
    result.file = Some(text.to_owned());
    result.line = Some(1);
    text.clone_into(&mut result.output);
    result.attachments = vec![format!("results/{}", text.replace('/', "\u{2215}"))];
    result.verdict = CaseVerdict::Failed(Trouble {
        message: text.to_owned(),
        kind: text.to_owned(),
        text: format!("first\n{text}"),
        is_expected: false,
    });
    let name = format!("a{text}");
    let broken = Outcome::ExecutionError {
        message: text.to_owned(),
        details: format!("first\n{text}"),
    };
    let first = Worker::begins(&name, labels, 4)
        .plans(&[
            (1, text, text, labels),
            (2, text, text, labels),
            (3, text, text, labels),
            (4, text, text, labels),
        ])
        .takes_with(1, Some(1), Some(text))
        .ends_with(1, failed(), vec![result], &format!("x{text}"))
        .counted(1)
        .runs(2, 1, broken)
        .takes(3, Some(1))
        .ends(3, Outcome::LeaseLost)
        .leaves();
    let second = Worker::begins("b", labels, 4)
        .after(9_000)
        .runs(3, 2, passed())
        .takes(4, Some(1));
    let mut report = report(&[first, second]);
    let plan = report.plan.as_mut().unwrap();
    for fact in [&mut plan.title, &mut plan.project, &mut plan.batch] {
        text.clone_into(fact);
    }
    report.warnings = vec![text.to_owned()];
    report.broken = vec![text.to_owned()];
    for worker in &mut report.workers {
        worker.left = worker.left.as_ref().map(|_| text.to_owned());
    }
    report
}

#[test]
fn hostile_text_makes_no_element_and_no_attribute() {
    let plain = page(&told_by("plain words"));
    for hostile in [
        "<script>alert(1)</script>",
        "</pre></details><img src=x onerror=alert(1)>",
        "\" onmouseover=\"alert(1)\" x=\"",
        "' onfocus='alert(1)",
        "--><!-- ]]> <![CDATA[ <?php",
        "</title></style><svg onload=alert(1)>",
        "&lt;b&gt; &#60;i&#62; &quot;",
        "javascript:alert(1)",
        "https://example.org/",
        "\u{1b}[2K\u{202e}\0\u{ffff}\u{85}\u{7}",
        "#e-1\" id=\"e-2",
    ] {
        let report = told_by(hostile);
        let source = html(&report);
        let page = read(source.as_bytes());
        assert_eq!(page.shape, plain.shape, "{hostile:?}");
        assert_eq!(page.anchors, plain.anchors, "{hostile:?}");
        assert_eq!(page.links, plain.links, "{hostile:?}");
        assert_eq!(page.code, plain.code, "{hostile:?}");
        for c in source.chars().filter(|c| *c != '\n') {
            assert!(!c.is_control() && c != '\u{202e}', "{c:?} of {hostile:?}");
        }
        if !hostile.contains('\u{1b}') {
            assert!(page.text.contains(hostile), "{hostile:?} is not shown");
        }
    }
}

#[test]
fn colours_of_messages_and_outputs_become_spans_and_nothing_else() {
    let plain = page(&told_by("plain words"));
    let source = html(&told_by("\u{1b}[1;31mred\u{1b}[0m\u{1b}[7m<i>"));
    let mut coloured = read(source.as_bytes());
    let new = |shape: &mut BTreeMap<String, usize>, key: &str, of: &Page| {
        let before = of.shape.get(key).copied().unwrap_or_default();
        let now = shape.insert(key.to_owned(), before).unwrap_or_default();
        now - before
    };
    let spans = new(&mut coloured.shape, "span", &plain);
    assert!(spans > 10, "{spans}");
    assert_eq!(new(&mut coloured.shape, "span@class", &plain), spans);
    assert_eq!(coloured.shape, plain.shape);
    let shown = "<span class=\"fg-1 bold\">red</span><span class=\"bg-7\">&lt;i&gt;</span>";
    assert!(source.contains(&format!("<p class=\"message\"><bdi>{shown}</bdi></p>")));
    assert!(source.contains(&format!("<pre tabindex=\"0\">first\n{shown}</pre>")));
    assert!(!source.contains('\u{1b}'));
}

/// A report of `count` executions in which nothing is short.
fn many(count: i64, status: EntryStatus, text: &str) -> PlanReport {
    let workers: Vec<String> = (0..40).map(|n| format!("worker {n} {text}")).collect();
    let tail = text.repeat(50);
    let entries = (0..count)
        .map(|id| {
            let number = usize::try_from(id).unwrap();
            let from = Timestamp(1_790_000_000_000 + id / 40 * 5_000);
            let outcome = match status {
                EntryStatus::CouldNotRun => error(),
                EntryStatus::Failed => failed(),
                _ => passed(),
            };
            ReportEntry {
                execution: ExecutionId(id),
                test: test(text, &format!("{id} {text}")),
                required: Some(set(&["OS=Linux"])),
                attempts: vec![AttemptReport {
                    worker: workers[number % 40].clone(),
                    capabilities: set(&["OS=Linux"]),
                    squish_server: None,
                    number: Some(1),
                    lease: None,
                    reserved: from,
                    results: None,
                    not_uploaded: None,
                    started: Some(from),
                    end: AttemptEnd::Ended(Box::new(EndedAttempt {
                        at: Timestamp(from.0 + 4_000),
                        outcome,
                        duration_ms: 4_000,
                        cases: Cases::default(),
                        not_kept: testplan::model::CaseCounts::default(),
                        log: None,
                        output_tail: if status == EntryStatus::Passed {
                            String::new()
                        } else {
                            tail.clone()
                        },
                    })),
                    server_trouble: None,
                    confirmation: None,
                    confirmed: None,
                    counting: Counting::Counts,
                }],
                status,
                service_only: None,
                flaky: false,
                recovered: false,
                explanations: Vec::new(),
                ruling: testplan::report::deciding::Ruling::default(),
            }
        })
        .collect::<Vec<_>>();
    PlanReport {
        total: entries.len() as u64,
        span: Some((
            Timestamp(1_790_000_000_000),
            Timestamp(1_790_000_000_000 + (count / 40 + 1) * 5_000),
        )),
        entries,
        ..PlanReport::default()
    }
}

#[test]
fn the_file_stays_openable_however_much_there_is() {
    const MIB: usize = 1 << 20;
    let bytes = render(
        &many(200_000, EntryStatus::Passed, "ordinary"),
        &HtmlOptions::default(),
    );
    let page = read(&bytes);
    assert!(bytes.len() < 7 * MIB, "{} bytes", bytes.len());
    assert_eq!(
        page.anchors
            .iter()
            .filter(|it| it.starts_with("e-"))
            .count(),
        5_000
    );
    assert!(page.text.contains("195,000 more are left out"));

    // Every character takes six bytes.
    let bytes = render(
        &many(6_000, EntryStatus::Failed, &"\"".repeat(400)),
        &HtmlOptions::default(),
    );
    let page = read(&bytes);
    assert!(bytes.len() < 12 * MIB, "{} bytes", bytes.len());
    assert!(page.text.contains("more are not shown in detail here"));
    assert!(page.text.contains("more are left out"));
}

#[test]
fn failures_are_never_left_out_for_passes() {
    let mut report = many(6_000, EntryStatus::Passed, "x");
    report.entries[5_999].status = EntryStatus::Failed;
    let page = page(&report);
    assert!(page.anchors.contains("e-5999"));
    assert!(!page.anchors.contains("e-5998"));
}

#[test]
fn an_output_keeps_its_useful_end() {
    let long = format!("begin\n{}the reason\n", "noise\n".repeat(20_000));
    let worker = Worker::begins("a", &["OS=Linux"], 1)
        .takes(1, Some(1))
        .ends_with(1, failed(), Vec::new(), &long)
        .counted(1)
        .leaves();
    let source = html(&report(&[worker]));
    assert!(source.contains("the reason</pre>"));
    assert!(source.contains("<pre tabindex=\"0\">… the beginning is left out …\n"));
    assert!(source.len() < 80_000, "{}", source.len());
}

#[test]
fn an_empty_plan_and_one_without_records_have_a_page() {
    let empty = page(&PlanReport::default());
    assert!(empty.text.contains("nothing-to-run") && empty.text.contains("nothing to run"));
    let merged = merge(Evidence {
        status: Some(PlanStatus {
            open: 1,
            reserved: 0,
            done: 1,
        }),
        executions: Some(vec![listed(7, ExecutionState::Done, Some(failed()), 1)]),
        ..evidence(&[])
    })
    .unwrap();
    let page = page(&merged);
    assert!(page.anchors.contains("e-7"));
    assert!(page.text.contains("1 without a name"));
    assert!(
        page.text
            .contains("The service still has 1 open or reserved.")
    );
}

/// A report of one failed case with these attachments.
fn with_attachments(paths: &[&str]) -> PlanReport {
    let mut broken = case_failed("group", "case", "no");
    broken.attachments = paths.iter().map(ToString::to_string).collect();
    let worker = Worker::begins("a", &["OS=Linux"], 1)
        .takes(1, Some(1))
        .ends_with(1, failed(), vec![broken], "")
        .counted(1)
        .leaves();
    report(&[worker])
}

#[test]
fn attachments_are_links_below_the_page_or_no_links() {
    let told = |paths: &[&str]| html(&with_attachments(paths));
    let source = told(&[
        "results/1-2/a b.zip",
        "../secret.txt",
        "/etc/passwd",
        "../x.png",
    ]);
    assert!(source.contains("<a href=\"./results/1-2/a%20b.zip\">a b.zip</a>"));
    for outside in ["../secret.txt", "/etc/passwd", "../x.png"] {
        assert!(
            source.contains(&format!("<bdi>{outside}</bdi>")),
            "{outside}"
        );
    }
    let many: Vec<String> = (0..25).map(|n| format!("results/{n}.png")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let source = told(&many);
    assert_eq!(source.matches("<a href=\"./results/").count(), 20);
    assert!(source.contains(" and 5 more"));
}

#[test]
fn pictures_and_videos_are_in_the_page() {
    let paths = [
        "results/1/a \"b\".png",
        "results/1/v.webm",
        "results/1/trace.zip",
        "results/1/x-actual.png",
        "results/1/x-expected.png",
        "results/1/gone.png",
    ];
    let report = with_attachments(&paths);
    let files = paths[..5]
        .iter()
        .map(|path| ((*path).to_owned(), 4_000_u64))
        .collect();
    let setting = HtmlOptions {
        files: Some(&files),
        ..HtmlOptions::default()
    };
    let bytes = render(&report, &setting);
    let page = read(&bytes);
    assert_eq!((page.shape["img"], page.shape["video"]), (3, 1));
    let source = String::from_utf8(bytes).unwrap();
    for part in [
        "<figure><a href=\"./results/1/a%20%22b%22.png\"><img loading=\"lazy\" src=\"./results/1/a%20%22b%22.png\" alt=\"a &quot;b&quot;.png\"/></a>",
        "<video controls=\"controls\" preload=\"none\" src=\"./results/1/v.webm\"",
        "<a href=\"./results/1/trace.zip\">trace.zip</a> (4 KiB)</bdi>",
        "<a href=\"./results/1/gone.png\">gone.png</a></bdi>",
    ] {
        assert!(source.contains(part), "{part}");
    }
    let (_, compared) = source.split_once("<div class=\"compared\">").unwrap();
    let expected = compared.find("<b>expected</b>").unwrap();
    assert!(expected < compared.find("<b>actual</b>").unwrap());
    assert!(
        page.policy
            .contains("; img-src 'self' data:; media-src 'self';"),
        "{}",
        page.policy
    );
}

#[test]
fn names_of_pictures_make_no_element_and_no_attribute() {
    let plain = page(&with_attachments(&[
        "results/plain.png",
        "results/plain.mp4",
    ]));
    for hostile in [
        "\" onerror=\"alert(1)",
        "<b>",
        "' x='",
        "javascript:alert(1)",
        "\u{1b}[31m",
    ] {
        let hostile = page(&with_attachments(&[
            &format!("results/{hostile}.png"),
            &format!("results/{hostile}.mp4"),
        ]));
        assert_eq!(hostile.shape, plain.shape);
    }
}

#[test]
fn compared_values_stand_side_by_side_above_the_whole_message() {
    let told = |message: &str, text: &str| {
        let mut broken = case_failed("group", "case", message);
        broken.verdict = CaseVerdict::Failed(Trouble {
            message: message.to_owned(),
            text: text.to_owned(),
            ..Trouble::default()
        });
        let worker = Worker::begins("a", &["OS=Linux"], 1)
            .takes(1, Some(1))
            .ends_with(1, failed(), vec![broken], "")
            .counted(1)
            .leaves();
        html(&report(&[worker]))
    };
    let message = "expected: <<a> 1> but was: <<a> 2>";
    let source = told(message, &format!("E: {message}\n\tat x"));
    read(source.as_bytes());
    let (before, after) = source
        .split_once("<table class=\"values expected\">")
        .unwrap();
    assert!(
        before.contains("<bdi>expected: &lt;&lt;a&gt; 1&gt; but was: &lt;&lt;a&gt; 2&gt;</bdi>")
    );
    assert!(after.contains("<pre>&lt;a&gt; <mark>1</mark></pre>"));
    assert!(after.contains("<pre>&lt;a&gt; <mark>2</mark></pre>"));
    assert!(after.contains("E: expected: &lt;&lt;a&gt; 1&gt; but was"));
    let unclear = told("expected: <1> but was: <2> or not", "");
    assert!(!unclear.contains("<table class=\"values"));
}

#[test]
fn flaky_test_has_the_failure_of_its_first_try() {
    let mut case = case_passed("group", "case");
    case.verdict = CaseVerdict::Passed { flaky: true };
    case.output =
        "testplan: it failed before it passed\n\nEarlier try: timed <out>\nat line 5".into();
    let worker = Worker::begins("a", &["OS=Linux"], 1)
        .takes(1, Some(1))
        .ends_with(1, flaky(), vec![case], "")
        .counted(1)
        .leaves();
    let page = page(&report(&[worker]));
    for shown in ["It failed before it passed:", "timed <out>", "at line 5"] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
}

#[test]
fn logs_are_links() {
    let source = html(&report(&nightly()));
    assert!(source.contains("<code><a href=\"./logs/3.log\">logs/3.log</a></code>"));
}

#[test]
fn counts_of_a_service_have_a_page() {
    let report =
        crate::report::service_counts::counted((0, 0, 9), (5, 2, 1), "https://tc.example.com");
    let page = page(&report);
    assert!(page.links.contains("failed") && page.links.contains("missing"));
    let astray: Vec<_> = page.links.difference(&page.anchors).collect();
    assert!(astray.is_empty(), "{astray:?}");
    assert!(page.text.contains("each result is there"));
}

#[test]
fn a_case_is_named_unless_it_is_the_execution_itself() {
    let told = |name: &str| {
        let cases = vec![case(
            "group",
            name,
            CaseVerdict::Failed(Trouble {
                message: "no".into(),
                ..Trouble::default()
            }),
        )];
        let worker = Worker::begins("a", &["OS=Linux"], 1)
            .takes(1, Some(1))
            .ends_with(1, failed(), cases, "")
            .counted(1)
            .leaves();
        page(&report(&[worker])).text
    };
    assert!(told("other").contains("group › other"));
    assert!(!told("case 1").contains("group › case 1"));
}
