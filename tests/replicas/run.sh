#!/usr/bin/env bash
# Restarts two replicas of the service, one after the other, while workers run a plan through a load balancer. Green if every test ran
# once, each execution had one lease, and no client printed a warning or an error.
#
#   tests/replicas/run.sh [TESTS [haproxy|nginx|none]]    2000 tests behind HAProxy; `none`: the clients have both URLs
#
# Starts everything itself with examples/service/replicas.sh: needs PostgreSQL, the load balancer, curl, python3 and target/debug/testplan
# (TESTPLAN names another binary). SIGNAL=KILL kills the replicas instead. UPGRADE=BINARY restarts them with another release, and PAUSE=20
# lets both serve the plan side by side for as many seconds.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests=${1:-2000} proxy=${2:-haproxy}
export TESTPLAN=${TESTPLAN:-$PWD/target/debug/testplan} PATH=$PATH:/usr/sbin
example=$PWD/examples/service/replicas.sh
work=$(mktemp -d)
# The server runs as another user if this is root.
chmod 711 "$work"
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; "$example" stop "$work/service" || true; rm -rf "$work"' EXIT
cd "$work"

python3 - "$tests" >testplan.yml <<'PY'
import json, sys
names = [f"t{n}" for n in range(int(sys.argv[1]))]
print(json.dumps({"project": "p", "runner": {"command": ["sh", "-c", "echo {testcase} >> ran; sleep 0.1"]},
                  "templates": [{"title": "T", "tests": [{"suite": "s", "testcases": names}]}]}))
PY
# Four ports in a row.
PORT=$(python3 - <<'PY'
import random, socket
while True:
    port = random.randrange(20000, 32000)
    try:
        for each in range(port, port + 4):
            with socket.socket() as one:
                one.bind(("127.0.0.1", each))
    except OSError:
        continue
    print(port)
    break
PY
)
export PORT
settings=$("$example" start service "$proxy")
eval "$settings"
plan=$("$TESTPLAN" execute --template T --format json 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["plan_id"])')
began=$(date +%s.%N)
clients=()
client() {
    local name=$1
    shift
    "$TESTPLAN" "$@" --plan-id "$plan" >"$name.out" 2>"$name.err" &
    clients+=("$name $!")
    pids+=($!)
}
client work1 work --workers 6 --out out1
client work2 work --workers 6 --out out2
client wait wait
until [ "$( (wc -l <ran) 2>/dev/null || echo 0)" -ge $((tests / 8)) ]; do sleep 0.05; done
TESTPLAN=${UPGRADE:-$TESTPLAN} "$example" restart service
left=$((tests - $(wc -l <ran)))
[ "$left" -gt 0 ] || { echo "the plan ended before the restarts: run more tests" && exit 1; }
bad=0
for each in "${clients[@]}"; do
    wait "${each#* }" || { echo "${each% *} ended with $?" && bad=1; }
done
"$TESTPLAN" report --plan-id "$plan" --records out1/records out2/records --out report >report.out 2>report.err || { echo "report ended with $?" && bad=1; }
ran=$(wc -l <ran) each=$(sort -u ran | wc -l)
echo "$ran tests ran, $each different ones of $tests, $left of them after both restarts, in $(python3 -c "import time; print(round(time.time() - $began))") s"
[ "$ran" = "$tests" ] && [ "$each" = "$tests" ] || bad=1
# What `work` and `wait` say of trouble, whether as a line of their own or of the log.
if grep -HE '(^|[^a-z])(WARN|ERROR|warning|error)([^a-z]|$)' ./*.err work?.out wait.out; then bad=1; fi
again=$(python3 - "${TESTCENTER_URL%%,*}/testplan/v1/plans/$plan/executions" <<'PY'
import json, os, sys, urllib.request
after, again = 0, 0
while after is not None:
    request = urllib.request.Request(f"{sys.argv[1]}?limit=1000&after={after}", headers={"authorization": "Token " + os.environ["TESTCENTER_TOKEN"]})
    page = json.load(urllib.request.urlopen(request))
    again += sum(it["attempts"] != 1 for it in page["items"])
    after = page.get("next")
print(again)
PY
)
[ "$again" = 0 ] || { echo "$again executions had not exactly one lease" && bad=1; }
[ "$bad" = 0 ] && echo "green, each test once, no warning" || { tail -n 5 ./*.err service/*.log && exit 1; }
