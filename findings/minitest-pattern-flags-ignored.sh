#!/usr/bin/env bash
# minitest 5.17.0 (Debian 12, ruby-minitest): `-n /PATTERN/i` drops the flag, and runs nothing with exit code 0.
#
# Expected: a Ruby regular expression, so that /TEST_A/i runs test_a; or an error for what follows the second slash.
# Real:     the flag is dropped without a word: /TEST_A/i runs what /TEST_A/ runs. The pattern is searched for anywhere in
#           the argument, so other text around the slashes is dropped, too: `Other#/test_a/` runs T#test_a.
#
# Output seen, 2026-11-30:
#   minitest 5.17.0
#   -n /test_a/: 1 runs, exit code 0
#   -n /TEST_A/i: 0 runs, exit code 0
#   -n /(?i)TEST_A/: 1 runs, exit code 0
#   -n Other#/test_a/: 1 runs, exit code 0
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
cat >t.rb <<'RUBY'
require 'minitest/autorun'

class T < Minitest::Test
  def test_a = assert(true)
  def test_b = assert(true)
end
RUBY
ruby -e 'require "minitest"; puts "minitest #{Minitest::VERSION}"'
for pattern in '/test_a/' '/TEST_A/i' '/(?i)TEST_A/' 'Other#/test_a/'; do
    code=0
    ruby t.rb -n "$pattern" >out.txt 2>&1 || code=$?
    echo "-n $pattern: $(grep -oE '^[0-9]+ runs' out.txt), exit code $code"
done | tee seen.txt
diff - seen.txt <<'SEEN' || { echo "minitest behaves differently from the description above" >&2; exit 1; }
-n /test_a/: 1 runs, exit code 0
-n /TEST_A/i: 0 runs, exit code 0
-n /(?i)TEST_A/: 1 runs, exit code 0
-n Other#/test_a/: 1 runs, exit code 0
SEEN
