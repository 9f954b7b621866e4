//! B8: what a step of the action pays before it works: the launcher under Node, and the way to the first request.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, ensure};

use super::{
    cost::{Cost, Meter},
    pairs::Pairs,
    serving::TESTPLAN,
    table::{self, Aim, Row},
};

const STARTS: u32 = 50;
const PAIRS: usize = 7;
/// To the first request, from the start of the process.
const AIM: Duration = Duration::from_millis(20);

pub(crate) fn run() -> anyhow::Result<()> {
    first_request()?;
    if let Some(node) = node() {
        return launcher(&node);
    }
    table::figure(
        "launcher: not measured",
        "there is no Node",
        "TESTPLAN_NODE",
    );
    Ok(())
}

fn first_request() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let ours = ["plan", "status", "--plan-id", "1", "--url", &url];
    let pairs = Pairs::measure(
        PAIRS,
        || requests(&listener, TESTPLAN, &ours),
        || requests(&listener, "curl", &["-s", &url]),
    )?;
    Row {
        what: "start to first request: plan status",
        beside: "curl",
        pairs: &pairs,
        wall: Aim::None,
        cpu: Aim::None,
    }
    .print();
    let took = pairs.ours(|cost| cost.wall);
    let judged = if took < AIM {
        "< 20 ms met"
    } else {
        "< 20 ms BEHIND"
    };
    table::figure("to the first request, ours", &format!("{took:.1?}"), judged);
    Ok(())
}

/// From the start of a program to its first request; what comes after that is not counted.
fn requests(listener: &TcpListener, program: &str, arguments: &[&str]) -> anyhow::Result<Cost> {
    let mut sum = Cost::default();
    for _ in 0..STARTS {
        let meter = Meter::start()?;
        let mut child = Command::new(program)
            .args(arguments)
            .env("TESTCENTER_TOKEN", "bench")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| program.to_owned())?;
        let (mut stream, _) = listener.accept()?;
        let mut request = [0; 4096];
        ensure!(stream.read(&mut request)? > 0, "{program} said nothing");
        let wall = meter.read()?.wall;
        refuse(&mut stream)?;
        child.wait()?;
        sum = sum
            + Cost {
                wall,
                cpu: meter.read()?.cpu,
            };
    }
    Ok(sum.per(STARTS))
}

/// An answer that ends the program: nobody tries again what is not found.
fn refuse(stream: &mut TcpStream) -> anyhow::Result<()> {
    let body = r#"{"status":"error","error":{"code":404,"message":"not found"}}"#;
    let head = "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\nconnection: close";
    write!(
        stream,
        "{head}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}

/// What `dist/main.js` adds to Node itself, with a program that does nothing.
fn launcher(node: &Path) -> anyhow::Result<()> {
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/main.js");
    let pairs = Pairs::measure(
        PAIRS,
        || node_runs(node, &[main.as_os_str()]),
        || node_runs(node, &["-e".as_ref(), "0".as_ref()]),
    )?;
    Row {
        what: "launcher: dist/main.js, binary-path: /bin/true",
        beside: "node -e 0",
        pairs: &pairs,
        wall: Aim::None,
        cpu: Aim::None,
    }
    .print();
    let wall = |cost: &Cost| cost.wall;
    let added = pairs.ours(wall).saturating_sub(pairs.beside(wall));
    table::figure(
        "the launcher adds to Node's own start",
        &format!("{added:.1?}"),
        "",
    );
    Ok(())
}

fn node_runs(node: &Path, arguments: &[&std::ffi::OsStr]) -> anyhow::Result<Cost> {
    let meter = Meter::start()?;
    for _ in 0..STARTS {
        let mut command = Command::new(node);
        command
            .args(arguments)
            .env("INPUT_BINARY-PATH", "/bin/true");
        let output = command.env_remove("GITHUB_STATE").output()?;
        ensure!(
            output.status.success(),
            "{}: {}",
            node.display(),
            output.status
        );
    }
    Ok(meter.read()?.per(STARTS))
}

/// The Node that the tests use, or the one at hand.
fn node() -> Option<PathBuf> {
    let node =
        std::env::var_os("TESTPLAN_NODE").map_or_else(|| PathBuf::from("node"), PathBuf::from);
    let found = Command::new(&node).arg("--version").output();
    found
        .is_ok_and(|output| output.status.success())
        .then_some(node)
}
