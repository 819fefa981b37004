#!/usr/bin/env bash
# Resolves the locked requirements anew, for every supported Python and processor at once.
# usage: lock.sh UV
set -euo pipefail
cd "$(dirname "$0")/.."
uv=$1
options=(--universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade)

"$uv" pip compile "${options[@]}" requirements-dev.in -o requirements-dev.txt
"$uv" pip compile "${options[@]}" requirements-emulator.in -o requirements-emulator.txt
"$uv" pip compile "${options[@]}" requirements-bench.in -o requirements-bench.txt
# The layers carry the versions that the tests ran with.
for layer in vendor api_vendor candidates_vendor cipher_vendor; do
  "$uv" pip compile "${options[@]}" -c requirements-dev.txt \
    "layers/$layer/requirements.in" -o "layers/$layer/requirements.txt"
done
"$uv" pip compile "${options[@]}" local/docker/requirements.in -o local/docker/requirements.txt
