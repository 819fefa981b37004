#!/usr/bin/env bash
# Installs the developers' environment and the emulator's into the checkout.
# usage: install.sh VENV   (ENLACE_PYTHON names the Python to use)
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-.venv}

fail() { echo "enlace: $*" >&2; exit 1; }

# Runs the candidate: a pyenv shim stands on the path for versions that are not there.
usable() {
  "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
    >/dev/null 2>&1
}

find_python() {
  local version candidate
  # 3.13 first: it is what the functions run on at AWS.
  for version in 3.13 3.12 3.11 3.14; do
    for candidate in "python$version" "$HOME/.pyenv/versions/$version"*/bin/python; do
      if usable "$candidate"; then echo "$candidate"; return; fi
    done
  done
  if usable python3; then echo python3; return; fi
  return 1
}

digest() {
  "$1" -c 'import hashlib, sys
print(hashlib.sha256(b"".join(open(p, "rb").read() for p in sys.argv[1:])).hexdigest())' \
    pyproject.toml requirements-dev.txt requirements-data.txt requirements-emulator.txt
}

# pip's own lines only matter when it fails. Hashes are checked because the locks carry them.
quietly() {
  local log="$venv/install.log"
  "$@" >"$log" 2>&1 || { tail -n 15 "$log" >&2; fail "$what failed; see $log, then run make install again"; }
}

if ! "$venv/bin/python" -c '' 2>/dev/null; then
  if [ -n "${ENLACE_PYTHON:-}" ]; then
    usable "$ENLACE_PYTHON" || fail "ENLACE_PYTHON=$ENLACE_PYTHON is not a Python 3.11 to 3.14 with venv"
    python=$ENLACE_PYTHON
  else
    python=$(find_python) || fail "no Python 3.11 or newer with the venv module found; install one, or set ENLACE_PYTHON"
  fi
  echo "enlace: creating $venv with $("$python" --version)"
  rm -rf "$venv"
  "$python" -m venv "$venv" || fail "cannot create $venv; install the venv module of $("$python" --version)"
fi

stamp="$venv/enlace-installed"
wanted=$(digest "$venv/bin/python")
if [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ]; then exit 0; fi

# The locks name everything, so nothing is resolved again: older pips stumble over extras there.
pip=(-m pip install --disable-pip-version-check --no-input --no-compile --no-deps)
echo "enlace: installing developer tools (1 of 3, a minute or two the first time)"
what="installing developer tools"
quietly "$venv/bin/python" "${pip[@]}" --require-hashes -r requirements-dev.txt
quietly "$venv/bin/python" "${pip[@]}" --require-hashes -r requirements-data.txt
echo "enlace: installing the AWS emulator (2 of 3)"
what="installing the AWS emulator"
[ -x "$venv/emulator/bin/python" ] || quietly "$venv/bin/python" -m venv "$venv/emulator"
quietly "$venv/emulator/bin/python" "${pip[@]}" --require-hashes -r requirements-emulator.txt
echo "enlace: installing enlace itself (3 of 3)"
what="installing enlace itself"
quietly "$venv/bin/python" "${pip[@]}" --no-build-isolation -e .
echo "$wanted" > "$stamp"
