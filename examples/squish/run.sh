#!/usr/bin/env bash
# The suites beside this file, two at a time on two Squish servers, and the report of all of it.
#
#   SQUISH_PREFIX=/opt/squish examples/squish/run.sh [WORK-FOLDER]     with Squish; AUT_FOLDER is where addressbook is
#   examples/squish/run.sh [WORK-FOLDER]                               without: with stand-ins, which run no application
#
# TESTPLAN=path/to/testplan chooses the binary.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
work=${1:-$here/work}
testplan=${TESTPLAN:-$root/target/debug/testplan}
testplan=$(cd "$(dirname "$testplan")" && pwd)/$(basename "$testplan")
mkdir -p "$work"
work=$(cd "$work" && pwd)

if [ -z "${SQUISH_PREFIX:-}" ]; then
    stand_ins=${STAND_INS:-$root/target/debug/examples}
    [ -x "$stand_ins/squishserver" ] || (cd "$root" && cargo build --quiet --examples)
    export SQUISH_PREFIX=$work/squish SQUISH_USER_SETTINGS_DIR=$work/settings AUT_FOLDER=$work
    mkdir -p "$SQUISH_PREFIX/bin"
    cp "$stand_ins/squishrunner" "$stand_ins/squishserver" "$SQUISH_PREFIX/bin"
fi
squishserver=$SQUISH_PREFIX/bin/squishserver

"$squishserver" --config addAUT addressbook "${AUT_FOLDER:-$SQUISH_PREFIX/examples/qt/addressbook}"
ports=(4322 4323)
# By port: a Squish server of another process stays.
started=()
trap 'for port in ${started[@]+"${started[@]}"}; do "$squishserver" --stop --port "$port" || true; done' EXIT
for port in "${ports[@]}"; do
    "$squishserver" --daemon --port "$port" --logfile "$work/squishserver-$port.log"
    started+=("$port")
done

rm -rf "$work/out"
"$testplan" validate --config "$here/testplan.yml"
"$testplan" run --config "$here/testplan.yml" --template "all suites" --workers 2 --out "$work/out"
echo "the report: $work/out/report.html"
