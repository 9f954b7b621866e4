#!/bin/sh
# Runner of cargo for one test program of libtest: lists its tests for TESTPLAN_LISTING (`SUITE<tab>NAME` on each line), or runs
# those of TESTPLAN_SELECTION in one process and writes an event stream. The suite of a program is its root source file.
#
# Results come from `--logfile`, where no output of a test can stand. A test named there has ended; the others have no result.
set -u
binary=$1
shift
tab=$(printf '\t')
line_break='
'
the_end='testplan: the process has ended'

# The root source file is the first one of the dep-info file beside the program, relative to the workspace.
suite_of() {
  name=$(basename "$binary" .exe)
  info=${binary%.exe}.d
  suite=
  if [ -r "$info" ]; then
    suite=$(awk 'NR == 1 {
      rest = substr($0, index($0, ": ") + 2)
      gsub(/\\ /, "\001", rest)
      count = split(rest, words, " ")
      for (at = 1; at <= count; at++) if (words[at] ~ /[.]rs$/) { print words[at]; exit }
    }' "$info" | tr '\001' ' ')
  fi
  case $binary in *.exe) suite=$(printf '%s' "$suite" | tr '\\' /) ;; esac
  [ -n "$suite" ] || suite=${CARGO_PKG_NAME-}::${name%-*}
}

# Strings of JSON without the quotes.
escape() { # <text> <most>
  printf '%s' "$1" | tr '\n\t' '  ' | tr -d '\000-\037\177' | utf8 | sed 's/[\\"]/\\&/g' | cut -c "1-$2"
}

utf8() {
  iconv -f UTF-8 -t UTF-8 -c 2>/dev/null || cat
}

# Newlines on both sides: what another process broke off must not spoil this line.
append() { # <kind> <more>
  [ -n "${TESTPLAN_EVENTS-}" ] || return 0
  printf '\n{"t":"%s","pid":%d%s}\n' "$1" "$$" "$2" >>"$TESTPLAN_EVENTS"
}

list() {
  listed=$("$binary" "$@" --list --format terse)
  code=$?
  printf '%s\n' "$listed" | while IFS= read -r line; do
    case $line in
      '') ;;
      *': test') printf '%s\t%s\n' "$suite" "${line%: test}" ;;
      *': benchmark') printf '%s\t%s\n' "$suite" "${line%: benchmark}" ;;
      *) printf '\t%s\n' "$suite: its program does not list tests as libtest does: $line" ;;
    esac
  done >>"$TESTPLAN_LISTING"
  [ "$code" = 0 ] || printf '\t%s\n' "$suite: its program ended with exit code $code" >>"$TESTPLAN_LISTING"
}

place() { # sets `place`
  case $1 in
    # Names of Rust, without the processes that escape others.
    *[!A-Za-z0-9_:]*) escaped=$(escape "$1" 65536) ;;
    *) escaped=$1 ;;
  esac
  place=",\"id\":\"$escaped\",\"file\":\"$file\",\"titles\":[\"$escaped\"]"
}

# `ok NAME`, `failed NAME`, `failed: WHY NAME`, `ignored: WHY NAME`; a reason may have several lines. Failures are kept until
# the output that explains them is complete.
read_log() {
  entry=
  wanted="$line_break$(cat "$work/wanted")$line_break"
  while IFS= read -r line && [ "$line" != "$the_end" ]; do
    entry=${entry:+$entry }$line
    case $entry in
      'ok '* | 'failed '* | 'ignored '*) name=${entry#* } ;;
      *) name=${line##* } ;;
    esac
    case $wanted in
      *"$line_break$name$line_break"*) ;;
      *)
        # The reason goes on; else it is no result of a test of this call.
        case $entry in 'failed: '* | 'ignored: '*) ;; *) entry= ;; esac
        continue
        ;;
    esac
    case $entry in
      'ok '*) place "$name" && append test_end "$place,\"status\":\"passed\"" ;;
      'ignored '* | 'ignored: '*)
        why=${entry#ignored}
        why=${why#: }
        why=${why%"$name"}
        place "$name" && append test_end "$place,\"status\":\"skipped\",\"message\":\"$(escape "${why% }" 4096)\""
        ;;
      'failed '* | 'failed: '*) printf '%s\n' "$name" >>"$work/failed" ;;
    esac
    entry=
  done
}

# What libtest printed of a failed test, as JSON: the first line that says why, then all.
words() { # <name>
  tr -d '\000-\010\013-\037\177' <"$work/out" | utf8 | awk -v name="$1" '
    function escaped(text) {
      gsub(/\\/, "&&", text); gsub(/"/, "\\\"", text); gsub(/\t/, "\\t", text); gsub(/\n/, "\\n", text)
      return text
    }
    $0 == "---- " name " stdout ----" { inside = 1; next }
    inside && (/^---- .* stdout ----$/ || /^failures:$/) { exit }
    inside {
      if (length(text) < 60000) text = text $0 "\n"
      if (message == "" && (panicked || /^Error: / || /^note: test did not panic/)) message = $0
      panicked = $0 ~ /^thread .* panicked at .*:$/
    }
    END {
      if (message == "") message = "it failed"
      printf ",\"message\":\"%s\",\"text\":\"%s\"", escaped(substr(message, 1, 4096)), escaped(substr(text, 1, 60000))
    }'
}

run() {
  append run_start ',"v":1,"tool":"libtest"'
  work=$(mktemp -d) || exit 1
  trap 'rm -rf "$work"' EXIT
  : >"$work/failed"
  : >"$work/wanted"
  : >"$work/out"
  while IFS= read -r line; do
    [ "${line%%"$tab"*}" = "$suite" ] && printf '%s\n' "${line#*"$tab"}" >>"$work/wanted"
  done <"${TESTPLAN_SELECTION:-/dev/null}"
  if [ ! -s "$work/wanted" ]; then
    append run_end ''
    return 0
  fi
  while IFS= read -r name; do set -- "$@" "$name"; done <"$work/wanted"
  file=$(escape "$suite" 4096)
  # Through a pipe, each result counts at once. The programs of Windows cannot open one.
  live=
  case $binary in *.exe) ;; *) mkfifo "$work/log" 2>/dev/null && live=1 ;; esac
  if [ -n "$live" ]; then
    # Open for writing all the time, so that the reader goes on to the last line.
    exec 3<>"$work/log"
    read_log <"$work/log" 3>&- &
  fi
  { "$binary" --exact --logfile "$work/log" "$@" 3>&- && code=0 || code=$?; echo "$code" >"$work/code"; } | tee "$work/out"
  code=$(cat "$work/code")
  printf '\n%s\n' "$the_end" >>"$work/log"
  if [ -n "$live" ]; then wait; else read_log <"$work/log"; fi
  while IFS= read -r name; do
    place "$name" && append test_end "$place,\"status\":\"failed\"$(words "$name")"
  done <"$work/failed"
  # A test that ends the process leaves no summary, whatever the exit code is.
  case $code:$(grep . "$work/out" | tail -n 1) in
    0:'test result: ok. '* | 101:'test result: FAILED. '*) append run_end '' ;;
  esac
  return "$code"
}

suite_of
if [ -n "${TESTPLAN_LISTING-}" ]; then list "$@"; else run "$@"; fi
