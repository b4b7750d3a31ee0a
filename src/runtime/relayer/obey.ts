import type { CloseStack } from "../../base/close-stack.ts";
import { AppError } from "../../base/errors.ts";
import type { Logger } from "../../base/logger.ts";
import { dropFromMemory, INVALIDATE_COMMAND, parseInvalidate } from "../cache/invalidation.ts";
import type { ChainAccess } from "../cache/open-chain.ts";
import type { RelayerConfig } from "../config/relayer.ts";
import { answerCommands } from "../redis/commands.ts";
import type { RedisConnections } from "../redis/connect.ts";
import type { Keys } from "../redis/keys.ts";
import type { JsonObject } from "../redis/own-json.ts";
import { obeyReload, RELOAD_COMMAND } from "../reload/command.ts";
import type { Reloads } from "../reload/reloads.ts";
import { DRAIN_COMMAND, type Draining } from "./draining.ts";
import type { Sessions } from "./sessions.ts";

type Given = {
  readonly redis: RedisConnections;
  readonly keys: Keys;
  readonly chain: ChainAccess;
  readonly sessions: Sessions;
  readonly reloads: Reloads<RelayerConfig>;
  readonly draining: Draining;
  readonly logger: Logger;
  readonly owned: CloseStack;
};

/** Does what operators ask over Redis, and answers under this process's id. */
export async function obeyCommands(
  id: string,
  { redis, keys, chain, sessions, reloads, draining, logger, owned }: Given,
): Promise<void> {
  const forget = (args: JsonObject) => {
    const { entity, id: entityId } = parseInvalidate(args);
    dropFromMemory(chain.data.caches, entity, entityId);
    sessions.forget(entity === "application" ? entityId : undefined);
    logger.info({ entity, id: entityId }, "cache invalidated by an operator");
    return undefined;
  };
  const leave = () => {
    logger.info({}, "an operator asks this relayer to drain");
    draining.ask();
    return undefined;
  };
  const close = await answerCommands({
    redis,
    keys,
    logger,
    id,
    role: "relayer",
    onCommand: async ({ name, args }) => {
      if (name === INVALIDATE_COMMAND) return forget(args);
      if (name === RELOAD_COMMAND) return obeyReload(reloads, args);
      if (name === DRAIN_COMMAND) return leave();
      throw new AppError("USAGE", "a relayer does not know this command", { command: name });
    },
  });
  owned.own({ close });
}
