#!/bin/bash
# run.sh SAMPLE CASE [PATTERN...]: the case under memcheck. Without patterns there must be no error,
# and what the program says must be "done"; with them, errors that show each of them.
set -euo pipefail
sample=$1 name=$2
shift 2
if ! command -v valgrind >/dev/null; then
  echo "skipped: valgrind is not installed"
  exit 77
fi
registers=$("$sample" registers)
if [[ $registers == no ]]; then
  echo "skipped: built where valgrind/valgrind.h is not installed"
  exit 77
fi
report=$(mktemp)
trap 'rm -f "$report"' EXIT

leaks=no origins=no
[[ $name == held_* || $name == forgets ]] && leaks=full
[[ $name == uses_* ]] && origins=yes
status=0
said=$(valgrind --error-exitcode=99 --leak-check=$leaks --show-leak-kinds=definite,possible \
  --errors-for-leak-kinds=definite,possible --track-origins=$origins --log-file="$report" \
  "$sample" "$name") || status=$?

fail() {
  echo "$name: $1"
  cat "$report"
  exit 1
}

if (($# == 0)); then
  [[ $status == 0 && $said == done ]] || fail "status $status, said '$said'"
  grep -q 'ERROR SUMMARY: 0 errors' "$report" || fail "errors"
  ! grep -Eiq 'switching stacks|warning|unhandled' "$report" || fail "warnings"
else
  [[ $status == 99 ]] || fail "status $status instead of 99"
  for pattern in "$@"; do
    grep -Eq -- "$pattern" "$report" || fail "not said: $pattern"
  done
  # One mistake, one report: nothing else is wrong.
  grep -q 'ERROR SUMMARY: 1 errors from 1 contexts' "$report" || fail "more than one error"
fi
