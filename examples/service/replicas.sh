#!/usr/bin/env bash
# Starts two replicas of `testplan serve` on a PostgreSQL server of their own behind HAProxy or nginx, on 127.0.0.1 and for trying
# things out, and restarts them one after the other while they are used.
#
#   examples/service/replicas.sh start FOLDER [haproxy|nginx|none]    prints the settings for clients
#   examples/service/replicas.sh restart FOLDER                       a rolling restart of both, as for an upgrade
#   examples/service/replicas.sh stop FOLDER
#
# TESTPLAN is the binary [testplan; for restart the one that started], PLANS the file with templates [testplan.yml], PORT the port for clients [8800]. The next ports are
# those of the two replicas and of PostgreSQL. DRAIN is how long a stopping replica only reports that it stops [3s]. With SIGNAL=KILL
# `restart` kills them; PAUSE is how many seconds it waits between the two [0].
set -euo pipefail

action=${1:?start, restart or stop} folder=${2:?the folder of the example}
here=$(cd "$(dirname "$0")" && pwd)
# Those of clients, which `serve` would take for its own.
unset TESTCENTER_URL TESTCENTER_TOKEN TESTCENTER_USER TESTCENTER_PASSWORD

# Ends a process of this example and waits for it.
end() {
    local pid
    pid=$(cat "$folder/$1.pid" 2>/dev/null) || return 0
    rm -f "$folder/$1.pid"
    kill -"${SIGNAL:-TERM}" "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}
ready() {
    for _ in $(seq 400); do
        curl -fs "http://127.0.0.1:$1/readyz" >/dev/null && return
        kill -0 "$(cat "$folder/$2.pid")" 2>/dev/null || break
        sleep 0.05
    done
    echo "$2 does not get ready: see $folder/$2.log" >&2
    tail -n 3 "$folder/$2.log" >&2
    exit 1
}
replica() {
    local number=$1
    # All replicas get the same flags, but for the port.
    "$testplan" serve --listen "127.0.0.1:$((port + number))" --database "$database" --data "$folder/data$number" \
        --files "$folder/files" --token-file "$folder/token" --plans "$plans" --drain "$drain" >>"$folder/replica$number.log" 2>&1 &
    echo $! >"$folder/replica$number.pid"
    ready $((port + number)) "replica$number"
}

case $action in
start)
    testplan=$(command -v "${TESTPLAN:-testplan}") && testplan=$(realpath "$testplan") || { echo "there is no testplan: set TESTPLAN" >&2 && exit 1; }
    proxy=${3:-haproxy} port=${PORT:-8800} drain=${DRAIN:-3s} plans=$(realpath "${PLANS:-testplan.yml}")
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
    # The server runs as another user if this is root.
    chmod 711 "$folder"
    database=$("$here/postgres.sh" start "$folder/postgres" $((port + 3)))
    [ -e "$folder/token" ] || (umask 077 && head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$folder/token")
    declare -p testplan port drain plans database proxy >"$folder/settings"
    replica 1
    replica 2
    url=http://127.0.0.1:$port
    # The files are written for these ports.
    ports=(-e "s/:8800/:$port/" -e "s/:8801/:$((port + 1))/" -e "s/:8802/:$((port + 2))/")
    case $proxy in
    haproxy)
        sed "${ports[@]}" "$here/haproxy.cfg" >"$folder/haproxy.cfg"
        haproxy -db -f "$folder/haproxy.cfg" >"$folder/proxy.log" 2>&1 &
        ;;
    nginx)
        mkdir -p "$folder/nginx"
        {
            printf 'daemon off; error_log stderr; pid %s/nginx/pid; events { worker_connections 4096; }\nhttp {\naccess_log off;\n' "$folder"
            for part in client_body proxy fastcgi uwsgi scgi; do printf '%s_temp_path %s/nginx/%s;\n' $part "$folder" $part; done
            sed "${ports[@]}" "$here/nginx.conf"
            echo '}'
        } >"$folder/nginx.conf"
        nginx -p "$folder/nginx" -c "$folder/nginx.conf" >"$folder/proxy.log" 2>&1 &
        ;;
    none) url=http://127.0.0.1:$((port + 1)),http://127.0.0.1:$((port + 2)) ;;
    *) echo "unknown proxy $proxy: haproxy, nginx or none" >&2 && exit 2 ;;
    esac
    if [ "$proxy" != none ]; then
        echo $! >"$folder/proxy.pid"
        ready "$port" proxy
    fi
    echo "export TESTCENTER_URL=$url TESTCENTER_TOKEN=$(cat "$folder/token")"
    ;;
restart)
    folder=$(cd "$folder" && pwd)
    # shellcheck source=/dev/null
    source "$folder/settings"
    # Another binary than before, if one is given: an upgrade.
    testplan=${TESTPLAN:-$testplan}
    end replica1
    replica 1
    sleep "${PAUSE:-0}"
    end replica2
    replica 2
    ;;
stop)
    folder=$(cd "$folder" && pwd)
    for process in proxy replica1 replica2; do end "$process"; done
    "$here/postgres.sh" stop "$folder/postgres"
    ;;
*)
    echo "unknown action $action: start, restart or stop" >&2
    exit 2
    ;;
esac
