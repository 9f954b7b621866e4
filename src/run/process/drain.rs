//! Reads the output of a command from a pipe and writes it into its file, while any process has the pipe open.

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::OwnedFd,
    time::Duration,
};

use tokio::{
    net::unix::pipe::Receiver,
    sync::{mpsc, oneshot},
    task::{self, JoinHandle},
    time,
};

use super::capture::Capture;

/// Most bytes that are read at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;
/// How long a command must be silent before its output is cut to its limit.
const IDLE: Duration = Duration::from_millis(250);
/// How long to wait for the end of the pipe once the command has ended: a daemon that it started may keep it open.
const LINGER: Duration = Duration::from_millis(100);
/// How long such a daemon may keep the pipe from being empty.
const FLOOD: Duration = Duration::from_secs(2);

/// Drains a pipe, also after this is dropped: a process that outlives the command can still write.
#[derive(Debug)]
pub(super) struct Drain {
    /// Ends when no process has the pipe open.
    task: Option<JoinHandle<()>>,
    /// Asks for an answer once the pipe is empty.
    questions: mpsc::Sender<Question>,
}

/// Asked of the task: answered once everything that was written before is in the file.
#[derive(Debug)]
struct Question {
    answer: oneshot::Sender<()>,
    /// Takes what comes after that.
    next: Option<Sink>,
}

impl Drain {
    /// Starts to drain. Must be called inside a tokio runtime.
    pub(super) fn start(pipe: OwnedFd, capture: Capture) -> io::Result<Self> {
        let pipe = Receiver::from_owned_fd(pipe)?;
        let sink = Sink::new(capture)?;
        let (questions, asked) = mpsc::channel(1);
        Ok(Self {
            task: Some(tokio::spawn(drain(pipe, sink, asked))),
            questions,
        })
    }

    /// Returns once everything written so far is in the file: at the end of the pipe, or when it is empty.
    pub(super) async fn settle(&mut self) {
        let Some(task) = &mut self.task else { return };
        if time::timeout(LINGER, task).await.is_ok() {
            self.task = None;
            return;
        }
        self.ask(None).await;
    }

    /// Returns once everything written so far is in the file.
    pub(super) async fn flush(&self) {
        self.ask(None).await;
    }

    /// Writes what comes from now on into another file. Returns once everything written so far is in the one before.
    pub(super) async fn continue_in(&mut self, capture: Capture) -> io::Result<()> {
        let next = Sink::new(capture)?;
        if self.task.is_some() {
            self.ask(Some(next)).await;
        }
        Ok(())
    }

    async fn ask(&self, next: Option<Sink>) {
        let (answer, answered) = oneshot::channel();
        if self.questions.send(Question { answer, next }).await.is_ok() {
            // No answer comes if the pipe ended meanwhile, or is flooded without end.
            let _ = time::timeout(FLOOD, answered).await;
        }
    }
}

/// What the drain does next.
#[derive(Debug, Default)]
struct Step {
    /// So many bytes were read.
    count: usize,
    /// The file is to be brought within its limit.
    trim: bool,
    /// What was asked.
    question: Option<Question>,
    /// No process has the pipe open any more.
    end: bool,
}

async fn drain(pipe: Receiver, sink: Sink, mut asked: mpsc::Receiver<Question>) {
    let mut at_hand = Some((sink, vec![0; CHUNK]));
    while let Some((sink, mut buffer)) = at_hand.take() {
        let step = tokio::select! {
            biased;
            ready = pipe.readable() => match ready.and_then(|()| pipe.try_read(&mut buffer)) {
                Ok(count @ 1..) => Step { count, ..Step::default() },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Step::default(),
                Ok(0) | Err(_) => Step { end: true, trim: true, ..Step::default() },
            },
            // Past the runtime, which may not have heard yet of what is there. A pipe holds one chunk.
            Some(question) = asked.recv() => {
                let read = rustix::io::read(&pipe, &mut *buffer);
                Step {
                    count: read.unwrap_or(0),
                    end: read == Ok(0),
                    trim: true,
                    question: Some(question),
                }
            },
            () = time::sleep(IDLE), if sink.is_long => Step { trim: true, ..Step::default() },
        };
        at_hand = if step.count > 0 || step.trim {
            written(sink, buffer, step.count, step.trim).await
        } else {
            Some((sink, buffer))
        };
        if let Some(Question { answer, next }) = step.question {
            if let (Some(next), Some((sink, _))) = (next, &mut at_hand) {
                *sink = next;
            }
            // The one who asked may have gone.
            let _ = answer.send(());
        }
        if step.end {
            return;
        }
    }
}

/// Writes on a thread that may block. `None` if the runtime ends.
async fn written(
    mut sink: Sink,
    buffer: Vec<u8>,
    count: usize,
    trim: bool,
) -> Option<(Sink, Vec<u8>)> {
    let write = move || {
        sink.take(&buffer[..count], trim);
        (sink, buffer)
    };
    task::spawn_blocking(write).await.ok()
}

/// The file at the pipe's end.
#[derive(Debug)]
struct Sink {
    file: File,
    capture: Capture,
    /// Bytes that could not be written since the last that could.
    lost: u64,
    /// It is longer than its limit.
    is_long: bool,
}

impl Sink {
    fn new(capture: Capture) -> io::Result<Self> {
        Ok(Self {
            file: capture.handle()?,
            capture,
            lost: 0,
            is_long: false,
        })
    }

    /// Writes a chunk. What cannot be written is counted and left out, for the command must not wait for it. The file may
    /// become half as long again as its limit before it is cut, so that a flood is not copied over and over.
    fn take(&mut self, chunk: &[u8], trim: bool) {
        match self.write(chunk) {
            Ok(()) => {
                if !chunk.is_empty() {
                    self.lost = 0;
                }
                self.is_long = self.capture.keep(trim);
            }
            Err(error) => {
                if self.lost == 0 && !chunk.is_empty() {
                    let path = self.capture.path().display();
                    tracing::warn!(%path, %error, "the output of a test cannot be written");
                }
                self.lost += chunk.len() as u64;
            }
        }
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        if self.lost > 0 && !chunk.is_empty() {
            let note = format!(
                "\n[testplan: {} bytes of output could not be written here]\n",
                self.lost
            );
            self.file.write_all(note.as_bytes())?;
        }
        self.file.write_all(chunk)
    }
}
