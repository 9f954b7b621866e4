#!/usr/bin/env bash
# Starts and stops a PostgreSQL server of its own from Debian's packages, on 127.0.0.1 and for trying things out: whoever can
# connect is let in, and a power loss may damage it.
#
#   examples/service/postgres.sh start FOLDER PORT    prints the URL of a new, empty database
#   examples/service/postgres.sh stop FOLDER
#
# PostgreSQL refuses to run as root: as root this runs it as nobody.
set -euo pipefail

action=${1:?start or stop} folder=${2:?the folder of the server}
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || { echo "PostgreSQL is not installed: apt-get install postgresql" >&2; exit 1; }
as_user() {
    if [ "$(id -u)" = 0 ]; then
        # From /, because nobody may not enter every folder.
        (cd / && exec runuser -u nobody -- "$@")
    else
        "$@"
    fi
}
user=$([ "$(id -u)" = 0 ] && echo nobody || id -un)

case $action in
start)
    port=${3:?the port}
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
    if [ ! -d "$folder/data" ]; then
        mkdir "$folder/data"
        [ "$(id -u)" = 0 ] && chown -R nobody "$folder"
        as_user "$bin/initdb" -D "$folder/data" -U "$user" --auth=trust --no-sync -E UTF8 --locale=C >/dev/null
        printf "listen_addresses='127.0.0.1'\nunix_socket_directories=''\nfsync=off\n" |
            as_user tee -a "$folder/data/postgresql.conf" >/dev/null
    fi
    as_user "$bin/pg_ctl" -D "$folder/data" -o "-p $port" -w -l "$folder/data/log" start >/dev/null
    echo "postgres://$user@127.0.0.1:$port/postgres"
    ;;
stop)
    folder=$(cd "$folder" && pwd)
    as_user "$bin/pg_ctl" -D "$folder/data" -m fast -w stop >/dev/null
    ;;
*)
    echo "unknown action $action: start or stop" >&2
    exit 2
    ;;
esac
