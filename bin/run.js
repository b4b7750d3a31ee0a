#!/bin/sh
//bin/sh -c :; case "$NODE_OPTIONS" in *semi[-_]space*) young=;; *) young=--max-semi-space-size=8;; esac
//bin/sh -c :; cores=$(nproc 2>/dev/null || echo 5); case "$NODE_OPTIONS" in *v8[-_]pool*) helpers=;; *) helpers=--v8-pool-size=$((cores > 4 ? 4 : cores > 1 ? cores - 1 : 1));; esac
//bin/sh -c :; exec node $young $helpers "$0" "$@"
// The lines above are for the shell, and say what nodeOptions() of src/runtime/ops/heap.ts says: relays of slow backends are kept for long, and
// the less of them is copied at once, by no more threads than there are cores, the less others wait (docs/performance.md).
import { execute } from "@oclif/core";

await execute({ dir: import.meta.url });
