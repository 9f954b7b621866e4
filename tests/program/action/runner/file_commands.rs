//! The rules of the files that steps write to.

/// Entries in order, of `GITHUB_ENV`, `GITHUB_OUTPUT` and `GITHUB_STATE`; or why the step fails, with what came before
/// it. Only a line feed ends a line.
pub(crate) fn pairs(text: &str) -> (Vec<(String, String)>, Option<String>) {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        match entry(&mut rest) {
            Ok(pair) => found.extend(pair),
            Err(why) => return (found, Some(why)),
        }
    }
    (found, None)
}

fn entry(rest: &mut &str) -> Result<Option<(String, String)>, String> {
    let (line, _) = line(rest);
    if line.is_empty() {
        return Ok(None);
    }
    let invalid = || format!("Invalid format '{line}'");
    let (equals, heredoc) = (line.find('='), line.find("<<"));
    match (equals, heredoc) {
        (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
            let (name, value) = (&line[..equals], &line[equals + 1..]);
            Ok(Some((name.to_owned(), value.to_owned())))
        }
        (_, Some(heredoc)) => {
            let (name, delimiter) = (&line[..heredoc], &line[heredoc + 2..]);
            if name.is_empty() || delimiter.is_empty() {
                return Err(invalid());
            }
            Ok(Some((name.to_owned(), value(rest, delimiter)?)))
        }
        _ => Err(invalid()),
    }
}

/// The lines up to the delimiter, without the last line's end.
fn value(rest: &mut &str, delimiter: &str) -> Result<String, String> {
    let mut lines = Vec::new();
    loop {
        if rest.is_empty() {
            return Err(format!("Matching delimiter not found '{delimiter}'"));
        }
        match line(rest) {
            (found, _) if found == delimiter => return Ok(lines.join("\n")),
            (found, true) => lines.push(found),
            (_, false) => return Err("EOF marker missing new line".to_owned()),
        }
    }
}

/// Takes a line off, and says whether it was ended.
fn line<'a>(rest: &mut &'a str) -> (&'a str, bool) {
    match rest.split_once('\n') {
        Some((line, more)) => {
            *rest = more;
            (line, true)
        }
        None => (std::mem::take(rest), false),
    }
}

/// A summary above this is lost.
pub(super) const LONGEST_SUMMARY: usize = 1024 * 1024;
