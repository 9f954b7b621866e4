//! The registered Squish servers as a table and as JSON, in order of their addresses.

use serde_json::{Value, json};

use crate::{
    model::{SquishServer, Timestamp},
    report::sanitise::console_line,
};

/// Most characters of one cell.
const LONGEST: usize = 300;
/// The widest aligned column; longer cells break the alignment.
const WIDEST: usize = 60;

/// By host, then by port as a number.
pub(super) fn sorted(mut servers: Vec<SquishServer>) -> Vec<SquishServer> {
    servers.sort_by_key(|server| {
        let port = server.port.trim().parse::<u16>().unwrap_or(u16::MAX);
        (server.host.to_lowercase(), port, server.id)
    });
    servers
}

/// One server with all that the service says about it.
pub(super) fn as_json(server: &SquishServer) -> Value {
    json!({
        "id": server.id, "host": server.host, "port": server.port, "enabled": server.enabled,
        "labels": server.labels, "execution_id": server.busy_with, "test": server.busy_test,
        "cooling": server.cooling.map(|cooling| json!({
            "until_ms": cooling.until, "because": cooling.because,
        })),
        "note": server.note,
    })
}

/// A line per server in aligned columns.
pub(super) fn table(servers: &[SquishServer]) -> String {
    if servers.is_empty() {
        return "no Squish servers are registered\n".to_owned();
    }
    let head = ["ID", "ADDRESS", "STATE", "LABELS"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(head)
        .chain(servers.iter().map(row))
        .collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.filter(|width| *width <= WIDEST).max().unwrap_or(0)
    };
    let (id, place, state) = (width(0), width(1), width(2));
    rows.iter()
        .map(|row| {
            let line = format!(
                "{:>id$}  {:<place$}  {:<state$}  {}",
                row[0], row[1], row[2], row[3]
            );
            line.trim_end().to_owned() + "\n"
        })
        .collect()
}

fn row(server: &SquishServer) -> [String; 4] {
    [
        server.id.to_string(),
        cell(&server.address()),
        cell(&state(server)),
        cell(&server.labels.to_string()),
    ]
}

/// Foreign text for a cell: one line, bounded.
pub(super) fn cell(text: &str) -> String {
    console_line(text, LONGEST)
}

fn state(server: &SquishServer) -> String {
    let disabled = if server.enabled { "" } else { "disabled, " };
    if let Some(execution) = server.busy_with {
        return match &server.busy_test {
            Some(test) => format!("{disabled}busy {execution} ({test})"),
            None => format!("{disabled}busy {execution}"),
        };
    }
    match server.cooling {
        Some(rest) => format!(
            "{disabled}cools down until {} ({})",
            time_of_day(rest.until),
            rest.because.word()
        ),
        None if server.enabled => "free".to_owned(),
        None if server.note.is_empty() => "disabled".to_owned(),
        None => format!("disabled {}", server.note),
    }
}

/// Hours, minutes and seconds in UTC.
fn time_of_day(at: Timestamp) -> String {
    let seconds = at.0.div_euclid(1000).rem_euclid(24 * 3600);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02} UTC", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capability, Cooling, CoolingReason, ExecutionId, SquishServerId, Test};

    fn server(id: i64, host: &str, port: &str) -> SquishServer {
        SquishServer {
            id: SquishServerId(id),
            enabled: true,
            host: host.to_owned(),
            port: port.to_owned(),
            labels: [Capability::new("OS", "Linux")].into_iter().collect(),
            busy_with: None,
            busy_test: None,
            cooling: None,
            note: String::new(),
        }
    }

    #[test]
    fn table_shows_every_state_in_aligned_columns() {
        let mut busy = server(7, "lab", "4322");
        busy.busy_with = Some(ExecutionId(31));
        busy.busy_test = Some(Test {
            suite: "suite_a".to_owned(),
            testcase: "tst_b".to_owned(),
        });
        let name = format!("busy 31 ({})", busy.busy_test.as_ref().unwrap());
        let mut resting = server(12, "lab", "10000");
        resting.cooling = Some(Cooling {
            until: Timestamp(86_400_000 * 20_000 + (21 * 3600 + 5 * 60 + 9) * 1000 + 999),
            because: CoolingReason::Unreachable,
        });
        let mut off = server(3, &"x".repeat(200), "1");
        off.enabled = false;
        let text = table(&sorted(vec![
            resting,
            off,
            busy,
            server(9, "LAB\nID  ADDRESS", "80"),
        ]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "a name cannot break a line: {text}");
        assert_eq!(
            lines[1],
            format!(" 7  lab:4322             {name:<43}  OS=Linux")
        );
        assert!(
            lines[2].starts_with(
                "12  lab:10000            cools down until 21:05:09 UTC (unreachable)"
            )
        );
        assert!(lines[3].starts_with(" 9  LAB"), "{text}");
        assert!(lines[4].contains(&format!("{}:1  disabled", "x".repeat(200))));
        assert_eq!(
            table(&[]),
            "no Squish servers are registered\n",
            "and nothing else"
        );
    }
}
