//! What goes wrong, by order of a test.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use tokio::sync::watch;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The work is done, and the connection breaks before the answer.
    LoseAnswer,
    /// Nothing is done, and the connection breaks.
    LoseRequest,
    /// Nothing is done, and the answer is a page of status 500.
    Break,
    /// The work is done, and the answer is a page of status 500.
    BreakAfter,
    /// The work is done, and the answer comes so much later.
    Slow(Duration),
    /// The work is done, and the answer waits until it is let go.
    Hold,
}

/// All orders.
pub(super) struct Faults {
    orders: Mutex<VecDeque<(&'static str, Fault, usize)>>,
    held: watch::Sender<bool>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            orders: Mutex::default(),
            held: watch::Sender::new(true),
        }
    }
}

impl Faults {
    pub(super) fn inject(&self, call: &'static str, fault: Fault, times: usize) {
        self.orders.lock().unwrap().push_back((call, fault, times));
    }

    pub(super) fn let_go(&self) {
        self.held.send_replace(false);
    }

    /// What goes wrong with this call.
    pub(super) fn next(&self, line: &str) -> Option<Fault> {
        let mut orders = self.orders.lock().unwrap();
        let order = orders
            .iter_mut()
            .find(|(call, _, times)| *times > 0 && line.starts_with(call))?;
        order.2 -= 1;
        Some(order.1)
    }

    /// Until held calls are let go.
    pub(super) async fn released(&self) {
        let _ = self.held.subscribe().wait_for(|held| !held).await;
    }
}
