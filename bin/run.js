#!/bin/sh
//bin/sh -c :; case "$NODE_OPTIONS" in *semi[-_]space*) exec node "$0" "$@";; esac; exec node --max-semi-space-size=32 "$0" "$@"
// The line above is for the shell: relays leave much garbage behind, and with room for it the relayer needs less CPU (docs/performance.md).
import { execute } from "@oclif/core";

await execute({ dir: import.meta.url });
