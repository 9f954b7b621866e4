#!/usr/bin/env bash
# The one-job workflow under act, in its host mode: no Docker, no network. What a next job reads as `conclusion` is what
# the step came to, after a passed run and after a failed one; and the jobs of a matrix have titles of their own.
#
#   TESTPLAN=target/debug/testplan ACT=act tests/act/run.sh [FOLDER]
#
# Needs bash, git, Python 3 and Node 24 on PATH. FOLDER is made anew.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
testplan=$(realpath "${TESTPLAN:?path of the testplan binary}")
act=${ACT:?path of act}
here=${1:-$root/target/act}
fail() { printf 'act: %s\n' "$*" >&2; exit 1; }

rm -rf "$here"
mkdir -p "$here"/{home,repository/action,said}
here=$(realpath "$here")
# Nothing of this machine's settings, and above all no token.
run() {
    env -i PATH="$PATH" HOME="$here/home" XDG_CACHE_HOME="$here/home/cache" LANG=C.UTF-8 \
        GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@localhost \
        GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@localhost "$@"
}

repository=$here/repository
cp -R "$root/action.yml" "$root/dist" "$repository/action"
cat >"$repository/testplan.yml" <<'PLAN'
project: act
runner:
  command: [sh, -c, 'grep -qx "$0" verdict', "{testcase}"]
  results: { format: exit-code }
templates:
  - title: all
    tests: [{ suite: s, testcases: [passes] }]
PLAN
mkdir -p "$repository/.github/workflows"
# Left out are the steps that need the network; a second job reads what the first one says.
python3 - "$root/examples/workflows/one-job.yml" "$repository/.github/workflows/tests.yml" <<'PY'
import re, sys

source, target = sys.argv[1:]
head, *steps = re.split(r"(?m)^(?=      - )", open(source).read())
kept = [step for step in steps if "Check out" in step or "OWNER/testplan@" in step]
assert len(kept) == 2, "one-job.yml has another shape: " + repr(steps)
text = head + "".join(kept)


def replace(what, by):
    global text
    assert text.count(what) == 1, what
    text = text.replace(what, by)


replace("uses: OWNER/testplan@v0\n        with:\n", "uses: ./action\n        with:\n          binary-path: ${{ env.TESTPLAN }}\n")
replace("    name: tests\n", """    name: tests
    outputs:
      conclusion: ${{ steps.testplan.outputs.conclusion }}
      failed: ${{ steps.testplan.outputs.failed }}
""")
text += """
  next:
    needs: tests
    if: ${{ always() }}
    runs-on: ubuntu-latest
    steps:
      - run: echo "$CONCLUSION $FAILED" >"$SAID/conclusion"
        env:
          CONCLUSION: ${{ needs.tests.outputs.conclusion }}
          FAILED: ${{ needs.tests.outputs.failed }}

  matrix:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        system: [one, two]
    steps:
      - uses: actions/checkout@v7 # act copies the folder instead
      - uses: ./action
        with:
          binary-path: ${{ env.TESTPLAN }}
          commit-status: false
        continue-on-error: true
      - run: cat testplan-out/records/*.ndjson | head -n 1 >"$SAID/matrix-${{ matrix.system }}"
"""
open(target, "w").write(text)
PY
printf 'passes\n' >"$repository/verdict"
run git -C "$repository" init --quiet --initial-branch main
run git -C "$repository" add --all
run git -C "$repository" commit --quiet --message x

check() {
    local verdict=$1 expected=$2 said=$here/said/$2
    mkdir "$said"
    printf '%s\n' "$verdict" >"$repository/verdict"
    run git -C "$repository" commit --quiet --all --allow-empty --message "$verdict"
    # A failed run is what is looked for: act's own end does not matter.
    (cd "$repository" && run timeout 240 "$act" push --platform ubuntu-latest=-self-hosted --no-cache-server \
        --action-cache-path "$here/home/cache/act" --env TESTPLAN="$testplan" --env SAID="$said" \
        --env GITHUB_TOKEN= >"$here/$expected.log" 2>&1) || true
    [ -f "$said/conclusion" ] || { tail -n 60 "$here/$expected.log" >&2; fail "the next job did not run"; }
    local got
    got=$(cat "$said/conclusion")
    [ "$got" = "$expected $3" ] || { tail -n 60 "$here/$expected.log" >&2; fail "the next job read '$got' after a $expected run"; }
}
check passes passed 0
check fails failed 1

title() { sed -n 's/.*"title":"\([^"]*\)".*/\1/p' "$here/said/passed/matrix-$1"; }
[ -n "$(title one)" ] || fail "the matrix left no records"
[ "$(title one)" != "$(title two)" ] || fail "two jobs of a matrix have the title '$(title one)'"
echo "act: the next job read passed, then failed; titles: $(title one), $(title two)"
