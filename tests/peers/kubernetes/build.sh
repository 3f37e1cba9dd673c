#!/usr/bin/env bash
# A real Kubernetes for the tests, once per machine and outside of the checkout: Debian has no package of the API server, but its
# source package `kubernetes` (1.20.2) holds all of it. Ten minutes on two cores, 85 MB of downloads, 3 GB while it builds and
# 0.4 GB after. Starts nothing. Whoever comes while somebody builds waits. Root: it asks apt for sources.
#   build.sh           builds, or waits for whoever does
#   build.sh --later   builds at the lowest priority
set -euo pipefail

readonly PROGRAMS=${KUBERNETES_PROGRAMS:-/var/cache/passerelle/kubernetes}
readonly COMMANDS=(kube-apiserver kube-controller-manager kube-scheduler kubelet)
readonly GO=/usr/lib/go-1.19/bin

is_built() {
  local command
  for command in "${COMMANDS[@]}" pause; do [ -x "$PROGRAMS/bin/$command" ] || return 1; done
}

# Debian's own mirror, as this machine's apt has it, with sources, for these calls only.
source_package() {
  local mirror options
  mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
  [ -n "$mirror" ] || mirror=$(awk '$1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}' /etc/apt/sources.list)
  mkdir -p lists/partial cache/archives/partial
  echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm main" >sources.list
  options=(-qq -o Acquire::Retries=3 -o APT::Sandbox::User=root -o "Dir::Etc::sourcelist=$PWD/sources.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State::lists=$PWD/lists" -o "Dir::Cache=$PWD/cache")
  apt-get "${options[@]}" update
  apt-get "${options[@]}" source --download-only kubernetes
  dpkg-source --no-check -x kubernetes_*.dsc source >/dev/null
}

# The reflect2 in that source does not work with Go 1.18 and newer; Debian's package of it does.
newer_reflect2() {
  local from=/usr/share/gocode/src/github.com/modern-go/reflect2 to=source/vendor/github.com/modern-go/reflect2
  rm -f $to/*.go $to/*.s
  cp $from/*.go $from/*.s $to/
  rm -f $to/*_test.go
}

compile() (
  cd source
  mkdir -p "$HOME" .go/src/k8s.io
  ln -sfn ../../.. .go/src/k8s.io/kubernetes
  export GOPATH=$PWD/.go PATH=$GO:$PATH CGO_ENABLED=0 GOFLAGS='' GO111MODULE=off GOPROXY=off
  export KUBE_GIT_VERSION=v1.20.2 KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20 KUBE_GIT_COMMIT=debian KUBE_GIT_TREE_STATE=clean
  make WHAT="${COMMANDS[*]/#/cmd/}" >../make.log 2>&1 || { tail -n 30 ../make.log >&2; exit 1; }
)

# What holds a pod's namespaces: waits, and takes the exit codes of orphans.
pause_program() {
  cat >pause.c <<'C'
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void end(int signal) { (void)signal; _exit(0); }
static void reap(int signal) { (void)signal; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) { signal(SIGINT, end); signal(SIGTERM, end); signal(SIGCHLD, reap); for (;;) pause(); }
C
  gcc -O2 -static -s -o pause pause.c
}

build() {
  local work command
  work=$(mktemp -d /var/tmp/passerelle-kubernetes.XXXXXX)
  # shellcheck disable=SC2064  # that folder, whatever `work` is by then
  trap "rm -rf '$work'" EXIT
  cd "$work"
  export HOME=$work/home
  source_package
  newer_reflect2
  compile
  pause_program
  mkdir -p "$PROGRAMS/bin"
  for command in "${COMMANDS[@]}"; do install "source/_output/local/bin/linux/amd64/$command" "$PROGRAMS/bin/"; done
  install pause "$PROGRAMS/bin/"
}

main() {
  is_built && return 0
  [ "$(id -u)" -eq 0 ] || { echo "the cluster of the tests is built as root" >&2; exit 1; }
  mkdir -p "$PROGRAMS"
  # It stays so, also when somebody waits for it: a browser test beside a compiler at full speed takes minutes.
  [ "${1-}" != --later ] || renice -n 19 -p $$ >/dev/null
  exec 9>"$PROGRAMS/lock"
  flock 9
  is_built && return 0
  build
}

main "$@"
