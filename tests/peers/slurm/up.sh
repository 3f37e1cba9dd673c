#!/bin/bash
# Bring up a real Slurm 22.05 (Debian) on one machine, without systemd:
#   own munged, slurmctld (23617),
#   two slurmd nodes "sln1" "sln2" (port 23618), each in its own network + mount +
#   PID + UTS namespace.  Idempotent.  Needs root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/env.sh"
t0=$(date +%s)
log() { echo "[slurm-up +$(( $(date +%s) - t0 ))s] $*"; }
[ "$(id -u)" = 0 ] || { echo "run as root" >&2; exit 1; }
mkdir -p "$S/pids" "$S/log"; chmod 755 "$S" "$S/log"
alive() { [ -s "$S/pids/$1" ] && kill -0 "$(cat "$S/pids/$1")" 2>/dev/null; }

for p in slurmctld slurmd slurm-client munge sudo; do
  dpkg-query -W -f='${Status}\n' $p 2>/dev/null | grep -q 'ok installed' || { echo "package $p is missing; ./dev test installs it" >&2; exit 1; }
done

if ! grep -q '# passerelle-slurm' /etc/hosts; then
  { echo "$NET.1 slurmsrv # passerelle-slurm"
    for i in $(seq 1 $NODES); do echo "$NET.1$i sln$i # passerelle-slurm"; done; } >> /etc/hosts
fi
for u in $USERS; do
  id "$u" >/dev/null 2>&1 || { useradd -m -s /bin/bash "$u"; echo "$u" >> "$S/made-users"; }
  chmod 700 "/home/$u"
done
id "$SVC" >/dev/null 2>&1 || { useradd -r -m -d "/var/lib/$SVC" -s /bin/bash "$SVC"; echo "$SVC" >> "$S/made-users"; }
getent group psl-hpc >/dev/null || groupadd psl-hpc
for u in $USERS; do usermod -aG psl-hpc "$u"; done

# ---- munge (own key, own socket)
if ! alive munged; then
  install -d -o munge -g munge -m 755 "$S/munge"
  [ -s "$S/munge/key" ] || { head -c 1024 /dev/urandom > "$S/munge/key"; chown munge: "$S/munge/key"; chmod 400 "$S/munge/key"; }
  rm -f "$S"/munge/socket*
  setsid setpriv --reuid munge --regid munge --init-groups /usr/sbin/munged -F --key-file="$S/munge/key" --socket="$S/munge/socket" \
     --pid-file="$S/munge/pid" --log-file="$S/munge/log" --seed-file="$S/munge/seed" >"$S/log/munged.out" 2>&1 </dev/null &
  echo $! > "$S/pids/munged"
fi
for k in $(seq 100); do munge -S "$S/munge/socket" -n >/dev/null 2>&1 && break; sleep 0.1; done
munge -S "$S/munge/socket" -n >/dev/null || { cat "$S/log/munged.out" "$S/munge/log"; exit 1; }

# ---- config
ip link show pslslbr0 >/dev/null 2>&1 || { ip link add pslslbr0 type bridge; ip addr add $NET.1/24 dev pslslbr0; }
ip link set pslslbr0 up; ip link set lo up
install -d -o slurm -g slurm -m 755 "$S/state"
for i in $(seq 1 $NODES); do mkdir -p "$S/spool/sln$i"; done
touch "$S/log/slurmctld.log" "$S/log/slurmdbd.log" "$S/log/jobcomp.log"; chown slurm: "$S"/log/slurm*.log "$S/log/jobcomp.log"
[ -e /etc/slurm/slurm.conf ] && [ ! -e "$S/slurm.conf.orig" ] && ! grep -q passerelle-slurm /etc/slurm/slurm.conf && cp -p /etc/slurm/slurm.conf "$S/slurm.conf.orig"
acct="AccountingStorageType=accounting_storage/none"
cat > /etc/slurm/slurm.conf <<C
# passerelle-slurm (made by up.sh)
ClusterName=peer
SlurmctldHost=$(hostname -s)($NET.1)
SlurmctldPort=$CTLPORT
SlurmdPort=$DPORT
SlurmUser=slurm
AuthType=auth/munge
AuthInfo=socket=$S/munge/socket
CredType=cred/munge
StateSaveLocation=$S/state
SlurmdSpoolDir=$S/spool/%n
SlurmctldPidFile=$S/state/slurmctld.pid
SlurmdPidFile=$S/spool/%n/slurmd.pid
SlurmctldLogFile=$S/log/slurmctld.log
SlurmdLogFile=$S/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
JobCompType=jobcomp/none
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=5,bf_resolution=60,sched_interval=5,batch_sched_delay=1
KillWait=10
MinJobAge=60
InactiveLimit=0
SlurmdTimeout=20
SlurmctldTimeout=10
MessageTimeout=10
EnforcePartLimits=ALL
$acct
NodeName=sln[1-$NODES] CPUs=$CORES Sockets=1 CoresPerSocket=$CORES ThreadsPerCore=1 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=1-00:00:00 DefaultTime=00:10:00 DefMemPerCPU=500 State=UP
PartitionName=short Nodes=sln1 Default=NO MaxTime=00:05:00 State=UP
C
# the hardware of the host differs from what the nodes claim
echo "SlurmdParameters=config_overrides" >> /etc/slurm/slurm.conf

# ---- controller
if ! alive slurmctld; then
  setsid setpriv --reuid slurm --regid slurm --init-groups /usr/sbin/slurmctld -D >"$S/log/slurmctld.out" 2>&1 </dev/null &
  echo $! > "$S/pids/slurmctld"
fi
# ---- nodes
for i in $(seq 1 $NODES); do "$here/node.sh" start $i; done
for k in $(seq 150); do n=$(timeout 5 sinfo -h -N -p main -o "%T" 2>/dev/null | grep -cE "idle|mixed|alloc" || true); [ "${n:-0}" -ge "$NODES" ] && break; alive slurmctld || { tail -5 "$S/log/slurmctld.out"; exit 1; }; sleep 0.2; done
sinfo
log "ready"
