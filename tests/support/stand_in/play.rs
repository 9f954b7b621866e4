//! Plays a suite: what its scripts would do becomes a report, an exit code, or trouble.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio, abort},
    thread,
    time::Duration,
};

use crate::{
    COULD_NOT,
    options::Options,
    report::{self, Entry, Kind, Node},
    script::{Body, Line, Suite, Testcase},
    server::Connection,
};

/// How a suite ends before its end.
enum Broken {
    /// Says why, writes no report, and ends with 255.
    Lost(String),
    /// Ends with a code, without a report.
    NoReport(i32),
    /// Ends with 255 and a report that breaks off.
    Half,
}

struct Stage<'a> {
    connection: Connection,
    suite: &'a Suite,
    options: &'a Options,
    failed: bool,
    /// The code that a script asked for.
    code: Option<i32>,
}

/// Runs it and gives the exit code.
pub(crate) fn suite(suite: &Suite, options: &Options, connection: Connection) -> i32 {
    let mut stage = Stage {
        connection,
        suite,
        options,
        failed: false,
        code: None,
    };
    let mut root = Node::new(
        "testsuite",
        &suite.name,
        &suite.folder.join("suite.conf"),
        0,
    );
    let played = stage.testcases(&mut root);
    let Stage {
        connection,
        failed,
        code,
        ..
    } = stage;
    let ended = match played {
        Ok(()) => connection.end().map_err(Broken::Lost),
        Err(broken) => Err(broken),
    };
    match ended {
        Ok(()) => {
            report::write(&root, options);
            code.unwrap_or(if failed { options.exit_code_on_fail } else { 0 })
        }
        Err(Broken::Half) => {
            root.ended = false;
            if let Some(Entry::Test(last)) = root.entries.last_mut() {
                last.ended = false;
            }
            report::write(&root, options);
            COULD_NOT
        }
        Err(Broken::NoReport(code)) => code,
        Err(Broken::Lost(why)) => {
            eprintln!("squishrunner: {why}");
            COULD_NOT
        }
    }
}

impl Stage<'_> {
    fn testcases(&mut self, root: &mut Node) -> Result<(), Broken> {
        for testcase in &self.suite.testcases {
            println!("Start {}", testcase.name);
            let file = self.suite.folder.join(&testcase.name).join(&testcase.file);
            let mut node = Node::new("testcase", &testcase.name, &file, 0);
            let played = self.testcase(testcase, &mut node, &file);
            node.end();
            root.entries.push(Entry::Test(node));
            played?;
        }
        root.end();
        Ok(())
    }

    fn testcase(
        &mut self,
        testcase: &Testcase,
        node: &mut Node,
        file: &Path,
    ) -> Result<(), Broken> {
        if let Some(aut) = &self.suite.aut
            && !self.connection.start(aut).map_err(Broken::Lost)?
        {
            self.failed = true;
            let text = format!("the application {aut} is not registered with squishserver");
            node.say(Kind::Error, &text, "", 0);
            return Ok(());
        }
        match &testcase.body {
            Body::Script(lines) => self.lines(lines, node),
            Body::Feature { name, scenarios } => {
                let mut feature = Node::new("feature", name, file, 0);
                for scenario in scenarios {
                    let mut played = Node::new("scenario", &scenario.name, file, scenario.line);
                    let end = self.lines(&scenario.lines, &mut played);
                    played.end();
                    feature.entries.push(Entry::Test(played));
                    end?;
                }
                feature.end();
                node.entries.push(Entry::Test(feature));
                Ok(())
            }
        }
    }

    fn lines(&mut self, lines: &[Line], node: &mut Node) -> Result<(), Broken> {
        for line in lines {
            self.connection.check().map_err(Broken::Lost)?;
            self.line(line, node)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &Line, node: &mut Node) -> Result<(), Broken> {
        let rest = line.rest.as_str();
        if let Some(kind) = Kind::of(&line.word) {
            self.failed |= kind.fails();
            println!("{}: {rest}", line.word);
            node.say(kind, rest, "", line.number);
            return Ok(());
        }
        match line.word.as_str() {
            "hang" => loop {
                thread::sleep(Duration::from_secs(1));
            },
            // Until a test of ours says so, or the Squish server is gone.
            "wait" => {
                while !Path::new(rest).exists() {
                    self.connection.check().map_err(Broken::Lost)?;
                    thread::sleep(Duration::from_millis(10));
                }
            }
            "touch" => std::fs::write(rest, "").unwrap(),
            "abort" => abort(),
            "segv" => segv(),
            "leave" => leave(rest),
            "show" => println!("{rest}={}", std::env::var(rest).unwrap_or_default()),
            "file" | "screenshot" => self.leave_file(rest),
            "exit" => self.code = rest.parse().ok(),
            "no-report" => return Err(Broken::NoReport(rest.parse().unwrap_or(COULD_NOT))),
            "half" => return Err(Broken::Half),
            other => panic!("stand-in: {other} is not understood"),
        }
        Ok(())
    }

    /// Puts a file beside the report of the first generator, as a screenshot.
    fn leave_file(&self, name: &str) {
        let target = self
            .options
            .reports
            .first()
            .map_or("", |(_, target)| target);
        let folder = match self.options.reports.first() {
            Some((generator, _)) if report::is_folder(generator) => PathBuf::from(target),
            _ => Path::new(target).parent().unwrap().to_owned(),
        };
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, report::PNG).unwrap();
    }
}

fn segv() {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        // The first one only takes away the handler that Rust sets against overflows of the stack.
        for _ in 0..2 {
            kill_process(getpid(), Signal::SEGV).unwrap();
            thread::sleep(Duration::from_millis(100));
        }
    }
    abort();
}

/// Leaves a process behind and writes its number down.
fn leave(file: &str) {
    let child = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::fs::write(file, format!("{}\n", child.id())).unwrap();
}
