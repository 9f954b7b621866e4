//! Files that mean harm, in both dialects: bounded, and told.

use std::io::{self, BufReader, Read};

use testplan::{
    model::{CaseResult, outcome::CaseVerdict, record::MAX_CASES},
    result_file::{self, MAX_FIELD, MAX_TEXT, ReadError, Scenarios},
};

const JUNIT: Dialect = Dialect {
    root: "<testsuite name='s'>",
    case: "<testcase name='c'>",
    text: "<failure>",
    said: "</failure>",
    done: "</testcase>",
    end: "</testsuite>",
};
const SQUISH: Dialect = Dialect {
    root: "<SquishReport version='3.4'>",
    case: "<test type='testcase'><prolog><name>c</name></prolog>",
    text: "<message type='FAIL'><text>",
    said: "</text></message>",
    done: "<epilog/></test>",
    end: "</SquishReport>",
};

/// How a dialect writes a file with a case that says something.
#[derive(Clone, Copy)]
struct Dialect {
    root: &'static str,
    case: &'static str,
    text: &'static str,
    said: &'static str,
    done: &'static str,
    end: &'static str,
}

impl Dialect {
    fn file(self, text: &str) -> String {
        self.with(&self.of_case(text))
    }

    fn of_case(self, text: &str) -> String {
        [self.case, self.text, text, self.said, self.done].concat()
    }

    /// So many cases of different names: those of one name would be tries of one test.
    fn of_cases(self, number: usize, text: &str) -> String {
        let one = self.of_case(text);
        (0..number)
            .map(|n| {
                one.replace("'c'", &format!("'c{n}'"))
                    .replace(">c<", &format!(">c{n}<"))
            })
            .collect()
    }

    fn with(self, content: &str) -> String {
        [self.root, content, self.end].concat()
    }
}

fn read(bytes: &[u8]) -> Result<Vec<CaseResult>, ReadError> {
    result_file::read("x", bytes, Scenarios::Each).map(|file| file.cases)
}

fn refused(bytes: &[u8], says: &str) -> ReadError {
    let error = read(bytes).unwrap_err();
    assert!(error.message.contains(says), "{error}");
    error
}

fn said(case: &CaseResult) -> &str {
    match &case.verdict {
        CaseVerdict::Failed(trouble) => &trouble.text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_doctype_is_refused() {
    let laughs: Vec<String> = (1..20)
        .map(|n| format!("<!ENTITY l{n} '{}'>", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let doctypes = [
        "<!DOCTYPE x>".to_owned(),
        "<!doctype x>".to_owned(),
        format!("<!DOCTYPE x [<!ENTITY l0 'ha'>{}]>", laughs.concat()),
        "<!DOCTYPE x SYSTEM 'file:///etc/passwd'>".to_owned(),
        "<!DOCTYPE x PUBLIC '-//x' 'https://example.org/x.dtd'>".to_owned(),
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>".to_owned(),
        "<!DOCTYPE x [<!ENTITY % p SYSTEM 'https://example.org/p'> %p;]>".to_owned(),
        "<!DOCTYPE x [<!ATTLIST x y CDATA 'default'>".to_owned(),
    ];
    for dialect in [JUNIT, SQUISH] {
        let file = dialect.file("&l19;&e;");
        for doctype in &doctypes {
            for before in ["", "<?xml version='1.0'?>\n\n", "\u{feff}<!-- c -->\n"] {
                let bytes = format!("{before}{doctype}{file}");
                let error = refused(bytes.as_bytes(), "DOCTYPE");
                let line = before.matches('\n').count() + 1;
                assert_eq!(error.line, Some(line as u64), "{bytes}");
            }
        }
        let within = dialect.file("<!DOCTYPE x>");
        refused(within.as_bytes(), "DOCTYPE");
    }
}

#[test]
fn entities_that_nobody_may_define_stand_as_they_are() {
    for dialect in [JUNIT, SQUISH] {
        let cases = read(dialect.file("&l19; &e; &#0; &lt;").as_bytes()).unwrap();
        assert!(said(&cases[0]).contains("&l19; &e; &#0; <"), "{cases:?}");
    }
}

#[test]
fn depth_is_bounded() {
    for (dialect, open, close) in [
        (JUNIT, "<testsuite>", "</testsuite>"),
        (JUNIT, "<x>", "</x>"),
        (SQUISH, "<test type='section'>", "</test>"),
        (SQUISH, "<x>", "</x>"),
    ] {
        for depth in [64, 100_000] {
            let deep = dialect.with(&[open.repeat(depth), close.repeat(depth)].concat());
            refused(deep.as_bytes(), "deeper than 64");
            // Open for ever is no other.
            refused(
                dialect.with(&open.repeat(depth)).as_bytes(),
                "deeper than 64",
            );
        }
        let fine = dialect.with(&[open.repeat(63), close.repeat(63)].concat());
        read(fine.as_bytes()).unwrap();
    }
}

#[test]
fn attributes_are_bounded_in_number_and_length() {
    for dialect in [JUNIT, SQUISH] {
        for number in [257, 100_000] {
            let many: Vec<String> = (0..number).map(|n| format!(" a{n}='v'")).collect();
            let element = format!("<x{}/>", many.concat());
            refused(dialect.with(&element).as_bytes(), "256 attributes");
        }
        let long = "v".repeat(10_000_000);
        let element = format!("<x {long}='{long}'/>{}", dialect.of_case("t"));
        assert_eq!(read(dialect.with(&element).as_bytes()).unwrap().len(), 1);
    }
    let long = "v".repeat(1_000_000);
    let named = format!(
        "<testcase name='{long}' classname='{long}' file='{long}'><failure message='{long}' type='{long}'/></testcase>"
    );
    let case = &read(named.as_bytes()).unwrap()[0];
    let CaseVerdict::Failed(trouble) = &case.verdict else {
        panic!()
    };
    for text in [
        &case.name,
        &case.classname,
        &trouble.message,
        &trouble.kind,
        case.file.as_ref().unwrap(),
    ] {
        assert!((1000..1100).contains(&text.len()), "{}", text.len());
    }
}

#[test]
fn a_hundred_megabytes_of_text_keep_both_ends() {
    const SIZE: u64 = 100 * 1024 * 1024;
    for dialect in [JUNIT, SQUISH] {
        let head = [dialect.root, dialect.case, dialect.text, "begin"].concat();
        let tail = ["end", dialect.said, dialect.done, dialect.end].concat();
        for byte in [b'x', b'\xff'] {
            let size = if byte == b'x' { SIZE } else { SIZE / 20 };
            let file = head
                .as_bytes()
                .chain(io::repeat(byte).take(size))
                .chain(tail.as_bytes());
            let read = result_file::read("x", BufReader::new(file), Scenarios::Each);
            let cases = read.unwrap().cases;
            let text = said(&cases[0]);
            assert!(text.len() < MAX_FIELD + 64, "{}", text.len());
            assert!(text.contains("begin") && text.ends_with("end"));
            assert!(text.contains("bytes left out"));
        }
    }
}

#[test]
fn many_pieces_of_text_take_time_that_grows_with_their_number_alone() {
    for dialect in [JUNIT, SQUISH] {
        let cases = read(dialect.file(&"&lt;".repeat(300_000)).as_bytes()).unwrap();
        assert!(said(&cases[0]).len() < MAX_FIELD + 64);
        let pieces = format!("{}{}", dialect.said, dialect.text).repeat(50_000);
        let cases = read(dialect.file(&pieces).as_bytes()).unwrap();
        assert!(said(&cases[0]).len() < MAX_FIELD + 64);
    }
}

#[test]
fn all_text_of_a_file_is_bounded_and_no_failure_is_lost_for_it() {
    for dialect in [JUNIT, SQUISH] {
        let all = dialect.of_cases(400, &"y".repeat(60_000));
        let cases = read(dialect.with(&all).as_bytes()).unwrap();
        assert_eq!(cases.len(), 400);
        let kept: usize = cases.iter().map(|case| said(case).len()).sum();
        assert!((MAX_TEXT..MAX_TEXT + 400 * 64).contains(&kept), "{kept}");
        let last = cases.last().unwrap();
        assert!(said(last).contains("bytes left out"), "{}", said(last));
        assert!(
            matches!(&last.verdict, CaseVerdict::Failed(trouble) if trouble.message.starts_with('y'))
        );
    }
}

#[test]
fn attachments_are_bounded() {
    let line = "[[ATTACHMENT|".to_owned();
    let lines: Vec<String> = (0..1000).map(|n| format!("{line}{n}.png]]\n")).collect();
    let long = format!("{line}{}]]\n", "p".repeat(5000));
    let xml = format!(
        "<testcase name='c'><system-out>{long}{}</system-out></testcase>",
        lines.concat()
    );
    let case = &read(xml.as_bytes()).unwrap()[0];
    assert_eq!(case.attachments.len(), 100);
    assert!(case.output.contains("ppp"));
    let messages: Vec<String> = (0..1000)
        .map(|n| format!("<message type='ATTACHMENT'><text>{n}.png</text></message>"))
        .collect();
    let xml = SQUISH.with(&[SQUISH.case, &messages.concat(), SQUISH.done].concat());
    let case = &read(xml.as_bytes()).unwrap()[0];
    assert_eq!(case.attachments.len(), 100);
    assert!(case.output.contains("one too many: 999.png"));
    let within: Vec<String> = (0..1000)
        .map(|n| format!("<image>{n}.png</image>"))
        .collect();
    let xml = SQUISH.with(
        &[
            SQUISH.case,
            "<message>",
            &within.concat(),
            "</message>",
            SQUISH.done,
        ]
        .concat(),
    );
    assert_eq!(read(xml.as_bytes()).unwrap()[0].attachments.len(), 100);
}

#[test]
fn more_cases_than_a_record_takes_keep_the_failures_and_count_all() {
    let passed = (0..MAX_CASES + 5).fold(String::new(), |all, n| {
        all + &format!("<test type='testcase'><prolog><name>p{n}</name></prolog><epilog/></test>")
    });
    let failed = SQUISH.of_case("last");
    let xml = SQUISH.with(&[passed, failed].concat());
    let file = result_file::read("x", xml.as_bytes(), Scenarios::Each).unwrap();
    assert_eq!(file.cases.len(), MAX_CASES);
    assert!(said(file.cases.last().unwrap()).contains("last"));
    assert_eq!(
        (file.counts.passed, file.counts.failed),
        (MAX_CASES as u64 + 5, 1)
    );
    assert_eq!((file.not_kept().passed, file.not_kept().failed), (6, 0));

    let failures = JUNIT.with(&JUNIT.of_cases(12_000, "t"));
    let file = result_file::read("x", failures.as_bytes(), Scenarios::Each).unwrap();
    assert_eq!((file.cases.len(), file.counts.failed), (MAX_CASES, 12_000));
    assert_eq!(file.not_kept().failed, 2_000);
}

#[test]
fn a_file_without_end_is_an_error() {
    let comment = format!("<!--{}-->", "c".repeat(1024 * 1024));
    let file = SQUISH.root.as_bytes().chain(Endless {
        text: comment.as_bytes(),
        at: 0,
    });
    let source = BufReader::with_capacity(1024 * 1024, file);
    let error = result_file::read("x", source, Scenarios::Each).unwrap_err();
    assert!(error.message.contains("larger than 256 MiB"), "{error}");
}

/// The same text again and again.
struct Endless<'a> {
    text: &'a [u8],
    at: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let count = (&self.text[self.at..]).read(target)?;
        self.at = (self.at + count) % self.text.len();
        Ok(count)
    }
}

#[test]
fn broken_encodings_are_read_or_told() {
    for dialect in [JUNIT, SQUISH] {
        let file = dialect.file("MARK");
        let with = |bytes: &[u8]| {
            let at = file.find("MARK").unwrap();
            [&file.as_bytes()[..at], bytes, &file.as_bytes()[at + 4..]].concat()
        };
        for (bytes, expected) in [
            (&b"a\xffb\xc3("[..], "a\u{fffd}b\u{fffd}("),
            (b"a\0b\x08c", "a\0b\u{8}c"),
            (b"\xed\xa0\x80|\xf4\x90\x80\x80|\xc0\xaf", "\u{fffd}"),
            ("\u{202e}\u{feff}".as_bytes(), "\u{202e}\u{feff}"),
        ] {
            let cases = read(&with(bytes)).unwrap();
            assert!(said(&cases[0]).contains(expected), "{:?}", said(&cases[0]));
        }
        let utf16 = |big: bool| -> Vec<u8> {
            let bytes = |unit: u16| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            };
            file.encode_utf16().flat_map(bytes).collect()
        };
        for big in [false, true] {
            let mark: &[u8] = if big { b"\xfe\xff" } else { b"\xff\xfe" };
            for bytes in [utf16(big), [mark, &utf16(big)].concat()] {
                assert!(said(&read(&bytes).unwrap()[0]).contains("MARK"));
                read(&bytes[..bytes.len() / 2]).unwrap_err();
            }
        }
        for hopeless in [
            &b"\0"[..],
            b"\xff\xfe\0\0<",
            b"\x1f\x8b\x08",
            b"PK\x03\x04",
            b"{}",
        ] {
            read(hopeless).unwrap_err();
        }
    }
}

#[test]
fn names_that_nest_or_repeat_do_not_grow() {
    let name = "n".repeat(1024);
    let test = |kind: &str| format!("<test type='{kind}'><prolog><name>{name}</name></prolog>");
    let kinds = [
        "testsuite",
        "testsuite",
        "testcase",
        "feature",
        "scenariooutline",
        "row",
    ];
    let open: String = kinds.map(test).concat();
    let close = "<epilog/></test>".repeat(kinds.len());
    let xml = SQUISH.with(&[open, close].concat());
    for case in read(xml.as_bytes()).unwrap() {
        assert!(case.name.len() < 1100 && case.classname.len() < 1100);
    }
}

#[test]
fn what_a_suite_says_is_not_read_again_in_full_for_each_case() {
    let long = "n".repeat(60_000);
    let open = format!("<testsuite name='{long}'>").repeat(60);
    let cases = "<testcase name='c'/>".repeat(30_000);
    let xml = [&*open, &*cases, &*"</testsuite>".repeat(60)].concat();
    let cases = read(xml.as_bytes()).unwrap();
    assert!((1000..1100).contains(&cases[0].classname.len()));

    let location = format!(
        "<location><uri>file:///{}</uri></location>",
        "%61".repeat(20_000)
    );
    let suite = format!("<test type='testsuite'><prolog>{location}</prolog>");
    let said = "<message type='LOG'><text>t</text></message>".repeat(10_000);
    let case = [SQUISH.case, &*said, SQUISH.done].concat();
    let xml = SQUISH.with(&[&*suite, &*case, "<epilog/></test>"].concat());
    assert!(read(xml.as_bytes()).unwrap()[0].output.len() < MAX_FIELD + 64);
}
