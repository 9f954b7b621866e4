//! The bounded line in front of the writer, and what stands in it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        RwLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use tokio::sync::oneshot;

use super::desk::Desk;
use crate::{store::StoreError, sync::ignore_poison};

/// Most requests that wait; one more is answered "busy".
const LENGTH: usize = 4_096;

/// A request on its way through the writer.
pub(super) trait Job: Send {
    /// Works and keeps the answer back. Whether what was written is to be committed.
    fn work(&mut self, desk: &mut Desk) -> bool;

    /// Gives the answer; with `lost`, that the commit failed.
    fn answer(self: Box<Self>, lost: Option<&str>);
}

type Work<T> = Box<dyn FnOnce(&mut Desk) -> Result<T, StoreError> + Send>;

struct Request<T> {
    work: Option<Work<T>>,
    result: Result<T, StoreError>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send> Job for Request<T> {
    fn work(&mut self, desk: &mut Desk) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        self.result = catch_unwind(AssertUnwindSafe(|| work(desk))).unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            Err(StoreError::Broken(format!(
                "BUG: a request panicked: {text}"
            )))
        });
        // A refusal may leave a line of history; what broke leaves nothing.
        matches!(self.result, Ok(_) | Err(StoreError::Refused(_)))
    }

    fn answer(self: Box<Self>, lost: Option<&str>) {
        let answer = match lost {
            Some(why) => Err(StoreError::Broken(why.to_owned())),
            None => self.result,
        };
        // Whoever asked may be gone; the change stands all the same.
        let _ = self.reply.send(answer);
    }
}

/// The end of the line where requests are put in.
pub(super) struct Queue(RwLock<Option<SyncSender<Box<dyn Job>>>>);

impl Queue {
    pub(super) fn new() -> (Self, Receiver<Box<dyn Job>>) {
        let (send, receive) = sync_channel(LENGTH);
        (Self(RwLock::new(Some(send))), receive)
    }

    /// Queues `work`; its answer comes after the commit, and it is done even if nobody waits for that any more.
    pub(super) fn put<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Request {
            work: Some(Box::new(work)),
            result: Err(StoreError::Busy),
            reply,
        };
        let queue = ignore_poison(self.0.read());
        let sender = queue.as_ref().ok_or(StoreError::Busy)?;
        sender
            .try_send(Box::new(job))
            .map_err(|_full_or_gone| StoreError::Busy)?;
        Ok(answer)
    }

    /// Takes nothing more; the writer ends when it has worked off the rest.
    pub(super) fn close(&self) {
        ignore_poison(self.0.write()).take();
    }
}
