#!/bin/bash
# Compares grep_tree with find | sort | xargs grep.
#   check.sh PROGRAM
set -uo pipefail
export LC_ALL=C

program=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

fail() {
  echo "FAILED: $*" >&2
  failed=1
}

# exits STATUS ARGUMENT...
exits() {
  local want=$1 got=0
  shift
  "$program" "$@" >"$tmp/got" 2>"$tmp/errors" || got=$?
  [[ $got == "$want" ]] || fail "exit status $got instead of $want for: $*"
}

# same STATUS PATTERN ROOT...
same() {
  local want=$1 pattern=$2
  shift 2
  exits "$want" -- "$pattern" "$@"
  find "$@" -type f -print0 | sort -z | xargs -0 -r grep -nIHF -e "$pattern" >"$tmp/want"
  cmp "$tmp/want" "$tmp/got" || fail "differs for '$pattern' in: $*"
  exits "$want" -l -- "$pattern" "$@"
  find "$@" -type f -print0 | sort -z | xargs -0 -r grep -lIF -e "$pattern" >"$tmp/want"
  cmp "$tmp/want" "$tmp/got" || fail "-l differs for '$pattern' in: $*"
}

mkdir -p "$tmp/tree/a/b" "$tmp/tree/a.b" "$tmp/tree/empty" && cd "$tmp/tree" || exit 1
printf 'one warp\ntwo\n\nwarp warp\nno newline: warp' >a/text
printf 'warp\n' >a.b/text
printf 'warp\n\0warp\n' >binary
printf '%s\n' '-dash' '[x,y]' 'a.c' '.*' $'\xff\xfe' >a/b/odd
: >a/nothing
seq 1 200000 >numbers
{ head -c 300000 /dev/zero | tr '\0' x; echo; echo warp; } >long-line
{ seq 1 60000; echo warp; seq 1 60000; } >'later in a file'
for i in {1..500}; do echo "warp $i" >"a/b/$i"; done
ln -s a link

same 0 warp .
same 0 warp a a.b a/text ./a
same 0 warp "$tmp/tree/"
same 0 '' a
same 0 9999 numbers
same 0 xx .
same 0 -dash .
same 0 '[x,y]' .
same 0 .c .
same 0 '.*' .
same 0 $'\xff\xfe' .
same 1 weft .
same 1 warp empty link binary
"$program" warp . | sort >"$tmp/got"
grep -rnIF warp . | sort | cmp - "$tmp/got" || fail "differs from grep -r"

exits 2 warp no-such-dir a
grep -qxF 'grep_tree: no-such-dir: No such file or directory' "$tmp/errors" || fail "no message"
[[ $(wc -l <"$tmp/got") == 503 ]] || fail "an error hides matches"
exits 2 weft no-such-dir a
exits 2 warp
exits 2 $'a\nb' .
exits 2 --no-such-option warp .
exits 0 --help

exits 0 -m warp .
[[ $(wc -l <"$tmp/got") == 1 ]] || fail "-m prints other than one line"
grep -q warp "$tmp/got" || fail "-m prints what does not match"
exits 1 -m weft .
exits 0 -q warp .
[[ ! -s $tmp/got ]] || fail "-q prints"
exits 1 -q weft .

# The first match stops the search of a file that would take minutes.
mkdir ../slow && echo warp >../slow/found
{ echo text; head -c 100000 /dev/zero | tr '\0' x; } >../slow/huge && truncate -s 400G ../slow/huge
exits 0 -q warp ../slow
exits 124 --timeout 0.5 warp ../slow
grep -qxF 'grep_tree: timed out' "$tmp/errors" || fail "no message of --timeout"

if [[ -w /dev/full ]]; then
  "$program" warp . >/dev/full 2>"$tmp/errors"
  [[ $? == 2 ]] || fail "exit status with stdout full"
fi
if ((failed == 0)); then
  echo "grep_tree: same as grep"
fi
exit $failed
