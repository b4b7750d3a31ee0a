import type { Clock } from "../../../base/clock.ts";
import type { BlockStream } from "../../../chain/node/block-stream.ts";
import { sessionAt, sessionWindows, type WindowParams } from "../../../chain/protocol/session-grid.ts";
import type { SessionRecord } from "../../../runtime/redis/session-record.ts";
import type { Sessions } from "../../../runtime/redis/sessions.ts";
import { type ChainFacts, isProofRequired } from "./chain-facts.ts";
import { highest } from "./highest.ts";
import type { Plan } from "./plan.ts";
import type { Row } from "./report.ts";
import type { Count, Tally } from "./tally.ts";
import { until } from "./until.ts";

type Options = {
  readonly plan: Plan;
  readonly tally: Tally;
  readonly facts: ChainFacts;
  /** The miner's own records. */
  readonly records: Pick<Sessions, "load">;
  readonly params: WindowParams;
  readonly blocks: BlockStream;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
};

/** Blocks after the due one in which a settlement is still waited for, and the time that slow machines get at least. */
const SLACK_BLOCKS = 12n;
const SLACK_MS = 20_000;

/** Waits until the chain and the miner both say of every session with answered relays how it ended; gives up some blocks after that was due. */
export async function untilSettled(options: Options): Promise<void> {
  const { plan, tally, params, clock, signal } = options;
  const counts = tally.counts();
  const lastEnd = highest(counts.map(({ sessionEnd }) => sessionEnd));
  if (counts.length === 0) return;
  const due = sessionWindows(params, lastEnd).settle + SLACK_BLOCKS;
  const blocksToGo = Number(due - (options.blocks.latest()?.height ?? 0n));
  const withinMs = SLACK_MS + Math.max(0, blocksToGo) * plan.blockTimeMs;
  await until({ clock, signal, withinMs, everyMs: 100 }, async () => {
    options.onProgress();
    const ended = await Promise.all(counts.map((count) => hasEnded(count, options)));
    return ended.every(Boolean);
  });
}

async function hasEnded(count: Count, { facts, records }: Options): Promise<boolean> {
  const { settled, unpaid } = facts.of(count);
  if (settled === undefined && unpaid === undefined) return count.answered === 0;
  const record = await records.load(count.supplier, count.sessionId);
  return record?.settlementOutcome !== undefined;
}

/** One row for each supplier and session that relays were sent to, by session, service and supplier. */
export async function rowsOf(options: Options): Promise<Row[]> {
  const rows = await Promise.all(
    options.tally.counts().map(async (count) => {
      const record = await options.records.load(count.supplier, count.sessionId);
      return rowOf(count, record, options);
    }),
  );
  return rows.sort(
    (left, right) =>
      Number(left.sessionEnd - right.sessionEnd) ||
      left.service.localeCompare(right.service) ||
      left.supplier.localeCompare(right.supplier),
  );
}

function rowOf(count: Count, record: SessionRecord | undefined, { plan, facts, params }: Options): Row {
  const told = facts.of(count);
  const { claimedRelays, claimedUpokt, proofVerified, proofFailure, settled, unpaid } = told;
  const service = plan.services.find(({ id }) => id === count.service);
  return {
    session: sessionAt(params, count.sessionEnd).number,
    sessionEnd: count.sessionEnd,
    service: count.service,
    computeUnitsPerRelay: service?.computeUnitsPerRelay ?? 0n,
    supplier: count.supplier,
    answered: BigInt(count.answered),
    uncertain: BigInt(count.uncertain),
    leaves: record?.relayCount ?? 0n,
    claimedRelays,
    claimedUpokt,
    proofRequired: isProofRequired(told),
    proofVerified,
    settledRelays: settled?.relays ?? 0n,
    settledUpokt: settled?.upokt ?? 0n,
    state: record?.state ?? "unknown to the miner",
    trouble: unpaid ?? (proofFailure === undefined ? undefined : `proof: ${proofFailure}`),
  };
}
