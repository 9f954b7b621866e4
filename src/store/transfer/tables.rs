//! The tables that are moved from one database to another: both have them with the same columns.

/// What a column holds; each may also be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Number,
    Truth,
    Text,
    Bytes,
}

/// A name and what it holds.
pub(in crate::store) type Column = (&'static str, Kind);

/// A table that is moved.
#[derive(Debug)]
pub(in crate::store) struct Table {
    pub(in crate::store) name: &'static str,
    /// What its rows are to people; empty if they are told nothing of it.
    pub(in crate::store) label: &'static str,
    /// The columns of its primary key come first.
    pub(in crate::store) columns: &'static [Column],
    /// By which column its rows are read, for few reads at random places.
    pub(in crate::store) order: &'static str,
    /// The column that names the plan of a row, if each row belongs to one.
    pub(in crate::store) plan: Option<&'static str>,
    /// Whether the database numbers its rows.
    pub(in crate::store) is_numbered: bool,
}

use Kind::{Bytes, Number, Text, Truth};

impl Table {
    const fn new(
        name: &'static str,
        label: &'static str,
        order: &'static str,
        columns: &'static [Column],
    ) -> Self {
        Self {
            name,
            label,
            columns,
            order,
            plan: None,
            is_numbered: false,
        }
    }

    const fn of_plans(self, column: &'static str) -> Self {
        Self {
            plan: Some(column),
            ..self
        }
    }

    const fn numbered(self) -> Self {
        Self {
            is_numbered: true,
            ..self
        }
    }

    /// What its rows are, for messages.
    pub(in crate::store) fn words(&self) -> &'static str {
        if self.label.is_empty() {
            "other rows"
        } else {
            self.label
        }
    }

    /// Its columns for a statement.
    pub(in crate::store) fn column_list(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}

/// The table of templates and plans.
pub(in crate::store) const PLANS: &str = "plans";
/// The table of idempotency keys, of which old ones stay behind.
pub(in crate::store) const KEYS: &str = "keys";
/// The table of Squish servers, which may be bound to leases.
pub(in crate::store) const SERVERS: &str = "squish_servers";

/// All tables that are moved, in the order in which they are.
pub(in crate::store) const TABLES: &[Table] = &[
    Table::new(
        PLANS,
        "templates and plans",
        "id",
        &[
            ("id", Number),
            ("kind", Number),
            ("project", Text),
            ("title", Text),
            ("description", Text),
            ("batch", Text),
            ("tags", Text),
            ("repositories", Text),
            ("planned", Number),
            ("created_at", Number),
            ("size", Number),
            ("first_execution", Number),
            ("hidden", Truth),
            ("definition", Bytes),
            ("file_definition", Bytes),
            ("tests_digest", Bytes),
            ("discovery", Text),
            ("template", Number),
            ("started_by", Text),
            ("branch", Text),
            ("commit_id", Text),
            ("author", Text),
            ("run_url", Text),
            ("cancelled", Text),
            ("cancelled_by", Text),
            ("cancelling", Number),
        ],
    )
    .of_plans("id")
    .numbered(),
    Table::new(
        "tests",
        "tests",
        "id",
        &[
            ("id", Number),
            ("project", Text),
            ("suite", Text),
            ("testcase", Text),
        ],
    )
    .numbered(),
    Table::new("label_sets", "", "id", &[("id", Number), ("labels", Text)]).numbered(),
    Table::new(
        "template_tests",
        "tests of templates",
        "template, position",
        &[
            ("template", Number),
            ("position", Number),
            ("test", Number),
            ("label_set", Number),
        ],
    ),
    Table::new(
        "test_lists",
        "test lists",
        "id",
        &[
            ("id", Number),
            ("project", Text),
            ("digest", Bytes),
            ("size", Number),
        ],
    )
    .numbered(),
    Table::new(
        "listed_tests",
        "tests of test lists",
        "list, position",
        &[
            ("list", Number),
            ("position", Number),
            ("test", Number),
            ("label_set", Number),
        ],
    ),
    Table::new(
        "history",
        "known durations",
        "test, label_set",
        &[
            ("test", Number),
            ("label_set", Number),
            ("runs", Number),
            ("mean_ms", Number),
        ],
    ),
    Table::new(
        "start_costs",
        "",
        "template",
        &[("template", Number), ("runs", Number), ("mean_ms", Number)],
    ),
    Table::new(
        "counts",
        "",
        "plan, label_set",
        &[
            ("plan", Number),
            ("label_set", Number),
            ("open", Number),
            ("reserved", Number),
            ("done", Number),
            ("passed", Number),
            ("failed", Number),
            ("skipped", Number),
        ],
    )
    .of_plans("plan"),
    Table::new(
        "executions",
        "executions",
        "id",
        &[
            ("id", Number),
            ("plan", Number),
            ("test", Number),
            ("label_set", Number),
            ("expected_ms", Number),
            ("is_estimated", Truth),
            ("state", Number),
            ("epoch", Number),
            ("generation", Number),
            ("reset_epoch", Number),
            ("expiries", Number),
            ("skips", Number),
            ("late_results", Number),
            ("deadline", Number),
            ("timeout_ms", Number),
            ("compensated_ms", Number),
            ("squish_server", Number),
            ("troubled_server", Number),
            ("verdict", Number),
            ("duration_ms", Number),
            ("flaky", Truth),
            ("nonce", Bytes),
            ("lease_hash", Bytes),
            ("digest", Bytes),
            ("principal", Text),
            ("worker", Text),
            ("lost_on", Text),
            ("error", Text),
            ("details", Text),
            ("import_mark", Number),
            ("alone", Truth),
            ("start_failures", Text),
            ("suite", Number),
            ("reserved_at", Number),
            ("earlier_failures", Number),
        ],
    )
    .of_plans("plan"),
    Table::new(
        "worker_jobs",
        "",
        "plan, worker",
        &[("plan", Number), ("worker", Text), ("url", Text)],
    )
    .of_plans("plan"),
    Table::new(
        "plan_suites",
        "",
        "plan, name",
        &[("plan", Number), ("name", Text), ("suite", Number)],
    )
    .of_plans("plan"),
    Table::new(
        SERVERS,
        "Squish servers",
        "id",
        &[
            ("id", Number),
            ("host", Text),
            ("port", Text),
            ("enabled", Truth),
            ("label_set", Number),
            ("exec", Number),
            ("epoch", Number),
            ("free_from", Number),
            ("deleted", Truth),
            ("troubles", Number),
            ("trouble", Text),
            ("rests_until", Number),
            ("note", Text),
        ],
    )
    .numbered(),
    Table::new(
        "events",
        "events",
        "plan, id",
        &[
            ("plan", Number),
            ("id", Number),
            ("exec", Number),
            ("epoch", Number),
            ("kind", Text),
            ("at", Number),
            ("principal", Text),
            ("detail", Text),
        ],
    )
    .of_plans("plan"),
    Table::new(
        KEYS,
        "idempotency keys",
        "hash",
        &[
            ("hash", Bytes),
            ("digest", Bytes),
            ("subject", Number),
            ("epoch", Number),
            ("expires_at", Number),
            ("more", Text),
        ],
    ),
    Table::new(
        "imports",
        "imports",
        "id",
        &[
            ("id", Number),
            ("project", Text),
            ("batch", Text),
            ("labels", Text),
            ("folder", Text),
            ("files", Text),
            ("cases", Number),
            ("principal", Text),
            ("at", Number),
        ],
    )
    .numbered(),
    Table::new(
        "imported_tests",
        "results of imports",
        "test, import",
        &[
            ("test", Number),
            ("import", Number),
            ("verdict", Number),
            ("duration_ms", Number),
            ("flaky", Truth),
        ],
    ),
    Table::new(
        "audit",
        "actions of people",
        "id",
        &[
            ("id", Number),
            ("at", Number),
            ("principal", Text),
            ("action", Text),
            ("subject", Text),
            ("detail", Text),
        ],
    )
    .numbered(),
];
