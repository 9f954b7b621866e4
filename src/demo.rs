//! The demo: service, Squish servers, plan and workers, with a report at the end.
//!
//! Nothing is simulated: the workers are processes of their own that speak to the service over a socket, the tests are
//! processes of this same binary, one worker is killed, and the report is made from records. It needs only this binary.

pub(crate) mod checks;
pub(crate) mod demo_suite;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::net::TcpListener;

use crate::{
    client::{Client, Credentials, Endpoint, HttpOptions, HttpTransport, Patience, StartPlan},
    clock,
    config::plan_file::PlanFile,
    failure::Failure,
    fs,
    listing::{catalog::Catalog, loaded_plan_file::LoadedPlanFile, preset_listing::PresetListing},
    local_service::ServiceOptions,
    model::{Capabilities, Plan, PlanId, PlanKind, PlanOrigin, record::RecordEvent},
    random,
    report::{PlanReport, junit},
    report_files,
    run::process::{self, Running},
    runner::command_line::CommandLine,
    service::{Access, Principal},
    store::{Rules, StoreError},
};

/// Prints a line for people.
type Print<'a> = &'a dyn Fn(fmt::Arguments<'_>);

/// The lease of the demo's workers: short, so that people can watch the rescue of a killed worker's test.
const LEASE: &str = "3s";
/// The cool-down of a Squish server after its lease expired or a test hung on it.
const COOL_DOWN: Duration = Duration::from_millis(500);
/// Prints the progress after this many executions.
const PRINT_EVERY: u64 = 10;
/// What the demo came to.
#[derive(Debug)]
pub(crate) struct DemoOutcome {
    pub(crate) report: PlanReport,
    pub(crate) took: Duration,
}

/// Runs the demo in the folder `out`, and passes each line about its progress to `print`.
pub(crate) async fn show(out: &Path, print: Print<'_>) -> Result<DemoOutcome, Failure> {
    let began = clock::monotonic();
    // Removes what an earlier demo left.
    for part in ["records", "logs", "results", "service", "workers"] {
        let _ = std::fs::remove_dir_all(out.join(part));
    }
    std::fs::create_dir_all(out.join("workers")).map_err(Failure::infrastructure)?;
    let binary = std::env::current_exe().map_err(Failure::infrastructure)?;
    let config = out.join("testplan.yml");
    fs::write_atomic(&config, demo_suite::plan_file(&binary).as_bytes())
        .map_err(Failure::infrastructure)?;

    let served = Served::start(out, &config).await?;
    print(format_args!(
        "service    listening on {} (SQLite in {})",
        served.url,
        out.join("service").display()
    ));
    for server in served.client.squish_servers().await? {
        print(format_args!(
            "server     Squish server {}:{} offers {}",
            server.host, server.port, server.labels
        ));
    }
    let plan = served.start_plan().await?;
    let status = served
        .client
        .status(plan.id, &Capabilities::default())
        .await?;
    print(format_args!(
        "plan       {} \"{}\": {} executions",
        plan.id,
        plan.title,
        status.total()
    ));

    let workers = Workers {
        binary: &binary,
        out,
        config: &config,
        served: &served,
        plan: &plan,
    };
    let mut first = workers.start("linux-1", "OS=Linux")?;
    print(format_args!("worker     linux-1 runs the first Linux test"));
    until_test_runs(out).await;
    first
        .stop(Duration::ZERO)
        .await
        .map_err(Failure::infrastructure)?;
    print(format_args!(
        "worker     linux-1 is killed (SIGKILL) while the test runs. Its lease will expire, and the test runs again"
    ));
    let mut linux = workers.start("linux-2", "OS=Linux")?;
    let mut windows = workers.start("windows-1", "OS=Windows")?;
    print(format_args!(
        "worker     linux-2 and windows-1 run the other tests"
    ));
    tokio::select! {
        (_, _) = async { tokio::join!(linux.wait(), windows.wait()) } => {}
        never = print_progress(&served.client, plan.id, print) => never?,
    }

    let status = served
        .client
        .status(plan.id, &Capabilities::default())
        .await?;
    let executions = served.client.executions(plan.id).await?;
    served.stop().await?;
    let records = report_files::record_paths(out, &[]);
    let report = report_files::merge(&records, Some(plan.id), Some(status), executions)?;
    report_files::write_reports(&report, out, junit::Profile::Default, None)?;
    Ok(DemoOutcome {
        report,
        took: began.elapsed(),
    })
}

/// Prints how many executions are done, every few executions. Ends only with an error.
async fn print_progress(client: &Client, plan: PlanId, print: Print<'_>) -> Result<(), Failure> {
    let mut printed = 0;
    loop {
        let status = client.wait_status(plan, Duration::from_secs(20)).await?;
        if status.done >= printed + PRINT_EVERY || status.is_drained() {
            printed = status.done;
            print(format_args!(
                "           {printed:>3} of {} done",
                status.total()
            ));
        }
        if status.is_drained() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits until the record of the worker to be killed says that its test is running.
async fn until_test_runs(out: &Path) {
    let records = out.join("records");
    loop {
        let begun = {
            let mut files = Vec::new();
            report_files::read_records(&records, &mut files).is_ok()
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
    async fn start(out: &Path, config: &Path) -> Result<Self, Failure> {
        let file = PlanFile::load(config).map_err(Failure::usage)?;
        let loaded = LoadedPlanFile::new(file, config.to_owned(), PresetListing::default());
        let mut catalog = Catalog::default();
        catalog.add(&loaded, |_| {}).await?;
        let data = out.join("service");
        std::fs::create_dir_all(&data).map_err(Failure::infrastructure)?;
        let token = random::hex(2).map_err(Failure::infrastructure)?;
        let secret = SecretString::from(token.clone());
        let options = ServiceOptions {
            rules: Rules {
                cool_down: COOL_DOWN,
                trouble_rest: COOL_DOWN,
                ..Rules::default()
            },
            access: Access::Principals(vec![Principal::token("demo", &secret)]),
            ..ServiceOptions::new(data.join("testplan.sqlite"))
        };
        let service = options.open(catalog).await?;
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
            .find_plan(demo_suite::PROJECT, demo_suite::TITLE, PlanKind::Template)
            .await?;
        let start = StartPlan {
            template: template.id,
            project: template.project,
            title: format!("{}, build 412", demo_suite::TITLE),
            batch: "demo".to_owned(),
            planned: None,
            linked: Vec::new(),
            tests: None,
            discovery: None,
            origin: PlanOrigin::default(),
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
