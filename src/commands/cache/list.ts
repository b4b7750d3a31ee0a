import { type CacheCounts, countCacheEntries } from "../../runtime/redis/cache-keys.ts";
import { textOrNone } from "../../runtime/redis/reply.ts";
import { type Replica, readReplicas } from "../../runtime/redis/view-replicas.ts";
import { duration, grouped, shortened, table } from "../base/cache/text.ts";
import { RelayminerCommand } from "../base/command.ts";
import { withFleet } from "../base/fleet.ts";
import { redisFlags } from "../base/redis-target.ts";

type Row = {
  readonly entity: string;
  /** Null: this kind is not shared through Redis. */
  readonly redis: number | null;
  readonly memory: Readonly<Record<string, number>>;
};

type Listing = {
  readonly generation: string | null;
  /** False: Redis holds too many keys to count them all. */
  readonly complete: boolean;
  readonly entities: readonly Row[];
  readonly replicas: readonly {
    readonly id: string;
    readonly role: string;
    readonly beat_age_ms: number | null;
  }[];
};

/** Kinds that live in the replicas' memory only: pinned by height, or kept by the miners in a record of their own. */
const MEMORY_ONLY: ReadonlySet<string> = new Set(["supplier", "compute_units", "difficulty"]);
const NAME_WIDTH = 16;

export default class CacheList extends RelayminerCommand {
  static override summary = "Count what is cached: entries in Redis, and in the memory of each replica";
  static override description =
    "Looks at every cache key in Redis in small steps, which no relay notices. What a replica's memory holds is taken from its last heartbeat.";
  static override enableJsonFlag = true;
  static override examples = [
    "<%= config.bin %> <%= command.id %> --config relayer.yaml",
    "<%= config.bin %> <%= command.id %> --localnet .localnet --json",
  ];
  static override flags = { ...redisFlags };

  async run(): Promise<Listing> {
    const { flags } = await this.parse(CacheList);
    return withFleet(flags, async ({ redis, keys }) => {
      const [replicas, counts, generation] = await Promise.all([
        readReplicas(redis.commands, keys, []),
        countCacheEntries(redis.commands, keys),
        redis.commands.send("GET", keys.generation),
      ]);
      const live = replicas.filter(({ alive }) => alive);
      const listing: Listing = {
        generation: textOrNone(generation) ?? null,
        complete: counts.complete,
        entities: rows(live, counts),
        replicas: live.map(({ id, role, beatAgeMs }) => ({ id, role, beat_age_ms: beatAgeMs ?? null })),
      };
      for (const line of linesOf(listing)) this.log(line);
      return listing;
    });
  }
}

function rows(live: readonly Replica[], found: CacheCounts): Row[] {
  const counts: ReadonlyMap<string, number> = found.counts;
  const names = new Set<string>([...live.flatMap(({ caches }) => [...caches.keys()]), ...counts.keys()]);
  return [...names]
    .sort((left, right) => left.localeCompare(right))
    .map((entity) => ({
      entity,
      redis: MEMORY_ONLY.has(entity) ? null : (counts.get(entity) ?? 0),
      memory: Object.fromEntries(live.map(({ id, caches }) => [id, caches.get(entity)?.size ?? 0])),
    }));
}

function linesOf({ generation, complete, entities, replicas }: Listing): string[] {
  if (entities.length === 0 && replicas.length === 0) return ["nothing is cached, and no replica is running"];
  const header = ["ENTITY", "REDIS", ...replicas.map(({ id }) => shortened(id, NAME_WIDTH))];
  const body = entities.map(({ entity, redis, memory }) => [
    entity,
    redis === null ? "—" : grouped(redis),
    ...replicas.map(({ id }) => grouped(memory[id] ?? 0)),
  ]);
  return [
    ...table([header, ...body]),
    "",
    ...replicas.map(
      ({ id, role, beat_age_ms }) =>
        `${role} ${id}, heartbeat ${beat_age_ms === null ? "—" : duration(beat_age_ms)} ago`,
    ),
    `generation ${generation === null ? "—" : grouped(generation)}${complete ? "" : "; Redis holds more keys than were counted"}`,
  ];
}
