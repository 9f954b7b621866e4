#!/usr/bin/env bash
# PostgreSQL 15.18: rows passed as arrays come out of unnest with several arguments slower than out of the arrays by subscript.
#
# Expected: unnest(a, b, c) is the way that is made for passing rows as one array for each column, so at least as fast as looking each element up
#           with a subscript, which takes a call for each value and has to find the element anew.
# Real:     unnest with several arguments is a row source of as many functions, one for each array, and each keeps all of its elements in a
#           store of its own before the first row comes. With 29 columns and 256 rows this takes several times as long as subscripts over
#           generate_series, and also with one row, where 29 stores are made for 29 values.
#
# Output seen, 2026-11-30 (the times differ, the order does not):
#   29 columns, 256 rows: unnest 1.88 ms, subscripts 0.75 ms
#   29 columns, 1 row:    unnest 0.35 ms, subscripts 0.15 ms
#   subscripts are faster in both
set -euo pipefail
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
work=$(mktemp -d) && cd "$work"
as() { if [ "$(id -u)" = 0 ]; then runuser -u nobody -- "$@"; else "$@"; fi; }
[ "$(id -u)" != 0 ] || chown nobody "$work"
trap 'as "$bin/pg_ctl" -D "$work/data" -m immediate -s stop || true; cd / && rm -rf "$work"' EXIT
as "$bin/initdb" -D data -U postgres --auth=trust --no-sync >/dev/null
as "$bin/pg_ctl" -D data -s -w -l "$work/log" -o "-k $work -c listen_addresses='' -c jit=off" start
# Two statements over the same arrays, each prepared once.
python3 - <<'END'
names = [f"c{n}" for n in range(29)]
total = " + ".join(names)
for rows in (1, 256):
    arrays = f"(SELECT array_agg(:n::bigint) AS a FROM generate_series(1, {rows})) AS arrays"
    unnest = f"unnest({', '.join('a' for _ in names)}) AS n({', '.join(names)})"
    elements = ", ".join(f"a[i] AS {name}" for name in names)
    subscripts = f"generate_series(1, {rows}) AS i CROSS JOIN LATERAL (SELECT {elements}) AS n"
    for name, source in (("unnest", unnest), ("subscripts", subscripts)):
        with open(f"{name}-{rows}.sql", "w") as file:
            file.write(f"\\set n random(1, 9)\nSELECT sum({total}) FROM {arrays}, {source};\n")
END
chmod a+r ./*.sql
# The fastest of five runs, in milliseconds.
fastest() {
    for _ in 1 2 3 4 5; do
        as "$bin/pgbench" -n -M prepared -f "$work/$1.sql" -t "$2" -h "$work" -U postgres postgres 2>/dev/null |
            sed -n 's/^latency average = \([0-9.]*\) ms$/\1/p'
    done | sort -g | head -1
}
many_unnest=$(fastest unnest-256 200) many_subscripts=$(fastest subscripts-256 200)
one_unnest=$(fastest unnest-1 1000) one_subscripts=$(fastest subscripts-1 1000)
printf '29 columns, 256 rows: unnest %.2f ms, subscripts %.2f ms\n' "$many_unnest" "$many_subscripts"
printf '29 columns, 1 row:    unnest %.2f ms, subscripts %.2f ms\n' "$one_unnest" "$one_subscripts"
python3 -c "import sys; sys.exit(not ($many_unnest > 1.3 * $many_subscripts and $one_unnest > 1.1 * $one_subscripts))"
echo "subscripts are faster in both"
