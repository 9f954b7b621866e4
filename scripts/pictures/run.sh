#!/usr/bin/env bash
# Makes the pictures of the pages for docs/pictures: a service with ten days of a shop's nightly tests and a plan that runs, looked at in Chromium, light and dark.
#
#   TESTPLAN=target/debug/testplan BROWSER_MODULES=target/ci-browser scripts/pictures/run.sh [FOLDER]
#
# Needs what tests/browser/run.sh needs, pngquant, and libfaketime: the days before today are lived through with another clock. FOLDER is docs/pictures unless given.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
TESTPLAN=$(realpath "${TESTPLAN:?path of the testplan binary}")
BROWSER_MODULES=$(realpath "${BROWSER_MODULES:?folder into which npm installed playwright-core}")
CHROMIUM=$(command -v "${CHROMIUM:-chromium}") || { echo "chromium is not installed: apt-get install chromium" >&2; exit 2; }
FAKETIME_LIBRARY=$(compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' | head -1) || { echo "libfaketime is not installed: apt-get install libfaketime" >&2; exit 2; }
command -v pngquant >/dev/null || { echo "pngquant is not installed: apt-get install pngquant" >&2; exit 2; }
node=$(command -v "${TESTPLAN_NODE:-node}") || { echo "node is not installed: set TESTPLAN_NODE to its path" >&2; exit 2; }
pictures=${1:-$root/docs/pictures}
mkdir -p "$pictures"
pictures=$(realpath "$pictures")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/home" "$work/tmp"
env -i PATH="$PATH" HOME="$work/home" TMPDIR="$work/tmp" LANG=C.UTF-8 TZ=UTC NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 \
    TESTPLAN="$TESTPLAN" BROWSER_MODULES="$BROWSER_MODULES" CHROMIUM="$CHROMIUM" FAKETIME_LIBRARY="$FAKETIME_LIBRARY" \
    PICTURES="$pictures" WORK="$work" timeout --kill-after=20 300 "$node" "$root/scripts/pictures/main.mjs"
pngquant --ext .png --force --strip --speed 1 64 "$pictures"/*.png
