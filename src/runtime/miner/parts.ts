import type { Clock } from "../../base/clock.ts";
import type { CloseStack } from "../../base/close-stack.ts";
import type { Logger } from "../../base/logger.ts";
import type { ChainAccess } from "../cache/open-chain.ts";
import type { MinerConfig } from "../config/miner.ts";
import type { PasswordSource } from "../keys/load-keys.ts";
import type { LogLevel } from "../ops/logger.ts";
import type { RedisConnections } from "../redis/connect.ts";
import type { Keys } from "../redis/keys.ts";
import type { RelayReader } from "../redis/relay-reader.ts";
import type { HeldKeys } from "./held-keys.ts";
import type { MinerMetrics } from "./metrics.ts";
import type { SupplierWorker } from "./worker.ts";

export type StartMiner = {
  readonly config: MinerConfig;
  readonly version: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** For a keyring whose password is in no file. */
  readonly passwords?: PasswordSource;
  /** Reads and checks the configuration again, for a reload. */
  readonly reread?: () => MinerConfig;
  readonly setLogLevel?: (level: LogLevel) => void;
  /** Ends a start that waits for Redis: it throws what it waited for. */
  readonly stop?: AbortSignal;
};

/** What the parts share; opened first, closed last. */
export type Parts = StartMiner & {
  readonly id: string;
  readonly owned: CloseStack;
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly keyRing: HeldKeys;
  readonly chain: ChainAccess;
  readonly reader: RelayReader;
  readonly metrics: MinerMetrics;
  readonly workers: Map<string, SupplierWorker>;
  readonly height: () => bigint;
};
