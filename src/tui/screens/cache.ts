import type {
  CacheView,
  FleetView,
  InvalidateTarget,
  ReplicaView,
  SharedCopy,
} from "../../runtime/ops/view.ts";
import { type Line, line, type Tone } from "../line.ts";
import type { Cell, Column } from "../table.ts";
import { count, duration, UNKNOWN } from "../text.ts";
import type { Item, Screen } from "./screen.ts";
import { fact } from "./session-detail.ts";

const FIXED: readonly Column[] = [
  { title: "ENTITY", align: "left", min: 13, max: 16, drop: 0 },
  { title: "KEY", align: "left", min: 13, max: 76, drop: 0, cut: "middle" },
  { title: "HELD BY", align: "right", min: 7, max: 7, drop: 0 },
  { title: "L1 OLDEST", align: "right", min: 9, max: 11, drop: 0 },
  { title: "L2 AGE", align: "right", min: 6, max: 8, drop: 0 },
  { title: "L2 TTL", align: "right", min: 6, max: 8, drop: 0 },
];

/** Kept back for the figures above; replicas beyond it share the column of the oldest age. */
const MAX_REPLICA_COLUMNS = 12;
const ABSENT = "·";

/** Relayers first: their memory decides whether a relay is served. */
const alive = ({ replicas }: FleetView): readonly ReplicaView[] => {
  const live = replicas.value.filter((replica) => replica.alive);
  return [...live.filter(({ role }) => role === "relayer"), ...live.filter(({ role }) => role !== "relayer")];
};

const columns = (view: FleetView): readonly Column[] => [
  ...FIXED,
  ...alive(view)
    .slice(0, MAX_REPLICA_COLUMNS)
    .map(
      ({ id }, index): Column => ({
        title: id,
        align: "right",
        min: 8,
        max: 22,
        drop: 1 + index,
        cut: "middle",
      }),
    ),
];

/** What an operator invalidates to be rid of an entry, in the words of `relayminer cache invalidate`. */
const TARGETS: Readonly<Record<string, (key: string) => InvalidateTarget>> = {
  application: (id) => ({ entity: "application", id }),
  account: (id) => ({ entity: "application", id }),
  service: (id) => ({ entity: "service", id }),
  supplier: (id) => ({ entity: "supplier", id }),
  // Sessions cannot be told apart by their id: all of them go.
  session: () => ({ entity: "session", id: undefined }),
};
const params = (): InvalidateTarget => ({ entity: "params", id: undefined });

/** The same value is due to be asked again long before this; older means that a replica does not follow. */
const STALE_MS = 180_000;
/** Values of a height never change: their age says nothing. */
const PINNED: ReadonlySet<string> = new Set(["session", "shared_params_at", "compute_units", "difficulty"]);
const LONG_LIVED: ReadonlySet<string> = new Set(["account"]);

/** What an operator most often comes to see stands first. */
const RANK = new Map(
  ["application", "service", "supplier", "shared_params"].map((entity, at) => [entity, at]),
);

function itemOf(entry: CacheView, replicas: readonly ReplicaView[]): Item {
  const { entity, key, memory, shared } = entry;
  const held = replicas.map(({ id }) => memory[id]).filter((age) => typeof age === "number");
  const oldest = held.length === 0 ? undefined : Math.max(...held);
  const copy = sharedCells(shared);
  return {
    key: `${entity} ${key}`,
    words: `${entity} ${key}`,
    isOver: PINNED.has(entity),
    target: (TARGETS[entity] ?? params)(key),
    cells: [
      { text: entity, sort: `${RANK.get(entity) ?? RANK.size} ${entity}` },
      { text: key },
      { text: `${held.length}/${replicas.length}`, sort: held.length },
      ageCell(oldest ?? "absent", entity),
      ...copy,
      ...replicas.slice(0, MAX_REPLICA_COLUMNS).map(({ id }) => ageCell(memory[id] ?? "absent", entity)),
    ],
  };
}

function ageCell(age: number | "absent" | "unknown", entity: string): Cell {
  if (age === "absent") return { text: ABSENT, tone: "muted", sort: undefined };
  if (age === "unknown") return { text: UNKNOWN, tone: "muted", sort: undefined };
  const isStale = age > STALE_MS && !PINNED.has(entity) && !LONG_LIVED.has(entity);
  return {
    text: isStale ? `▲ ${duration(age)}` : duration(age),
    sort: age,
    tone: isStale ? "warn" : "plain",
  };
}

function sharedCells(shared: SharedCopy): readonly [Cell, Cell] {
  const none: Cell = { text: shared.state === "none" ? "none" : ABSENT, tone: "muted", sort: undefined };
  if (shared.state !== "held") return [none, none];
  const { ageMs, ttlMs } = shared;
  return [
    { text: duration(ageMs), sort: ageMs },
    { text: ttlMs === undefined ? "for ever" : duration(ttlMs), sort: ttlMs },
  ];
}

function detail(key: string, view: FleetView): readonly Line[] {
  const entry = view.cache.value.entries.find((one) => `${one.entity} ${one.key}` === key);
  if (entry === undefined) return [line("no replica holds this entry any more")];
  const target = (TARGETS[entry.entity] ?? params)(entry.key);
  const { shared } = entry;
  return [
    fact("entity", entry.entity),
    fact("key", entry.key),
    fact("in Redis", SHARED_TEXT[shared.state] ?? ageAndTtl(shared)),
    ...alive(view).map(({ id, role }) => fact("in memory", `${role} ${id}: ${memoryText(entry.memory[id])}`)),
    fact(
      "i",
      `invalidates ${target.entity}${target.id === undefined ? " of the whole chain" : ` ${target.id}`}`,
    ),
  ];
}

const SHARED_TEXT: Readonly<Record<string, string>> = {
  none: "this kind of value is kept in memory only",
  absent: "not held",
};

const ageAndTtl = (shared: SharedCopy): string =>
  shared.state === "held"
    ? `age ${duration(shared.ageMs)}, ${shared.ttlMs === undefined ? "for ever" : `gone in ${duration(shared.ttlMs)}`}`
    : "";

function memoryText(age: number | "absent" | "unknown" | undefined): string {
  if (typeof age === "number") return `${duration(age)} old`;
  return age === "unknown" ? "not shown: its cache is larger than what it tells of it" : "not held";
}

export const cacheScreen: Screen = {
  id: "cache",
  name: "Cache",
  noun: "cached values",
  columns,
  items: (view) => view.cache.value.entries.map((entry) => itemOf(entry, alive(view))),
  sortedBy: { index: 0, descending: false },
  section: ({ cache }) => cache,
  scopes: { usual: "what can change", all: "what a height pins too" },
  summary: ({ cache }) => {
    const { entries, held, generation } = cache.value;
    const tone: Tone = "plain";
    return line({
      text: `${count(entries.length)} listed, ${count(held)} in the memories of all replicas · ${count(generation === undefined ? undefined : Number(generation))} invalidations so far`,
      tone,
    });
  },
  empty: "no replica holds a cached value",
  detail: (key, { view }) => detail(key, view),
  legend: [
    line("L1 is a replica's memory (one column each where there is room), L2 the copy in Redis"),
    line("AGE since the value was read from the chain or from Redis, TTL until Redis drops it"),
    line("· not held   — not known   none: this kind is not shared through Redis   ▲ older than 3 min"),
  ],
};
