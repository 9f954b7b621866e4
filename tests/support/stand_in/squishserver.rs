//! Stands in for `squishserver` in tests and in the example: options, `Port: N`, one suite at a time over real TCP.
//!
//! What is documented of the real one, what others measured and what is assumed here is in docs/squish.md. It starts no
//! application: it only knows which ones were registered.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "a program of its own, for tests alone"
)]

mod settings;
mod wire;

use std::{
    fs::OpenOptions,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// What was asked for.
struct Options {
    port: u16,
    stop: bool,
    verbose: bool,
    daemon: bool,
    logfile: Option<String>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--config") {
        match settings::configure(&arguments[1..]) {
            Ok(()) => return,
            Err(why) => refuse(&why),
        }
    }
    let options = read(&arguments);
    if options.stop {
        stop(options.port);
    } else if options.daemon {
        detach(&arguments);
    } else {
        serve(&options);
    }
}

fn read(arguments: &[String]) -> Options {
    let mut options = Options {
        port: wire::DEFAULT_PORT,
        stop: false,
        verbose: false,
        daemon: false,
        logfile: None,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || match arguments.next() {
            Some(value) => value.clone(),
            None => refuse(&format!("{argument} needs a value")),
        };
        match argument.as_str() {
            "--port" => match value().parse() {
                Ok(port) => options.port = port,
                Err(_) => refuse("--port needs a number"),
            },
            "--logfile" => options.logfile = Some(value()),
            "--stop" => options.stop = true,
            "--verbose" => options.verbose = true,
            "--daemon" => options.daemon = true,
            "--version" => {
                println!("squishserver stand-in");
                std::process::exit(0);
            }
            other => refuse(&format!("unknown option {other}")),
        }
    }
    options
}

fn refuse(why: &str) -> ! {
    eprintln!("squishserver: {why}");
    std::process::exit(1);
}

fn stop(port: u16) {
    match TcpStream::connect(("127.0.0.1", port)) {
        Ok(mut stream) => {
            let _ = writeln!(stream, "{}", wire::STOP);
            // It closes the connection by ending.
            let _ = BufReader::new(stream).read_line(&mut String::new());
        }
        Err(_) => refuse(&format!("nobody listens on port {port}")),
    }
}

/// Starts the same again without `--daemon`, and ends once that one listens.
fn detach(arguments: &[String]) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(arguments.iter().filter(|argument| *argument != "--daemon"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let said = child.stdout.take().unwrap();
    if BufReader::new(said).read_line(&mut first).is_ok() && first.starts_with("Port: ") {
        print!("{first}");
    } else {
        refuse("it ended before it listened");
    }
}

/// What all connections share.
struct Shared {
    busy: AtomicBool,
    verbose: bool,
    log: Mutex<Option<std::fs::File>>,
}

impl Shared {
    fn say(&self, line: &str) {
        if self.verbose {
            eprintln!("{line}");
        }
        if let Some(log) = &mut *self.log.lock().unwrap() {
            let _ = writeln!(log, "{line}");
        }
    }
}

fn serve(options: &Options) {
    // A test needs a Squish server that listens and never answers.
    let deaf = std::env::var_os("STAND_IN_DEAF").is_some();
    let listener = match TcpListener::bind(("127.0.0.1", options.port)) {
        Ok(listener) => listener,
        Err(error) => refuse(&format!("cannot listen on port {}: {error}", options.port)),
    };
    let log = options.logfile.as_ref().map(|path| {
        let opened = OpenOptions::new().create(true).append(true).open(path);
        opened.unwrap_or_else(|error| refuse(&format!("{path}: {error}")))
    });
    let shared = Arc::new(Shared {
        busy: AtomicBool::new(false),
        verbose: options.verbose,
        log: Mutex::new(log),
    });
    // Whoever started it in the background no longer reads.
    let _ = writeln!(
        std::io::stdout(),
        "Port: {}",
        listener.local_addr().unwrap().port()
    );
    for stream in listener.incoming().flatten() {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            if deaf {
                let _ = BufReader::new(stream).lines().count();
            } else {
                let _ = attend(stream, &shared);
            }
        });
    }
}

/// One connection: a runner with its suite, or somebody who wants an end.
fn attend(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let Some(first) = lines.next().transpose()? else {
        return Ok(());
    };
    if first == wire::STOP {
        shared.say("stopped");
        std::process::exit(0);
    }
    let Some(suite) = first.strip_prefix(wire::RUN) else {
        return writeln!(stream, "not understood");
    };
    if shared.busy.swap(true, Ordering::SeqCst) {
        shared.say(&format!("refused {suite}: busy"));
        return writeln!(stream, "{}", wire::BUSY);
    }
    shared.say(&format!("began {suite}"));
    let answered = writeln!(stream, "{}", wire::READY);
    for line in lines.map_while(Result::ok) {
        let answer = match line.strip_prefix(wire::START) {
            Some(aut) if settings::is_registered(aut) => wire::READY,
            Some(_) => wire::UNKNOWN,
            None => break,
        };
        shared.say(&line);
        if writeln!(stream, "{answer}").is_err() {
            break;
        }
    }
    shared.say(&format!("ended {suite}"));
    shared.busy.store(false, Ordering::SeqCst);
    // Only now may the runner end: whoever comes next finds it free.
    let _ = writeln!(stream, "{}", wire::READY);
    answered
}
