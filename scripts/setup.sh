#!/usr/bin/env bash
# Sets up what the two README commands need: the right Node, the packages of the lock file, the build, a redis-server.
# Safe to call again: it does only what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

node -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) process.exit(0);
  console.error(`relayminer needs Node 20.19 or newer; this is ${process.version} (${process.execPath}).`);
  process.exit(1);
'

if ! cmp -s package-lock.json node_modules/.relayminer-lock 2>/dev/null; then
  echo "setup: installing packages (npm ci)"
  npm ci --ignore-scripts --no-audit --no-fund
  cp package-lock.json node_modules/.relayminer-lock
fi

if ! command -v redis-server >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "setup: installing redis-server (Debian package)"
    # The package would start a server of its own; we run ours on a private socket, so it is told not to.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      trap 'rm -f /usr/sbin/policy-rc.d' EXIT
      printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
      chmod +x /usr/sbin/policy-rc.d
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null
  else
    echo "relayminer needs a redis-server on PATH. Install it with this line, then try again:" >&2
    echo "  sudo apt-get install -y redis-server" >&2
    exit 69
  fi
fi

echo "setup: building"
npm run -s build
