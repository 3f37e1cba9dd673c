#!/bin/bash
# Bring up a real OAR 2.5.9 (Debian) on one machine, without systemd:
#   PostgreSQL (own cluster, 127.0.0.1:23540), Almighty (23666), two compute
#   nodes "oarn1" and "oarn2", each in its own network + mount + PID + UTS + IPC
#   namespace with its own address, /tmp, hostname and sshd.
# Idempotent: a second run starts only what is missing.  Needs root.
# Knobs: OAR_PEER_STATE, OAR_PEER_NODES (default 2), OAR_PEER_CORES (per node, 4),
#        OAR_PEER_USERS ("alice bob"), OAR_PEER_NET (first three bytes),
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/env.sh"
t0=$(date +%s)
log() { echo "[oar-up +$(( $(date +%s) - t0 ))s] $*"; }
[ "$(id -u)" = 0 ] || { echo "run as root" >&2; exit 1; }
mkdir -p "$S/pids" "$S/log"; chmod 755 "$S"

alive() { [ -s "$S/pids/$1" ] && kill -0 "$(cat "$S/pids/$1")" 2>/dev/null; }

# ---------------------------------------------------------------- packages
for p in oar-server oar-server-pgsql oar-user oar-user-pgsql oar-node openssh-server postgresql libdbd-pg-perl libyaml-perl taktuk sudo oar-restful-api apache2-bin; do
  dpkg-query -W -f='${Status}\n' $p 2>/dev/null | grep -q 'ok installed' || { echo "package $p is missing; ./dev test installs it" >&2; exit 1; }
done
PGBIN=$(printf "%s\n" /usr/lib/postgresql/*/bin | sort -V | tail -1)

# ---------------------------------------------------------------- names
if ! grep -q '# passerelle-oar' /etc/hosts; then
  { echo "$NET.1 oarserver # passerelle-oar"
    for i in $(seq 1 "$NODES"); do echo "$NET.1$i oarn$i # passerelle-oar"; done; } >> /etc/hosts
fi

# ---------------------------------------------------------------- users
for u in $USERS; do
  id "$u" >/dev/null 2>&1 || { useradd -m -s /bin/bash "$u"; echo "$u" >> "$S/made-users"; }
  chmod 700 "/home/$u"
done
id "$SVC" >/dev/null 2>&1 || { useradd -r -m -d "/var/lib/$SVC" -s /bin/bash "$SVC"; echo "$SVC" >> "$S/made-users"; }
getent group psl-hpc >/dev/null || groupadd psl-hpc
for u in $USERS; do usermod -aG psl-hpc "$u"; done

# ---------------------------------------------------------------- database
if ! alive pg; then
  if [ ! -s "$S/pg/PG_VERSION" ]; then
    log "initdb"
    mkdir -p "$S/pg"; chown postgres: "$S/pg"; chmod 700 "$S/pg"
    head -c 18 /dev/urandom | base64 | tr -d '/+=' > "$S/pgpass"; chmod 600 "$S/pgpass"
    cp "$S/pgpass" "$S/pgpass.tmp"; chown postgres "$S/pgpass.tmp"
    setpriv --reuid postgres --regid postgres --init-groups \
      "$PGBIN/initdb" -D "$S/pg" -U postgres -A scram-sha-256 --pwfile="$S/pgpass.tmp" -E UTF8 --locale=C >"$S/log/initdb.log"
    rm -f "$S/pgpass.tmp"
    cat >> "$S/pg/postgresql.conf" <<P
listen_addresses = '127.0.0.1'
port = $PGPORT
unix_socket_directories = ''
shared_buffers = 32MB
fsync = off
P
  fi
  rm -f "$S/pg/postmaster.pid"
  setsid setpriv --reuid postgres --regid postgres --init-groups \
    "$PGBIN/postgres" -D "$S/pg" >"$S/log/pg.log" 2>&1 </dev/null &
  echo $! > "$S/pids/pg"
fi
for i in $(seq 100); do "$PGBIN/pg_isready" -q -h 127.0.0.1 -p "$PGPORT" && break; sleep 0.1; done
log "postgres ready on 127.0.0.1:$PGPORT"

# ---------------------------------------------------------------- oar.conf
[ -e "$S/oar.conf.orig" ] || cp -p /etc/oar/oar.conf "$S/oar.conf.orig"
[ -s "$S/oarpass" ] || { head -c 18 /dev/urandom | base64 | tr -d '/+=' > "$S/oarpass"; chmod 600 "$S/oarpass"; }
sed -e "s|^DB_TYPE=.*|DB_TYPE=\"Pg\"|" \
    -e "s|^DB_HOSTNAME=.*|DB_HOSTNAME=\"127.0.0.1\"|" \
    -e "s|^DB_PORT=.*|DB_PORT=\"$PGPORT\"|" \
    -e "s|^DB_BASE_PASSWD=.*|DB_BASE_PASSWD=\"$(cat "$S"/oarpass)\"|" \
    -e "s|^DB_BASE_PASSWD_RO=.*|DB_BASE_PASSWD_RO=\"$(cat "$S"/oarpass)\"|" \
    -e "s|^SERVER_HOSTNAME=.*|SERVER_HOSTNAME=\"oarserver\"|" \
    -e "s|^SERVER_PORT=.*|SERVER_PORT=\"$OARPORT\"|" \
    -e "s|^LOG_LEVEL=.*|LOG_LEVEL=\"3\"|" \
    -e "s|^OPENSSH_CMD=.*|OPENSSH_CMD=\"/usr/bin/ssh -p $SSHPORT -e none\"|" \
    -e "s|^#* *TAKTUK_CMD=.*|TAKTUK_CMD=\"/usr/bin/taktuk -t 30 -s\"|" \
    -e "s|^PINGCHECKER_SENTINELLE|#PINGCHECKER_SENTINELLE|" \
    -e "s|^#* *PINGCHECKER_TAKTUK_ARG_COMMAND=\"broadcast exec timeout 5 kill 9 \[ true \]\"|PINGCHECKER_TAKTUK_ARG_COMMAND=\"broadcast exec timeout 5 kill 9 [ true ]\"|" \
    -e "s|^FINAUD_FREQUENCY=.*|FINAUD_FREQUENCY=\"$FINAUD\"|" \
    -e "s|^SCHEDULER_JOB_SECURITY_TIME=.*|SCHEDULER_JOB_SECURITY_TIME=\"1\"|" \
    -e "s|^SCHEDULER_GANTT_HOLE_MINIMUM_TIME=.*|SCHEDULER_GANTT_HOLE_MINIMUM_TIME=\"10\"|" \
    -e "s|^#* *SCHEDULER_MIN_TIME_BETWEEN_2_CALLS=.*|SCHEDULER_MIN_TIME_BETWEEN_2_CALLS=\"$SCHEDMIN\"|" \
    -e "s|^#* *JOBDEL_WALLTIME=.*|JOBDEL_WALLTIME=\"$JOBDEL\"|" \
    -e "s|^#* *ACTIVATE_PINGCHECKER_AT_JOB_END=.*|ACTIVATE_PINGCHECKER_AT_JOB_END=\"no\"|" \
    -e "s|^#* *USERS_ALLOWED_HOLD_RESUME=.*|USERS_ALLOWED_HOLD_RESUME=\"yes\"|" \
    "$S/oar.conf.orig" > "$S/oar.conf.new"
chown oar:oar "$S/oar.conf.new"; chmod 600 "$S/oar.conf.new"
cmp -s "$S/oar.conf.new" /etc/oar/oar.conf || cp -p "$S/oar.conf.new" /etc/oar/oar.conf
rm -f "$S/oar.conf.new"

if ! PGPASSWORD=$(cat "$S/oarpass") psql -h 127.0.0.1 -p "$PGPORT" -U oar -d oar -qtc 'select count(*) from jobs' >/dev/null 2>&1; then
  log "oar-database --create"
  oar-database --create --db-type=Pg --db-host=127.0.0.1 --db-port="$PGPORT" \
    --db-admin-user=postgres --db-admin-pass="$(cat "$S"/pgpass)" --force-yes >"$S/log/oardb.log" 2>&1 </dev/null || { tail -20 "$S/log/oardb.log"; exit 1; }
fi

# ---------------------------------------------------------------- nodes
ip link show psloarbr0 >/dev/null 2>&1 || { ip link add psloarbr0 type bridge; ip addr add "$NET".1/24 dev psloarbr0; }
ip link set psloarbr0 up; ip link set lo up
[ -s /etc/oar/oar_ssh_host_rsa_key ] || ssh-keygen -q -t rsa -N '' -f /etc/oar/oar_ssh_host_rsa_key
mkdir -p /run/sshd
# own cgroup (v1) subtree, one directory per node, in every controller OAR uses
for c in cpuset cpu cpuacct devices freezer memory; do
  [ -d /sys/fs/cgroup/$c ] || continue
  for i in $(seq 1 "$NODES"); do
    d=/sys/fs/cgroup/$c/passerelle-oar/oarn$i; mkdir -p "$d"
    if [ $c = cpuset ]; then
      for x in /sys/fs/cgroup/cpuset/passerelle-oar "$d"; do
        for f in cpuset.cpus cpuset.mems; do cat "$(dirname "$x")/$f" > "$x/$f"; done
      done
    fi
  done
done
mkdir -p /dev/oar_cgroups_links
ln -sfn /dev/oar_cgroups_links/cpuset /dev/cpuset 2>/dev/null || true
for i in $(seq 1 "$NODES"); do "$here/node.sh" start "$i"; done
for i in $(seq 1 "$NODES"); do
  for _ in $(seq 100); do (exec 3<>/dev/tcp/"$NET".1"$i"/"$SSHPORT") 2>/dev/null && break; sleep 0.1; done
done
log "nodes up"

# ---------------------------------------------------------------- Almighty
if ! alive almighty; then
  install -o oar -g oar -m 640 /dev/null /var/log/oar.log 2>/dev/null || true
  setsid /usr/sbin/Almighty >"$S/log/almighty.out" 2>&1 </dev/null &
  echo $! > "$S/pids/almighty"
fi
for _ in $(seq 200); do (exec 3<>/dev/tcp/127.0.0.1/"$OARPORT") 2>/dev/null && break; sleep 0.1; done
(exec 3<>/dev/tcp/127.0.0.1/"$OARPORT") 2>/dev/null || { echo "Almighty did not come up"; tail -20 "$S/log/almighty.out" /var/log/oar.log; exit 1; }
log "Almighty up on port $OARPORT"

# ---------------------------------------------------------------- resources
have=$(oarnodes -l 2>/dev/null | grep -c '^oarn' || true)
if [ "$have" = 0 ]; then
  log "adding resources"
  for p in cpu core gpu; do oarproperty -a $p >/dev/null 2>&1 || true; done
  for p in cluster host gpumodel; do oarproperty -c -a $p >/dev/null 2>&1 || true; done
  core=0; ncpu=$(nproc)
  for i in $(seq 1 "$NODES"); do
    for k in $(seq 1 "$CORES"); do
      core=$((core+1))
      oarnodesetting -n -a -h oarn"$i" -p host=oarn"$i" -p cluster=peer -p cpu="$i" -p core=$core -p cpuset=$(( (k-1) % ncpu )) >/dev/null
    done
  done
  # a site-like rule: when /etc/oar/peer_projects exists, --project must be a line of it
  cat > "$S/rule-project" <<'R'
# Title : project must be known
# Description : refuse projects that are not listed in /etc/oar/peer_projects
if (open(my $pf, "<", "/etc/oar/peer_projects")) {
    my %ok = map { chomp; $_ => 1 } <$pf>; close($pf);
    if (!$ok{$project}) {
        die("[ADMISSION RULE] ERROR: project \"$project\" is unknown, use --project with one of: ".join(",", sort keys %ok)."\n");
    }
}
R
  # another: when /etc/oar/peer_minutes exists, no job may ask for more minutes than it says
  cat > "$S/rule-minutes" <<'R'
# Title : jobs are short
# Description : refuse walltimes beyond /etc/oar/peer_minutes
if (open(my $mf, "<", "/etc/oar/peer_minutes")) {
    my $most = <$mf>; close($mf); chomp($most);
    foreach my $mold (@{$ref_resource_list}) {
        if (defined($mold->[1]) && $mold->[1] > $most * 60) {
            die("[ADMISSION RULE] ERROR: the walltime is limited to $most minutes here\n");
        }
    }
}
R
  for rule in rule-project rule-minutes; do
    oaradmissionrules -n -r "$S/$rule" >/dev/null 2>&1 || oaradmissionrules -n "$S/$rule" >/dev/null 2>&1 || log "$rule not added"
  done
fi
for _ in $(seq 60); do
  n=$(oarnodes -s 2>/dev/null | grep -c 'Alive' || true)
  [ "${n:-0}" -ge 1 ] && break; sleep 0.5
done



log "ready"
