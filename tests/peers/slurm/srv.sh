#!/bin/bash
# srv.sh stop|start|freeze|thaw slurmctld|munged
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); . "$here/env.sh"
f=$S/pids/$2
case $1 in
stop) [ -s "$f" ] || exit 0; p=$(cat "$f"); kill -TERM $p 2>/dev/null || true
  for k in $(seq 100); do kill -0 $p 2>/dev/null || break; sleep 0.1; done
  kill -KILL $p 2>/dev/null || true; rm -f "$f" ;;
freeze) kill -STOP $(cat "$f") ;;
thaw) kill -CONT $(cat "$f") ;;
start) exec "$here/up.sh" ;;
*) echo "usage: $0 stop|start|freeze|thaw slurmctld|munged"; exit 2 ;;
esac
