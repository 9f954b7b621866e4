//! Charsets that an XML declaration names, and files that begin with a byte order mark.

use testplan::result_file::{self, ReadError, Scenarios};

/// The name of the only case, which is in an attribute, and its output, which is text.
fn words(bytes: &[u8]) -> Result<(String, String), ReadError> {
    let file = result_file::read("x.xml", bytes, Scenarios::Each)?;
    let [case] = &file.cases[..] else { panic!() };
    Ok((case.name.clone(), case.output.clone()))
}

fn file(declaration: &str, name: &[u8], output: &[u8]) -> Vec<u8> {
    [
        format!("<?xml version=\"1.0\" {declaration}?>\n<testsuite><testcase name=\"").as_bytes(),
        name,
        b"\"><system-out>",
        output,
        b"</system-out></testcase></testsuite>\n",
    ]
    .concat()
}

#[test]
fn charsets_are_read_as_declared() {
    let table: [(&str, &[u8], &str); 14] = [
        ("windows-1252", b"\x93q\x94 \x80", "“q” €"),
        ("Cp1252", b"\x93q\x94 \x80", "“q” €"),
        ("ISO-8859-1", b"f\xfcr", "für"),
        ("iso-8859-15", b"\xa4", "€"),
        ("windows-1251", b"\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"),
        ("KOI8-R", b"\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"),
        // Valid UTF-8 by chance: of these the declaration decides.
        ("ibm866", b"\xe0\xa0\xa4", "рад"),
        ("windows-874", b"\xe0\xb7\xbe", "เทพ"),
        ("GB18030", b"\xd0\xa1", "小"),
        ("GBK", b"\xc4\xe3\xba\xc3", "你好"),
        ("Shift_JIS", b"\x83e\x83X\x83g \xc3\xbd", "テスト ﾃｽ"),
        // A second byte that is a backslash or a bracket in ASCII.
        ("cp932", b"\x83\x5c\x83\x5d]", "ソゾ]"),
        ("EUC-KR", b"\xb0\xa1\xb3\xaa", "가나"),
        ("Big5", b"\xa4\xa4\xa4\xe5", "中文"),
    ];
    for (charset, bytes, expected) in table {
        let declaration = format!("encoding=\"{charset}\"");
        let both = words(&file(&declaration, bytes, bytes)).unwrap();
        assert_eq!(both, (expected.into(), expected.into()), "{charset}");
    }
}

#[test]
fn utf_8_in_a_file_that_declares_another_charset_is_utf_8() {
    let umlaut = "für “q”";
    for charset in [
        "windows-1252",
        "ISO-8859-1",
        "KOI8-R",
        "utf-16",
        "x-unheard-of",
        "US-ASCII",
    ] {
        let declaration = format!("encoding='{charset}'");
        let (name, output) = words(&file(&declaration, umlaut.as_bytes(), b"ascii")).unwrap();
        assert_eq!(
            (name.as_str(), output.as_str()),
            (umlaut, "ascii"),
            "{charset}"
        );
    }
    // What a test printed may be in another charset than the rest.
    let mixed = file("encoding='windows-1252'", b"f\xfcr", umlaut.as_bytes());
    assert_eq!(words(&mixed).unwrap(), ("für".into(), umlaut.into()));
    let marked = [
        b"\xef\xbb\xbf",
        &file("encoding='GBK'", "小".as_bytes(), b"")[..],
    ]
    .concat();
    assert_eq!(words(&marked).unwrap().0, "小");
}

#[test]
fn utf_16_is_read_with_and_without_a_mark() {
    let text = String::from_utf8(file(
        "encoding='UTF-16'",
        "“ü” 😀".as_bytes(),
        "小".as_bytes(),
    ));
    let text = text.unwrap();
    let without_declaration = &text[text.find("<testsuite").unwrap()..];
    for text in [text.as_str(), without_declaration] {
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            [b"\xff\xfe", &little[..]].concat(),
            [b"\xfe\xff", &big[..]].concat(),
            little,
            big,
        ] {
            assert_eq!(words(&bytes).unwrap(), ("“ü” 😀".into(), "小".into()));
            let error = words(&bytes[..bytes.len() - 20]).unwrap_err();
            assert!(error.message.contains("the file ends inside"), "{error}");
        }
    }
}

#[test]
fn large_files_in_other_charsets_are_read_in_pieces() {
    let many = "小ü".repeat(200_000);
    let utf16: Vec<u8> = format!("\u{feff}<testsuite><testcase name='c'><system-out>{many}end</system-out></testcase></testsuite>")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let (_, output) = words(&utf16).unwrap();
    assert!(output.ends_with("小üend") && !output.contains('\u{fffd}'));
    assert!(output.len() < result_file::MAX_FIELD + 64);
}
