import type { EndpointView, FleetView, RelayFigures, ReplicaView } from "../../runtime/ops/view.ts";
import { type Line, line, type Span } from "../line.ts";
import type { Cell, Column } from "../table.ts";
import { bytes, count, decimal, duration, sparkline, UNKNOWN } from "../text.ts";
import type { DetailFacts, Item, Screen } from "./screen.ts";
import { fact } from "./session-detail.ts";

const COLUMNS: readonly Column[] = [
  { title: "REPLICA", align: "left", min: 10, max: 40, drop: 0, cut: "middle" },
  { title: "ROLE", align: "left", min: 7, max: 12, drop: 0 },
  { title: "BEAT", align: "right", min: 6, max: 9, drop: 0 },
  { title: "HEIGHT", align: "right", min: 7, max: 12, drop: 0 },
  { title: "LAG", align: "right", min: 3, max: 8, drop: 0 },
  { title: "REL/S", align: "right", min: 5, max: 8, drop: 0 },
  { title: "P50 MS", align: "right", min: 6, max: 8, drop: 0 },
  { title: "P99 MS", align: "right", min: 6, max: 8, drop: 0 },
  { title: "REFUSED", align: "right", min: 7, max: 12, drop: 0 },
  { title: "IN WORK", align: "right", min: 7, max: 8, drop: 2 },
  { title: "MEMORY", align: "right", min: 6, max: 8, drop: 3 },
  { title: "UP", align: "right", min: 5, max: 8, drop: 4 },
  { title: "VERSION", align: "left", min: 7, max: 14, drop: 5 },
  { title: "LAST MINUTE", align: "left", min: 20, max: 60, drop: 6 },
];

/** A heartbeat is due every second. */
const LATE_MS = 4_000;
/** Blocks behind the others before it is worth a look. */
const LAG = 2n;

const optional = (value: number | undefined, shown: (value: number) => string): Cell =>
  value === undefined
    ? { text: UNKNOWN, tone: "muted", sort: undefined }
    : { text: shown(value), sort: value };

function itemOf(replica: ReplicaView, view: FleetView, history: readonly number[]): Item {
  const { id, role, version, host, height, lagBlocks, rssBytes, startedAt } = replica;
  // Rates of a process that is gone are no rates.
  const relays = replica.alive ? replica.relays : undefined;
  const refused = relays && refusedOf(relays);
  const isBehind = lagBlocks !== undefined && lagBlocks > LAG;
  return {
    key: id,
    words: `${id} ${role} ${host} ${version} ${Object.keys(relays?.refused ?? {}).join(" ")}`,
    isOver: false,
    cells: [
      { text: id },
      { text: replica.isLeader ? "leader" : role },
      beatCell(replica),
      { text: count(height), sort: height },
      {
        text: isBehind ? `▲ ${count(lagBlocks)}` : count(lagBlocks),
        sort: lagBlocks,
        tone: isBehind ? "warn" : "plain",
      },
      optional(relays?.perSecond, decimal),
      optional(relays?.p50Ms, decimal),
      optional(relays?.p99Ms, decimal),
      optional(refused, count),
      optional(relays?.inFlight, count),
      optional(rssBytes, bytes),
      optional(startedAt === undefined ? undefined : view.readAt - startedAt, duration),
      { text: version },
      { text: relays === undefined ? "" : sparkline(history, 60) },
    ],
  };
}

function beatCell({ alive, beatAgeMs }: ReplicaView): Cell {
  if (!alive) return { text: "✖ gone", tone: "bad", sort: Number.MAX_SAFE_INTEGER };
  const isLate = beatAgeMs !== undefined && beatAgeMs > LATE_MS;
  return {
    text: isLate ? `▲ ${duration(beatAgeMs)}` : duration(beatAgeMs),
    sort: beatAgeMs,
    tone: isLate ? "warn" : "plain",
  };
}

const refusedOf = ({ refused }: RelayFigures): number =>
  Object.values(refused).reduce((sum, times) => sum + times, 0);

const refusals = (replicas: readonly ReplicaView[]): readonly (readonly [string, number])[] => {
  const sums = new Map<string, number>();
  for (const { relays } of replicas)
    for (const [reason, times] of Object.entries(relays?.refused ?? {}))
      sums.set(reason, (sums.get(reason) ?? 0) + times);
  return [...sums].sort(([, left], [, right]) => right - left);
};

function summary({ replicas }: FleetView): Line {
  const all = replicas.value;
  const gone = all.filter(({ alive }) => !alive).length;
  const reasons = refusals(all)
    .slice(0, 6)
    .map(([reason, times]) => `${reason} ${count(times)}`);
  const spans: (Span | string)[] = [`refused since start: ${reasons.join(", ") || "none"}`];
  if (gone > 0) spans.unshift({ text: `✖ ${count(gone)} gone without a goodbye · `, tone: "bad" });
  return line(...spans);
}

function detail(key: string, { view, history, width }: DetailFacts): readonly Line[] {
  const replica = view.replicas.value.find(({ id }) => id === key);
  if (replica === undefined) return [line("this replica has said goodbye")];
  const { id, role, host, pid, version, alive, beatAgeMs, height, heightAgeMs, lagBlocks, relays } = replica;
  const { startedAt, suppliers, services, endpoints, rssBytes, isLeader } = replica;
  return [
    fact("replica", `${id} (${role}${isLeader ? ", leader" : ""})`),
    fact("process", `pid ${pid ?? UNKNOWN} on ${host}, version ${version}, ${bytes(rssBytes)} of memory`),
    fact("up", startedAt === undefined ? UNKNOWN : duration(view.readAt - startedAt)),
    alive
      ? fact("heartbeat", `${duration(beatAgeMs)} ago`)
      : fact("heartbeat", "none for 10 s: it ended without a goodbye, or cannot reach Redis", "bad"),
    fact(
      "height",
      `${count(height)}, ${count(lagBlocks)} behind, grew ${heightAgeMs === undefined ? UNKNOWN : `${duration(heightAgeMs)} ago`}`,
    ),
    ...(relays === undefined ? [] : relayLines(relays, history[id] ?? [], width)),
    fact("suppliers", suppliers.join(" ") || "none"),
    ...(services.length === 0 ? [] : [fact("services", services.join(" "))]),
    ...endpointLines(endpoints),
  ];
}

/** How many endpoints are up, and every one that is not. */
function endpointLines(endpoints: readonly EndpointView[]): readonly Line[] {
  if (endpoints.length === 0) return [];
  const others = endpoints.filter(({ state }) => state !== "up");
  const up = endpoints.length - others.length;
  return [
    fact("endpoints", `${count(up)} of ${count(endpoints.length)} up`, others.length > 0 ? "bad" : undefined),
    ...others.map(({ service, rpcType, name, state }) =>
      fact("", `${service} ${rpcType}: ${name} is ${state}`, "bad"),
    ),
  ];
}

function relayLines(relays: RelayFigures, samples: readonly number[], width: number): readonly Line[] {
  const { perSecond, served, inFlight, p50Ms, p99Ms, refused } = relays;
  const reasons = Object.entries(refused).sort(([, left], [, right]) => right - left);
  const shown = samples.slice(-60);
  return [
    fact("relays", `${decimal(perSecond)} a second, ${count(served)} served, ${count(inFlight)} in work`),
    ...(shown.length > 1
      ? [
          fact(
            "",
            `${sparkline(shown, Math.max(8, width - 40))}  ${decimal(Math.min(...shown))} to ${decimal(Math.max(...shown))}`,
          ),
        ]
      : []),
    fact("latency", `p50 ${decimal(p50Ms)} ms, p99 ${decimal(p99Ms)} ms of its last relays`),
    ...(reasons.length === 0 ? [fact("refused", "none")] : []),
    ...reasons.map(([reason, times], index) =>
      fact(index === 0 ? "refused" : "", `${reason.padEnd(28)} ${count(times).padStart(10)}`),
    ),
  ];
}

export const fleetScreen: Screen = {
  id: "fleet",
  name: "Fleet",
  noun: "replicas",
  columns: () => COLUMNS,
  items: (view, history) =>
    view.replicas.value.map((replica) => itemOf(replica, view, history[replica.id] ?? [])),
  sortedBy: { index: 1, descending: false },
  section: ({ replicas }) => replicas,
  summary,
  empty: "no replica beats: none runs with this Redis and namespace",
  detail,
  legend: [
    line("BEAT age of the heartbeat; LAG blocks behind the highest; REL/S in the last second"),
    line("P50 P99 of the last relays; REFUSED since the start, by reason under enter"),
  ],
};
