//! `testplan demo`: service, Squish servers, capabilities, plan and workers in one command, with a report at the end.
//!
//! Nothing is played: the workers are processes of their own that speak to the service over a socket, the tests are
//! processes of this same binary, one worker is killed for real, and the report is made from records. Runs where only
//! this binary is.

pub mod checks;
pub mod suite;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use futures_util::TryFutureExt as _;
use secrecy::SecretString;
use tokio::net::TcpListener;

use super::{connect, plans::Published, reporting, screen::Screen, working};
use crate::{
    client::{Client, Credentials, Endpoint, HttpOptions, HttpTransport, Patience, StartPlan},
    clock::{self, ServiceClock},
    config::duration,
    failure::{CommandResult, Failure},
    fs,
    model::{Capabilities, Plan, PlanId, PlanKind, record::RecordEvent},
    run::process::{self, Running},
    runner::command::CommandLine,
    service::{Access, Limits, Principal, Service},
    signal::Signals,
    store::{
        Rules, Store, StoreError,
        sqlite::{Durability, SqliteStore},
    },
};

pub use suite::{DemoTest, test};

/// Shows the whole thing in one command.
#[derive(Args, Debug)]
pub struct Demo {
    /// Folder for everything that the demo leaves behind.
    #[arg(long, value_name = "DIR", default_value = "testplan-demo")]
    out: PathBuf,
}

/// The lease of the demo's workers: short, so that the rescue of a killed worker's test can be watched.
const LEASE: &str = "3s";
/// How long a Squish server rests after its lease expired.
const COOL_DOWN: Duration = Duration::from_millis(500);
/// After how many executions the progress is told.
const TELL_EVERY: u64 = 10;
/// When something is wrong with the demo itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// `testplan demo`.
pub async fn run(command: Demo, screen: &Screen) -> CommandResult {
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let show = tokio::time::timeout(PATIENCE, show(&command.out, screen));
    let show = show.unwrap_or_else(|_| {
        let span = duration::format(PATIENCE);
        Err(
            Failure::infrastructure_text(format_args!("the demo did not end within {span}"))
                .help(format!("look at {}", command.out.display())),
        )
    });
    signals.or_interrupted(show).await
}

async fn show(out: &Path, screen: &Screen) -> CommandResult {
    let began = clock::monotonic();
    let out = std::path::absolute(out).map_err(Failure::infrastructure)?;
    // A demo begins anew: what an earlier one left in its own folder goes.
    for part in ["records", "logs", "results", "service", "workers"] {
        let _ = std::fs::remove_dir_all(out.join(part));
    }
    std::fs::create_dir_all(out.join("workers")).map_err(Failure::infrastructure)?;
    let binary = std::env::current_exe().map_err(Failure::infrastructure)?;
    let config = out.join("testplan.yml");
    fs::write_atomic(&config, suite::plan_file(&binary).as_bytes())
        .map_err(Failure::infrastructure)?;

    let served = Served::start(&out, &config, screen).await?;
    screen.info(format_args!(
        "service    listening on {} (SQLite in {})",
        served.url,
        out.join("service").display()
    ));
    for server in served.client.squish_servers().await? {
        screen.info(format_args!(
            "server     Squish server {}:{} offers {}",
            server.host, server.port, server.labels
        ));
    }
    let plan = served.start_plan().await?;
    let status = served
        .client
        .status(plan.id, &Capabilities::default())
        .await?;
    screen.info(format_args!(
        "plan       {} \"{}\": {} executions",
        plan.id,
        plan.title,
        status.total()
    ));

    let workers = Workers {
        binary: &binary,
        out: &out,
        config: &config,
        served: &served,
        plan: &plan,
    };
    let mut doomed = workers.start("linux-doomed", "OS=Linux")?;
    screen.info("worker     linux-doomed takes the first Linux test …");
    doomed_has_begun(&out).await;
    doomed
        .stop(Duration::ZERO)
        .await
        .map_err(Failure::infrastructure)?;
    screen.info("worker     … and is killed (SIGKILL) in the middle of it. Its lease runs out; nothing is lost");
    let mut linux = workers.start("linux", "OS=Linux")?;
    let mut windows = workers.start("windows", "OS=Windows")?;
    screen.info("worker     linux and windows drain the plan …");
    tokio::select! {
        (_, _) = async { tokio::join!(linux.wait(), windows.wait()) } => {}
        never = count(&served.client, plan.id, screen) => never?,
    }

    let status = served
        .client
        .status(plan.id, &Capabilities::default())
        .await?;
    let executions = served.client.executions(plan.id).await?;
    served.stop().await?;
    let report = reporting::merge(
        &reporting::record_paths(&out, &[]),
        Some(plan.id),
        Some(status),
        executions,
    )?;
    reporting::write_reports(&report, &out, &reporting::Form::default())?;
    screen.report(&report);
    checks::explain(&report, &out, began.elapsed(), screen)
}

/// Says how far the plan is, every few executions. Ends only in trouble.
async fn count(client: &Client, plan: PlanId, screen: &Screen) -> Result<(), Failure> {
    let mut told = 0;
    loop {
        let status = client.wait_status(plan, Duration::from_secs(20)).await?;
        if status.done >= told + TELL_EVERY || status.is_drained() {
            told = status.done;
            screen.info(format_args!(
                "           {told:>3} of {} done",
                status.total()
            ));
        }
        if status.is_drained() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits until the killed-to-be worker's record says that its test is running.
async fn doomed_has_begun(out: &Path) {
    let records = out.join("records");
    loop {
        let begun = {
            let mut files = Vec::new();
            reporting::read_records(&records, &mut files).is_ok()
                && files
                    .iter()
                    .flat_map(|file| &file.records)
                    .any(|record| matches!(record.event, RecordEvent::Started { .. }))
        };
        if begun {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A service on a socket of this process.
struct Served {
    url: String,
    token: String,
    client: Client,
    stop: tokio::sync::oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<Result<(), StoreError>>,
}

impl Served {
    async fn start(out: &Path, config: &Path, screen: &Screen) -> Result<Self, Failure> {
        let mut published = Published::default();
        published
            .add(&connect::load(config, screen)?, screen)
            .await?;
        let data = out.join("service");
        std::fs::create_dir_all(&data).map_err(Failure::infrastructure)?;
        let rules = Rules {
            cool_down: COOL_DOWN,
            ..Rules::default()
        };
        let (store, opened) = SqliteStore::open(
            &data.join("testplan.sqlite"),
            Durability::Normal,
            rules,
            clock::wall(),
        )
        .map_err(Failure::infrastructure)?;
        let store: Arc<dyn Store> = Arc::new(store);
        let clock = Arc::new(ServiceClock::starting_at(opened.high_water));
        published.publish(store.as_ref(), clock.now()).await?;
        let token = format!("{:08x}{:08x}", working::random()?, working::random()?);
        let secret = SecretString::from(token.clone());
        let access = Access::Principals(vec![Principal::token("demo", &secret)]);
        let service = Service::new(store, clock, access, Limits::default());
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(Failure::infrastructure)?;
        let url = format!(
            "http://{}",
            listener.local_addr().map_err(Failure::infrastructure)?
        );
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let serving = tokio::spawn(async move {
            service
                .serve(listener, async {
                    let _ = stopped.await;
                })
                .await
        });
        let transport = Arc::new(HttpTransport::new(&HttpOptions::default())?);
        let endpoint = Endpoint::parse(&url, false)?;
        let client = Client::new(
            transport,
            endpoint,
            Credentials::Token(secret),
            Patience::default(),
        )?;
        Ok(Self {
            url,
            token,
            client,
            stop,
            serving,
        })
    }

    async fn start_plan(&self) -> Result<Plan, Failure> {
        let template = self
            .client
            .find_plan(suite::PROJECT, suite::TITLE, PlanKind::Template)
            .await?;
        let start = StartPlan {
            template: template.id,
            project: template.project,
            title: format!("{} of {}", suite::TITLE, clock::wall().0),
            batch: "demo".to_owned(),
            planned: None,
            linked: Vec::new(),
            tests: None,
            discovery: None,
        };
        Ok(self.client.execute_plan(&start).await?)
    }

    async fn stop(self) -> Result<(), Failure> {
        let _ = self.stop.send(());
        self.serving
            .await
            .map_err(Failure::infrastructure)?
            .map_err(Failure::infrastructure)
    }
}

/// What starting a worker process needs.
struct Workers<'a> {
    binary: &'a Path,
    out: &'a Path,
    config: &'a Path,
    served: &'a Served,
    plan: &'a Plan,
}

impl Workers<'_> {
    fn start(&self, name: &str, capability: &str) -> Result<Running, Failure> {
        let plan = self.plan.id.to_string();
        let mut argv = vec![self.binary.as_os_str().to_owned()];
        argv.extend(
            [
                "work",
                "--plan-id",
                &plan,
                "--capability",
                capability,
                "--workers",
                "1",
            ]
            .map(Into::into),
        );
        argv.extend(["--allocate-server", "--lease", LEASE, "--config"].map(Into::into));
        argv.extend([
            self.config.as_os_str().to_owned(),
            "--out".into(),
            self.out.as_os_str().to_owned(),
        ]);
        let line = CommandLine {
            argv,
            env: vec![
                ("TESTCENTER_URL".to_owned(), self.served.url.clone().into()),
                (
                    "TESTCENTER_TOKEN".to_owned(),
                    self.served.token.clone().into(),
                ),
                ("TESTPLAN_WORKER".to_owned(), name.into()),
            ],
            ..CommandLine::default()
        };
        let log = self.out.join("workers").join(format!("{name}.log"));
        process::spawn(&line, &log, 1024 * 1024).map_err(Failure::infrastructure)
    }
}
