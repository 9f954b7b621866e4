#!/bin/sh
# A test tool. $1 is the results folder, each further argument a test, or one argument @FILE with a test in each line.
# What a test does is in its name. UNKNOWN=refuse: a test with `gone` in its name ends the call before any test ran;
# otherwise it is left out. EACH=1: a result file for each test, as it ends.
results=$1
shift
printf 'call %s\n' "$$" >>"$TRACE"
# A start costs more than all tests of a call say that they took.
sleep 0.3
case "$1" in
@*)
    list=${1#@}
    shift
    while IFS= read -r line; do
        set -- "$@" "$line"
    done <"$list"
    ;;
esac
if [ "$UNKNOWN" = refuse ]; then
    for test; do
        case "$test" in *gone*) echo "unknown test: $test" && exit 4 ;; esac
    done
fi
body=$results/body
code=${CODE:-0}
number=0
: >"$body"
for test; do
    suite=${test%%::*}
    name=${test#*::}
    number=$((number + 1))
    printf 'test %s\n' "$test" >>"$TRACE"
    echo "running $name"
    inner=
    case "$name" in
    *gone*) continue ;;
    *hang*) while [ -d "$results" ]; do sleep 0.1; done ;;
    *slow*) sleep 7 ;;
    *kill*) kill -9 $$ ;;
    *exit0*) exit 0 ;;
    *renamed*) name="another name" ;;
    *fail*)
        inner='<failure message="boom">at line 1</failure>'
        code=1
        ;;
    *skip*) inner='<skipped message="needs Windows"/>' ;;
    esac
    {
        printf '<testcase classname="'
        printf '%s' "$suite" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/"/\&quot;/g'
        printf '" time="0.010" name="'
        printf '%s' "$name" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/"/\&quot;/g'
        printf '">%s</testcase>\n' "$inner"
    } >"$results/case"
    if [ -n "$EACH" ]; then
        { echo '<testsuite>' && cat "$results/case" && echo '</testsuite>'; } >"$results/part"
        mv "$results/part" "$results/$number.xml"
    else
        cat "$results/case" >>"$body"
    fi
done
if [ -z "$EACH" ]; then
    { echo '<testsuite name="all">' && cat "$body" && echo '</testsuite>'; } >"$results/junit.xml"
fi
exit "$code"
