//! `go test` through gotestsum. Its tests are functions: signs that no function can have become numbers.

use std::{fmt::Write as _, process::Command};

use crate::{
    presets::tool::{Does, Tool, any, none, starts},
    support::Stage,
};

pub(crate) static GO: Tool = Tool {
    preset: "go",
    mode: "batch",
    suite: "example.com/p",
    testcase,
    can_have: any,
    refuses: none,
    has_stream: false,
    exit_outcome: "failed",
    refuses_unknown: false,
    program,
    run_all: &["--", "-count=1", "./..."],
    write,
};

fn program() -> Option<Vec<String>> {
    let go = Command::new("go").args(["env", "GOCACHE"]).output();
    let go = go.ok().filter(|_| starts("gotestsum"))?;
    let cache = format!("GOCACHE={}", String::from_utf8(go.stdout).ok()?.trim());
    Some(["env", &cache, "gotestsum"].map(str::to_owned).to_vec())
}

pub(super) fn testcase(name: &str) -> String {
    let mut identifier = "Test_".to_owned();
    for c in name.chars() {
        if c.is_alphanumeric() {
            identifier.push(c);
        } else {
            write!(identifier, "_{:x}_", u32::from(c)).unwrap();
        }
    }
    identifier
}

const HEAD: &str = r#"package p

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func does(t *testing.T, what string) {
	ran, _ := os.OpenFile("ran", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	fmt.Fprintln(ran, t.Name())
	ran.Close()
	switch what {
	case "fails":
		t.Fatal("boom")
	case "exits":
		os.Exit(0)
	case "waits":
		for exists("p_test.go") && !exists("go") {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
"#;

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    let mut text = HEAD.to_owned();
    for (name, does) in tests {
        let (name, does) = (testcase(name), does.word());
        writeln!(text, "\nfunc {name}(t *testing.T) {{ does(t, {does:?}) }}").unwrap();
    }
    stage.write("go.mod", "module example.com/p\n\ngo 1.19\n");
    stage.write("p_test.go", text);
}
