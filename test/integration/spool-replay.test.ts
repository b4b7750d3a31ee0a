import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock as clock } from "../../src/base/clock.ts";
import { CloseStack } from "../../src/base/close-stack.ts";
import { encodeEntry, type RelayPublisher, relayPublisher } from "../../src/runtime/redis/relay-stream.ts";
import { relayerMetrics } from "../../src/runtime/relayer/metrics.ts";
import { Replay } from "../../src/runtime/relayer/spool/replay.ts";
import { SpoolFiles } from "../../src/runtime/relayer/spool/spool-files.ts";
import { mined, numbers, sessionOf } from "../kit/miner-world.ts";
import { testRedis } from "../kit/redis-fleet.ts";

const RELAYS = 200;
/** In the second batch: all of the first one is in Redis then, and counts as published. */
const CRASH_AT = 150;

test.each<[string, readonly string[]]>([
  ["that tells which process it is", []],
  ["that does not let the relayer ask", ["-info"]],
])(
  "a spool file that was half published when a Redis %s lost all it had is published once more",
  async (_, rights) => {
    const owned = new CloseStack();
    try {
      const own = owned.own(
        await testRedis(
          "--appendonly",
          "no",
          "--user",
          "default",
          "on",
          "nopass",
          "~*",
          "&*",
          "+@all",
          ...rights,
        ),
      );
      const directory = mkdtempSync(join(tmpdir(), "relayminer-replay-"));
      owned.own({ close: () => rmSync(directory, { recursive: true, force: true }) });
      const files = owned.own(await SpoolFiles.open({ directory, maxBytes: 1_048_576, clock }));
      const session = sessionOf("half");
      for (const number of numbers(RELAYS))
        await files.append(encodeEntry(mined(session, number), clock).data);

      const { redis, keys, logger } = own;
      const real = relayPublisher(redis.commands, keys, clock);
      let published = 0;
      const publisher: RelayPublisher = {
        publish: async (entry) => {
          published += 1;
          if (published === CRASH_AT) {
            await own.server.crash();
            await own.server.restart();
          }
          return real.publish(entry);
        },
      };
      const replay = new Replay({
        ...{ files, publisher, redis, clock, logger },
        isOver: async () => false,
        metrics: relayerMetrics(),
        isDirect: () => true,
      });
      const deadline = clock.monotonic() + 30_000;
      while (files.segments.length > 0 && clock.monotonic() < deadline) {
        await replay.round(() => undefined).catch(() => undefined);
        await clock.sleep(50);
      }
      expect(files.segments).toHaveLength(0);
      const left = await redis.commands.send("XRANGE", keys.stream(session.supplier), "-", "+");
      const distinct = new Set((left as [unknown, Buffer[]][]).map(([, fields]) => String(fields[1])));
      expect(distinct.size).toBe(RELAYS);
    } finally {
      await owned.close();
    }
  },
);
