#!/usr/bin/env bash
# Everything CI runs: set-up, the checks, every test. Ends with "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
npm run -s lint
npm run -s typecheck
npm run -s layers
npm run -s unused
# Before the tests, whose closing line comes last. Not where only some of them are asked for.
if [ $# -eq 0 ]; then node test/bench/run.mjs --short --baseline test/bench/baseline.json; fi
exec npx vitest run "$@"
