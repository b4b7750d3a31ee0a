import type { ReactElement } from "react";
import type { FleetView } from "../../runtime/ops/view.ts";
import { type Line, line, spread } from "../line.ts";
import { bytes, count, cutMiddle, duration, UNKNOWN } from "../text.ts";
import { Lines } from "./lines.tsx";

type Props = { readonly view: FleetView | undefined; readonly now: number; readonly width: number };

/** Three blocks without one more is worth a look. */
const SLOW_BLOCKS = 3;
/** From this width on there is room for what is nice to know. */
const ROOMY = 100;

/** What is true of the whole fleet: chain, leader, Redis. */
export function Header({ view, now, width }: Props): ReactElement {
  const left: Line = [
    { text: " relayminer  ", bold: true },
    ...(view === undefined ? [] : chainSpans(view, now, width)),
  ];
  const right = view === undefined ? line("reading Redis … ") : fleetSpans(view, now);
  return <Lines lines={[spread(left, right, width)]} width={width} />;
}

function chainSpans({ chain, readAt }: FleetView, now: number, width: number): Line {
  const { height, blockAgeMs, blockMs } = chain;
  if (height === undefined) return line({ text: "▲ height unknown: no replica tells one", tone: "warn" });
  const age = blockAgeMs === undefined ? undefined : blockAgeMs + Math.max(0, now - readAt);
  const isSlow = age !== undefined && blockMs !== undefined && age > SLOW_BLOCKS * Math.max(blockMs, 1_000);
  const every = blockMs === undefined || width < ROOMY ? "" : `, one in ${duration(blockMs)}`;
  return line(
    `block ${count(height)} · `,
    isSlow ? { text: `▲ ${duration(age)} ago`, tone: "warn" } : `${duration(age)} ago`,
    every,
  );
}

/** Without Redis nothing is known of a leader. */
const fleetSpans = (view: FleetView, now: number): Line =>
  view.redis.problem === undefined ? [...leaderSpans(view), ...redisSpans(view, now)] : redisSpans(view, now);

function leaderSpans({ leader }: FleetView): Line {
  const { owner, epoch } = leader.value;
  if (leader.readAt === undefined) return line("leader not known · ");
  if (owner === undefined) return line({ text: "✖ no leader", tone: "bad" }, " · ");
  return line(`leader ${cutMiddle(owner, 24)} e${epoch ?? UNKNOWN} · `);
}

function redisSpans({ redis }: FleetView, now: number): Line {
  const { value, readAt, problem } = redis;
  if (problem !== undefined) {
    const since = readAt === undefined ? "never answered" : `silent for ${duration(now - readAt)}`;
    return line({ text: `✖ redis ${since} `, tone: "bad" });
  }
  if (value === undefined) return line("redis not known ");
  const size =
    value.maxBytes > 0 ? `${bytes(value.usedBytes)}/${bytes(value.maxBytes)}` : bytes(value.usedBytes);
  const durable = value.appendOnly && value.lastWriteOk;
  if (durable && value.warnings.length === 0) return line(`redis ${size} aof ok `);
  const what = value.appendOnly ? (value.lastWriteOk ? "evicts keys" : "aof fails") : "no aof";
  return line(`redis ${size} `, { text: `▲ ${what} `, tone: "warn" });
}
