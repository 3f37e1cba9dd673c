// What runs on the compute node, the same for every batch system: sh, curl (or Python, for the
// wormhole) and the server are all it needs.
#include "spawners/batch/submit/order.hpp"

namespace passerelle::spawners::batch::submit {

const char* const kStartScript = R"SH(#!/bin/sh
# Made by passerelle-submit. Starts the server, tells the gateway once on which port it listens (or connects to it, through the
# wormhole), and waits for its end.
umask 077
dir=$(dirname "$0")
say() { printf '%s passerelle: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }
. "$dir/settings" || exit 70
server= over=
end_server() { [ -z "$server" ] || kill -TERM "$server" 2>/dev/null; }
trap 'say "asked to end"; over=0; end_server' TERM INT HUP
trap 'say "checkpoint: the reserved time is nearly over"; over=85; end_server' USR2
until_done() { while :; do wait "$1"; code=$?; kill -0 "$1" 2>/dev/null || return "$code"; done; }
sockets() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
taken() { sockets | grep -q "^ *[0-9]*: [0-9A-F]*:$1 [0-9A-F:]* 0A "; }
ours() { sockets | grep -q "^ *[0-9]*: [0-9A-F]*:$1 [0-9A-F:]* 0A [0-9A-F:]* [0-9A-F:]* [0-9A-F]* *$uid "; }
# The TLS key stays: Jupyter reads it again for each connection.
forget() { rm -f "$dir/command" "$dir/settings" "$dir/hdr"; }
uid=$(id -u)
say "on $(uname -n), job $OAR_JOB_ID$SLURM_JOB_ID$PBS_JOBID"
try=0 up=
if [ -n "$P_WORMHOLE" ] && ! command -v python3 >/dev/null; then
  say "python3 is not there; the wormhole needs it"
  exit 73
fi
while [ -z "$up$over" ] && [ "$try" -lt 10 ]; do
  try=$((try + 1))
  random=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
  PORT=$((P_FIRST + random % (P_LAST - P_FIRST + 1)))
  hex=$(printf '%04X' "$PORT")
  [ -z "$P_WORMHOLE" ] && taken "$hex" && continue
  rm -f "$dir/sock"
  ( trap - TERM INT HUP USR2; umask 022; cd "$HOME"; . "$dir/command"; umask 077; exec "$@" ) &
  server=$!
  left=$((P_PATIENCE * 5))
  while [ "$left" -gt 0 ] && [ -z "$over" ] && kill -0 "$server" 2>/dev/null; do
    if [ -n "$P_WORMHOLE" ] && [ -S "$dir/sock" ]; then up=1; break; fi
    if [ -z "$P_WORMHOLE" ] && ours "$hex"; then up=1; break; fi
    left=$((left - 1))
    sleep 0.2
  done
  [ -n "$up" ] && break
  end_server
  until_done "$server"
  say "the server ended with $? before it listened"
done
if [ -z "$up" ]; then
  forget
  [ -z "$over" ] || exit "$over"
  exit 71
fi
if [ -n "$P_WORMHOLE" ]; then
  python3 -I "$dir/relay" "$dir" "$P_URL" &
  relay=$!
  rm -f "$dir/command" "$dir/settings"
  until_done "$server"
  code=$?
  kill -TERM "$relay" 2>/dev/null
  say "the server ended with $code"
  [ -z "$over" ] || code=$over
  exit "$code"
fi
say "listening on port $PORT"
curl -sS --fail -o /dev/null --max-time 10 --retry 30 --retry-delay 2 --retry-max-time 300 --retry-all-errors \
  ${P_CA:+--cacert "$dir/hub-ca.crt"} -H "@$dir/hdr" -H 'Content-Type: application/json' \
  --data "{\"port\":$PORT}" "$P_URL" &
teller=$!
if until_done "$teller"; then
  say "the gateway knows"
else
  [ -n "$over" ] || { say "the gateway cannot be told"; over=72; }
  end_server
fi
forget
until_done "$server"
code=$?
say "the server ended with $code"
[ -z "$over" ] || code=$over
exit "$code"
)SH";

}  // namespace passerelle::spawners::batch::submit
