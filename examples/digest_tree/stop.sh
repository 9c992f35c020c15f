#!/bin/bash
# Stops digest_tree in the middle of its work, in every way that there is.
#   stop.sh PROGRAM
set -uo pipefail
export LC_ALL=C

program=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
failed=0

fail() {
  echo "FAILED: $*" >&2
  failed=1
}

complains() { grep -qxE -- "$1" errors || fail "no '$1' in: $(cat errors)"; }

# prefix NAME COUNT: what was printed are the first COUNT lines.
prefix() {
  head -n "$2" want | cmp - got || fail "$1: stdout is not the first $2 lines"
}

# Some small files, and a last one that takes minutes.
mkdir tree
for i in {100..149}; do echo "$i" >"tree/$i"; done
sha256sum tree/* >want
truncate -s 400G tree/huge

# interrupt SIGNAL STATUS: sends it once the small files are through.
interrupt() {
  mkfifo out
  env --default-signal="$1" "$program" tree >out 2>errors &
  local pid=$! line status=0
  exec 3<out
  : >got
  for _ in {1..50}; do
    IFS= read -r line <&3 && printf '%s\n' "$line" >>got
  done
  kill -s "$1" "$pid"
  cat <&3 >>got
  exec 3<&-
  wait "$pid" || status=$?
  [[ $status == "$2" ]] || fail "exit status $status after SIG$1"
  complains 'digest_tree: interrupted: 50 of 51 files digested'
  prefix "SIG$1" 50
  rm out
}
interrupt INT 130
interrupt TERM 143

# stopped STATUS ARGUMENT...
stopped() {
  local want=$1 status=0
  shift
  "$program" "$@" >got 2>errors || status=$?
  [[ $status == "$want" ]] || fail "exit status $status instead of $want for: $*"
}
stopped 124 --timeout 0.8 tree
complains 'digest_tree: timed out: .*'
prefix --timeout "$(wc -l <got)"
stopped 124 --timeout 1e-9 tree
complains 'digest_tree: timed out: .*'
stopped 0 --timeout 1e300 tree/100
for wrong in 0 -1 nan soon ''; do
  stopped 2 --timeout="$wrong" tree
done

if [[ -w /dev/full ]]; then
  "$program" tree >/dev/full 2>errors
  [[ $? == 1 ]] || fail "exit status with stdout full"
  complains 'digest_tree: write error: No space left on device'
fi

stopped 1 --fail-fast no-such-dir tree
[[ ! -s got ]] || fail "--fail-fast goes on after the walk"
complains 'digest_tree: no-such-dir: No such file or directory'
if [[ $(id -u) != 0 ]]; then
  unreadable=$tmp/tree/secret
  : >tree/secret
  chmod 0 tree/secret
elif ! head -c 1 /proc/self/mem >/dev/null 2>&1 && [[ -f /proc/self/mem ]]; then
  unreadable=/proc/self/mem  # even root cannot read its address 0
else
  unreadable=
fi
if [[ -n $unreadable ]]; then
  stopped 1 --fail-fast "$unreadable" tree
  complains "digest_tree: $unreadable: .*"
  prefix --fail-fast "$(wc -l <got)"
fi

if ((failed == 0)); then
  echo "digest_tree: stops when it is told to"
fi
exit $failed
