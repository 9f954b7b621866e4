#!/usr/bin/env bash
# The pages of `testplan serve` in Chromium: what they show against the API, navigation, a browser without JavaScript, widths and colour
# schemes, keyboard, accessibility, hostile texts, large plans. Prints a line for each check; fails if one fails.
#
#   TESTPLAN=target/debug/testplan BROWSER_MODULES=target/ci-browser tests/browser/run.sh [FOLDER]
#
# Needs Chromium on PATH (CHROMIUM names another), Node 24 (TESTPLAN_NODE names another), and playwright-core and axe-core in
# BROWSER_MODULES/node_modules. Screenshots are kept in FOLDER, which is made anew. ONLY=watched,hostile runs these files alone.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
TESTPLAN=$(realpath "${TESTPLAN:?path of the testplan binary}")
BROWSER_MODULES=$(realpath "${BROWSER_MODULES:?folder into which npm installed playwright-core and axe-core}")
CHROMIUM=$(command -v "${CHROMIUM:-chromium}") || {
    echo "chromium is not installed: apt-get install chromium" >&2
    exit 2
}
node=$(command -v "${TESTPLAN_NODE:-node}") || {
    echo "node is not installed: set TESTPLAN_NODE to its path" >&2
    exit 2
}
screenshots=${1:-$root/target/browser}
rm -rf "$screenshots"
mkdir -p "$screenshots"
screenshots=$(realpath "$screenshots")

# Chromium and the workers write below this folder only.
work=$(mktemp -d)
pid=
clean_up() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap clean_up EXIT
mkdir "$work/home" "$work/tmp"
# The environment has no setting or token of this machine.
env -i PATH="$PATH" HOME="$work/home" TMPDIR="$work/tmp" LANG=C.UTF-8 TZ=UTC NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 \
    TESTPLAN="$TESTPLAN" BROWSER_MODULES="$BROWSER_MODULES" CHROMIUM="$CHROMIUM" SCREENSHOTS="$screenshots" WORK="$work" ONLY="${ONLY:-}" \
    timeout --kill-after=20 600 "$node" "$root/tests/browser/main.mjs" &
pid=$!
status=0
wait "$pid" || status=$?
pid=
echo "screenshots: $screenshots"
exit "$status"
