#!/usr/bin/env bash
# The dev script itself: its help names every command, an unknown word gets an answer, the package list is well formed.
# What it installs and builds is not tried here: that is what every other test stands on.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1
failures=0
check() {
  local what=$1
  shift
  "$@" || { echo "failed: $what" >&2; failures=$((failures + 1)); }
}

help=$(./dev help)
while read -r command; do
  check "help names $command" grep -q "^  $command " <<<"$help"
done < <(sed -n 's/^cmd_\([a-z]*\)().*/\1/p' dev)
check "--help is help" [ "$(./dev --help)" = "$help" ]
check "no word is help" [ "$(./dev)" = "$help" ]

answer=$(./dev tset 2>&1)
check "an unknown command fails" [ $? -eq 1 ]
check "an unknown command gets a suggestion" grep -q 'did you mean test?' <<<"$answer"
check "nonsense gets none" [ -z "$(./dev qqqqqqqqqq 2>&1 | grep 'did you mean')" ]
check "a command is not a shell function" [ -n "$(./dev 'say' 2>&1 | grep "no command 'say'")" ]

malformed=$(grep -vE '^(#.*|\[[a-z0-9]+\]|[a-z0-9][a-z0-9.+-]+( +# .+)?|)$' cmake/packages.txt)
check "package list: $malformed" [ -z "$malformed" ]
while read -r section; do
  check "section $section is in the list" grep -qx "\[$section\]" cmake/packages.txt
done < <(grep -oE '^  need [a-z0-9 ]+' dev | tr ' ' '\n' | grep -vE '^(need|)$' | sort -u)

[ "$failures" -eq 0 ]
