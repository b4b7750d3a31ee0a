import { setTimeout as sleep } from "node:timers/promises";
import { openRedis } from "../../src/runtime/redis/connect.ts";
import { bytesOf, listOf } from "../../src/runtime/redis/reply.ts";
import { type Network, quiet } from "./network.ts";

/** The protobuf messages in a supplier's relay stream, the network's first one's; waits a little until there are `atLeast`. */
export async function streamEntries(
  network: Network,
  atLeast: number,
  supplier: string = network.supplier.address,
): Promise<Uint8Array[]> {
  const redis = await openRedis({ url: network.redis.url, logger: quiet, role: "test" });
  try {
    for (let attempt = 0; ; attempt++) {
      const reply = listOf(await redis.commands.send("XRANGE", `ha:relays:${supplier}`, "-", "+"));
      if (reply.length >= atLeast || attempt === 200)
        return reply.map((entry) => bytesOf(listOf(listOf(entry)[1])[1]));
      await sleep(50);
    }
  } finally {
    await redis.close();
  }
}
