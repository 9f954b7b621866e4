//! The bounded queue in front of a writer.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        RwLock,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use tokio::sync::oneshot;

use crate::{
    fs::DiskFault,
    store::{StoreError, steps::WriteContext},
    sync::ignore_poison,
};

/// Most requests that wait; further ones are answered "busy". More than the service asks at once, waiting clients included.
const CAPACITY: usize = 5_120;

/// A request for the writer. `N` is what the writer has to know of it before it runs.
pub(in crate::store) trait WriteJob<N>: Send {
    /// What the writer has to know of it.
    fn needs(&self) -> &N;

    /// Runs the request and keeps its answer. Returns whether to commit what it wrote. After a transaction that was rolled
    /// back it can run again.
    fn run(&mut self, context: &mut WriteContext<'_>) -> bool;

    /// The error of its last run, for a request after which nothing can be committed.
    fn failure(&self) -> StoreError;

    /// Whether it succeeded.
    fn succeeded(&self) -> bool;

    /// The fault of the disk that its last run met.
    fn disk_fault(&self) -> Option<DiskFault>;

    /// Sends the answer; if the commit failed, its error instead.
    fn answer(self: Box<Self>, failure: Option<&StoreError>);
}

type WriteFn<T> = Box<dyn FnMut(&mut WriteContext<'_>) -> Result<T, StoreError> + Send>;

struct WriteRequest<N, T> {
    needs: N,
    work: WriteFn<T>,
    result: Result<T, StoreError>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<N: Send, T: Send> WriteJob<N> for WriteRequest<N, T> {
    fn needs(&self) -> &N {
        &self.needs
    }

    fn run(&mut self, context: &mut WriteContext<'_>) -> bool {
        let work = &mut self.work;
        self.result = catch_unwind(AssertUnwindSafe(|| work(context))).unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            Err(StoreError::Broken(format!(
                "BUG: a request panicked: {text}"
            )))
        });
        // A refused request may add an event; a broken one changes nothing.
        matches!(self.result, Ok(_) | Err(StoreError::Refused(_)))
    }

    fn failure(&self) -> StoreError {
        match &self.result {
            Err(error) => error.clone(),
            Ok(_) => StoreError::Busy,
        }
    }

    fn succeeded(&self) -> bool {
        self.result.is_ok()
    }

    fn disk_fault(&self) -> Option<DiskFault> {
        match &self.result {
            Err(StoreError::Disk(fault)) => Some(fault.clone()),
            _ => None,
        }
    }

    fn answer(self: Box<Self>, failure: Option<&StoreError>) {
        let answer = match failure {
            Some(why) => Err(why.clone()),
            None => self.result,
        };
        // The caller may be gone; the change stands.
        let _ = self.reply.send(answer);
    }
}

/// The sending end of the queue.
pub(in crate::store) struct WriteQueue<N>(RwLock<Option<SyncSender<Box<dyn WriteJob<N>>>>>);

impl<N: Send + 'static> WriteQueue<N> {
    pub(in crate::store) fn new() -> (Self, Receiver<Box<dyn WriteJob<N>>>) {
        let (send, receive) = sync_channel(CAPACITY);
        (Self(RwLock::new(Some(send))), receive)
    }

    /// Queues `work`. Its answer comes after the commit; it runs even if the caller no longer waits.
    pub(in crate::store) fn push<T: Send + 'static>(
        &self,
        needs: N,
        work: impl FnMut(&mut WriteContext<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, StoreError>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let request = WriteRequest {
            needs,
            work: Box::new(work),
            result: Err(StoreError::Busy),
            reply,
        };
        let queue = ignore_poison(self.0.read());
        let sender = queue.as_ref().ok_or(StoreError::Busy)?;
        sender
            .try_send(Box::new(request))
            .map_err(|_full_or_gone| StoreError::Busy)?;
        Ok(answer)
    }

    /// Accepts no further requests; the writer ends after those already queued.
    pub(in crate::store) fn close(&self) {
        ignore_poison(self.0.write()).take();
    }
}
