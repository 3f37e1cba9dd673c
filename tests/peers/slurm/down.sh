#!/bin/bash
# Stop what up.sh started, by pid.  --purge: also state, database, users, config.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd); . "$here/env.sh"
"$here/srv.sh" stop slurmctld
for i in $(seq 1 9); do [ -s "$S/pids/sln$i" ] && "$here/node.sh" stop "$i"; done
for d in slurmdbd maria munged; do "$here/srv.sh" stop $d; done
sleep 0.3
for i in $(seq 1 9); do ip link del vsln"$i" 2>/dev/null; ip netns del sln"$i" 2>/dev/null; done
ip link del pslslbr0 2>/dev/null
sed '/# passerelle-slurm$/d' /etc/hosts > "$S/hosts.new" && cat "$S/hosts.new" > /etc/hosts && rm -f "$S/hosts.new"
if [ "${1:-}" = --purge ]; then
  for u in $(cat "$S/made-users" 2>/dev/null); do userdel -f -r "$u" 2>/dev/null; done
  getent passwd psl-alice psl-bob >/dev/null || groupdel psl-hpc 2>/dev/null
  grep -q passerelle-slurm /etc/slurm/slurm.conf 2>/dev/null && rm -f /etc/slurm/slurm.conf
  grep -q passerelle-slurm /etc/slurm/slurmdbd.conf 2>/dev/null && rm -f /etc/slurm/slurmdbd.conf
  [ -e "$S/slurm.conf.orig" ] && cp -p "$S/slurm.conf.orig" /etc/slurm/slurm.conf
  rm -rf "$S"
fi
echo "slurm peer is down"
