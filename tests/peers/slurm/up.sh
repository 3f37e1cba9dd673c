#!/bin/bash
# Bring up a real Slurm 22.05 (Debian) on one machine, without systemd:
#   own munged, slurmctld (23617), with SLURM_PEER_DBD=1 slurmdbd (23619) over MariaDB (127.0.0.1:23606),
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

need="slurmctld slurmd slurm-client munge sudo"
[ "$DBD" = 1 ] && need="$need slurmdbd mariadb-server-core mariadb-client-core"
for p in $need; do
  dpkg-query -W -f='${Status}\n' "$p" 2>/dev/null | grep -q 'ok installed' || { echo "package $p is missing; ./dev test installs it" >&2; exit 1; }
done

if ! grep -q '# passerelle-slurm' /etc/hosts; then
  { echo "$NET.1 slurmsrv # passerelle-slurm"
    for i in $(seq 1 "$NODES"); do echo "$NET.1$i sln$i # passerelle-slurm"; done; } >> /etc/hosts
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
for _ in $(seq 100); do munge -S "$S/munge/socket" -n >/dev/null 2>&1 && break; sleep 0.1; done
munge -S "$S/munge/socket" -n >/dev/null || { cat "$S/log/munged.out" "$S/munge/log"; exit 1; }

# ---- config
ip link show pslslbr0 >/dev/null 2>&1 || { ip link add pslslbr0 type bridge; ip addr add "$NET".1/24 dev pslslbr0; }
ip link set pslslbr0 up; ip link set lo up
install -d -o slurm -g slurm -m 755 "$S/state"
for i in $(seq 1 "$NODES"); do mkdir -p "$S/spool/sln$i"; done
touch "$S/log/slurmctld.log" "$S/log/slurmdbd.log" "$S/log/jobcomp.log"; chown slurm: "$S"/log/slurm*.log "$S/log/jobcomp.log"
[ -e /etc/slurm/slurm.conf ] && [ ! -e "$S/slurm.conf.orig" ] && ! grep -q passerelle-slurm /etc/slurm/slurm.conf && cp -p /etc/slurm/slurm.conf "$S/slurm.conf.orig"
acct="AccountingStorageType=accounting_storage/none"
[ "$DBD" = 1 ] && acct="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$DBDPORT
AccountingStoragePass=$S/munge/socket"
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

# ---- accounting
if [ "$DBD" = 1 ]; then
  if ! alive maria; then
    install -d -o slurm -g slurm -m 700 "$S/maria"
    [ -d "$S/maria/mysql" ] || mariadb-install-db --no-defaults --user=slurm --datadir="$S/maria" --auth-root-authentication-method=socket \
      --skip-test-db >"$S/log/maria-init.log" 2>&1
    [ -s "$S/mypass" ] || { head -c 18 /dev/urandom | base64 | tr -d '/+=' > "$S/mypass"; chmod 600 "$S/mypass"; }
    cat > "$S/maria/first.sql" <<Q
create database if not exists slurm_acct_db;
create or replace user slurm@'127.0.0.1' identified by '$(cat "$S/mypass")';
grant all on slurm_acct_db.* to slurm@'127.0.0.1';
Q
    chown slurm: "$S/maria/first.sql"; chmod 600 "$S/maria/first.sql"
    setsid setpriv --reuid slurm --regid slurm --init-groups /usr/sbin/mariadbd --no-defaults --datadir="$S/maria" --socket="$S/maria/s.sock" \
      --port="$MYPORT" --bind-address=127.0.0.1 --pid-file="$S/maria/pid" --init-file="$S/maria/first.sql" --skip-name-resolve \
      --innodb-buffer-pool-size=32M --innodb-flush-log-at-trx-commit=0 >"$S/log/maria.log" 2>&1 </dev/null &
    echo $! > "$S/pids/maria"
  fi
  for _ in $(seq 300); do (exec 3<>/dev/tcp/127.0.0.1/"$MYPORT") 2>/dev/null && break; sleep 0.1; done
  cat > /etc/slurm/slurmdbd.conf <<C
# passerelle-slurm (made by up.sh)
AuthType=auth/munge
AuthInfo=socket=$S/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$DBDPORT
SlurmUser=slurm
LogFile=$S/log/slurmdbd.log
PidFile=$S/state/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$MYPORT
StorageUser=slurm
StoragePass=$(cat "$S/mypass")
StorageLoc=slurm_acct_db
C
  chown slurm: /etc/slurm/slurmdbd.conf; chmod 600 /etc/slurm/slurmdbd.conf
  if ! alive slurmdbd; then
    setsid setpriv --reuid slurm --regid slurm --init-groups /usr/sbin/slurmdbd -D >"$S/log/slurmdbd.out" 2>&1 </dev/null &
    echo $! > "$S/pids/slurmdbd"
  fi
  for _ in $(seq 200); do sacctmgr -n list cluster >/dev/null 2>&1 && break; sleep 0.1; done
  sacctmgr -n list cluster 2>/dev/null | grep -qw peer || sacctmgr -i add cluster peer >"$S/log/sacctmgr.log" 2>&1 || true
fi

# ---- controller
if ! alive slurmctld; then
  setsid setpriv --reuid slurm --regid slurm --init-groups /usr/sbin/slurmctld -D >"$S/log/slurmctld.out" 2>&1 </dev/null &
  echo $! > "$S/pids/slurmctld"
fi
# ---- nodes
for i in $(seq 1 "$NODES"); do "$here/node.sh" start "$i"; done
for _ in $(seq 150); do n=$(timeout 5 sinfo -h -N -p main -o "%T" 2>/dev/null | grep -cE "idle|mixed|alloc" || true); [ "${n:-0}" -ge "$NODES" ] && break; alive slurmctld || { tail -5 "$S/log/slurmctld.out"; exit 1; }; sleep 0.2; done
sinfo
log "ready"
