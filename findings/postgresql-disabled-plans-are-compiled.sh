#!/usr/bin/env bash
# PostgreSQL 15.18: a statement over one row is compiled by LLVM for tenths of a second, each time, once enable_seqscan is off.
#
# Expected: enable_seqscan=off discourages sequential scans; where there is no index, the same plan runs in the same time. JIT compilation is
#           "beneficial primarily for long-running CPU-bound queries" (documentation of 15, 32.1), so it does not concern one row.
# Real:     a way that is off costs 10,000,000,000 more in the planner's books, jit_above_cost is 100,000, and jit is on by default since
#           version 12: the statement counts as expensive and is compiled and optimised before it reads its row. With prepared statements too,
#           which keep the plan but are compiled at each execution. Whoever turns a kind of plan off for a session turns jit off too.
#
# Output seen, 2026-11-30:
#   as it is:                    compiled: no
#   enable_seqscan=off:          compiled: yes, by more than half of the execution time
#   enable_seqscan=off, jit=off: compiled: no
#   prepared, fifth execution:   compiled: yes, by more than half of the execution time
set -euo pipefail
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
work=$(mktemp -d) && cd "$work"
as() { if [ "$(id -u)" = 0 ]; then runuser -u nobody -- "$@"; else "$@"; fi; }
[ "$(id -u)" != 0 ] || chown nobody "$work"
trap 'as "$bin/pg_ctl" -D "$work/data" -m immediate -s stop || true; cd / && rm -rf "$work"' EXIT
as "$bin/initdb" -D data -U postgres --auth=trust --no-sync >/dev/null
as "$bin/pg_ctl" -D data -s -w -l "$work/log" -o "-k $work -c listen_addresses=''" start
sql() { "$bin/psql" -X -q -A -t -h "$work" -U postgres "$@" 2>&1; }
sql -c "CREATE TABLE t (n int)" -c "INSERT INTO t VALUES (1)" -c "ANALYZE t"
# What EXPLAIN ANALYZE says of compilation: its share of the execution time.
compiled() {
    python3 -c '
import json, sys
plan = json.loads(sys.stdin.read())[0]
jit = plan.get("JIT")
if not jit:
    print("compiled: no")
else:
    share = jit["Timing"]["Total"] / plan["Execution Time"]
    print("compiled: yes, by more than half of the execution time" if share > 0.5 else f"compiled: yes ({share:.2f})")
'
}
explain="EXPLAIN (ANALYZE, FORMAT JSON)"
plain=$(sql -c "$explain SELECT max(n) FROM t" | compiled)
off=$(sql -c "SET enable_seqscan = off" -c "$explain SELECT max(n) FROM t" | compiled)
without=$(sql -c "SET enable_seqscan = off" -c "SET jit = off" -c "$explain SELECT max(n) FROM t" | compiled)
run=(-c "EXECUTE s(0)")
prepared=$(sql -c "SET enable_seqscan = off" -c "SET plan_cache_mode = force_generic_plan" -c "PREPARE s (int) AS SELECT max(n) FROM t WHERE n > \$1" \
    "${run[@]}" "${run[@]}" "${run[@]}" "${run[@]}" -c "$explain EXECUTE s(0)" | grep -v '^1$' | compiled)
echo "as it is:                    $plain"
echo "enable_seqscan=off:          $off"
echo "enable_seqscan=off, jit=off: $without"
echo "prepared, fifth execution:   $prepared"
[[ $plain == *no && $off == *yes* && $without == *no && $prepared == *yes* ]]
