//! What happened to leases beside the usual: lost, released, reset.

use super::{
    event_words::of_kind,
    site::{MAX_LINK, Site},
};
use crate::{
    api::execution_list::EventResponse,
    model::{Outcome, PlanId, TestVerdict, Timestamp},
    report::html::{MAX_MESSAGE, MAX_NAME, Markup, tables::state},
};

/// Longest detail of an event, in bytes.
const MAX_DETAIL: usize = 300;

/// The section of a plan, newest first; nothing without events.
pub(super) fn section(page: &mut Markup, site: &Site, plan: PlanId, events: &[EventResponse]) {
    if events.is_empty() {
        return;
    }
    page.raw("<h2>Leases lost, released or reset</h2>\n<p class=\"quiet\">Newest first. A test whose lease was lost is open again and runs on another worker.</p>\n");
    table(page, events, |page, event| {
        if event.execution_id.0 == 0 {
            // An event of the plan.
            page.raw("<td class=\"n\"></td>");
            return;
        }
        page.raw("<td class=\"n\"><a href=\"")
            .text(&site.execution(plan, event.execution_id), MAX_LINK)
            .raw("\">")
            .number(event.execution_id.0)
            .raw("</a></td>");
    });
}

/// The history of one execution, oldest first.
pub(super) fn history(page: &mut Markup, events: &[EventResponse]) {
    page.raw("<section id=\"history\">\n<h2>Lease history</h2>\n");
    if events.is_empty() {
        page.raw("<p class=\"quiet\">No worker has reserved it yet.</p>\n");
    } else {
        table(page, events, |_, _| ());
    }
    page.raw("</section>\n");
}

fn table(
    page: &mut Markup,
    events: &[EventResponse],
    execution: impl Fn(&mut Markup, &EventResponse),
) {
    let mut sample = Markup::default();
    if let Some(event) = events.first() {
        execution(&mut sample, event);
    }
    page.raw("<div class=\"wide\" role=\"region\" aria-label=\"Events\" tabindex=\"0\"><table class=\"events\">\n<thead><tr><th scope=\"col\">When</th><th scope=\"col\">What</th>")
        .raw(if sample.len() > 0 { "<th scope=\"col\" class=\"n\">Test</th>" } else { "" })
        .raw("<th scope=\"col\" class=\"n\">Attempt</th><th scope=\"col\">Detail</th></tr></thead>\n<tbody>\n");
    for event in events {
        let (mark, meaning) = of_kind(&event.kind);
        page.raw("<tr><td>")
            .time(Timestamp(event.at))
            .raw("</td><th scope=\"row\">");
        state(page, mark, mark.word).raw("<p class=\"line\"><span>");
        if meaning.is_empty() {
            page.text(&event.kind, MAX_NAME);
        }
        page.raw(meaning).raw("</span></p></th>");
        execution(page, event);
        page.raw("<td class=\"n\">")
            .number(event.attempt)
            .raw("</td><td>")
            .text(&detail(event), MAX_DETAIL.min(MAX_MESSAGE))
            .raw("</td></tr>\n");
    }
    page.raw("</tbody>\n</table></div>\n");
}

/// What a cancel found, as its event has it.
#[derive(serde::Deserialize)]
struct CancelDetail {
    reason: String,
    open: u64,
    running: u64,
    stop_running: bool,
}

impl CancelDetail {
    fn words(&self) -> String {
        let fate = if self.stop_running {
            "stopped"
        } else {
            "may finish"
        };
        let counts = format!("{} open, {} running ({fate})", self.open, self.running);
        if self.reason.is_empty() {
            counts
        } else {
            format!("{}; {counts}", self.reason)
        }
    }
}

/// The detail of an event in words: that of a reset is the result that it dropped, as JSON; that of a cancel what it found. What
/// a person did names who.
fn detail(event: &EventResponse) -> String {
    match event.kind.as_str() {
        "plan-cancelled" => {
            let found: Option<CancelDetail> = serde_json::from_str(&event.detail).ok();
            let words = found.map_or_else(|| event.detail.clone(), |found| found.words());
            return format!("by {}: {words}", event.principal);
        }
        "revoked" if event.detail.is_empty() => return format!("by {}", event.principal),
        "revoked" => return format!("by {}: {}", event.principal, event.detail),
        _ => {}
    }
    match serde_json::from_str(&event.detail) {
        Ok(Outcome::Completed { result }) => match result.map(|it| it.verdict) {
            Some(TestVerdict::Failed) => "it failed",
            Some(TestVerdict::Passed) => "it passed",
            Some(TestVerdict::Skipped) => "it was skipped",
            None => "it had no verdict",
        }
        .to_owned(),
        Ok(Outcome::ExecutionError { message, .. }) => format!("it could not run: {message}"),
        Ok(Outcome::LeaseLost | Outcome::Cancelled) | Err(_) => event.detail.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ExecutionId;

    #[test]
    fn detail_of_a_reset_is_in_words() {
        let event = |detail: &str| EventResponse {
            id: 1,
            execution_id: ExecutionId(1),
            attempt: 1,
            kind: "reset".to_owned(),
            at: 0,
            principal: String::new(),
            detail: detail.to_owned(),
        };
        let failed = r#"{"kind":"completed","result":{"verdict":"failed","duration_ms":1}}"#;
        assert_eq!(detail(&event(failed)), "it failed");
        let broke = r#"{"kind":"execution-error","message":"no licence","details":""}"#;
        assert_eq!(detail(&event(broke)), "it could not run: no licence");
        assert_eq!(detail(&event("w1")), "w1");
        let by_hand = |kind: &str, detail: &str| EventResponse {
            kind: kind.to_owned(),
            principal: "Ann".to_owned(),
            ..event(detail)
        };
        assert_eq!(
            detail(&by_hand(
                "plan-cancelled",
                r#"{"reason":"wrong branch","open":3,"running":1,"stop_running":true}"#
            )),
            "by Ann: wrong branch; 3 open, 1 running (stopped)"
        );
        assert_eq!(detail(&by_hand("revoked", "")), "by Ann");
        assert_eq!(detail(&by_hand("revoked", "stuck")), "by Ann: stuck");
    }
}
