#!/usr/bin/env bash
# A real suite of another project: the tests of PyPI's `tabulate`, downloaded by name, run by plain pytest and by
# `testplan run` with 4 workers; then both JUnit files must name the same tests with the same verdicts.
#
#   examples/pytest/run.sh [WORK-FOLDER]        TESTPLAN=path/to/testplan to choose the binary
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=${1:-$here/work}
testplan=${TESTPLAN:-$here/../../target/debug/testplan}
testplan=$(cd "$(dirname "$testplan")" && pwd)/$(basename "$testplan")

mkdir -p "$work"
cd "$work"
[ -x venv/bin/python ] || python3 -m venv venv
export PATH="$work/venv/bin:$PATH" PIP_DISABLE_PIP_VERSION_CHECK=1
python -m pip install --quiet pytest==9.2.0 wcwidth==0.2.13
if [ ! -d source ]; then
    python -m pip download --quiet --no-deps --no-binary :all: --dest . tabulate==0.10.0
    tar xzf tabulate-0.10.0.tar.gz
    mv tabulate-0.10.0 source
fi
python -m pip install --quiet ./source

(cd source && python -m pytest -q -p no:cacheprovider --junitxml="$work/plain.xml") || echo "plain pytest ended with $?"
cp "$here/testplan.yml" .
rm -rf out
"$testplan" run --quiet --workers 4 --out out || echo "testplan ended with $?"
python "$here/compare.py" plain.xml out/junit.xml 300
