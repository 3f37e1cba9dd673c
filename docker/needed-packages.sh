#!/bin/sh
# needed-packages.sh PROGRAM...: the Debian packages with the libraries that these programs are linked with, one a line.
set -eu
for program in "$@"; do
  ldd "$program" 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p'
done | sort -u | while read -r library; do
  # A package may own it by the name before /usr was merged.
  dpkg -S "$library" 2>/dev/null || dpkg -S "${library#/usr}" 2>/dev/null || dpkg -S "/usr$library" 2>/dev/null ||
    dpkg -S "$(readlink -f "$library")"
done | sed 's/[:,].*//' | sort -u
