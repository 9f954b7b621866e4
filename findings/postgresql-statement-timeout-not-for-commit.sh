#!/usr/bin/env bash
# PostgreSQL 15.18: statement_timeout does not end a COMMIT that waits for a synchronous standby.
#
# Expected: "statement_timeout: Abort any statement that takes more than the specified amount of time" (documentation of 15, 20.11.1) holds
#           for COMMIT, or the text says that it does not.
# Real:     while no standby answers, the commit waits for ever, with any statement_timeout and lock_timeout. A client needs a time
#           limit of its own, and does not know the outcome then: the change is on the disk of the primary server already, and shows to
#           others as soon as somebody cancels the wait.
#
# Output seen, 2026-11-30:
#   pg_sleep with statement_timeout=1s: ERROR:  canceling statement due to statement timeout
#   insert with statement_timeout=1s and no standby: still waits after 5 s (SyncRep)
#   after pg_cancel_backend: 1 row, WARNING:  canceling wait for synchronous replication due to user request
set -euo pipefail
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
work=$(mktemp -d) && cd "$work"
as() { if [ "$(id -u)" = 0 ]; then runuser -u nobody -- "$@"; else "$@"; fi; }
[ "$(id -u)" != 0 ] || chown nobody "$work"
trap 'as "$bin/pg_ctl" -D "$work/data" -m immediate -s stop || true; cd / && rm -rf "$work"' EXIT
as "$bin/initdb" -D data -U postgres --auth=trust --no-sync >/dev/null
as "$bin/pg_ctl" -D data -s -w -l "$work/log" -o "-k $work -c listen_addresses=''" start
sql() { "$bin/psql" -X -A -t -h "$work" -U postgres -c "$1" 2>&1; }
sql "CREATE TABLE t (n int)" >/dev/null
sql "ALTER SYSTEM SET synchronous_standby_names = 'nobody'" >/dev/null
sql "SELECT pg_reload_conf()" >/dev/null
slept=$(PGOPTIONS='-c statement_timeout=1s' sql "SELECT pg_sleep(3)" || true)
echo "pg_sleep with statement_timeout=1s: $slept"
PGOPTIONS='-c statement_timeout=1s' sql "INSERT INTO t VALUES (1)" >said &
sleep 5
waits=$(sql "SELECT wait_event FROM pg_stat_activity WHERE query LIKE 'INSERT%'")
echo "insert with statement_timeout=1s and no standby: still waits after 5 s ($waits)"
sql "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'INSERT%'" >/dev/null
wait
rows=$(sql "SELECT count(*) FROM t")
echo "after pg_cancel_backend: $rows row, $(head -1 said)"
[[ $slept == *"statement timeout"* && $waits == SyncRep && $rows == 1 ]]
