#!/bin/sh
# Makes this machine ready: Debian's packages and a Docker engine that answers. Changes nothing where both are there.
set -eu

WAIT_SECONDS=60
LOG=/var/log/cutover-dockerd.log

have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }
answers() { docker version >/dev/null 2>&1; }
fail() { echo "Error: $*" >&2; exit 1; }

missing=""
have docker && (answers || have dockerd) || missing="$missing docker.io"
for tool in mmdebstrap haproxy docker-registry git; do have "$tool" || missing="$missing $tool"; done
have busybox || missing="$missing busybox-static"  # lent to images without a shell

if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || fail "this machine lacks$missing; install them as root: apt-get install$missing"
  have apt-get || fail "this machine lacks$missing, and has no apt-get to install them with; install them by hand"
  echo "installing$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # Debian's packages start a haproxy and a registry of their own; Cutover starts what it needs itself.
  # shellcheck disable=SC2086
  apt-get install -qq -y --no-install-recommends $missing iptables gpg ca-certificates >/dev/null
fi

answers && exit 0
[ "$(id -u)" = 0 ] || fail "no Docker engine answers; start one, or let your user use it (usermod -aG docker $(id -un))"
have dockerd || fail "no Docker engine answers at ${DOCKER_HOST:-its socket}, and dockerd is not installed here"
echo "starting Docker (log: $LOG)"
# What an unclean end left: a pid file of a process that is gone stops the next start.
for file in /var/run/docker.pid /run/docker/containerd/containerd.pid; do
  [ -f "$file" ] && ! kill -0 "$(cat "$file")" 2>/dev/null && rm -f "$file"
done
setsid dockerd >"$LOG" 2>&1 </dev/null &
waited=0
until answers; do
  [ "$waited" -lt "$WAIT_SECONDS" ] || { tail -n 5 "$LOG" >&2; fail "Docker did not answer within $WAIT_SECONDS s; see $LOG"; }
  waited=$((waited + 1))
  sleep 1
done
