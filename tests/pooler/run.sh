#!/usr/bin/env bash
# The scenarios of the program and the behaviour of the store through PgBouncer in transaction mode, where each transaction may get
# another session.
#
#   TESTPLAN_POSTGRES=postgres://USER@HOST:PORT/DATABASE tests/pooler/run.sh [PORT]
#
# PgBouncer (Debian's package pgbouncer) listens on PORT (54331) until the end. It refuses to run as root: as root this runs it as nobody.
set -euo pipefail
cd "$(dirname "$0")/../.."
server=${TESTPLAN_POSTGRES:?the URL of a server without a password} port=${1:-54331}
[[ $server =~ ^postgres://([^@]+)@([^:/]+):([0-9]+)/(.*)$ ]] || { echo "TESTPLAN_POSTGRES must be postgres://USER@HOST:PORT/DATABASE" >&2; exit 2; }
user=${BASH_REMATCH[1]} host=${BASH_REMATCH[2]} behind=${BASH_REMATCH[3]} database=${BASH_REMATCH[4]}

folder=$(mktemp -d)
trap 'kill "$pooler" 2>/dev/null || true; rm -rf "$folder"' EXIT
echo "\"$user\" \"\"" >"$folder/users"
cat >"$folder/pgbouncer.ini" <<END
[databases]
* = host=$host port=$behind
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
auth_type = trust
auth_file = $folder/users
pool_mode = transaction
default_pool_size = 40
max_client_conn = 500
unix_socket_dir =
END
as_user=()
if [ "$(id -u)" = 0 ]; then
    chown -R nobody "$folder"
    as_user=(setpriv --reuid nobody --clear-groups --)
fi
(cd / && exec "${as_user[@]}" /usr/sbin/pgbouncer "$folder/pgbouncer.ini" >/dev/null 2>&1) &
pooler=$!
for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.1
done

export TESTPLAN_POSTGRES=postgres://$user@127.0.0.1:$port/$database
cargo test --locked --test program -- scenarios::
cargo test --locked --test library -- store::postgres::
