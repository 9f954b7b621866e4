#!/usr/bin/env bash
# Formatter for bats 1.13: writes an event stream from the extended TAP of bats, and prints plain TAP.
# docs/event-stream.md describes the format. In the listing, which runs nothing, it writes the listing of no tests.
set -u
trap '' INT

most_text=65536
most_message=4096
folder=$(pwd -P)/
here=$PWD/
plan=
file=
ended=0
failing=
failing_text=
names=()
starts=()
attempts=()
done_marks=()
# The selected tests as the file of the selection has them, as bats prints their names, and their files.
selected=()
printed=()
files=()

load_selection() {
  [[ -n ${TESTPLAN_SELECTION-} && -r $TESTPLAN_SELECTION ]] || return 0
  local line name
  while IFS= read -r line; do
    files+=("${line%%$'\t'*}")
    name=${line#*$'\t'}
    selected+=("$name")
    # bats evaluates a name as it stands between double quotes. Names with variables are not selected.
    name=${name//\\\\/$'\x01'}
    name=${name//\\\"/\"}
    name=${name//\\\$/\$}
    name=${name//\\\`/\`}
    printed+=("${name//$'\x01'/\\}")
  done <"$TESTPLAN_SELECTION"
}

# Sets `title` to what the file of the selection calls a test.
find_title() { # <printed name>
  local at
  title=$1
  for ((at = 0; at < ${#selected[@]}; at++)); do
    if [[ ${printed[at]} == "$1" && ${files[at]} == "$file" ]]; then title=${selected[at]} && return; fi
  done
}

# A string of JSON without the quotes; bytes that are no UTF-8 are left out.
escape() { # <variable> <text> <most>
  local text=$2
  # Colours of the terminal.
  while [[ $text =~ $'\x1b'\[[0-9\;]*[A-Za-z] ]]; do text=${text//"${BASH_REMATCH[0]}"/}; done
  text=${text:0:$3}
  text=$(printf '%s' "$text" | iconv -f UTF-8 -t UTF-8 -c 2>/dev/null; printf x)
  text=${text%x}
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\t'/\\t}
  text=${text//$'\r'/}
  text=${text//$'\n'/\\n}
  text=${text//[$'\x01'-$'\x1f'$'\x7f']/}
  printf -v "$1" '%s' "$text"
}

# Newlines on both sides: what another process broke off must not spoil this line.
append() { # <kind> <more>
  [[ -n ${TESTPLAN_EVENTS-} ]] || return 0
  printf '\n{"t":"%s","pid":%d%s}\n' "$1" "$$" "$2" >>"$TESTPLAN_EVENTS"
}

place() { # sets `place` for the test of an index
  local path name
  escape path "$file" 4096
  find_title "${names[$1]}"
  escape name "$title" 65536
  place=",\"id\":\"$1\",\"file\":\"$path\",\"titles\":[\"$name\"],\"attempt\":${attempts[$1]}"
}

begin() { # <index> <name>
  local index=$1
  names[index]=$2
  if [[ -n ${starts[index]-} ]]; then
    # bats runs a test again without a line for the failure.
    place "$index"
    append test_end "$place,\"status\":\"failed\",\"message\":\"it failed and is run again\""
    ((attempts[index] += 1))
  else
    attempts[index]=1
  fi
  starts[index]=1
  place "$index"
  append test_start "$place"
}

flush() {
  [[ -n $failing ]] || return 0
  local index=$failing message words line first=
  failing=
  while IFS= read -r line; do
    # bats names the place first, and then what failed.
    [[ $line == \(* || $line == ' '*\(* || -z $line ]] || { first=$line && break; }
  done <<<"$failing_text"
  first=${first#"${first%%[! ]*}"}
  escape message "${first:-it failed}" "$most_message"
  escape words "$failing_text" "$most_text"
  failing_text=
  if [[ $index == outside ]]; then
    local path
    escape path "$file" 4096
    append error ",\"file\":\"$path\",\"message\":\"$message\",\"text\":\"$words\""
  else
    append test_end "$failing_place,\"status\":\"failed\",\"message\":\"$message\",\"text\":\"$words\""
  fi
}

# The tests of a file whose set-up failed do not run, and bats does not name them.
fail_file() { # <what failed>
  local at name path
  for ((at = 0; at < ${#selected[@]}; at++)); do
    [[ ${files[at]} == "$file" ]] || continue
    escape path "$file" 4096
    escape name "${selected[at]}" 65536
    append test_end ",\"id\":\"file $at\",\"file\":\"$path\",\"titles\":[\"$name\"],\"status\":\"error\",\"message\":\"$1\""
    ((ended += 1))
  done
}

# Only the test that runs ends: other lines were printed by tests.
is_running() {
  [[ -n ${starts[$1]-} && -z ${done_marks[$1]-} && $2 == "${names[$1]}"* ]]
}

duration() { # sets `took` from what follows the name
  took=
  if [[ $1 =~ ^\ in\ ([0-9]+)ms ]]; then took=",\"ms\":${BASH_REMATCH[1]}"; fi
}

end() { # <ok or not ok> <index> <rest>
  local index=$2 rest=$3 after reason
  flush
  if ! [[ $index =~ ^[0-9]+$ ]] || ! is_running "$index" "$rest"; then
    [[ $1 == ok ]] && return
    if [[ $rest == 'setup_file failed'* ]]; then fail_file "setup_file failed" && return; fi
    failing=outside
    failing_text="$rest"$'\n'
    return
  fi
  done_marks[index]=1
  ((ended += 1))
  after=${rest#"${names[index]}"}
  duration "$after"
  place "$index"
  if [[ $1 == 'not ok' ]]; then
    failing=$index
    failing_place="$place$took"
    failing_text=
    [[ $after == *'# timeout after '* ]] && failing_text="timeout after ${after##*# timeout after }"$'\n'
  elif [[ $after =~ ^(\ in\ [0-9]+ms)?\ \#\ skip(\ (.*))?$ ]]; then
    escape reason "${BASH_REMATCH[3]-}" "$most_message"
    append test_end "$place$took,\"status\":\"skipped\",\"message\":\"$reason\""
  else
    append test_end "$place$took,\"status\":\"passed\""
  fi
}

load_selection
while IFS= read -r line || [[ -n $line ]]; do
  case $line in
    'suite '*)
      flush
      file=${line#suite }
      file=${file//\/.\//\/}
      file=${file#"$here"}
      file=${file#"$folder"}
      continue
      ;;
    'begin '*)
      flush
      line=${line#begin }
      [[ ${line%% *} =~ ^[0-9]+$ ]] && begin "${line%% *}" "${line#* }"
      continue
      ;;
    'ok '*)
      line=${line#ok }
      end ok "${line%% *}" "${line#* }"
      line="ok $line"
      ;;
    'not ok '*)
      line=${line#not ok }
      end 'not ok' "${line%% *}" "${line#* }"
      line="not ok $line"
      ;;
    '# '*) [[ -n $failing ]] && failing_text+=${line#\# }$'\n' ;;
    [0-9]*..[0-9]*)
      if [[ -z $plan && $line =~ ^1\.\.([0-9]+)$ ]]; then
        plan=${BASH_REMATCH[1]}
        append run_start ',"v":1,"tool":"bats '"${BATS_VERSION-}"'"'
        if [[ $plan == 0 && -n ${TESTPLAN_LISTING-} ]]; then printf '{"tests":[]}\n' >"$TESTPLAN_LISTING"; fi
      fi
      ;;
  esac
  printf '%s\n' "$line"
done
flush
# bats leaves out a test whose process was killed.
if [[ -n $plan && $ended == "$plan" ]]; then append run_end ''; fi
