//! What it holds, and how time changes it. Only [`World::expire`] looks at the clock.

use std::time::Instant;

use serde_json::Value;

use super::Import;

/// Keys and values.
pub(crate) type Labels = Vec<(String, String)>;

/// Everything.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) templates: Vec<Template>,
    pub(crate) plans: Vec<Plan>,
    pub(crate) executions: Vec<Execution>,
    pub(crate) servers: Vec<SquishServer>,
    pub(crate) imports: Vec<Import>,
}

#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) id: i64,
    pub(crate) project: String,
    pub(crate) title: String,
    /// Suite, test case, what it needs.
    pub(crate) tests: Vec<(String, String, Labels)>,
}

/// An instance.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) id: i64,
    pub(crate) project: String,
    pub(crate) title: String,
    pub(crate) batch: String,
    pub(crate) time: Option<i64>,
    /// Number and revision.
    pub(crate) repositories: Vec<(i64, String)>,
    pub(crate) passes: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Plan {
    /// Whether Test Center runs the scripts itself.
    pub(crate) fn is_managed(&self) -> bool {
        self.time.is_some() && !self.repositories.is_empty()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Execution {
    pub(crate) id: i64,
    pub(crate) plan: i64,
    pub(crate) suite: String,
    pub(crate) testcase: String,
    pub(crate) needs: Labels,
    pub(crate) state: State,
    /// How often it was handed out.
    pub(crate) reservations: usize,
    /// The message of every `finished` that was accepted; empty where it ran.
    pub(crate) finishes: Vec<String>,
    /// The Squish server it holds.
    pub(crate) server: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Reserved { until: Instant },
    Done { with_error: bool },
}

#[derive(Clone, Debug)]
pub(crate) struct SquishServer {
    pub(crate) id: i64,
    pub(crate) enabled: bool,
    pub(crate) host: String,
    pub(crate) port: String,
    pub(crate) labels: Labels,
}

impl World {
    /// Templates and Squish servers of a `testplan.yml` whose tests are named one by one.
    pub(super) fn of_plan_file(text: &str) -> Self {
        let file: Value = serde_saphyr::from_str(text).unwrap();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let labels = |value: &Value| -> Labels {
            let pairs = value.as_object().into_iter().flatten();
            pairs
                .map(|(key, value)| (key.clone(), text(value)))
                .collect()
        };
        let mut world = Self::default();
        for (number, template) in (64..).zip(list(&file["templates"])) {
            let mut needs: Vec<Labels> = list(&template["configurations"])
                .iter()
                .map(labels)
                .collect();
            if needs.is_empty() {
                needs.push(Labels::new());
            }
            let mut tests = Vec::new();
            for source in list(&template["tests"]) {
                let suite = source["suite"].as_str().expect("tests are named here");
                for testcase in list(&source["testcases"]) {
                    for needs in &needs {
                        tests.push((suite.to_owned(), text(&testcase), needs.clone()));
                    }
                }
            }
            world.templates.push(Template {
                id: number,
                project: text(&file["project"]),
                title: text(&template["title"]),
                tests,
            });
        }
        for (id, server) in (1..).zip(list(&file["servers"])) {
            world.servers.push(SquishServer {
                id,
                enabled: true,
                host: text(&server["host"]),
                port: text(&server["port"]),
                labels: labels(&server["labels"]),
            });
        }
        world
    }

    /// What is over returns to the pool, and its Squish server with it.
    #[expect(clippy::disallowed_methods, reason = "the clock of the stand-in")]
    pub(crate) fn expire(&mut self) -> Instant {
        let now = Instant::now();
        for execution in &mut self.executions {
            if let State::Reserved { until } = execution.state
                && until <= now
            {
                execution.state = State::Open;
                execution.server = None;
            }
        }
        now
    }

    /// Open, reserved and done executions of a plan that need all of `wanted`.
    pub(crate) fn counts(&mut self, plan: i64, wanted: &Labels) -> (u64, u64, u64) {
        self.expire();
        let mut counts = (0, 0, 0);
        for execution in self.of_plan(plan) {
            if has_all(&execution.needs, wanted) {
                *(match execution.state {
                    State::Open => &mut counts.0,
                    State::Reserved { .. } => &mut counts.1,
                    State::Done { .. } => &mut counts.2,
                }) += 1;
            }
        }
        counts
    }

    pub(crate) fn of_plan(&self, plan: i64) -> impl Iterator<Item = &Execution> {
        self.executions.iter().filter(move |it| it.plan == plan)
    }

    pub(crate) fn plan(&self, id: i64) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    pub(crate) fn execution(&mut self, id: i64) -> Option<&mut Execution> {
        self.executions.iter_mut().find(|it| it.id == id)
    }

    /// The execution that a Squish server is busy with.
    pub(crate) fn busy_with(&self, server: i64) -> Option<i64> {
        let holder = self.executions.iter().find(|it| it.server == Some(server));
        holder.map(|execution| execution.id)
    }
}

/// Whether all of `wanted` are there; letter case does not count.
pub(crate) fn has_all(labels: &Labels, wanted: &Labels) -> bool {
    wanted.iter().all(|(key, value)| {
        labels
            .iter()
            .any(|(k, v)| k.eq_ignore_ascii_case(key) && v.eq_ignore_ascii_case(value))
    })
}

/// Labels as the API writes them.
pub(crate) fn label_list(labels: &Labels) -> Value {
    let list = labels
        .iter()
        .map(|(key, value)| serde_json::json!({ "key": key, "value": value }));
    list.collect()
}

/// Labels as the API reads them; `None` for anything else.
pub(crate) fn labels_of(value: &Value) -> Option<Labels> {
    let pairs = value.as_array()?.iter().map(|label| {
        Some((
            label["key"].as_str()?.to_owned(),
            label["value"].as_str()?.to_owned(),
        ))
    });
    pairs.collect()
}
