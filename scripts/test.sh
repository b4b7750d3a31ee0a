#!/usr/bin/env bash
# Everything CI runs: set-up, the checks, every test. Ends with "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
npm run -s lint
npm run -s typecheck
npm run -s layers
npm run -s unused
exec npx vitest run "$@"
