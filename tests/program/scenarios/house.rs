//! A service of either kind, and what it holds.

use std::{collections::BTreeMap, path::PathBuf};

use crate::support::{
    PlanFile, PostgresSchema, Service, Stage, Tap, TestCenter, Testplan,
    test_center::{Dialect, Fault, State, TOKEN},
};

/// Which service a scenario meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The stand-in for Test Center.
    TestCenter,
    /// `testplan serve`.
    Ours,
    /// The same on PostgreSQL.
    OnPostgres,
}

impl Kind {
    /// What differs, as data.
    pub(crate) fn pick<T>(self, test_center: T, ours: T) -> T {
        match self {
            Self::TestCenter => test_center,
            Self::Ours | Self::OnPostgres => ours,
        }
    }
}

/// A service on its stage, with the plan file's template `T` of project `p`.
pub(crate) struct House {
    pub(crate) stage: Stage,
    token_file: PathBuf,
    end: End,
    /// After the service in it.
    _schema: Option<PostgresSchema>,
}

enum End {
    TestCenter(TestCenter),
    /// With a tap before it, that answers can be lost in.
    Ours(Box<(Service, Tap)>),
}

/// What the service holds of one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// `open`, `reserved` or `done`.
    pub(crate) state: &'static str,
    /// How often it was handed out.
    pub(crate) handed_out: usize,
    /// The results that were accepted: the message of each, empty where the test ran.
    pub(crate) results: Vec<String>,
}

impl Held {
    /// Handed out so often, with one result: it ran.
    pub(crate) fn done(handed_out: usize) -> Self {
        Self {
            state: "done",
            handed_out,
            results: vec![String::new()],
        }
    }
}

impl House {
    pub(crate) fn of(kind: Kind, stage: Stage, plan_file: &PlanFile) -> Self {
        Self::speaking(kind, stage, plan_file, Dialect::default())
    }

    /// With a Test Center that speaks its own way.
    pub(crate) fn speaking(
        kind: Kind,
        stage: Stage,
        plan_file: &PlanFile,
        dialect: Dialect,
    ) -> Self {
        plan_file.on(&stage);
        Self::standing(kind, stage, dialect)
    }

    /// On a stage whose `testplan.yml` is there.
    pub(crate) fn standing(kind: Kind, stage: Stage, dialect: Dialect) -> Self {
        match kind {
            Kind::TestCenter => {
                let center = TestCenter::start(&stage.read("testplan.yml"), dialect);
                let token_file = secret(&stage, "token", TOKEN);
                Self {
                    stage,
                    token_file,
                    end: End::TestCenter(center),
                    _schema: None,
                }
            }
            Kind::Ours | Kind::OnPostgres => {
                let schema = match kind {
                    Kind::OnPostgres => PostgresSchema::create(),
                    Kind::Ours | Kind::TestCenter => None,
                };
                let service = Service::start_with(&stage, |serve| match &schema {
                    Some(schema) => serve.flags("--database").arg(schema.url()),
                    None => serve,
                });
                let tap = Tap::before(&service);
                Self {
                    token_file: service.token_file(),
                    stage,
                    end: End::Ours(Box::new((service, tap))),
                    _schema: schema,
                }
            }
        }
    }

    fn url(&self) -> &str {
        match &self.end {
            End::TestCenter(center) => &center.url,
            End::Ours(it) => &it.1.url,
        }
    }

    /// A testplan process to be, at this service.
    pub(crate) fn testplan(&self, subcommand: &str) -> Testplan {
        let testplan = self.stage.testplan(subcommand);
        testplan.at_url(self.url(), &self.token_file)
    }

    /// The same as somebody else: with another token.
    pub(crate) fn stranger(&self, subcommand: &str) -> Testplan {
        let token = secret(&self.stage, "another-token", "not-the-right-one");
        let testplan = self.stage.testplan(subcommand);
        testplan.at_url(self.url(), &token)
    }

    /// Starts a plan.
    #[track_caller]
    pub(crate) fn start_plan(&self) -> i64 {
        let execute = self.testplan("execute").flags("--template T --format json");
        let started = execute.run().code_is(0).json();
        started["plan_id"].as_i64().unwrap()
    }

    /// The stand-in, where it is one.
    pub(crate) fn center(&self) -> Option<&TestCenter> {
        match &self.end {
            End::TestCenter(center) => Some(center),
            End::Ours(..) => None,
        }
    }

    /// The answers to the next so many calls that begin so are lost, once the service has done its work.
    pub(crate) fn lose_answers(&self, call: &'static str, times: usize) {
        match &self.end {
            End::TestCenter(center) => center.inject(call, Fault::LoseAnswer, times),
            End::Ours(it) => it.1.lose_answers(call, times),
        }
    }

    /// How many calls began so.
    pub(crate) fn count(&self, call: &str) -> usize {
        match &self.end {
            End::TestCenter(center) => center.count(call),
            End::Ours(it) => it.1.requests().matches(call).count(),
        }
    }

    /// The number of plans that were started.
    pub(crate) fn plans(&self) -> usize {
        match &self.end {
            End::TestCenter(center) => center.world().plans.len(),
            // Its template is number 1.
            End::Ours(..) => (2..1000)
                .take_while(|plan| {
                    let shown = self.testplan("plan show").on(*plan).run();
                    shown.status.success()
                })
                .count(),
        }
    }

    /// What the service holds of the executions of a plan, by test case and what it needs.
    pub(crate) fn held(&self, plan: i64) -> BTreeMap<String, Held> {
        match &self.end {
            End::TestCenter(center) => {
                let mut world = center.world();
                world.expire();
                world
                    .of_plan(plan)
                    .map(|it| {
                        let needs = it.needs.iter().map(|(key, value)| format!("{key}={value}"));
                        let held = Held {
                            state: match it.state {
                                State::Open => "open",
                                State::Reserved { .. } => "reserved",
                                State::Done { .. } => "done",
                            },
                            handed_out: it.reservations,
                            results: it.finishes.clone(),
                        };
                        (name(&it.testcase, needs), held)
                    })
                    .collect()
            }
            End::Ours(it) => {
                let service = &it.0;
                let events = service.events(plan);
                let executions = service.executions(plan).into_iter();
                executions
                    .map(|it| {
                        let id = it.execution_id;
                        let needs = it.labels.iter().map(ToString::to_string);
                        let results = events
                            .iter()
                            .filter(|event| event.execution_id == id && event.kind == "finished");
                        let held = Held {
                            state: match it.state {
                                testplan::model::ExecutionState::Open => "open",
                                testplan::model::ExecutionState::Reserved => "reserved",
                                testplan::model::ExecutionState::Done => "done",
                            },
                            handed_out: usize::try_from(it.attempts).unwrap(),
                            results: results
                                .map(|_| it.error.clone().unwrap_or_default())
                                .collect(),
                        };
                        (name(&it.testcase, needs), held)
                    })
                    .collect()
            }
        }
    }

    /// Asserts that every execution of a plan was handed out once and has one result.
    #[track_caller]
    pub(crate) fn all_done_once(&self, plan: i64, executions: usize) {
        let held = self.held(plan);
        assert_eq!(held.len(), executions, "{held:?}");
        for (name, held) in held {
            assert_eq!(held, Held::done(1), "{name}");
        }
    }
}

/// A file that its owner alone can read.
fn secret(stage: &Stage, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = stage.write(name, text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn name(testcase: &str, needs: impl Iterator<Item = String>) -> String {
    let needs: Vec<String> = needs.collect();
    if needs.is_empty() {
        testcase.to_owned()
    } else {
        format!("{testcase} {}", needs.join(" "))
    }
}
