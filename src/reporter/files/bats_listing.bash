# Set-up of a suite for bats 1.13 that writes the tests to TESTPLAN_LISTING and leaves none of them to run.

testplan_escape() { # <text>
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\t'/\\t}
  printf '%s' "${text//[$'\x01'-$'\x1f'$'\x7f']/}"
}

# `FUNCTION<tab>DESCRIPTION` of each test of a file.
testplan_tests_of() { # <file>
  local source=$BATS_RUN_TMPDIR/testplan-listing.src
  BATS_TEST_FILENAME=$1 BATS_TEST_DIRNAME=${1%/*}
  "$BATS_ROOT/libexec/bats-core/bats-preprocess" "$1" >"$source"
  bats_test_function() {
    local description=
    while [[ $# -gt 0 && $1 != -- ]]; do
      [[ $1 == --description ]] && description=$2
      shift 2
    done
    shift
    printf '%q ' "$@"
    printf '\t%s\n' "$description"
  }
  # Its own output is none of the listing.
  exec 4>&1 1>&2
  bats_testplan_print() { bats_test_function "$@" >&4; }
  # shellcheck disable=SC1090
  source <(sed 's/^bats_test_function --description/bats_testplan_print --description/' "$source")
}

setup_suite() {
  local file command description line comma=
  local folder
  folder=$(pwd -P)/
  {
    printf '{"tests":['
    for file in "${BATS_UNIQUE_TEST_FILENAMES[@]}"; do
      while IFS= read -r line; do
        command=${line%%$'\t'*}
        description=${line#*$'\t'}
        # Filters of the project leave out some.
        grep -qxF -- "$file"$'\t'"$command" "$TESTS_LIST_FILE" || continue
        local shown=${file//\/.\//\/}
        shown=${shown#"$PWD/"}
        shown=${shown#"$folder"}
        printf '%s{"suite":"%s","testcase":"%s"}' "$comma" "$(testplan_escape "$shown")" "$(testplan_escape "$description")"
        comma=,
      done < <(testplan_tests_of "$file" 2>/dev/null)
    done
    printf ']}\n'
  } >"$TESTPLAN_LISTING"
  # bats takes it for an error if it sees fewer results than it planned.
  local index
  for ((index = 1; index <= $(grep -c ^ "$TESTS_LIST_FILE"); index++)); do
    printf 'ok %d listed # skip\n' "$index" >&3
  done
  : >"$TESTS_LIST_FILE"
  BATS_UNIQUE_TEST_FILENAMES=()
}
