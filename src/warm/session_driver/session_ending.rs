//! How a session ends: in order when nothing more comes, or at once when the run stops.

use std::time::Duration;

use super::{Command, SessionDriver, at};
use crate::{
    clock,
    run::{Phase, phase::moved_past},
    runner::process_end::ProcessEnd,
    text::format_duration,
    warm::{warm_attempt::Taken, warm_process::ProcessEvent},
};

/// How long a process may take to end in order.
const END_GRACE: Duration = Duration::from_secs(60);
/// How long it may take when the run stops: as long as other tests get.
const STOP_GRACE: Duration = Duration::from_secs(4);

impl SessionDriver {
    /// The worker brings nothing more: the process ends what its tests share.
    pub(super) async fn end(mut self) {
        let steps = self.conversation.close();
        let is_starting = self.conversation.begun() == 0;
        self.perform(steps).await;
        let deadline = clock::monotonic() + END_GRACE;
        while !is_starting && self.process.is_some() {
            let process = async {
                match &mut self.process {
                    Some(process) => process.event().await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                phase = moved_past(&mut self.phase, Phase::Working) => return self.stop(phase).await,
                event = process => event,
                () = at(Some(deadline)) => {
                    ProcessEvent::Broken(format!("it did not end within {}", format_duration(END_GRACE)))
                }
            };
            match event {
                ProcessEvent::Message(message) => self.on_message(message).await,
                ProcessEvent::Ended(ProcessEnd::Exited(_)) => break,
                ProcessEvent::Ended(end) => {
                    tracing::warn!(%end, "pytest did not end in order");
                    break;
                }
                ProcessEvent::Broken(why) => {
                    tracing::warn!(%why, "pytest did not end in order");
                    break;
                }
            }
        }
        self.kill().await;
    }

    /// The run stops: what runs ends, what came or comes is cancelled.
    pub(super) async fn stop(mut self, phase: Phase) {
        let mut killing = self.phase.clone();
        if let Some(process) = &mut self.process {
            let grace = if phase == Phase::Killing {
                Duration::ZERO
            } else {
                STOP_GRACE
            };
            let stopped = tokio::select! {
                () = process.stop(grace) => true,
                _ = moved_past(&mut killing, Phase::Stopping), if !grace.is_zero() => false,
            };
            if !stopped {
                process.stop(Duration::ZERO).await;
            }
        }
        for number in self.conversation.unfinished() {
            self.cancel(number);
        }
        while let Some(command) = self.commands.recv().await {
            let work = match command {
                Command::Take(work) => work,
                Command::NoneNow => continue,
                Command::End => return,
            };
            for work in work {
                self.numbers += 1;
                let taken = Taken::new(&self.shared.plan, work);
                self.taken.insert(self.numbers, taken);
                self.cancel(self.numbers);
            }
        }
    }
}
