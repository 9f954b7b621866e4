//! What things cost, each beside what it should be held against, in turns within one run.
//!
//! `cargo bench --bench paired` measures the default rows, `cargo bench --bench paired -- b1 b4` those named. Nothing
//! fails because it is slow: figures of a shared machine are read by people. docs/performance.md has some.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "this program measures times and processes, and prints them"
)]

#[cfg(target_os = "linux")]
mod b1;
#[cfg(target_os = "linux")]
mod b2;
#[cfg(target_os = "linux")]
mod b3;
#[cfg(target_os = "linux")]
mod b4;
#[cfg(target_os = "linux")]
mod b5;
#[cfg(target_os = "linux")]
mod b6;
#[cfg(target_os = "linux")]
mod b7;
#[cfg(target_os = "linux")]
mod b8;
#[cfg(target_os = "linux")]
#[cfg(target_os = "linux")]
mod cost;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "another bench uses the rest")]
mod hyper_client;
#[cfg(target_os = "linux")]
mod hyper_service;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod pairs;
#[cfg(target_os = "linux")]
mod serving;
mod stage;
#[cfg(target_os = "linux")]
mod table;

/// Rows that are measured together.
#[cfg(target_os = "linux")]
struct Group {
    name: &'static str,
    what: &'static str,
    /// Measured when nothing is named: those take less than a minute together.
    by_default: bool,
    measure: fn() -> anyhow::Result<()>,
}

#[cfg(target_os = "linux")]
const GROUPS: [Group; 11] = [
    Group::new("b1", "a whole run", b1::run),
    Group::new("b2", "starting processes", b2::run),
    Group::new("b3", "durability", b3::run),
    Group::new("b4", "100,000 open executions", || b4::run(100_000, "100k")),
    Group::new("b5", "three calls over HTTP", b5::run),
    Group::new("b6", "a report over 200,000 cases", b6::run).by_name(),
    Group::new("b7", "start and size", b7::run),
    Group::new("b8", "a step of the action before it works", b8::run),
    Group::new("memory", "a run, and 1,000 waiting workers", || {
        memory::of_run()?;
        memory::of_waiting()
    }),
    Group::new("b4-1m", "1,000,000 open executions", || {
        b4::run(1_000_000, "1M")
    })
    .by_name(),
    Group::new("memory-1m", "1,000,000 open executions", memory::of_open).by_name(),
];

#[cfg(target_os = "linux")]
impl Group {
    const fn new(
        name: &'static str,
        what: &'static str,
        measure: fn() -> anyhow::Result<()>,
    ) -> Self {
        Self {
            name,
            what,
            by_default: true,
            measure,
        }
    }

    const fn by_name(mut self) -> Self {
        self.by_default = false;
        self
    }
}

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == hyper_service::ARGUMENT)
    {
        return hyper_service::serve();
    }
    // `cargo test --all-targets` starts this too, without it: nothing timed is a test.
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("run this with `cargo bench --bench paired`");
        return Ok(());
    }
    let named: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    for name in &named {
        let known = GROUPS.map(|group| group.name);
        anyhow::ensure!(
            known.contains(name),
            "there is no row {name}, but {}",
            known.join(", ")
        );
    }
    println!("{}", machine::describe());
    println!("medians of pairs, measured in turns; CPU is that of all processes that take part");
    let mut failed = Vec::new();
    for group in GROUPS {
        let (name, what) = (group.name, group.what);
        if named.contains(&name) || named.is_empty() && group.by_default {
            println!("\n{name}: {what}");
            table::head();
            // What is missing for one row does not keep the others from being measured.
            if let Err(error) = (group.measure)() {
                println!("  {name} failed: {error:#}");
                failed.push(name);
            }
        } else if named.is_empty() {
            println!("\n{name}: {what}: only by name, it takes longer");
        }
    }
    anyhow::ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the bench reads /proc: run it on Linux");
}
