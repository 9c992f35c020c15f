#!/bin/bash
# Compares digest_tree with find | sort | xargs sha256sum on a tree of odd names.
#   check.sh PROGRAM
set -uo pipefail
export LC_ALL=C

program=$1
tmp=$(mktemp -d)
trap 'chmod -R u+rwx "$tmp"; rm -rf "$tmp"' EXIT
failed=0

fail() {
  echo "FAILED: $*" >&2
  failed=1
}

# same EXPECTED_STATUS ROOT...: stdout must be what the classic pipeline prints.
same() {
  local want=$1 got
  shift
  find "$@" -type f -print0 2>/dev/null | sort -z | xargs -0 -r sha256sum >"$tmp/want" 2>/dev/null
  "$program" -- "$@" >"$tmp/got" 2>"$tmp/errors"
  got=$?
  cmp "$tmp/want" "$tmp/got" || fail "stdout differs for: $*"
  [[ $got == "$want" ]] || fail "exit status $got instead of $want for: $*"
  if [[ $want == 0 && -s $tmp/errors ]]; then
    fail "stderr for: $*: $(cat "$tmp/errors")"
  fi
}

complains() { grep -qxF -- "$1" "$tmp/errors" || fail "no '$1' in: $(cat "$tmp/errors")"; }

# exits STATUS ARGUMENT...: no digests, a usage on stderr.
exits() {
  local want=$1 got
  shift
  "$program" "$@" >"$tmp/got" 2>"$tmp/errors" </dev/null
  got=$?
  [[ $got == "$want" ]] || fail "exit status $got instead of $want for arguments: $*"
  [[ ! -s $tmp/got ]] || fail "stdout is not empty for arguments: $*"
  grep -q '^Usage:' "$tmp/errors" || fail "no usage on stderr for arguments: $*"
}

mkdir "$tmp/tree" && cd "$tmp/tree" || exit 1
echo one >one
: >empty
echo x >'with spaces  twice'
echo x >$'new\nline'
echo x >'back\slash'
echo x >$'return\r'
echo x >$'\\all\n\r'
echo x >$'not utf-8 \xff\xfe'
echo x >$'\x01control\t\x7f'
echo x >'-leading dash'
echo x >'*?[a]{}'
echo x >.hidden
head -c 5000000 /dev/urandom >large
head -c 131072 /dev/urandom >one-buffer
mkdir -p a a.b a-b 'dir with space' '{}' '[x,y]' '%%' empty-dir $'odd\ndir'
echo 1 >a/f; echo 2 >a.b/f; echo 3 >a-b/f; echo 4 >'dir with space/f'; echo 5 >'{}/f'
echo 6 >'[x,y]/f'; echo 8 >'%%/f'; echo 7 >$'odd\ndir/f\\'
deep=deep
for i in {1..60}; do deep+=/level$i; done
mkdir -p "$deep" && echo deep >"$deep/bottom"
for i in {1..1500}; do echo "$i" >"a/number$i"; done
ln -s one link-to-file
ln -s a link-to-dir
ln -s nowhere dangling
ln -s . loop
mkfifo fifo

same 0 .
same 0 "$tmp/tree"
same 0 "$tmp/tree/"
same 0 a// ./a
same 0 a a a/number7 a
same 0 a-b a.b a
same 0 one
same 0 '{}' '[x,y]' $'odd\ndir' '*?[a]{}'
same 0 '{}'
same 0 '[x,y]'
same 0 '%%'
same 0 link-to-dir
same 0 link-to-dir/
same 0 link-to-file dangling fifo
same 0 empty-dir

same 1 no-such-dir a
complains 'digest_tree: no-such-dir: No such file or directory'
same 1 one/ a-b
complains 'digest_tree: one/: Not a directory'

if [[ $(id -u) != 0 ]]; then
  mkdir locked && echo x >locked/f && chmod 0 locked
  echo x >secret && chmod 0 secret
  same 1 .
  complains 'digest_tree: ./locked: Permission denied'
  complains 'digest_tree: ./secret: Permission denied'
  chmod 700 locked && rm -rf locked secret
elif ! head -c 1 /proc/self/mem >/dev/null 2>&1 && [[ -f /proc/self/mem ]]; then
  # Root may open everything: address 0 of a process is what even root cannot read.
  same 1 /proc/self/mem a
  complains 'digest_tree: /proc/self/mem: Input/output error'
else
  echo "note: nothing here is unreadable for root; that case is skipped"
fi

"$program" --hashers 1 . >"$tmp/serial" || fail "--hashers 1"
"$program" . --hashers=64 >"$tmp/parallel" || fail "--hashers=64"
cmp "$tmp/serial" "$tmp/parallel" || fail "--hashers changes the output"

exits 2
exits 2 --no-such-option .
exits 2 --hashers 0 .
exits 2 --hashers many .
"$program" --help >"$tmp/got" || fail "--help"
grep -q -- --hashers "$tmp/got" || fail "--help does not name --hashers"

if [[ -w /dev/full ]]; then
  "$program" a >/dev/full 2>"$tmp/errors" && fail "exit status 0 with stdout full"
  complains 'digest_tree: write error: No space left on device'
fi

# On a terminal the progress bar and the digests share the screen: \e[K clears what precedes it.
if command -v script >/dev/null; then
  mkdir ../slow && cd ../slow && truncate -s 200M big && echo 1 >c && echo 2 >d || exit 1
  sha256sum big c d >"$tmp/want"
  script -qec "$program big c d" /dev/null </dev/null | tr -d '\r' | sed -n 's/.*\x1b\[K//; /./p' >"$tmp/got"
  cmp "$tmp/want" "$tmp/got" || fail "the terminal shows: $(cat -v "$tmp/got")"
fi

if ((failed == 0)); then
  echo "digest_tree: same as sha256sum"
fi
exit $failed
