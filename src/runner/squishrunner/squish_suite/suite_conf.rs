//! `suite.conf`: which test cases a suite has, in their order, and in which language.

/// The keys of a `suite.conf` that testplan reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SuiteConf {
    /// As `Python`; empty where it is not said.
    pub language: String,
    /// Names of test cases in their order, each once.
    pub testcases: Vec<String>,
}

/// Reads the text of a file: `KEY=VALUE` in each line, which `\` at its end continues; `#` begins a comment.
///
/// An error says what is wrong, without the file's name.
pub(super) fn parse(bytes: &[u8]) -> Result<SuiteConf, String> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("is in UTF-16: save it as UTF-8".to_owned());
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let mut language = None;
    let mut testcases = None;
    let mut lines = text.lines();
    while let Some(first) = lines.next() {
        if first.trim_start().starts_with('#') {
            continue;
        }
        let mut line = first.trim_end().to_owned();
        while line.ends_with('\\') {
            line.pop();
            match lines.next() {
                Some(next) => line.extend([" ", next.trim()]),
                None => break,
            }
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let words = words(value.trim());
        let before = match key.trim() {
            "TEST_CASES" => testcases.replace(words),
            "LANGUAGE" => language.replace(words),
            _ => None,
        };
        if before.is_some() {
            return Err(format!("says {} twice: keep one line of it", key.trim()));
        }
    }
    let testcases = testcases.unwrap_or_default();
    for (index, name) in testcases.iter().enumerate() {
        if testcases[..index].contains(name) {
            return Err(format!("lists {name:?} twice in TEST_CASES: take one out"));
        }
    }
    Ok(SuiteConf {
        language: language.unwrap_or_default().join(" "),
        testcases,
    })
}

/// Words between blanks; quotes keep blanks together, unless they are around the whole value.
fn words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in value.chars() {
        match (quote, c) {
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == c => quote = None,
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            (_, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words.retain(|word| !word.is_empty());
    match &words[..] {
        [only] if value.starts_with(['"', '\'']) => {
            only.split_whitespace().map(str::to_owned).collect()
        }
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(text: &str) -> Vec<String> {
        parse(text.as_bytes()).unwrap().testcases
    }

    #[test]
    fn reads_the_order_over_continued_lines_quotes_and_line_ends() {
        let text = "\u{FEFF}AUT=addressbook\r\n# TEST_CASES=tst_no\r\nLANGUAGE=Python\r\nTEST_CASES=tst_b tst_a \\\r\n    tst_c\r\nVERSION=3\r\n";
        let conf = parse(text.as_bytes()).unwrap();
        assert_eq!(conf.testcases, ["tst_b", "tst_a", "tst_c"]);
        assert_eq!(conf.language, "Python");
        assert_eq!(cases("TEST_CASES = \"tst_a tst_b\""), ["tst_a", "tst_b"]);
        assert_eq!(cases("TEST_CASES='tst a' tst_b \"\""), ["tst a", "tst_b"]);
        assert_eq!(cases("TEST_CASES=tst_a\ttst_b\\"), ["tst_a", "tst_b"]);
        assert_eq!(
            cases("TEST_CASES=\\\ntst_a\\\n\\\ntst_b\nX=1"),
            ["tst_a", "tst_b"]
        );
        assert_eq!(cases(""), [""; 0]);
        assert_eq!(cases("LANGUAGE=Tcl\nTEST_CASES=\n"), [""; 0]);
    }

    #[test]
    fn refuses_what_could_mean_two_things() {
        for (bytes, says) in [
            (
                &b"TEST_CASES=tst_a\nTEST_CASES=tst_b\n"[..],
                "TEST_CASES twice",
            ),
            (b"TEST_CASES=tst_a tst_a\n", "\"tst_a\" twice"),
            (b"\xff\xfeT\0", "UTF-16"),
        ] {
            let error = parse(bytes).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
