//! Executions for sessions that run without a service.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use testplan::{
    client::Granted,
    model::{ExecutionId, Test, TestId},
    run::{WorkItem, heartbeat::ManualLease},
};

/// An execution of a test that is named `suite::testcase`, under a lease that holds.
pub(crate) fn item_under_lease(
    execution: ExecutionId,
    name: &str,
    attempt: usize,
) -> (WorkItem, ManualLease) {
    let (suite, testcase) = name.split_once("::").unwrap();
    let (lease, watch) = ManualLease::new();
    let granted = Granted {
        execution,
        project: "P".to_owned(),
        batch: "B".to_owned(),
        test: Test {
            suite: suite.to_owned(),
            testcase: testcase.to_owned(),
        },
        test_id: TestId(execution.0),
        required: None,
        attempt: Some(u32::try_from(attempt).unwrap()),
        lease: None,
        timeout: Duration::from_secs(60),
        server: None,
        expected: None,
        sent_at: Instant::now(),
    };
    let item = WorkItem {
        granted: Arc::new(granted),
        lease: watch,
        mark: None,
    };
    (item, lease)
}
