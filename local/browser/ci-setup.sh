#!/usr/bin/env bash
# Installs Debian's Chromium, in which the pages are tested, where it is missing and may be installed.
# A machine without it runs every other test; those in the browser say why they are skipped.
#
# usage: ci-setup.sh    as root where Chromium must be installed; quick when it is there
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
state=$root/.enlace/browser
mkdir -p "$state"
fail() { echo "browser tests: not available: $*" >&2; exit 1; }

for name in chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then echo "browser tests: ready: $name is there"; exit 0; fi
done
[ "$(uname -s)" = Linux ] || fail "install Chromium or Chrome"
[ "$(id -u)" = 0 ] || fail "no Chromium, and only root can install it"
command -v apt-get >/dev/null || fail "no Chromium, and no apt-get to install it with"

echo "browser tests: installing chromium"
apt=(-o DPkg::Lock::Timeout=180 -o Acquire::Retries=1 -o Acquire::http::Timeout=20)
# Another source of the machine's may fail; whether ours are there shows in the next step.
timeout 120 apt-get update "${apt[@]}" >"$state/apt-update.log" 2>&1 </dev/null || true
DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y --no-install-recommends "${apt[@]}" \
  chromium >"$state/apt-install.log" 2>&1 </dev/null ||
  fail "apt-get cannot install chromium: see $state/apt-install.log"
echo "browser tests: ready"
