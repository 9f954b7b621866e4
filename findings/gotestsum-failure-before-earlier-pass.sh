#!/usr/bin/env bash
# gotestsum 1.8.2 (Debian 12, Go 1.19.8): the JUnit file lists all failures of a package first, so a pass followed by a
# failure looks like a failure followed by a pass.
#
# Expected: two runs of one test stand in the file in the order in which they ran, as in `go test -v`.
# Real:     a test that passes and then fails (`-count=2`) is written in the same order as one that fails and then passes
#           (`--rerun-fails`). A reader that takes the last <testcase> of a name, which is right for --rerun-fails, calls
#           the failed test passed.
#
# Output seen, 2026-11-30:
#   go test -count=2: PASS FAIL
#   gotestsum -count=2: FAIL PASS, exit code 1
#   gotestsum --rerun-fails: FAIL PASS, exit code 0
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && mkdir "$work/fails-second" "$work/fails-first"
dpkg-query -W gotestsum
cd "$work/fails-second"
printf 'module example.com/t\n\ngo 1.19\n' | tee go.mod >../fails-first/go.mod
cat >t_test.go <<'GO'
package t

import "testing"

var runs int

func TestOnce(t *testing.T) {
	runs++
	if runs == 2 {
		t.Fatal("second run")
	}
}
GO
cat >../fails-first/t_test.go <<'GO'
package t

import (
	"os"
	"testing"
)

func TestOnce(t *testing.T) {
	if _, err := os.Stat("ran"); err != nil {
		os.WriteFile("ran", nil, 0o644)
		t.Fatal("first run")
	}
}
GO
results() {
    python3 - "$1" <<'PY'
import sys
import xml.etree.ElementTree as tree
cases = tree.parse(sys.argv[1]).iter("testcase")
print(" ".join("PASS" if case.find("failure") is None else "FAIL" for case in cases))
PY
}
count=0 rerun=0
{
    echo "go test -count=2: $({ go test -count=2 -v ./... || true; } | sed -n 's/^--- \(PASS\|FAIL\).*/\1/p' | paste -sd' ')"
    gotestsum --junitfile j.xml -- -count=2 ./... >/dev/null 2>&1 || count=$?
    echo "gotestsum -count=2: $(results j.xml), exit code $count"
    cd ../fails-first
    gotestsum --junitfile j.xml --rerun-fails --packages ./... >/dev/null 2>&1 || rerun=$?
    echo "gotestsum --rerun-fails: $(results j.xml), exit code $rerun"
} | tee "$work/seen.txt"
diff - "$work/seen.txt" <<'SEEN' || { echo "gotestsum behaves differently from the description above" >&2; exit 1; }
go test -count=2: PASS FAIL
gotestsum -count=2: FAIL PASS, exit code 1
gotestsum --rerun-fails: FAIL PASS, exit code 0
SEEN
