#!/usr/bin/env bash
# The main job: a whole network on this machine, real relays, real money arithmetic. Arguments go to `relayminer localnet`.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
exec node bin/run.js localnet "$@"
