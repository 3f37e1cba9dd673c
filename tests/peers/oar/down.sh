#!/bin/bash
# Stop what up.sh started, by pid.  --purge: also database, users, config.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd); . "$here/env.sh"
"$here/api.sh" stop
"$here/srv.sh" stop almighty
for i in $(seq 1 9); do [ -s "$S/pids/oarn$i" ] && "$here/node.sh" stop "$i"; done
"$here/srv.sh" stop pg
sleep 0.3
for i in $(seq 1 9); do
  ip link del voarn"$i" 2>/dev/null; ip netns del oarn"$i" 2>/dev/null
done
ip link del psloarbr0 2>/dev/null
for c in cpuset cpu cpuacct devices freezer memory; do
  [ -d /sys/fs/cgroup/$c/passerelle-oar ] && find /sys/fs/cgroup/$c/passerelle-oar -depth -type d -exec rmdir {} \; 2>/dev/null
done
sed '/# passerelle-oar$/d' /etc/hosts > "$S/hosts.new" && cat "$S/hosts.new" > /etc/hosts && rm -f "$S/hosts.new"
[ -L /dev/cpuset ] && [ "$(readlink /dev/cpuset)" = /dev/oar_cgroups_links/cpuset ] && rm -f /dev/cpuset
rmdir /dev/oar_cgroups_links 2>/dev/null
if [ "${1:-}" = --purge ]; then
  for u in $(cat "$S/made-users" 2>/dev/null); do userdel -f -r "$u" 2>/dev/null; done
  getent passwd psl-alice psl-bob >/dev/null || groupdel psl-hpc 2>/dev/null
  [ -e "$S/oar.conf.orig" ] && cp -p "$S/oar.conf.orig" /etc/oar/oar.conf
  rm -rf "$S"
fi
echo "oar peer is down"
