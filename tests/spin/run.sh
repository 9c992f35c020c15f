#!/bin/bash
# Checks a model exhaustively (assertions, deadlock, liveness under weak fairness), then that each of
# its defects is found.
#   run.sh MODEL.pml [-DOPTION...] [-- DEFECT...]
set -euo pipefail

model=$(realpath "$1")
shift
options=()
while (($# > 0)) && [[ $1 != -- ]]; do
  options+=("$1")
  shift
done
defects=("${@:2}")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# search KIND FLAGS: builds pan.c so, and prints its report. Assertions are checked by both kinds.
safety=(-DSAFETY -DNOCLAIM) # a state without a successor is an error, too
liveness=(-DNFAIR=3)
search() {
  local -n flags=$1
  gcc -O1 -w -DMEMLIM=2048 -DVECTORSZ=2048 "${flags[@]}" -o "$1" pan.c
  "./$1" -m200000 "${@:2}"
}
generate() { spin -a "$@" "$model" || exit 1; }

failed() { grep -Eq 'errors: [1-9]|max search depth too small|out of memory' <<<"$1"; }
states() { grep 'states, stored' <<<"$1" | awk '{n += $1} END {print n}'; }

name=$(basename "$model" .pml)
generate "${options[@]}"
report=$(search safety && search liveness -a -f)
if failed "$report"; then
  echo "$name: FAILED"
  echo "$report"
  exit 1
fi
echo "$name ${options[*]}: holds; $(states "$report") states"

for defect in "${defects[@]}"; do
  generate "${options[@]}" "-D$defect"
  report=$(search liveness -a -f)
  if ! grep -Eq 'errors: [1-9]' <<<"$report"; then
    echo "$name: the defect $defect was not found"
    echo "$report"
    exit 1
  fi
  echo "$name: $defect is found"
done
