#!/bin/bash
# api.sh start|stop  -- OAR's REST API behind an Apache of its own on 127.0.0.1, as docs/spawners/oar.md describes it: TLS, and only who
# shows the right certificate ($S/api/client.pem) is let in and may say whom it acts for. The authority is $S/api/ca.crt.
# Also makes the person pslcarol: the API cuts names at the first character that is no letter, digit or underscore.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); . "$here/env.sh"
pidf=$S/pids/apache a=$S/api
case ${1:-start} in
stop)
  [ -s "$pidf" ] || exit 0
  p=$(cat "$pidf"); kill -TERM "$p" 2>/dev/null || true
  for _ in $(seq 50); do kill -0 "$p" 2>/dev/null || break; sleep 0.1; done
  rm -f "$pidf"; exit 0 ;;
start) ;;
*) echo "usage: $0 start|stop"; exit 2 ;;
esac
[ -s "$pidf" ] && kill -0 "$(cat "$pidf")" 2>/dev/null && exit 0
id pslcarol >/dev/null 2>&1 || { useradd -m -s /bin/bash pslcarol; echo pslcarol >> "$S/made-users"; }
chmod 700 /home/pslcarol
mkdir -p "$a/run"; chown oar: "$a/run"
if [ ! -s "$a/client.pem" ]; then
  cd "$a"
  curve=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  openssl req -x509 "${curve[@]}" -keyout ca.key -out ca.crt -subj /CN=site -days 30 2>/dev/null
  for who in server client; do
    openssl req "${curve[@]}" -keyout $who.key -out $who.csr -subj /CN=$who 2>/dev/null
    echo 'subjectAltName=IP:127.0.0.1' > $who.ext
    openssl x509 -req -in $who.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out $who.crt -extfile $who.ext -days 30 2>/dev/null
  done
  cat client.crt client.key > client.pem; chmod 600 ./*.key client.pem; cd - >/dev/null
fi
mods=/usr/lib/apache2/modules
{
  for m in mpm_event authz_core alias cgid env headers setenvif ssl; do echo "LoadModule ${m}_module $mods/mod_$m.so"; done
  cat <<C
ServerName localhost
ServerRoot $a
Listen 127.0.0.1:$APIPORT
PidFile $a/run/pid
ErrorLog $S/log/apache.err
User oar
Group oar
ScriptSock $a/run/cgi
ServerLimit 1
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 8
SSLEngine on
SSLCertificateFile $a/server.crt
SSLCertificateKeyFile $a/server.key
SSLCACertificateFile $a/ca.crt
SSLVerifyClient require
ScriptAlias /oarapi /usr/lib/cgi-bin/oarapi/oarapi.cgi
<Directory /usr/lib/cgi-bin/oarapi>
  Options +ExecCGI
  SetEnv OARCONFFILE /etc/oar/oar.conf
  Require all granted
</Directory>
<If "%{HTTP:X-Remote-Ident} =~ /^(root|oar)\$/">
  Require all denied
</If>
C
} > "$a/apache.conf"
setsid /usr/sbin/apache2 -f "$a/apache.conf" -DFOREGROUND >"$S/log/apache.out" 2>&1 </dev/null &
echo $! > "$pidf"
for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$APIPORT") 2>/dev/null && break; sleep 0.1; done
(exec 3<>"/dev/tcp/127.0.0.1/$APIPORT") 2>/dev/null || { echo "the REST API did not come up"; cat "$S/log/apache.out" "$S/log/apache.err"; exit 1; }
echo "OAR's REST API on https://127.0.0.1:$APIPORT/oarapi/"
