#!/usr/bin/env bash
# Undoes ci-setup.sh for this run: stops the containers that SAM left, then the engine if
# ci-setup.sh started it by hand. Images stay in the engine's storage for the next run.
#
# usage: ci-stop.sh [--purge]    --purge also removes the stand-in image and what SAM built on it
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
state=$root/.enlace/docker

if timeout 10 docker version >/dev/null 2>&1; then
  # SAM's images inherit the stand-in's label, and so do their containers.
  containers=$(docker container ls --all --quiet --filter label=enlace.stand-in)
  if [ -n "$containers" ]; then docker container rm --force $containers >/dev/null; fi
  # Every run of SAM builds its image anew and leaves the last one without a name.
  all=()
  if [ "${1:-}" = --purge ]; then all=(--all); fi
  docker image prune --force "${all[@]}" --filter label=enlace.stand-in >/dev/null ||
    echo "sam local: some images could not be removed" >&2
fi

pid=$(cat "$state/dockerd.pid" 2>/dev/null || true)
# A process id is reused in time, so it must still be a dockerd, and of this checkout.
if [ -n "$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$state/dockerd.pid"; then
  kill "$pid"
  for _ in $(seq 150); do
    [ -d "/proc/$pid" ] || break
    sleep 0.2
  done
  [ ! -d "/proc/$pid" ] || { echo "sam local: dockerd ($pid) does not stop" >&2; exit 1; }
  echo "sam local: dockerd stopped"
fi
rm -f "$state/dockerd.pid"
