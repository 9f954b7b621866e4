//! Reports results of a call while it still runs, so that they count whatever happens to its worker: those of files that are
//! done, if the tool's event stream says so.

use std::{convert::Infallible, future, time::Duration};

use tokio::sync::mpsc;

use super::{call::Call, call_attempts, call_leases::CallLeases};
use crate::{
    run::SessionEvent,
    runner::{runner_settings::ResultsFormat, stream_results::RunningStream},
};

/// How often the stream is read.
const INTERVAL: Duration = Duration::from_millis(250);

/// Reports results for as long as it is polled. Nothing is lost if it is dropped: the end of the call decides about the rest.
pub(crate) async fn report(
    call: &Call,
    leases: &CallLeases,
    events: &mpsc::UnboundedSender<SessionEvent>,
) -> Infallible {
    if call.setup.command.results != ResultsFormat::Events || call.called.len() == 1 {
        return future::pending().await;
    }
    let mut stream = RunningStream::of(&call.results);
    loop {
        tokio::time::sleep(INTERVAL).await;
        let reading = tokio::task::spawn_blocking(move || {
            let cases = stream.take_final();
            (stream, cases)
        });
        let Ok((read, cases)) = reading.await else {
            return future::pending().await;
        };
        stream = read;
        if cases.is_empty() {
            continue;
        }
        let mut attempts = call_attempts::of_final_results(call, cases).await;
        for called in &call.called {
            let execution = called.execution();
            if let Some(attempt) = attempts.remove(&execution)
                && leases.is_held(&called.work)
            {
                leases.set_reported(execution);
                let attempt = Box::new(attempt);
                // Received for as long as the session lives.
                let _ = events.send(SessionEvent::Ended { execution, attempt });
            }
        }
    }
}
