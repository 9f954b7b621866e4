//! The attempts of an execution from its events, side by side.

use serde::Serialize;

use super::{event_words::of_kind, layout::age, site::MAX_LINK, worker_lanes::job_of};
use crate::{
    api::execution_list::EventResponse,
    model::Timestamp,
    report::{
        html::{MAX_MESSAGE, MAX_NAME, Markup, tables::state},
        view::Mark,
    },
    text::web_address,
};

/// Longest detail of an attempt, in bytes.
const MAX_DETAIL: usize = 600;

/// One lease on an execution and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Attempt {
    #[serde(rename = "attempt")]
    pub(crate) number: u32,
    /// Who held the lease: the worker, or the principal if it has no name.
    pub(crate) worker: String,
    /// The page of the CI job of that worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_url: Option<String>,
    pub(crate) reserved_dt: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended_dt: Option<i64>,
    /// The kind of the event that ended it; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) detail: String,
}

/// The attempts in order. An event that ends none, such as a change of a lease, is left out.
pub(super) fn attempts(events: &[EventResponse], jobs: &[(String, String)]) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    for event in events {
        if event.kind == "reserved" {
            let worker = if event.detail.is_empty() {
                &event.principal
            } else {
                &event.detail
            };
            attempts.push(Attempt {
                number: event.attempt,
                job_url: job_of(jobs, worker),
                worker: worker.clone(),
                reserved_dt: event.at,
                ended_dt: None,
                end: None,
                detail: String::new(),
            });
            continue;
        }
        let Some(open) = attempts.iter_mut().find(|it| it.number == event.attempt) else {
            continue;
        };
        match event.kind.as_str() {
            // A lease that expired may be revived.
            "heartbeat" if open.end.as_deref() == Some("expired") => {
                (open.end, open.ended_dt) = (None, None);
                open.detail.clear();
            }
            "finished" | "expired" | "released" | "not-started" | "imported" | "abandoned"
            | "unstartable" => {
                open.end = Some(event.kind.clone());
                open.ended_dt = Some(event.at);
                open.detail.clone_from(&event.detail);
            }
            _ => {}
        }
    }
    attempts
}

/// The section.
pub(super) fn section(page: &mut Markup, attempts: &[Attempt], now: i64) {
    if attempts.is_empty() {
        return;
    }
    page.raw("<section id=\"attempts\">\n<h2>Attempts</h2>\n<ol class=\"side\">\n");
    for attempt in attempts {
        let mark = mark(attempt);
        page.raw("<li class=\"card ")
            .raw(mark.class)
            .raw("\"><h3>Attempt ")
            .number(attempt.number)
            .raw("</h3><p>");
        state(page, mark, mark.word);
        page.raw("</p><dl class=\"facts\"><div><dt>Worker</dt><dd>")
            .text(&attempt.worker, MAX_NAME);
        if let Some(url) = attempt.job_url.as_deref().and_then(web_address) {
            page.raw(" <a class=\"quiet\" rel=\"noopener noreferrer\" href=\"")
                .text(url, MAX_LINK)
                .raw("\">CI job</a>");
        }
        page.raw("</dd></div><div><dt>Reserved</dt><dd>")
            .time(Timestamp(attempt.reserved_dt))
            .raw("</dd></div><div><dt>Held</dt><dd class=\"n\">");
        match attempt.ended_dt {
            Some(ended) => {
                page.span(u64::try_from(ended - attempt.reserved_dt).unwrap_or(0));
            }
            None => age(page, attempt.reserved_dt, Some(now)),
        }
        page.raw("</dd></div></dl>");
        let is_verdict = attempt.end.as_deref() == Some("finished");
        if !is_verdict && !attempt.detail.is_empty() && attempt.detail != attempt.worker {
            page.raw("<p class=\"quiet\">")
                .text(&attempt.detail, MAX_DETAIL.min(MAX_MESSAGE))
                .raw("</p>");
        }
        page.raw("</li>\n");
    }
    page.raw("</ol>\n</section>\n");
}

fn mark(attempt: &Attempt) -> Mark {
    let Some(end) = attempt.end.as_deref() else {
        return super::page_state::RUNNING;
    };
    match (end, attempt.detail.as_str()) {
        ("finished", "passed") => Mark::PASSED,
        ("finished", "failed") => Mark::FAILED,
        ("finished", "skipped") => Mark::SKIPPED,
        ("finished", "completed") => super::page_state::NO_VERDICT,
        ("finished", _) => Mark::COULD_NOT_RUN,
        (kind, _) => of_kind(kind).0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ExecutionId;

    fn event(attempt: u32, kind: &str, at: i64, detail: &str) -> EventResponse {
        EventResponse {
            id: at,
            execution_id: ExecutionId(1),
            attempt,
            kind: kind.to_owned(),
            at,
            principal: "ci".to_owned(),
            detail: detail.to_owned(),
        }
    }

    #[test]
    fn attempts_are_what_happened_between_reservation_and_end() {
        let events = [
            event(1, "reserved", 10, "w1"),
            event(1, "expired", 20, "w1"),
            event(2, "reserved", 30, ""),
            event(1, "late-result", 35, ""),
            event(2, "expired", 40, ""),
            event(2, "heartbeat", 41, ""),
            event(2, "finished", 50, "failed"),
            event(2, "reset", 60, "{}"),
            event(3, "reserved", 70, "w2"),
        ];
        let jobs = [("w2".to_owned(), "https://ci/2".to_owned())];
        let found = attempts(&events, &jobs);
        let linked: Vec<_> = found.iter().map(|it| it.job_url.as_deref()).collect();
        assert_eq!(linked, [None, None, Some("https://ci/2")]);
        let shown: Vec<_> = found
            .iter()
            .map(|it| (it.worker.as_str(), it.end.as_deref(), it.ended_dt))
            .collect();
        assert_eq!(
            shown,
            [
                ("w1", Some("expired"), Some(20)),
                ("ci", Some("finished"), Some(50)),
                ("w2", None, None)
            ]
        );
        let marks: Vec<&str> = found.iter().map(|it| mark(it).word).collect();
        assert_eq!(marks, ["lease lost", "failed", "running"]);
    }
}
