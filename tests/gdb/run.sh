#!/bin/bash
# run.sh SAMPLE SCRIPT: tools/gdb/weft_gdb.py on a live program, and on a core file of it.
set -euo pipefail
sample=$1 script=$2
if ! command -v gdb >/dev/null; then
  echo "skipped: gdb is not installed"
  exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

look=(-ex "source $script" -ex "info goroutines" -ex "goroutine 3 bt"
      -ex "goroutine 3 frame function waits_in_here" -ex "goroutine all bt 30")

expect() { # FILE PATTERN
  grep -Eq -- "$2" "$1" || {
    echo "not found: $2"
    cat "$1"
    exit 1
  }
}

check() { # FILE
  expect "$1" '^ +1 +running +.*sample.cpp:[0-9]+'
  expect "$1" '^ +3 +chan_recv +.*sample.cpp:[0-9]+ "receiver"'
  expect "$1" '^ +4 +mutex +.*sample.cpp:[0-9]+ "locker"'
  expect "$1" '^#[0-9]+ .*waits_in_here \(c=channel 0x[0-9a-f]+ \(cap 3, len 0, 1 receivers and 0 senders wait\), number=41\)'
  expect "$1" '^#[0-9]+ .*fiber_entry'
  if [[ $(uname -m) == x86_64 ]]; then
    expect "$1" '^#[0-9]+ .*fiber_entry_again'
  fi
  expect "$1" '^#[0-9]+ .*weft::mutex::lock'
  ! grep -Eq 'Backtrace stopped|Error occurred|Traceback' "$1" || { cat "$1"; exit 1; }
}

gdb -nx -batch -ex "break stop_here" -ex run "${look[@]}" -ex "info args" "$sample" >"$dir/live" 2>&1
check "$dir/live"
expect "$dir/live" '^#[0-9]+ .*stop_here'
expect "$dir/live" '^m = mutex \(locked, 1 wait\)'
expect "$dir/live" '^g = wait_group \(count 2, 0 wait\)'

# The script that is a part of the program, which gdb loads if the program is on its safe-path.
by_itself() { # SAFE_PATH FILE
  gdb -nx -batch -iex "set auto-load safe-path $1" -ex "break stop_here" -ex run \
    -ex "info goroutines" -ex "goroutine 3 bt" -ex "info args" "$sample" >"$2" 2>&1 || true
}
by_itself "$(dirname "$(readlink -f "$sample")")" "$dir/itself"
expect "$dir/itself" '^ +3 +chan_recv +.*sample.cpp:[0-9]+ "receiver"'
expect "$dir/itself" '^#[0-9]+ .*waits_in_here'
expect "$dir/itself" '^m = mutex \(locked, 1 wait\)'
by_itself /nowhere "$dir/declined"
expect "$dir/declined" 'auto-loading has been declined'
expect "$dir/declined" 'Undefined info command: "goroutines"'

# The kernel's core file: gdb's own generate-core-file leaves out what lies beside a guard.
(cd "$dir" && ulimit -c unlimited && exec "$sample" crash) >"$dir/report" 2>&1 || true
core=$(find "$dir" -name 'core*' | head -n 1)
if [[ -z $core ]]; then
  echo "live: as expected; skipped: no core file here (/proc/sys/kernel/core_pattern)"
  exit 0
fi
gdb -nx -batch "${look[@]}" "$sample" "$core" >"$dir/dead" 2>&1
check "$dir/dead"
echo "live and from a core file: as expected"
