//! The request body of a check run, within GitHub's limits.

use serde::Serialize;

use super::{
    check_run::{
        CheckAnnotation, CheckAnnotationLevel, CheckConclusion, CheckRun, CheckState,
        MOST_ANNOTATIONS,
    },
    text_limits::{self, LARGEST_TEXT},
};

/// Most annotations in one request.
const PER_REQUEST: usize = 50;
/// Most of an annotation's title and of the title of all, in characters.
const LONGEST_TITLE: usize = 255;
/// Most of an annotation's message and details each, in bytes.
const LARGEST_MESSAGE: usize = 64_000;

#[derive(Serialize)]
pub(super) struct CheckRunBody<'a> {
    name: &'a str,
    external_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_sha: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conclusion: Option<CheckConclusion>,
    output: OutputBody<'a>,
    /// The first annotation of the next request.
    #[serde(skip)]
    pub(super) next: usize,
    /// The number of annotations to send in all.
    #[serde(skip)]
    pub(super) all: usize,
}

#[derive(Serialize)]
struct OutputBody<'a> {
    title: String,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<AnnotationBody<'a>>,
}

#[derive(Serialize)]
struct AnnotationBody<'a> {
    path: &'a str,
    start_line: u32,
    end_line: u32,
    annotation_level: CheckAnnotationLevel,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_details: Option<String>,
}

impl<'a> CheckRunBody<'a> {
    /// The content of the run and its annotations from index `from`, as many as one request takes. With a commit the request
    /// creates a check run, without it changes one.
    pub(super) fn new(run: &'a CheckRun, head_sha: Option<&'a str>, from: usize) -> Self {
        let all = run.annotations.len().min(MOST_ANNOTATIONS);
        let next = from.saturating_add(PER_REQUEST).min(all);
        let (status, conclusion) = match run.state {
            CheckState::InProgress => ("in_progress", None),
            CheckState::Completed(conclusion) => ("completed", Some(conclusion)),
        };
        let annotations = run.annotations.get(from..next).unwrap_or_default();
        Self {
            name: &run.name,
            external_id: &run.external_id,
            head_sha,
            status,
            conclusion,
            output: OutputBody {
                title: text_limits::characters(&run.title, LONGEST_TITLE),
                summary: text_limits::lines(&run.summary, LARGEST_TEXT),
                text: run
                    .text
                    .as_ref()
                    .map(|text| text_limits::lines(text, LARGEST_TEXT)),
                annotations: annotations.iter().map(AnnotationBody::new).collect(),
            },
            next,
            all,
        }
    }
}

impl<'a> AnnotationBody<'a> {
    fn new(annotation: &'a CheckAnnotation) -> Self {
        let start_line = annotation.start_line.max(1);
        let title = annotation.title.as_ref();
        let details = annotation.raw_details.as_ref();
        Self {
            path: &annotation.path,
            start_line,
            end_line: annotation.end_line.max(start_line),
            annotation_level: annotation.level,
            message: text_limits::bytes(&annotation.message, LARGEST_MESSAGE),
            title: title.map(|title| text_limits::characters(title, LONGEST_TITLE)),
            raw_details: details.map(|details| text_limits::bytes(details, LARGEST_MESSAGE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(annotations: usize) -> CheckRun {
        let annotation = CheckAnnotation {
            path: "suite_a/tst_b/test.py".to_owned(),
            start_line: 0,
            end_line: 0,
            level: CheckAnnotationLevel::Failure,
            title: Some("é".repeat(300)),
            message: "é".repeat(50_000),
            raw_details: None,
        };
        CheckRun {
            name: "gui".to_owned(),
            external_id: "1".to_owned(),
            state: CheckState::Completed(CheckConclusion::TimedOut),
            title: "x".repeat(300),
            summary: "é\n".repeat(40_000),
            text: Some("€".repeat(40_000)),
            annotations: vec![annotation; annotations],
        }
    }

    #[test]
    fn texts_keep_to_the_limits_in_bytes() {
        let run = run(1);
        let body = serde_json::to_value(CheckRunBody::new(&run, None, 0)).unwrap();
        assert_eq!(body["status"], "completed");
        assert_eq!(body["conclusion"], "timed_out");
        let bytes = |text: &serde_json::Value| text.as_str().unwrap().len();
        assert!((65_000..=65_535).contains(&bytes(&body["output"]["summary"])));
        assert!((65_000..=65_535).contains(&bytes(&body["output"]["text"])));
        let remark = &body["output"]["annotations"][0];
        assert!(bytes(&remark["message"]) <= 64_000);
        assert_eq!(remark["title"].as_str().unwrap().chars().count(), 255);
        assert_eq!(
            (&remark["start_line"], &remark["end_line"]),
            (&1.into(), &1.into())
        );
    }

    #[test]
    fn annotations_go_fifty_at_a_time_up_to_the_most() {
        for (count, from, sent, next) in [
            (0, 0, 0, 0),
            (50, 0, 50, 50),
            (51, 0, 50, 50),
            (51, 50, 1, 51),
            (51, 60, 0, 51),
            (51, usize::MAX, 0, 51),
            (700, 450, 50, 500),
            (700, 500, 0, 500),
        ] {
            let run = run(count);
            let body = CheckRunBody::new(&run, Some("abc"), from);
            assert_eq!(body.output.annotations.len(), sent, "{count} from {from}");
            assert_eq!(
                (body.next, body.all),
                (next, count.min(500)),
                "{count} from {from}"
            );
        }
    }
}
