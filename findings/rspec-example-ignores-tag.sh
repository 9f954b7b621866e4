#!/usr/bin/env bash
# RSpec 3.12.0 (Debian 12, ruby-rspec-core): with `--example`, all `--tag` options are ignored, even one that excludes.
#
# Expected: both filters hold: `-e x --tag ~slow` runs the examples that contain `x` and are not slow.
# Real:     the slow one runs, too, although RSpec prints "exclude {:slow=>true}" under "Run options". A tag to include is
#           ignored in the same way.
#
# Output seen, 2026-11-30:
#   rspec-core 3.12.0
#   --tag ~slow: x quick, y quick; prints exclude {:slow=>true}
#   -e x: x quick, x slow
#   -e x --tag ~slow: x quick, x slow; prints exclude {:slow=>true}
#   -e x --tag quick: x quick, x slow
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
cat >a_spec.rb <<'RUBY'
RSpec.describe 'S' do
  it('x quick', :quick) {}
  it('x slow', :slow) {}
  it('y quick', :quick) {}
end
RUBY
rspec --version | grep -o 'rspec-core.*'
call() {
    rspec "$@" --format documentation a_spec.rb >out.txt
    local examples printed
    examples=$(sed -n 's/^  \([xy] .*\)/\1/p' out.txt | paste -sd, | sed 's/,/, /g')
    printed=$(sed -n 's/.*\(exclude .*\)/; prints \1/p' out.txt)
    echo "$*: $examples$printed"
}
{
    call --tag '~slow'
    call -e x
    call -e x --tag '~slow'
    call -e x --tag quick
} | tee seen.txt
diff - seen.txt <<'SEEN' || { echo "RSpec behaves differently from the description above" >&2; exit 1; }
--tag ~slow: x quick, y quick; prints exclude {:slow=>true}
-e x: x quick, x slow
-e x --tag ~slow: x quick, x slow; prints exclude {:slow=>true}
-e x --tag quick: x quick, x slow
SEEN
