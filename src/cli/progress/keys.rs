//! Single keys from the terminal, without Enter, while tests run.

#[cfg(unix)]
pub(super) use terminal::Keys;

#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct Keys;

#[cfg(not(unix))]
impl Keys {
    /// No keys are read on this system.
    pub(super) fn listen() -> Option<Self> {
        None
    }

    /// The keys that were pressed since the last call.
    pub(super) fn pressed(&self) -> Vec<u8> {
        Vec::new()
    }
}

#[cfg(unix)]
mod terminal {
    use std::{
        io::{self, IsTerminal as _},
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
            mpsc,
        },
        thread::{self, JoinHandle},
    };

    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        process::getpgrp,
        termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
    };

    /// How long a key waits at most before it is seen, and how long the end waits for the reader.
    const PAUSE: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };

    /// Reads keys until it is dropped, which gives the terminal its modes back.
    #[derive(Debug)]
    pub(in super::super) struct Keys {
        received: mpsc::Receiver<u8>,
        stop: Arc<AtomicBool>,
        reader: Option<JoinHandle<()>>,
        before: Termios,
    }

    impl Keys {
        /// Starts if this process has a terminal for itself.
        pub(in super::super) fn listen() -> Option<Self> {
            if !io::stdin().is_terminal() {
                return None;
            }
            let before = tcgetattr(io::stdin()).ok()?;
            let (sender, received) = mpsc::channel();
            let stop = Arc::new(AtomicBool::new(false));
            let stopped = Arc::clone(&stop);
            let reader = thread::Builder::new().name("keys".to_owned());
            let reader = reader.spawn(move || read(&stopped, &sender)).ok()?;
            Some(Self {
                received,
                stop,
                reader: Some(reader),
                before,
            })
        }

        /// The keys that were pressed since the last call.
        pub(in super::super) fn pressed(&self) -> Vec<u8> {
            self.received.try_iter().collect()
        }
    }

    impl Drop for Keys {
        fn drop(&mut self) {
            self.stop.store(true, Ordering::Relaxed);
            if let Some(reader) = self.reader.take() {
                // It only reads, and a panic of it was reported.
                let _ = reader.join();
            }
            if is_in_foreground() {
                // A terminal that is gone needs no modes.
                let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
            }
        }
    }

    fn read(stop: &AtomicBool, sender: &mpsc::Sender<u8>) {
        while !stop.load(Ordering::Relaxed) {
            // Behind `&`, and after Ctrl-Z and `bg`, the terminal belongs to another: reading would stop this process.
            if !is_in_foreground() || take_lines_apart().is_err() {
                thread::sleep(std::time::Duration::from_millis(500));
                continue;
            }
            let stdin = io::stdin();
            let mut watched = [PollFd::new(&stdin, PollFlags::IN)];
            match poll(&mut watched, Some(&PAUSE)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(_) => return,
            }
            let mut keys = [0; 64];
            match rustix::io::read(&stdin, &mut keys) {
                Ok(0) => return,
                Ok(count) => {
                    for key in &keys[..count] {
                        if sender.send(*key).is_err() {
                            return;
                        }
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    fn is_in_foreground() -> bool {
        tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
    }

    /// Has the terminal hand keys over at once, and not show them. Again after each change of another program: a shell sets its
    /// own modes when it continues a stopped job. Signals of keys (Ctrl-C) remain.
    fn take_lines_apart() -> rustix::io::Result<()> {
        let mut modes = tcgetattr(io::stdin())?;
        let lines = LocalModes::ICANON | LocalModes::ECHO;
        if modes.local_modes.intersects(lines) {
            modes.local_modes.remove(lines);
            tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
        }
        Ok(())
    }
}
