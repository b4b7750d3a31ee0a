import { toError } from "../../base/errors.ts";
import type { OpenChainClient } from "../../chain/node/client.ts";
import { flatten } from "../../runtime/cache/flatten.ts";
import { type Copy, type Inspected, inspect } from "../../runtime/cache/inspect.ts";
import { readReplicas } from "../../runtime/redis/view-replicas.ts";
import { copyInWords } from "../base/cache/fresh.ts";
import { oneOfTheCache, targetOf } from "../base/cache/target.ts";
import { duration, grouped, readable } from "../base/cache/text.ts";
import { chainOf } from "../base/chain-target.ts";
import { RelayminerCommand } from "../base/command.ts";
import { withFleet } from "../base/fleet.ts";
import { redisFlags } from "../base/redis-target.ts";

const ALLOWED = ["app", "service", "supplier", "params"] as const;

export default class CacheShow extends RelayminerCommand {
  static override summary =
    "Show how old one cached thing is in every tier, and where it differs from the chain";
  static override description =
    "Give exactly one target. Ages in a replica's memory are those of its last heartbeat, which names the entries last used. The chain is asked when --config or --localnet tell where it is.";
  static override enableJsonFlag = true;
  static override examples = [
    "<%= config.bin %> <%= command.id %> --app pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4 --config relayer.yaml",
    "<%= config.bin %> <%= command.id %> --params --localnet .localnet",
  ];
  static override flags = { ...oneOfTheCache, ...redisFlags };

  async run() {
    const { flags } = await this.parse(CacheShow);
    const { entity, id } = targetOf(flags, ALLOWED);
    const client = chainOf(flags);
    try {
      return await withFleet(flags, async ({ redis, keys }) => {
        const replicas = await readReplicas(redis.commands, keys, []);
        const [found, block] = await Promise.all([
          inspect({ redis: redis.commands, keys, replicas, client, entity, id }),
          client && blockOf(client),
        ]);
        for (const line of linesOf(entity, found, block)) this.log(line);
        return {
          entity,
          key: id ?? null,
          block: typeof block === "bigint" ? String(block) : null,
          copies: found.map(jsonOf),
        };
      });
    } finally {
      await client?.close();
    }
  }
}

const blockOf = (client: OpenChainClient): Promise<bigint | string> =>
  client.status().then(
    ({ latestHeight }) => latestHeight,
    (thrown: unknown) => toError(thrown).message,
  );

const jsonOf = ({ kind, key, memory, shared, chain, differences }: Inspected) => ({
  kind,
  key,
  memory: memory.map(({ id, role, ageMs }) => ({
    id,
    role,
    ...(typeof ageMs === "number" ? { state: "held", age_ms: ageMs } : { state: ageMs }),
  })),
  redis: shared === undefined ? null : copyJson(shared),
  chain: chain === undefined ? null : copyJson(chain),
  differences: differences.map(({ field, shared: redis, chain: now }) => ({
    field,
    redis: redis ?? null,
    chain: now ?? null,
  })),
});

function copyJson(copy: Copy) {
  if (copy.state !== "held") return copy;
  const { ageMs, ttlMs, value } = copy;
  return {
    state: copy.state,
    ...(ageMs !== undefined && { age_ms: ageMs }),
    ...(ttlMs !== undefined && { ttl_ms: ttlMs }),
    value: Object.fromEntries(
      [...flatten(value)].map(([name, text]) => [name === "" ? "value" : name, text]),
    ),
  };
}

function linesOf(entity: string, found: readonly Inspected[], block: bigint | string | undefined): string[] {
  const id = found[0]?.key;
  const lines = [entity === "params" ? "params" : `${entity} ${id ?? ""}`];
  for (const one of found) lines.push(...copyLines(one));
  if (block === undefined) lines.push("  chain not asked: give --config or --localnet");
  else lines.push(typeof block === "bigint" ? `  chain at block ${grouped(block)}` : `  chain: ${block}`);
  return lines;
}

function copyLines({ kind, memory, shared, chain, differences }: Inspected): string[] {
  const width = Math.max(8, ...memory.map(({ id, role }) => role.length + id.length + 1)) + 2;
  const line = (tier: string, text: string) => `    ${tier.padEnd(width)}${text}`;
  return [
    `  ${kind}`,
    ...memory.map(({ id, role, ageMs }) => line(`${role} ${id}`, memoryInWords(ageMs))),
    line("Redis", shared === undefined ? "— (in memory only)" : sharedInWords(kind, shared)),
    ...(chain === undefined ? [] : [line("chain", copyInWords(kind, chain))]),
    ...differences.map(({ field, shared: redis, chain: now }) =>
      line("▲ differs", `${field}: Redis ${words(redis)}, chain ${words(now)}`),
    ),
  ];
}

const words = (text: string | undefined): string => (text === undefined ? "not set" : readable(text));

const memoryInWords = (ageMs: number | "absent" | "unknown"): string =>
  typeof ageMs === "number"
    ? `${duration(ageMs)} old`
    : ageMs === "absent"
      ? "not there"
      : "— (not among the entries last used)";

function sharedInWords(kind: string, copy: Copy): string {
  if (copy.state !== "held") return copyInWords(kind, copy);
  const age = copy.ageMs === undefined ? "age unknown" : `${duration(copy.ageMs)} old`;
  const left = copy.ttlMs === undefined ? "kept until invalidated" : `${duration(copy.ttlMs)} left`;
  return `${age}, ${left}, ${copyInWords(kind, copy)}`;
}
