#!/bin/bash
# node.sh start|stop|crash|cut|join|sh N  -- one compute node of the OAR peer.
# A node is PID 1 of a PID namespace, joined to network namespace oarnN.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); . "$here/env.sh"
act=$1 i=$2 n=oarn$2
pidf=$S/pids/$n
up() { [ -s "$pidf" ] && kill -0 "$(cat "$pidf")" 2>/dev/null; }
case $act in
start)
  up && exit 0
  ip netns list | grep -qw "^$n" || ip netns add "$n"
  if ! ip link show v"$n" >/dev/null 2>&1; then
    ip link add v"$n" type veth peer name eth0 netns "$n"
    ip link set v"$n" master psloarbr0
    ip -n "$n" addr add "$NET".1"$i"/24 dev eth0
  fi
  ip link set v"$n" up; ip -n "$n" link set eth0 up; ip -n "$n" link set lo up
  mkdir -p "$S/node/$n"
  [ -d "$S/node/$n/oarhome" ] || cp -a /var/lib/oar "$S/node/$n/oarhome"
  rm -f "$S/node/$n/inner"
  setsid nsenter --net=/run/netns/"$n" unshare --mount --uts --ipc --pid --fork --kill-child=KILL --propagation private \
    bash "$here/node-init.sh" "$n" "$S" "$SSHPORT" >"$S/log/$n.log" 2>&1 </dev/null &
  echo $! > "$pidf"
  ;;
stop|crash)   # a crash: every process of the node vanishes, nothing is told to the server
  if up; then
    p=$(cat "$pidf")
    for c in $(cat /proc/"$p"/task/"$p"/children 2>/dev/null); do kill -KILL "$c"; done
    kill -KILL "$p" 2>/dev/null || true
  fi
  rm -f "$pidf" ;;
cut)   ip link set v"$n" down ;;          # unplug the cable, processes go on
join)  ip link set v"$n" up ;;
sh)    shift 2; p=$(cat "$pidf"); c=$(cat /proc/"$p"/task/"$p"/children); c=${c%% *}
       exec nsenter -t "$c" --mount --uts --ipc --net --pid -- "${@:-bash}" ;;
*) echo "usage: $0 start|stop|crash|cut|join|sh N [cmd]"; exit 2 ;;
esac
