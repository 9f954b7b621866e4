//! B5: the three calls of an execution on one connection: our service beside bare hyper, our client beside Python.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use secrecy::SecretString;
use testplan::{
    client::{
        Client, Credentials, Endpoint, HttpOptions, HttpTransport, Patience, Reservation,
        ReserveOptions, StartPlan,
    },
    model::{Capabilities, Outcome, PlanId, PlanKind, TestResult, TestVerdict},
    store::{Store as _, sqlite::Durability},
};
use tokio::runtime::Runtime;

use super::{
    cost::{Cost, Meter},
    hyper_client::Caller,
    hyper_service,
    pairs::Pairs,
    serving::Serving,
    stage,
    table::{self, Aim, Row},
};

/// Executions of one side of a pair.
const EXECUTIONS: u32 = 300;
const PAIRS: usize = 7;
/// Of the plan: enough for all sides of all pairs.
const SIZE: usize = 20_000;
const LEASE: Duration = Duration::from_secs(60);

pub(crate) fn run() -> anyhow::Result<()> {
    let folder = stage::folder()?;
    let runtime = stage::runtime()?;
    prepare(&runtime, folder.path(), SIZE)?;
    // Full durability would measure the disk; b3 does.
    let serve = Serving::testplan(folder.path(), ["--durability", "normal"])?;
    let client = client(&serve)?;
    let plan = runtime.block_on(start(&client))?;
    let bare = hyper_service::spawn()?;
    let ours_and_bare = Pairs::measure(
        PAIRS,
        || raw(&runtime, &serve, plan),
        || raw(&runtime, &bare, plan),
    )?;
    Row {
        what: "reserve + heartbeat + finished: serve",
        beside: "bare hyper, fixed JSON",
        pairs: &ours_and_bare,
        wall: Aim::AtMost(2.0),
        cpu: Aim::None,
    }
    .print();
    let both = Pairs::measure(
        PAIRS,
        || whole(&runtime, &client, &serve, plan),
        || raw(&runtime, &serve, plan),
    )?;
    Row {
        what: "the same: our client (reqwest)",
        beside: "raw hyper client",
        pairs: &both,
        wall: Aim::None,
        cpu: Aim::None,
    }
    .print();
    let Some(python) = python(folder.path()) else {
        table::note("b5: Python skipped: no python3 that has or can get `requests`");
        return Ok(());
    };
    let script = folder.path().join("requests_client.py");
    fs::write(&script, include_str!("requests_client.py"))?;
    let mut requests = || session(&python, &script, &serve, plan);
    let pairs = Pairs::measure(3, || whole(&runtime, &client, &serve, plan), &mut requests)?;
    Row {
        what: "the same: our client (reqwest)",
        beside: "requests.Session",
        pairs: &pairs,
        wall: Aim::AtLeast(8.0),
        cpu: Aim::AtLeast(8.0),
    }
    .print();
    let pairs = Pairs::measure(3, || raw(&runtime, &serve, plan), &mut requests)?;
    Row {
        what: "the same: raw hyper client",
        beside: "requests.Session",
        pairs: &pairs,
        wall: Aim::AtLeast(8.0),
        cpu: Aim::AtLeast(8.0),
    }
    .print();
    table::note("all against one `serve --durability normal`; CPU of client and service together");
    Ok(())
}

/// Leaves a store with a template for `testplan serve`.
pub(crate) fn prepare(runtime: &Runtime, folder: &Path, size: usize) -> anyhow::Result<()> {
    runtime.block_on(async {
        let store = stage::open(folder, Durability::Normal)?;
        stage::publish(&store, size, |_| Capabilities::default()).await?;
        Ok(store.close().await?)
    })
}

/// Our client, as the binary makes it.
pub(crate) fn client(serve: &Serving) -> anyhow::Result<Client> {
    let transport = HttpTransport::new(&HttpOptions::default())?;
    let endpoint = Endpoint::parse(&serve.url, false)?;
    let credentials = Credentials::Token(SecretString::from(serve.token.as_str()));
    let patience = Patience::default();
    Ok(Client::new(
        Arc::new(transport),
        endpoint,
        credentials,
        patience,
    )?)
}

/// Starts a plan of what [`prepare`] left.
pub(crate) async fn start(client: &Client) -> anyhow::Result<PlanId> {
    let template = client
        .find_plan("bench", "bench", PlanKind::Template)
        .await?;
    let request = StartPlan {
        project: "bench".to_owned(),
        template: template.id,
        title: "plan".to_owned(),
        batch: "batch".to_owned(),
        planned: None,
        linked: Vec::new(),
        tests: None,
        discovery: None,
        origin: testplan::model::PlanOrigin::default(),
    };
    Ok(client.execute_plan(&request).await?.id)
}

/// With hyper's own client, which does no more than it must.
fn raw(runtime: &Runtime, service: &Serving, plan: PlanId) -> anyhow::Result<Cost> {
    runtime.block_on(async {
        let mut caller = Caller::connect(service).await?;
        let meter = Meter::start_with(service.pid())?;
        for _ in 0..EXECUTIONS {
            caller.execution(plan).await?;
        }
        Ok(meter.read()?.per(EXECUTIONS))
    })
}

fn whole(
    runtime: &Runtime,
    client: &Client,
    service: &Serving,
    plan: PlanId,
) -> anyhow::Result<Cost> {
    let options = ReserveOptions {
        offered: Capabilities::default(),
        lease: LEASE,
        allocate_server: false,
        wait: Duration::ZERO,
    };
    let passed = Outcome::Completed {
        result: Some(TestResult {
            verdict: TestVerdict::Passed,
            duration_ms: 1,
            flaky: false,
        }),
    };
    runtime.block_on(async {
        let meter = Meter::start_with(service.pid())?;
        for _ in 0..EXECUTIONS {
            let Reservation::Granted(granted) = client.reserve(plan, &options, "bench").await?
            else {
                bail!("no execution was left");
            };
            let lease = granted.lease.as_ref();
            client
                .heartbeat(granted.execution, lease, LEASE, LEASE)
                .await?;
            client.finish(granted.execution, lease, &passed).await?;
        }
        Ok(meter.read()?.per(EXECUTIONS))
    })
}

/// A Python that has `requests`, if need be in a virtual environment of its own.
fn python(folder: &Path) -> Option<PathBuf> {
    let has_requests = |python: &Path| {
        let output = Command::new(python)
            .args(["-c", "import requests"])
            .output();
        output.is_ok_and(|output| output.status.success())
    };
    let python = PathBuf::from("python3");
    if has_requests(&python) {
        return Some(python);
    }
    let environment = folder.join("venv");
    let made = |command: &mut Command| {
        let output = command.output();
        output.is_ok_and(|output| output.status.success())
    };
    let own = environment.join("bin/python");
    (made(Command::new(&python).args(["-m", "venv"]).arg(&environment))
        && made(Command::new(&own).args(["-m", "pip", "install", "--quiet", "requests"]))
        && has_requests(&own))
    .then_some(own)
}

/// The script measures itself, without the start of Python; the service's part is added.
fn session(python: &Path, script: &Path, serve: &Serving, plan: PlanId) -> anyhow::Result<Cost> {
    let before = super::cost::of_threads(&serve.pid().to_string())?;
    let output = Command::new(python)
        .arg(script)
        .args([&serve.url, &plan.to_string(), &EXECUTIONS.to_string()])
        .env("TESTCENTER_TOKEN", &serve.token)
        .output()?;
    let service = super::cost::of_threads(&serve.pid().to_string())?.saturating_sub(before);
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    let mut seconds = text.split_whitespace().map(str::parse::<f64>);
    let mut next = || seconds.next().context("the script said too little");
    let (wall, cpu) = (next()??, next()??);
    let cost = Cost {
        wall: Duration::from_secs_f64(wall),
        cpu: Duration::from_secs_f64(cpu) + service,
    };
    Ok(cost.per(EXECUTIONS))
}
