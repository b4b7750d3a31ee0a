import type { Clock } from "../../base/clock.ts";
import type { CloseStack } from "../../base/close-stack.ts";
import type { Logger } from "../../base/logger.ts";
import { ecdsaName } from "../../chain/protocol/ecdsa.ts";
import type { RelayerConfig } from "../config/relayer.ts";
import { LoopDelay } from "./loop-delay.ts";
import { observe, type RelayerMetrics } from "./metrics.ts";
import { openVerifyPool } from "./verify-pool/open.ts";
import type { VerifyPool } from "./verify-pool/pool.ts";

type Given = {
  readonly settings: RelayerConfig["relay"];
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: RelayerMetrics;
  readonly owned: CloseStack;
};

/** Opens the pool that verifies ring signatures, and shows it, and the delay of the event loop that it relieves, in the metrics. */
export function openVerification({ settings, logger, clock, metrics, owned }: Given): VerifyPool {
  const { pool, verifiers } = openVerifyPool({ settings, logger, clock, metrics: metrics.verification });
  logger.info(
    { verifier: verifiers.name, signer: ecdsaName },
    "what verifies ring signatures and signs answers",
  );
  const loopDelay = owned.own(new LoopDelay());
  observe({
    registry: metrics.registry,
    verify: () => pool.figures(),
    loopDelay: () => loopDelay.read(),
    verifier: verifiers.name,
    signer: ecdsaName,
  });
  return owned.own(pool);
}
