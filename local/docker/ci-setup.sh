#!/usr/bin/env bash
# Makes `sam local` possible on a bare Debian machine without access to a container registry: an
# engine from Debian's packages, and an image that stands in for AWS's Lambda base image.
# A machine that has Docker and reaches AWS's public registry needs none of this.
#
# usage: ci-setup.sh    as root where the engine must be installed or started; quick when all is there
#   ENLACE_VENV    environment whose CPython goes into the image (default: the checkout's .venv)
# Exits 1 with the reason on stderr and in .enlace/docker/unavailable, which the tests report.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
state=$root/.enlace/docker
python=${ENLACE_VENV:-$root/.venv}/bin/python

say() { echo "sam local: $*"; }
fail() {
  mkdir -p "$state"
  echo "$*" >"$state/unavailable"
  echo "sam local: not available: $*" >&2
  exit 1
}
# Runs a step with a time limit and its output in a log; why it failed is what the last line says.
step() {
  local seconds=$1 log="$state/$2.log" what=$3
  shift 3
  timeout "$seconds" "$@" >"$log" 2>&1 </dev/null ||
    fail "$what: $(grep -E '^(E:|W:|ERROR|.*[Ee]rror)' "$log" | tail -n 1 || tail -n 1 "$log") (see $log)"
}
engine_answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

mkdir -p "$state"
rm -f "$state/unavailable"
exec 9>"$state/lock"
flock -w 300 9 || fail "another ci-setup.sh has been at work for five minutes"

[ "$(uname -s)" = Linux ] || fail "only Linux can be set up so; install Docker Desktop or its like"
"$python" -c '' 2>/dev/null || fail "$python is not there: run make install"

# ---- the engine
install_engine() {
  local apt=(-o DPkg::Lock::Timeout=120 -o Acquire::Retries=1 -o Acquire::http::Timeout=20)
  local wanted=() name
  say "installing docker.io"
  # Another source of the machine's may fail; whether ours are there shows in the next step.
  timeout 120 apt-get update "${apt[@]}" >"$state/apt-update.log" 2>&1 </dev/null || true
  # Newer releases ship the client and the packet filter apart from the engine.
  for name in docker.io docker-cli iptables; do
    if apt-cache show "$name" >/dev/null 2>&1; then wanted+=("$name"); fi
  done
  [ ${#wanted[@]} -gt 0 ] || fail "apt knows no docker.io: see $state/apt-update.log"
  step 180 apt-install "cannot install ${wanted[*]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${apt[@]}" "${wanted[@]}"
}

start_engine() {
  if [ -d /run/systemd/system ]; then
    step 60 systemctl "cannot start the engine" systemctl start docker
  else
    say "starting dockerd"
    rm -f "$state/dockerd.pid"
    # In a session of its own, without our lock; ci-stop.sh ends it by the id in that file.
    setsid dockerd --pidfile "$state/dockerd.pid" >"$state/dockerd.log" 2>&1 </dev/null 9>&- &
    disown
  fi
  local tries
  for tries in $(seq 120); do
    if engine_answers; then return; fi
    sleep 0.25
  done
  fail "dockerd did not start: $(tail -n 1 "$state/dockerd.log" 2>/dev/null || true)"
}

if ! engine_answers; then
  [ "$(id -u)" = 0 ] || fail "no Docker engine answers, and only root can install or start one"
  if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
    command -v apt-get >/dev/null || fail "no Docker engine, and no apt-get to install one with"
    install_engine
  fi
  engine_answers || start_engine
fi

# ---- the image, under the name that SAM asks for
runtime=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $(uname -m) in
  aarch64 | arm64) architecture=arm64 platform=linux/arm64 ;;
  x86_64) architecture=x86_64 platform=linux/amd64 ;;
  *) fail "Lambda has no processor $(uname -m)" ;;
esac
image=public.ecr.aws/lambda/python:$runtime-$architecture
recipe=$({ "$python" -VV; cat "$here/ci-setup.sh" "$here/image.py" "$here/bootstrap" \
  "$here/requirements.txt"; } | sha256sum | cut -c 1-16)

label() {
  docker image inspect "$image" --format '{{index .Config.Labels "enlace.stand-in"}}' 2>/dev/null
}
if found=$(label); then
  # AWS's own image carries no such label: it is better than ours, so it stays.
  if [ -z "$found" ] || [ "$found" = "<no value>" ] || [ "$found" = "$recipe" ]; then
    say "ready: $image is there"
    exit 0
  fi
fi

build=$(mktemp -d "$state/build.XXXXXX")
trap 'rm -rf "$build"' EXIT
say "building a stand-in for $image"
step 180 image "cannot make the image's files" "$python" "$here/image.py" "$build/root"
tar -C "$build/root" --owner=0 --group=0 --numeric-owner -cf - . |
  docker import --platform "$platform" \
    --change "LABEL enlace.stand-in=$recipe" \
    --change 'ENV LANG=en_US.UTF-8 TZ=:/etc/localtime' \
    --change 'ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin' \
    --change 'ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib' \
    --change 'ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime' \
    --change 'WORKDIR /var/task' \
    - "$image" >"$state/import.log" 2>&1 || fail "cannot import the image: $(tail -n 1 "$state/import.log")"
# Without its name the image is not taken for a good one in the next run.
trap 'rm -rf "$build"; docker image rm "$image" >/dev/null 2>&1 || true' EXIT
step 60 verify "the image does not work" docker run --rm --network none \
  --env PYTHONPATH=/var/runtime "$image" \
  python3 -c 'import awslambdaric, boto3, ctypes, sqlite3, ssl, zlib'
trap 'rm -rf "$build"' EXIT
say "ready: $image stands in, $(docker image inspect "$image" --format '{{.Size}}' | numfmt --to=si)B"
