//! What replicas tell each other: the changes of one or more commits, in messages that PostgreSQL takes.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    model::{Capabilities, PlanId},
    store::changes::{Changes, OpenedExecutions, PlanChanges},
};

/// Longest text of a notification; PostgreSQL takes less than 8,000 bytes.
const LONGEST: usize = 7_500;

/// A message.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Message {
    /// The replica that sends it.
    from: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    plans: BTreeMap<i64, PlanMessage>,
    #[serde(default, skip_serializing_if = "is_zero")]
    servers: usize,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PlanMessage {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    opened: Vec<(Capabilities, usize)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    drained: Vec<Capabilities>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The messages that report `changes`, one or several. What does not fit is left out: those who wait look now and then.
pub(super) fn messages(from: &str, changes: &Changes) -> Vec<String> {
    let plans: BTreeMap<i64, PlanMessage> = changes
        .plans
        .iter()
        .map(|(plan, of_plan)| (plan.0, of_plan.into()))
        .collect();
    let whole = Message {
        from: from.to_owned(),
        plans,
        servers: changes.free_servers,
    };
    match serde_json::to_string(&whole) {
        Ok(text) if text.len() <= LONGEST => vec![text],
        _ => one_by_one(whole),
    }
}

fn one_by_one(whole: Message) -> Vec<String> {
    let servers = Message {
        from: whole.from.clone(),
        servers: whole.servers,
        ..Message::default()
    };
    let each = whole.plans.into_iter().map(|of_plan| Message {
        from: whole.from.clone(),
        plans: BTreeMap::from([of_plan]),
        servers: 0,
    });
    let texts = each.chain((servers.servers > 0).then_some(servers));
    texts
        .filter_map(|message| serde_json::to_string(&message).ok())
        .filter(|text| text.len() <= LONGEST)
        .collect()
}

/// The changes that another replica reports; `None` for what this one said itself, or what cannot be read.
pub(super) fn read(text: &str, own: &str) -> Option<Changes> {
    let message: Message = serde_json::from_str(text).ok()?;
    if message.from == own {
        return None;
    }
    let plans = message.plans.into_iter();
    Some(Changes {
        plans: plans
            .map(|(plan, of_plan)| (PlanId(plan), of_plan.into()))
            .collect(),
        free_servers: message.servers,
        ..Changes::default()
    })
}

impl From<&PlanChanges> for PlanMessage {
    fn from(changes: &PlanChanges) -> Self {
        let opened = changes.opened.iter();
        Self {
            opened: opened
                .map(|it| (Capabilities::clone(&it.required), it.count))
                .collect(),
            drained: changes
                .drained
                .iter()
                .map(|it| Capabilities::clone(it))
                .collect(),
        }
    }
}

impl From<PlanMessage> for PlanChanges {
    fn from(message: PlanMessage) -> Self {
        let opened = message.opened.into_iter();
        Self {
            opened: opened
                .map(|(required, count)| OpenedExecutions {
                    required: Arc::new(required),
                    count,
                })
                .collect(),
            drained: message.drained.into_iter().map(Arc::new).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::model::Capability;

    fn labels(name: &str) -> Arc<Capabilities> {
        Arc::new(Capabilities::from(vec![Capability {
            key: name.to_owned(),
            value: "x".to_owned(),
        }]))
    }

    fn changes(plans: i64, sets: usize) -> Changes {
        let of_plan = || PlanChanges {
            opened: (0..sets)
                .map(|set| OpenedExecutions {
                    required: labels(&format!("a label with a long name {set}")),
                    count: 3,
                })
                .collect(),
            drained: vec![labels("b")],
        };
        Changes {
            plans: (0..plans).map(|plan| (PlanId(plan), of_plan())).collect(),
            free_servers: 2,
            ..Changes::default()
        }
    }

    #[test]
    fn changes_arrive_at_others_as_they_were() {
        let sent = changes(2, 1);
        let messages = messages("me", &sent);
        assert_eq!(messages.len(), 1);
        assert_eq!(read(&messages[0], "you"), Some(sent));
        assert_eq!(read(&messages[0], "me"), None);
        assert_eq!(read("from another program", "me"), None);
    }

    #[test]
    fn many_changes_are_several_messages() {
        let sent = changes(100, 2);
        let mut received = Changes {
            plans: HashMap::new(),
            ..Changes::default()
        };
        for text in messages("me", &sent) {
            assert!(text.len() < 8_000);
            let part = read(&text, "you").unwrap();
            received.free_servers += part.free_servers;
            received.plans.extend(part.plans);
        }
        assert_eq!(received, sent);
        let too_long = changes(1, 1_000);
        let rest = messages("me", &too_long);
        assert_eq!(rest.len(), 1);
        assert_eq!(read(&rest[0], "you").unwrap().free_servers, 2);
    }
}
