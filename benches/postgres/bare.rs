//! What any queue needs at least, by PostgreSQL's own load generator.

use std::{process::Command, time::Duration};

use anyhow::{Context as _, ensure};

use crate::{
    database::{Database, newest},
    load::{Measure, Measured},
};

/// Rows of its table: more than a round uses.
const ROWS: usize = 100_000;

/// A statement that takes a row and one that ends it, both prepared, on a connection for each client.
pub(crate) fn cycles(
    database: &Database,
    clients: usize,
    span: Duration,
) -> anyhow::Result<Measured> {
    database.sql(&format!(
        "DROP TABLE IF EXISTS bench.bare; CREATE TABLE bench.bare (id BIGINT PRIMARY KEY, state INT NOT NULL, expected BIGINT NOT NULL);
         INSERT INTO bench.bare SELECT n, 0, 0 FROM generate_series(1, {ROWS}) AS n;
         CREATE INDEX ON bench.bare (expected DESC, id) WHERE state = 0"
    ))?;
    database.sql("VACUUM ANALYZE bench.bare")?;
    database.sql("CHECKPOINT")?;
    let place = tempfile::tempdir()?;
    let script = place.path().join("cycle.sql");
    std::fs::write(
        &script,
        "UPDATE bench.bare SET state = 1 WHERE id = (SELECT id FROM bench.bare WHERE state = 0
           ORDER BY expected DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id \\gset\n\
         UPDATE bench.bare SET state = 2 WHERE id = :id AND state = 1;\n",
    )?;
    let measure = Measure::begin(database, None)?;
    let output = Command::new(newest("pgbench"))
        .args(["-n", "-M", "prepared", "-j", "2", "-f"])
        .arg(&script)
        .args(["-c", &clients.to_string()])
        .args(["-T", &span.as_secs().to_string(), &database.url])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("number of transactions actually processed: "))
        .and_then(|rest| rest.split('/').next()?.trim().parse().ok())
        .with_context(|| format!("pgbench printed no count: {text}"))?;
    measure.end(count)
}
