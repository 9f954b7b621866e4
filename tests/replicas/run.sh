#!/usr/bin/env bash
# Restarts two processes of a service behind HAProxy, one after the other, while workers run a plan. Green if every test ran once
# and no worker printed a warning or an error.
#
#   tests/haproxy/run.sh [TESTS]        needs haproxy, python3 and target/debug/testplan
#
# SIGNAL=KILL kills them instead. DRAIN is the time in seconds in which only /readyz is 503. URLS=one,two has the workers reach
# both past HAProxy.
#
# REPLICA is the command of one process, with {port} for its port: for example a `testplan serve` over a shared database. Without it,
# tests/haproxy/replica.py plays both before one `testplan serve`.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests=${1:-400}
testplan=${TESTPLAN:-$PWD/target/debug/testplan}
here=$PWD/tests/haproxy
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"

free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
until_ok() { for _ in $(seq 200); do curl -fs "$1" > /dev/null && return; sleep 0.05; done; echo "no answer: $1"; exit 1; }

python3 - "$tests" > testplan.yml <<'PY'
import json, sys
names = [f"t{n}" for n in range(int(sys.argv[1]))]
print(json.dumps({"project": "p", "runner": {"command": ["sh", "-c", "echo {testcase} >> ran; sleep 0.3"]},
                  "templates": [{"title": "T", "tests": [{"suite": "s", "testcases": names}]}]}))
PY
service=$(free)
printf 'rolling-restart-token' > token
"$testplan" serve --listen "127.0.0.1:$service" --data data --token-file token > serve.log 2>&1 &
pids+=($!)
until_ok "http://127.0.0.1:$service/readyz"
replica=${REPLICA:-python3 $here/replica.py {port\} $service ${DRAIN:-2}}

ports=("$(free)" "$(free)") front=$(free)
start() { ${replica//\{port\}/${ports[$1]}} > "replica$1.log" 2>&1 & started=$!; pids+=("$started"); until_ok "http://127.0.0.1:${ports[$1]}/readyz"; }
start 0; replicas=("$started")
start 1; replicas+=("$started")

cat > haproxy.cfg <<CFG
defaults
  mode http
  timeout connect 1s
  timeout client 90s
  timeout server 90s
  option redispatch
  retries 2
frontend front
  bind 127.0.0.1:$front
  default_backend service
backend service
  balance roundrobin
  option httpchk GET /readyz
  default-server check inter 500ms fall 2 rise 1
  server one 127.0.0.1:${ports[0]}
  server two 127.0.0.1:${ports[1]}
CFG
haproxy -db -f haproxy.cfg > haproxy.log 2>&1 &
pids+=($!)
until_ok "http://127.0.0.1:$front/healthz"

export TESTCENTER_URL=${URLS:-http://127.0.0.1:$front} TESTCENTER_TOKEN=rolling-restart-token
TESTCENTER_URL=${TESTCENTER_URL//one/http://127.0.0.1:${ports[0]}}
TESTCENTER_URL=${TESTCENTER_URL//two/http://127.0.0.1:${ports[1]}}
plan=$("$testplan" execute --template T --format json 2> /dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["plan_id"])')
workers=()
for n in 1 2; do
  "$testplan" work --plan-id "$plan" --workers 4 --out "out$n" > "worker$n.out" 2> "worker$n.err" &
  workers+=($!); pids+=($!)
done
for which in 0 1; do
  until [ "$( (wc -l < ran) 2> /dev/null || echo 0)" -ge $((tests * (2 * which + 1) / 8)) ]; do sleep 0.05; done
  kill -"${SIGNAL:-TERM}" "${replicas[$which]}"; wait "${replicas[$which]}" || true
  sleep 1
  start "$which"
  sleep 2
done
[ "$(wc -l < ran)" -lt "$tests" ] || { echo "the plan ended before the restarts: run more tests"; exit 1; }
bad=0
for n in 0 1; do wait "${workers[$n]}" || { echo "worker $((n + 1)) ended with $?"; bad=1; }; done
ran=$(wc -l < ran) each=$(sort -u ran | wc -l)
echo "$ran tests ran, $each different ones of $tests"
[ "$ran" = "$tests" ] && [ "$each" = "$tests" ] || bad=1
if grep -E '^ *(WARN|ERROR|warning|error)' worker?.err worker?.out; then bad=1; fi
[ "$bad" = 0 ] && echo "green, each test once, no warning" || { tail -n 5 worker?.err; exit 1; }
