#!/bin/bash
# Installs a finished build into a temporary prefix, then builds and runs a consumer against it.
#   run.sh BUILD_DIR CXX_COMPILER
set -euo pipefail

build=$1
compiler=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cmake --install "$build" --prefix "$tmp/prefix" >"$tmp/install.log"
cmake -S "$here" -B "$tmp/build" -G Ninja -DCMAKE_PREFIX_PATH="$tmp/prefix" \
  -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=RelWithDebInfo
cmake --build "$tmp/build" -j 1

# An installed package that mentions the tree it was built from works only on this machine.
source_tree=$(cd "$here/../.." && pwd)
if grep -rF -- "$source_tree" "$tmp/prefix" --include='*.cmake'; then
  echo "the installed package mentions $source_tree" >&2
  exit 1
fi

for program in all_of_weft context_only channels_only runtime_only; do
  "$tmp/build/$program"
done
