#!/bin/bash
# PID 1 of a compute node (run by node.sh inside its namespaces)
set -e
n=$1 S=$2 port=$3
hostname "$n"
mount -t proc proc /proc
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p /var/tmp /dev/shm
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount --bind "$S/node/$n/oarhome" /var/lib/oar
mount -t tmpfs -o mode=755 tmpfs /dev/oar_cgroups_links
for c in cpuset cpu cpuacct devices freezer; do
  [ -d /sys/fs/cgroup/$c/passerelle-oar/"$n" ] && ln -s /sys/fs/cgroup/$c/passerelle-oar/"$n" /dev/oar_cgroups_links/$c
done
rm -rf /var/lib/oar/job_manager_lock_file
cd /
/usr/sbin/sshd -D -e -f /etc/oar/sshd_config -o Port="$port" -o PidFile=none -o UsePAM=no &
while :; do wait -n || true; kill -0 %1 2>/dev/null || exit 1; done
