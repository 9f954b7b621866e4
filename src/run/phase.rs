//! How far a run may still go: one value that the dispatcher sets and workers watch.

use std::{future::Future, time::Duration};

use tokio::sync::watch;

/// How far a run may still go. It only moves forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Reserve and execute.
    #[default]
    Working,
    /// The service is gone or refuses, or this machine cannot go on: reserve nothing more and end the tests. Results
    /// are still delivered, for as long as the client is patient.
    Leaving,
    /// A signal or the deadline stops the run: the same, but nothing waits long for the service any more.
    Stopping,
    /// Kill at once.
    Killing,
}

/// How long a request that is under way may still take once the run stops (a reservation) or kills (any).
pub(crate) const LAST_ANSWER: Duration = Duration::from_millis(500);

/// Resolves with the phase once it is past `phase`. If the dispatcher is gone, behaves as if killed.
pub(crate) async fn moved_past(phases: &mut watch::Receiver<Phase>, phase: Phase) -> Phase {
    phases
        .wait_for(|now| *now > phase)
        .await
        .map_or(Phase::Killing, |now| *now)
}

/// The answer of a request. `None` if the run stops and there is no answer `grace` later, or [`LAST_ANSWER`] after it
/// kills.
pub(crate) async fn unless_stopped<T>(
    phase: &watch::Receiver<Phase>,
    grace: Duration,
    request: impl Future<Output = T>,
) -> Option<T> {
    let (mut stopped, mut killed) = (phase.clone(), phase.clone());
    let out_of_time = async {
        moved_past(&mut stopped, Phase::Leaving).await;
        tokio::select! {
            () = tokio::time::sleep(grace) => {}
            _ = moved_past(&mut killed, Phase::Stopping) => {
                tokio::time::sleep(LAST_ANSWER.min(grace)).await;
            }
        }
    };
    tokio::select! {
        biased;
        answer = request => Some(answer),
        () = out_of_time => None,
    }
}

/// Sleeps, unless the run leaves or stops meanwhile: then returns `false` at once.
pub(crate) async fn sleep_while_working(phase: &watch::Receiver<Phase>, pause: Duration) -> bool {
    let mut phase = phase.clone();
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        _ = moved_past(&mut phase, Phase::Working) => false,
    }
}
