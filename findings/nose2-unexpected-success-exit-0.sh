#!/usr/bin/env bash
# nose2 0.16.0: a test that is expected to fail and passes ends with exit code 0, and is skipped in the JUnit file.
#
# Expected: exit code 1, as `python -m unittest` ends on the same file (since Python 3.4 an unexpected success is no
#           success), and a failure in the file.
# Real:     exit code 0, and <skipped message="test passes unexpectedly" />.
#
# Output seen, 2026-11-29, Python 3.11:
#   unittest: exit code 1
#   nose2: exit code 0; <skipped message="test passes unexpectedly" />
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
python3 -m venv venv
venv/bin/pip install -q nose2==0.16.0 2>/dev/null
cat >m.py <<'X'
import unittest


class T(unittest.TestCase):
    @unittest.expectedFailure
    def test_passes(self):
        pass
X
unittest=0 nose2=0
venv/bin/python -m unittest m >/dev/null 2>&1 || unittest=$?
venv/bin/nose2 --plugin nose2.plugins.junitxml --junit-xml --junit-xml-path r.xml m >/dev/null 2>&1 || nose2=$?
echo "unittest: exit code $unittest"
echo "nose2: exit code $nose2; $(grep -o '<skipped[^>]*>' r.xml)"
[ "$unittest" = 1 ] && [ "$nose2" = 0 ] && grep -q 'passes unexpectedly' r.xml
