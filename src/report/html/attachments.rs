//! The files of a case: pictures and videos in the page, pictures of a comparison side by side, all others as links.

use std::collections::BTreeSet;

use crate::report::{PlanReport, failure_details::FailureDetails, sanitise::html_path};

use super::{Files, MAX_NAME, markup::Markup};

/// Most attachments shown of one case.
const MAX_ATTACHMENTS: usize = 20;
/// Most files whose sizes the page asks for.
const MAX_FILES: usize = 10_000;

/// What a browser can show of a file, judging by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Picture,
    Video,
    Other,
}

impl FileKind {
    fn of(path: &str) -> Self {
        let extension = path
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension)
            .to_ascii_lowercase();
        match extension.as_str() {
            "png" | "jpg" | "jpeg" | "gif" | "webp" | "svg" => Self::Picture,
            "mp4" | "webm" => Self::Video,
            _ => Self::Other,
        }
    }
}

/// The parts of a comparison of pictures, in the order in which they are shown, as Playwright and Squish name the files:
/// `login-expected.png`, `login-actual.png`, `login-diff.png`.
const PARTS: [(&str, &str); 3] = [
    ("-expected", "expected"),
    ("-actual", "actual"),
    ("-diff", "difference"),
];

/// What is shown of one or several attachments.
#[derive(Debug, PartialEq, Eq)]
enum Shown<'a> {
    /// The paths in the order of [`PARTS`]; at least two are there.
    Compared([Option<&'a str>; 3]),
    Picture(&'a str),
    Video(&'a str),
    Link(&'a str),
}

/// Sorts out what becomes of each attachment, in the order of their first paths.
fn arrange<'a>(paths: &'a [String], files: Files<'_>) -> Vec<Shown<'a>> {
    let mut shown: Vec<(Option<&str>, Shown<'a>)> = Vec::new();
    for path in paths {
        let stem = comparison_part(path).filter(|_| is_inline(path, files));
        if let Some((stem, part)) = stem {
            let same = shown.iter_mut().find(|(other, _)| *other == Some(stem));
            match same {
                Some((_, Shown::Compared(parts))) if parts[part].is_none() => {
                    parts[part] = Some(path);
                    continue;
                }
                Some(_) => {}
                None => {
                    let mut parts = [None; 3];
                    parts[part] = Some(path.as_str());
                    shown.push((Some(stem), Shown::Compared(parts)));
                    continue;
                }
            }
        }
        let single = match FileKind::of(path) {
            FileKind::Picture if is_inline(path, files) => Shown::Picture(path),
            FileKind::Video if is_inline(path, files) => Shown::Video(path),
            _ => Shown::Link(path),
        };
        shown.push((None, single));
    }
    shown
        .into_iter()
        .map(|(_, shown)| match shown {
            Shown::Compared(
                [Some(single), None, None]
                | [None, Some(single), None]
                | [None, None, Some(single)],
            ) => Shown::Picture(single),
            shown => shown,
        })
        .collect()
}

/// What the pictures of a comparison have in common, and which of [`PARTS`] this one is.
fn comparison_part(path: &str) -> Option<(&str, usize)> {
    if FileKind::of(path) != FileKind::Picture {
        return None;
    }
    let (name, _) = path.rsplit_once('.')?;
    PARTS
        .iter()
        .enumerate()
        .find_map(|(part, (ending, _))| Some((name.strip_suffix(ending)?, part)))
}

/// Whether the file is below the page's folder, as far as is known.
fn is_inline(path: &str, files: Files<'_>) -> bool {
    html_path(path).is_some() && files.is_none_or(|files| files.contains_key(path))
}

/// Writes the attachments of a case.
pub(super) fn attachments(page: &mut Markup, paths: &[String], files: Files<'_>) {
    let kept = &paths[..paths.len().min(MAX_ATTACHMENTS)];
    let (links, inline): (Vec<_>, Vec<_>) = arrange(kept, files)
        .into_iter()
        .partition(|it| matches!(it, Shown::Link(_)));
    if !inline.is_empty() {
        page.raw("<div class=\"files\">\n");
        for shown in &inline {
            match shown {
                Shown::Compared(parts) => compared(page, parts),
                Shown::Picture(path) => picture(page, path, None),
                Shown::Video(path) => video(page, path),
                Shown::Link(_) => {}
            }
        }
        page.raw("</div>\n");
    }
    let more = paths.len() - kept.len();
    if links.is_empty() && more == 0 {
        return;
    }
    page.raw("<p class=\"line\">Attachments:");
    for shown in &links {
        if let Shown::Link(path) = shown {
            page.raw(" <bdi>").file(path, MAX_NAME);
            if let Some(size) = files.and_then(|files| files.get(*path)) {
                page.raw(" (").size(*size).raw(")");
            }
            page.raw("</bdi>");
        }
    }
    if more > 0 {
        page.raw(if kept.is_empty() { " " } else { " and " })
            .number(more)
            .raw(" more");
    }
    page.raw("</p>\n");
}

fn compared(page: &mut Markup, parts: &[Option<&str>; 3]) {
    page.raw("<div class=\"compared\">\n");
    for (path, (_, caption)) in parts.iter().zip(PARTS) {
        if let Some(path) = path {
            picture(page, path, Some(caption));
        }
    }
    page.raw("</div>\n");
}

fn picture(page: &mut Markup, path: &str, caption: Option<&'static str>) {
    page.raw("<figure><a href=\"")
        .path(path)
        .raw("\"><img loading=\"lazy\" src=\"")
        .path(path)
        .raw("\" alt=\"")
        .text(file_name(path), MAX_NAME)
        .raw("\"/></a><figcaption>");
    if let Some(caption) = caption {
        page.raw("<b>").raw(caption).raw("</b> ");
    }
    page.raw("<bdi>")
        .text(file_name(path), MAX_NAME)
        .raw("</bdi></figcaption></figure>\n");
}

fn video(page: &mut Markup, path: &str) {
    page.raw("<figure><video controls=\"controls\" preload=\"none\" src=\"")
        .path(path)
        .raw("\" aria-label=\"")
        .text(file_name(path), MAX_NAME)
        .raw("\"></video><figcaption><bdi>")
        .file(path, MAX_NAME)
        .raw("</bdi></figcaption></figure>\n");
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The paths of the attachments that the page may show, to look up their sizes.
pub(super) fn paths(report: &PlanReport) -> BTreeSet<String> {
    let cases = report
        .attempts()
        .flat_map(|(_, attempt)| FailureDetails::of_attempt(attempt).cases());
    cases
        .flat_map(|(case, _)| case.attachments.iter().take(MAX_ATTACHMENTS))
        .filter(|path| html_path(path).is_some())
        .take(MAX_FILES)
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn owned(paths: &[&str]) -> Vec<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn a_file_is_shown_according_to_its_name() {
        let paths = owned(&[
            "a/B.PNG",
            "a/v.webm",
            "trace.zip",
            "png",
            "a.svg",
            "../x.png",
        ]);
        assert_eq!(
            arrange(&paths, None),
            [
                Shown::Picture("a/B.PNG"),
                Shown::Video("a/v.webm"),
                Shown::Link("trace.zip"),
                Shown::Link("png"),
                Shown::Picture("a.svg"),
                Shown::Link("../x.png"),
            ]
        );
    }

    #[test]
    fn a_file_that_is_missing_is_a_link() {
        let paths = owned(&["a.png", "b.png", "c-actual.png", "c-diff.png", "d.mp4"]);
        let files = BTreeMap::from([("b.png".to_owned(), 1), ("c-diff.png".to_owned(), 1)]);
        assert_eq!(
            arrange(&paths, Some(&files)),
            [
                Shown::Link("a.png"),
                Shown::Picture("b.png"),
                Shown::Link("c-actual.png"),
                Shown::Picture("c-diff.png"),
                Shown::Link("d.mp4"),
            ]
        );
    }

    #[test]
    fn pictures_of_one_comparison_stand_side_by_side() {
        let paths = owned(&[
            "r/one-diff.png",
            "r/shot.png",
            "r/one-actual.png",
            "r/two-expected.png",
            "other/one-actual.png",
            "r/one-expected.png",
            "r/two-actual.png",
            "r/one-actual.jpg",
            "r/lone-diff.png",
            "r/one-diff.txt",
        ]);
        assert_eq!(
            arrange(&paths, None),
            [
                Shown::Compared([
                    Some("r/one-expected.png"),
                    Some("r/one-actual.png"),
                    Some("r/one-diff.png")
                ]),
                Shown::Picture("r/shot.png"),
                Shown::Compared([Some("r/two-expected.png"), Some("r/two-actual.png"), None]),
                Shown::Picture("other/one-actual.png"),
                Shown::Picture("r/one-actual.jpg"),
                Shown::Picture("r/lone-diff.png"),
                Shown::Link("r/one-diff.txt"),
            ]
        );
    }
}
