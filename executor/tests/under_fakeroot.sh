#!/usr/bin/env bash
# Runs a test program under fakeroot, where getuid says 0 but the kernel knows the real user. A
# worker must still serve; otherwise the program would start itself again and again (law L10). For
# root, it runs as uid 1000, because a real root never contradicts fakeroot.
#   under_fakeroot.sh PROGRAM [ARGUMENT...]        77: there is no fakeroot here
set -euo pipefail

if [[ ${1:-} == --capped ]]; then  # as the ordinary user
  shift
  threads=$(find /proc -maxdepth 3 -path '/proc/[0-9]*/task/[0-9]*' -uid "$(id -u)" 2>/dev/null |
    wc -l) || true  # some end meanwhile
  ulimit -u $((threads + 300))
  exec timeout -k 1 240 fakeroot "$@"
fi

command -v fakeroot >/dev/null || {
  echo "there is no fakeroot here"
  exit 77
}
if [[ $EUID -ne 0 ]]; then
  exec bash "$0" --capped "$@"
fi
place=$(mktemp -d)  # the tree may lie where uid 1000 cannot look
trap 'rm -rf "$place"' EXIT
cp "$0" "$1" "$place"
chmod -R a+rX "$place"
cd "$place"
setpriv --reuid=1000 --regid=1000 --clear-groups \
  bash "./$(basename "$0")" --capped "./$(basename "$1")" "${@:2}"
