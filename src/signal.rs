//! SIGINT, SIGTERM and SIGHUP as values. The caller decides what they mean: the first one stops a run, the second one kills
//! it.

#[cfg(unix)]
pub(crate) mod first_process;

use std::{fmt, io};

use tokio::sync::mpsc;

/// A signal to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// SIGINT; Ctrl-C or Ctrl-Break on Windows.
    Interrupt,
    /// SIGTERM; the window closed or the system shutting down on Windows.
    Terminate,
    /// SIGHUP, unless the process was started to ignore it (`nohup`). A service reads its plan files again; all else stops.
    Hangup,
}

impl fmt::Display for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Hangup => "SIGHUP",
        })
    }
}

/// A signal stopped the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped by a signal")]
pub struct Interrupted(pub SignalKind);

/// Where signals come from.
#[derive(Debug)]
pub struct Signals(Source);

#[derive(Debug)]
enum Source {
    System(system::Listener),
    Channel(mpsc::Receiver<SignalKind>),
    Noop,
}

impl Signals {
    /// Signals waiting in a channel of [`Self::channel`]; further ones wait outside.
    const CHANNEL: usize = 8;

    /// Listens to the system from now on, in place of being killed. Needs a tokio runtime.
    pub fn listen() -> io::Result<Self> {
        system::Listener::new().map(|listener| Self(Source::System(listener)))
    }

    /// Never any signal.
    pub fn noop() -> Self {
        Self(Source::Noop)
    }

    /// Signals that a test sends. After the sender is gone there are no more.
    pub fn channel() -> (mpsc::Sender<SignalKind>, Self) {
        let (sender, receiver) = mpsc::channel(Self::CHANNEL);
        (sender, Self(Source::Channel(receiver)))
    }

    /// The next signal. Waits for ever if there is none, and loses none when it is dropped while waiting.
    pub async fn next(&mut self) -> SignalKind {
        match &mut self.0 {
            Source::System(listener) => listener.next().await,
            Source::Channel(receiver) => match receiver.recv().await {
                Some(kind) => kind,
                None => std::future::pending().await,
            },
            Source::Noop => std::future::pending().await,
        }
    }

    /// Does `work`, or drops it at the next signal.
    pub async fn or_interrupted<T, E: From<Interrupted>>(
        &mut self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        tokio::select! {
            done = work => done,
            kind = self.next() => Err(Interrupted(kind).into()),
        }
    }
}

#[cfg(unix)]
mod system {
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind as Number, signal};

    use super::SignalKind;

    #[derive(Debug)]
    pub(super) struct Listener {
        interrupt: Signal,
        terminate: Signal,
        hangup: Option<Signal>,
    }

    impl Listener {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(Number::interrupt())?,
                terminate: signal(Number::terminate())?,
                hangup: if is_hangup_ignored() {
                    None
                } else {
                    Some(signal(Number::hangup())?)
                },
            })
        }

        pub(super) async fn next(&mut self) -> SignalKind {
            tokio::select! {
                Some(()) = self.interrupt.recv() => SignalKind::Interrupt,
                Some(()) = self.terminate.recv() => SignalKind::Terminate,
                Some(()) = received(&mut self.hangup) => SignalKind::Hangup,
                else => std::future::pending().await,
            }
        }
    }

    async fn received(signal: &mut Option<Signal>) -> Option<()> {
        match signal {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    }

    /// Whether this process was started with SIGHUP ignored, as `nohup` does. Known on Linux only.
    fn is_hangup_ignored() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        status.lines().any(|line| {
            let ignored = line.strip_prefix("SigIgn:").map(str::trim);
            let set = ignored.and_then(|set| u64::from_str_radix(set, 16).ok());
            set.is_some_and(|set| set & 1 == 1)
        })
    }
}

#[cfg(windows)]
mod system {
    use std::io;

    use tokio::signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
    };

    use super::SignalKind;

    #[derive(Debug)]
    pub(super) struct Listener {
        c: CtrlC,
        r#break: CtrlBreak,
        close: CtrlClose,
        shutdown: CtrlShutdown,
    }

    impl Listener {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                c: ctrl_c()?,
                r#break: ctrl_break()?,
                close: ctrl_close()?,
                shutdown: ctrl_shutdown()?,
            })
        }

        pub(super) async fn next(&mut self) -> SignalKind {
            tokio::select! {
                Some(()) = self.c.recv() => SignalKind::Interrupt,
                Some(()) = self.r#break.recv() => SignalKind::Interrupt,
                Some(()) = self.close.recv() => SignalKind::Terminate,
                Some(()) = self.shutdown.recv() => SignalKind::Terminate,
                else => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn channel_yields_signals_in_order_and_then_none() {
        let (sender, mut signals) = Signals::channel();
        sender.send(SignalKind::Interrupt).await.unwrap();
        sender.send(SignalKind::Terminate).await.unwrap();
        assert_eq!(signals.next().await, SignalKind::Interrupt);
        assert_eq!(signals.next().await, SignalKind::Terminate);
        drop(sender);
        assert_eq!(signals.next().now_or_never(), None);
        assert_eq!(Signals::noop().next().now_or_never(), None);
    }
}
