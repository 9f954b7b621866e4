//! `POST /import`: keeps what it gets, and counts test cases into the plan of the batch. Read leniently: what matters
//! here is what the other side sends, not how it could be written too.

use std::io::Read as _;

use serde_json::json;

use super::{Dialect, World, answer::Answer, listen::Asked};

/// What came in one upload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Import {
    pub(crate) project: String,
    pub(crate) batch: String,
    /// As `key=value`.
    pub(crate) labels: Vec<String>,
    /// Name, content type and content of each file.
    pub(crate) files: Vec<(String, String, Vec<u8>)>,
}

/// Keeps an upload.
pub(super) fn import(world: &mut World, asked: &Asked, dialect: &Dialect) -> Answer {
    let Some(import) = read(asked) else {
        return Answer::refused(dialect, 400, "Invalid multipart data");
    };
    if import.files.is_empty() {
        return Answer::refused(dialect, 400, "No result files");
    }
    if let Some(label) = import.labels.iter().find(|it| !is_legal(it)) {
        return Answer::refused(dialect, 400, &format!("Invalid label {label}"));
    }
    let counted: Vec<(u64, u64, u64)> = import.files.iter().map(|file| counts(&file.2)).collect();
    if let Some(plan) = world
        .plans
        .iter_mut()
        .rfind(|it| it.project == import.project && it.batch == import.batch)
    {
        for (passed, failed, skipped) in counted {
            plan.passes += passed;
            plan.failed += failed;
            plan.skipped += skipped;
        }
    }
    world.imports.push(import);
    Answer::json(200, &json!({}))
}

fn is_legal(label: &str) -> bool {
    label.contains('=') && !label.contains(['\n', ',', '"'])
}

fn read(asked: &Asked) -> Option<Import> {
    let (_, boundary) = asked.content_type.split_once("boundary=")?;
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    let mark = format!("--{boundary}");
    let mut import = Import::default();
    let parts = split(&asked.body, mark.as_bytes());
    let (last, parts) = parts.split_last()?;
    // A body without its closing boundary broke off.
    if !last.starts_with(b"--") {
        return None;
    }
    for part in parts.iter().skip(1) {
        let part = part.strip_prefix(b"\r\n")?;
        let end = part.windows(4).position(|it| it == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&part[..end]).into_owned();
        let content = part[end + 4..].strip_suffix(b"\r\n")?.to_vec();
        let text = String::from_utf8_lossy(&content).into_owned();
        match parameter(&head, "name").unwrap_or_default().as_str() {
            "project" | "name" => import.project = text,
            "batch" => import.batch = text,
            "label[]" => import.labels.push(text),
            "result[]" => {
                let kind = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    let is_it = name.eq_ignore_ascii_case("content-type");
                    is_it.then(|| value.trim().to_owned())
                });
                import
                    .files
                    .push((parameter(&head, "filename")?, kind?, content));
            }
            _ => {}
        }
    }
    Some(import)
}

fn parameter(head: &str, name: &str) -> Option<String> {
    let line = head.lines().find(|line| {
        line.to_ascii_lowercase()
            .starts_with("content-disposition:")
    })?;
    let value = line.split(';').find_map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        (key == name).then_some(value)
    })?;
    Some(value.trim_matches('"').to_owned())
}

fn split<'a>(body: &'a [u8], mark: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(next) = body[at..].windows(mark.len()).position(|it| it == mark) {
        parts.push(&body[from..at + next]);
        at += next + mark.len();
        from = at;
    }
    parts.push(&body[from..]);
    parts
}

/// Passed, failed and skipped test cases that a file speaks of: JUnit's, or those of a Squish report; with those of
/// all files in a zipped folder.
fn counts(content: &[u8]) -> (u64, u64, u64) {
    if content.starts_with(b"PK") {
        let mut sum = (0, 0, 0);
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(content)).unwrap();
        for index in 0..zip.len() {
            let mut bytes = Vec::new();
            zip.by_index(index)
                .unwrap()
                .read_to_end(&mut bytes)
                .unwrap();
            let (passed, failed, skipped) = counts(&bytes);
            sum = (sum.0 + passed, sum.1 + failed, sum.2 + skipped);
        }
        return sum;
    }
    let text = String::from_utf8_lossy(content);
    let (mut cases, begin): (Vec<&str>, _) = if text.contains("<SquishReport") {
        (text.split("type=\"testcase\"").collect(), 1)
    } else {
        (text.split("<testcase").collect(), 1)
    };
    let mut counts = (0, 0, 0);
    for case in cases.drain(begin.min(cases.len())..) {
        let case = case.split("</testcase>").next().unwrap_or(case);
        let has = |words: &[&str]| words.iter().any(|word| case.contains(word));
        if has(&[
            "<failure",
            "<error",
            "=\"FAIL\"",
            "=\"ERROR\"",
            "=\"FATAL\"",
            "=\"XPASS\"",
        ]) {
            counts.1 += 1;
        } else if has(&["<skipped", "=\"SKIPPED\""]) {
            counts.2 += 1;
        } else {
            counts.0 += 1;
        }
    }
    counts
}
