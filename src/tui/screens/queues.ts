import type { FleetView, QueueView } from "../../runtime/ops/view.ts";
import { type Line, line, type Tone } from "../line.ts";
import type { Cell, Column } from "../table.ts";
import { count, duration, UNKNOWN } from "../text.ts";
import type { Item, Screen } from "./screen.ts";
import { fact } from "./session-detail.ts";

const COLUMNS: readonly Column[] = [
  { title: "SUPPLIER", align: "left", min: 13, max: 43, drop: 0, cut: "middle" },
  { title: "STREAM", align: "right", min: 6, max: 12, drop: 0 },
  { title: "PENDING", align: "right", min: 7, max: 12, drop: 0 },
  { title: "OLDEST", align: "right", min: 6, max: 9, drop: 0 },
  { title: "DEAD", align: "right", min: 4, max: 9, drop: 0 },
  { title: "CLAIMS", align: "right", min: 6, max: 8, drop: 0 },
  { title: "PROOFS", align: "right", min: 6, max: 8, drop: 0 },
  { title: "OWNER", align: "left", min: 8, max: 32, drop: 0, cut: "middle" },
  { title: "EPOCH", align: "right", min: 5, max: 8, drop: 2 },
  { title: "LEASE", align: "right", min: 5, max: 8, drop: 1 },
];
const OLDEST = 3;

/** Relays older than this in a stream are not keeping up with the blocks. */
const OLD_MS = 10_000;

const numberCell = (value: number | undefined, tone: Tone = "plain"): Cell => ({
  text: count(value),
  sort: value,
  tone: value === undefined ? "muted" : tone,
});

const warnAbove = (value: number | undefined): Tone => (value !== undefined && value > 0 ? "warn" : "plain");

function itemOf(queue: QueueView): Item {
  const { supplier, length, pending, oldestAgeMs, deadLetters, claimsWaiting, proofsWaiting } = queue;
  const { owner, epoch, leaseMsLeft } = queue;
  const isOld = oldestAgeMs !== undefined && oldestAgeMs > OLD_MS;
  const oldest = oldestAgeMs === undefined && length === 0 ? "empty" : duration(oldestAgeMs);
  return {
    key: supplier,
    words: `${supplier} ${owner ?? "nobody"} ${queue.problem ?? ""}`,
    isOver: false,
    cells: [
      { text: supplier },
      numberCell(length),
      numberCell(pending),
      { text: isOld ? `▲ ${oldest}` : oldest, sort: oldestAgeMs, tone: isOld ? "warn" : "plain" },
      { ...numberCell(deadLetters, deadLetters === 0 ? "plain" : "bad"), text: deadText(deadLetters) },
      numberCell(claimsWaiting, warnAbove(claimsWaiting)),
      numberCell(proofsWaiting, warnAbove(proofsWaiting)),
      owner === undefined ? { text: "✖ nobody", tone: "bad" } : { text: owner },
      { text: epoch ?? UNKNOWN, sort: epoch === undefined ? undefined : Number(epoch) },
      { text: duration(leaseMsLeft), sort: leaseMsLeft },
    ],
  };
}

const deadText = (deadLetters: number | undefined): string =>
  deadLetters !== undefined && deadLetters > 0 ? `✖ ${count(deadLetters)}` : count(deadLetters);

const sumOf = (values: readonly (number | undefined)[]): number | undefined =>
  values.every((value) => value !== undefined)
    ? values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
    : undefined;

function summary({ queues }: FleetView): Line {
  const all = queues.value;
  const free = all.filter(({ owner }) => owner === undefined).length;
  return line(
    `${count(sumOf(all.map(({ length }) => length)))} in all streams, ${count(sumOf(all.map(({ pending }) => pending)))} of them pending`,
    ...(free > 0 ? [{ text: ` · ✖ ${count(free)} without a miner`, tone: "bad" } as const] : []),
  );
}

function detail(key: string, view: FleetView): readonly Line[] {
  const queue = view.queues.value.find(({ supplier }) => supplier === key);
  if (queue === undefined) return [line("this supplier is no longer there")];
  const own = view.sessions.value.sessions.filter(({ supplier }) => supplier === key);
  const states = new Map<string, number>();
  for (const { state } of own) states.set(state, (states.get(state) ?? 0) + 1);
  const { length, pending, oldestAgeMs, owner, epoch, leaseMsLeft, problem } = queue;
  return [
    fact("supplier", queue.supplier),
    fact("stream", `${count(length)} entries, ${count(pending)} read and not applied`),
    fact("oldest", length === 0 ? "the stream is empty" : duration(oldestAgeMs)),
    fact("dead", `${count(queue.deadLetters)} entries that can never be applied`),
    fact("waiting", `${count(queue.claimsWaiting)} claims, ${count(queue.proofsWaiting)} proofs to send`),
    owner === undefined
      ? fact("owner", "no miner holds the lease: nothing is applied, claimed or proven", "bad")
      : fact(
          "owner",
          `${owner}, epoch ${epoch ?? UNKNOWN}, lease ends in ${duration(leaseMsLeft)} unless renewed`,
        ),
    fact("sessions", [...states].map(([state, times]) => `${state} ${times}`).join(", ") || "none"),
    ...(problem === undefined ? [] : [fact("problem", problem, "bad")]),
  ];
}

export const queuesScreen: Screen = {
  id: "queues",
  name: "Queues",
  noun: "suppliers",
  columns: () => COLUMNS,
  items: ({ queues }) => queues.value.map(itemOf),
  sortedBy: { index: OLDEST, descending: true },
  section: ({ queues }) => queues,
  summary,
  empty: "no supplier is registered: no miner has started with this Redis and namespace",
  detail: (key, { view }) => detail(key, view),
  legend: [
    line("STREAM entries that relayers stored; PENDING those that a miner has read and not yet applied"),
    line("OLDEST age of the oldest entry; DEAD entries that can never be applied, kept for a look"),
    line("CLAIMS PROOFS to be sent in the window that is open; LEASE until it ends unless renewed"),
  ],
};
