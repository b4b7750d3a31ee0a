#!/bin/sh
//bin/sh -c :; case "$NODE_OPTIONS" in *semi[-_]space*) exec node "$0" "$@";; esac; exec node --max-semi-space-size=8 "$0" "$@"
// The line above is for the shell: relays of slow backends are kept for long, and the less of them is copied at once, the less others wait (docs/performance.md).
import { execute } from "@oclif/core";

await execute({ dir: import.meta.url });
