//! A stand-in for Test Center: a server that speaks the vendor's dialect and nothing else, for real testplan processes.
//!
//! No lease, no `pending`, no `Prefer`, no idempotency: what the page and what others measured, nothing of ours. None
//! of the crate's wire types is used here, so that both sides cannot be wrong in the same way. Where the vendor is
//! silent the [`Dialect`] has a switch. It runs in a thread with its own runtime and keeps every call it got.

#[path = "test_center/answer.rs"]
mod answer;
#[path = "test_center/calls.rs"]
mod calls;
#[path = "test_center/dialect.rs"]
mod dialect;
#[path = "test_center/faults.rs"]
mod faults;
#[path = "test_center/import.rs"]
mod import;
#[path = "test_center/listen.rs"]
mod listen;
#[path = "test_center/managed.rs"]
mod managed;
#[path = "test_center/plans.rs"]
mod plans;
#[path = "test_center/reservations.rs"]
mod reservations;
#[path = "test_center/squish_servers.rs"]
mod squish_servers;
#[path = "test_center/world.rs"]
mod world;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    thread::JoinHandle,
};

pub(crate) use dialect::{Dialect, Envelope};
pub(crate) use faults::Fault;
pub(crate) use import::Import;
pub(crate) use managed::Verdict;
pub(crate) use world::{Execution, Plan, State, World};

pub(crate) use calls::Call;
use calls::Calls;
use faults::Faults;

/// The access token that it takes.
pub(crate) const TOKEN: &str = "zX4AAEdKAAD3GwAAfnUAAFd8AADybwAAXnUAAFUaAAA";

/// A running stand-in. Dropping it ends it.
pub(crate) struct TestCenter {
    pub(crate) url: String,
    shared: Arc<Shared>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What all connections have in common.
struct Shared {
    dialect: Dialect,
    world: Mutex<World>,
    calls: Calls,
    faults: Faults,
}

impl TestCenter {
    /// With the templates and Squish servers of a `testplan.yml`, on a port of its own.
    pub(crate) fn start(plan_file: &str, dialect: Dialect) -> Self {
        Self::listen("127.0.0.1:0", plan_file, dialect).unwrap()
    }

    /// The same at an address.
    pub(crate) fn listen(
        address: &str,
        plan_file: &str,
        dialect: Dialect,
    ) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            dialect,
            world: Mutex::new(World::of_plan_file(plan_file)),
            calls: Calls::default(),
            faults: Faults::default(),
        });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let inside = Arc::clone(&shared);
        let thread = std::thread::spawn(move || listen::serve(listener, &inside, stopped));
        Ok(Self {
            url,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// What it holds now.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap()
    }

    /// Every call it got, in order of its answers.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.calls.all()
    }

    /// How many calls it got that begin so, as `POST /execution/v1/reserve/`.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.shared.calls.count(call)
    }

    /// Something goes wrong with the next so many calls that begin so.
    pub(crate) fn inject(&self, call: &'static str, fault: Fault, times: usize) {
        self.shared.faults.inject(call, fault, times);
    }

    /// Ends the wait of all calls that a [`Fault::Hold`] made wait, now and from now on.
    pub(crate) fn let_go(&self) {
        self.shared.faults.let_go();
    }

    /// Waits for its end, which never comes by itself.
    pub(crate) fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for TestCenter {
    fn drop(&mut self) {
        self.shared.faults.let_go();
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
