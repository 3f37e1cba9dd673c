#!/usr/bin/env bash
# Runs configurable-http-proxy's own specs over `passerelle proxy`: run_specs.sh CHECKOUT [PROGRAM]
# CHECKOUT is a git checkout of configurable-http-proxy 5 (the npm package has no specs); nothing in it is changed. By hand:
# it also needs npm and the packages faketime and python3-certipy. As root it runs in a network of its own; as anybody else
# ports 8902-8914 and 55550-55576 must be free and test.localhost.jovyan.org must lead to 127.0.0.1.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
checkout=$(readlink -f "$1")
PASSERELLE=$(readlink -f "${2:-$here/../../../build/release/passerelle}")
FAKETIME_LIBRARY=$(dpkg -L libfaketime | grep 'libfaketime.so.1$')
export PASSERELLE FAKETIME_LIBRARY
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/lib" "$folder/bin"
cp -r "$checkout/test" "$folder/test"
cp "$checkout/lib/testutil.js" "$here"/shim/*.js "$folder/lib"
ln -s "$PASSERELLE" "$folder/bin/configurable-http-proxy"
cd "$folder"
printf '{"type": "module", "private": true}\n' >package.json
npm install --no-audit --no-fund --silent jasmine@5.4.0 node-fetch@3.3.2 ws@8.18.0 tmp@0.2.3 winston@3.17.0
/usr/bin/python3 test/make_internal_ssl.py >certificates.log 2>&1 || tail -n 3 certificates.log
printf '127.0.0.1 localhost test.localhost.jovyan.org\n' >hosts
run='npx jasmine --random=false --helper=lib/skip.js test/api_spec.js test/cli_spec.js test/proxy_spec.js'
if [ "$(id -u)" -eq 0 ]; then
  unshare --net --mount sh -c "mount --bind hosts /etc/hosts && ip link set lo up && $run"
else
  sh -c "$run"
fi
