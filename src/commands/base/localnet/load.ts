import type { Clock } from "../../../base/clock.ts";
import { AppError } from "../../../base/errors.ts";
import type { BlockStream } from "../../../chain/node/block-stream.ts";
import type { ChainClient } from "../../../chain/node/types.ts";
import { type GridParams, type SessionSpan, sessionAt } from "../../../chain/protocol/session-grid.ts";
import { PublicKeys } from "../../../runtime/client/session.ts";
import { type DemoClient, type DemoRelay, demoRelay, MAX_IN_FLIGHT, relayId } from "./demo-relay.ts";
import { type DemoSession, openSessionsAt } from "./demo-sessions.ts";
import { type Plan, SENDING_PART } from "./plan.ts";
import type { Count, Tally } from "./tally.ts";
import { dueBy, pairOf, quota } from "./traffic.ts";
import { until } from "./until.ts";

export type Load = {
  readonly plan: Plan;
  readonly seed: number;
  readonly chain: ChainClient;
  readonly params: GridParams;
  readonly blocks: BlockStream;
  readonly client: DemoClient;
  readonly relayerUrl: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of every session that relays are sent in, and again and again while they are. */
  readonly onSession: (span: SessionSpan, ordinal: number) => void;
  readonly onProgress: () => void;
};

const PACE_MS = 5;
const RETRY_MS = 150;
/** Sessions beyond the wanted ones that may be used for relays that did not get through. */
const EXTRA_SESSIONS = 5;
/** A session that has just begun is used; otherwise the next one is waited for. */
const LATE_PART = 0.15;

/**
 * Sends `relays` distinct relays over `sessions` sessions, evenly over services and suppliers; those that stay without an answer are
 * made up for in the next session. Throws AppError LOCALNET_FAILED when they cannot be brought through, and the signal's reason.
 */
export async function sendRelays(
  load: Load,
  tally: Tally,
  { relays, sessions }: { readonly relays: number; readonly sessions: number },
): Promise<void> {
  const sender = new Sender(load);
  for (let session = 0; tally.answered < relays; session++) {
    if (session >= sessions + EXTRA_SESSIONS)
      throw new AppError("LOCALNET_FAILED", `Only ${tally.answered} of ${relays} relays were answered`, {
        why: [...tally.refused].map(([reason, times]) => `${times} × ${reason}`).join("; "),
      });
    const span = await nextSession(load);
    load.onSession(span, session + 1);
    const count = quota(relays - tally.answered, sessions - session);
    await sender.send(span, count, SENDING_PART, tally);
  }
}

/** Sends `rps` relays a second until the signal aborts; `tallyOf` gives the tally of each session. */
export async function keepSending(load: Load, rps: number, tallyOf: () => Tally): Promise<void> {
  const sender = new Sender(load);
  const sessionMs = Number(load.plan.grid.sessionBlocks) * load.plan.blockTimeMs;
  for (let session = 1; !load.signal.aborted; session++) {
    const span = await nextSession(load);
    load.onSession(span, session);
    await sender.send(span, Math.max(1, Math.round((rps * sessionMs * WHOLE) / 1000)), WHOLE, tallyOf());
  }
}

/** Nearly all of a session: the last relays must not come after it. */
const WHOLE = 0.85;

const heightOf = ({ blocks }: Load): bigint => blocks.latest()?.height ?? 0n;

/** Waits for a session's beginning. */
async function nextSession(load: Load): Promise<SessionSpan> {
  const { params, plan, clock, signal } = load;
  const height = heightOf(load);
  const span = sessionAt(params, height);
  const late = BigInt(Math.floor(Number(plan.grid.sessionBlocks) * LATE_PART));
  if (height > 0n && height <= span.start + late) return span;
  const start = height === 0n ? 1n : span.end + 1n;
  const blocksToGo = Number(start - height) + 20;
  const withinMs = 10_000 + blocksToGo * plan.blockTimeMs * 3;
  const begun = await until({ clock, signal, withinMs, everyMs: 10 }, async () => {
    load.onProgress();
    return heightOf(load) >= start;
  });
  if (!begun)
    throw new AppError("LOCALNET_FAILED", "The chain makes no blocks", { height, waited_for: start });
  return sessionAt(params, heightOf(load));
}

/** Signs and sends; a number is given to each relay of the run, so that no two are the same. */
class Sender {
  readonly #load: Load;
  readonly #keys: PublicKeys;
  #number = 0;

  constructor(load: Load) {
    this.#load = load;
    this.#keys = new PublicKeys(load.chain);
  }

  /** Sends `count` relays, spread over that part of the session; ends when each is answered or given up. */
  async send(span: SessionSpan, count: number, part: number, tally: Tally): Promise<void> {
    const { plan, chain, clock, signal, onProgress } = this.#load;
    const sessions = await openSessionsAt(chain, this.#keys, plan, span.start);
    const begin = clock.monotonic();
    const passed = Number(heightOf(this.#load) - span.start) * plan.blockTimeMs;
    const total = Number(plan.grid.sessionBlocks) * plan.blockTimeMs * part - passed;
    const inFlight = new Set<Promise<void>>();
    for (let sent = 0; sent < count && heightOf(this.#load) < span.end; ) {
      signal.throwIfAborted();
      onProgress();
      const due = dueBy(clock.monotonic() - begin, total, count);
      while (sent < due && inFlight.size < MAX_IN_FLIGHT) {
        const delivery = this.#deliver(span, sessions, sent, tally).finally(() => inFlight.delete(delivery));
        inFlight.add(delivery);
        sent += 1;
        // Signing is work for this thread: the answers must be read in between.
        if (sent % 8 === 0) await nextTurn();
      }
      await clock.sleep(PACE_MS, signal);
    }
    await Promise.all(inFlight);
    onProgress();
  }

  async #deliver(
    span: SessionSpan,
    sessions: readonly DemoSession[],
    turn: number,
    tally: Tally,
  ): Promise<void> {
    const pair = pairOf(turn, sessions.length, this.#load.plan.suppliers.length);
    const session = sessions[pair.service];
    const supplier = session?.suppliers[pair.supplier % session.suppliers.length];
    if (session === undefined || supplier === undefined) return;
    const { service, address } = session.application;
    const count = tally.of(
      {
        application: address,
        service: service.id,
        sessionEnd: session.header.sessionEndBlockHeight,
        sessionId: session.header.sessionId,
      },
      supplier.address,
    );
    const id = relayId(this.#load.seed, this.#number++);
    await this.#bringThrough(
      demoRelay(session, { id, supplier, kind: service.kind, turn, url: this.#load.relayerUrl }),
      span,
      count,
      tally,
    );
  }

  /** Sends the same bytes until they are answered or the session is over: stored twice, they are still one leaf. */
  async #bringThrough(relay: DemoRelay, span: SessionSpan, count: Count, tally: Tally): Promise<void> {
    const { client, clock, signal } = this.#load;
    let maybeStored = false;
    while (!signal.aborted) {
      const sent = await client.send(relay);
      if (sent.kind === "answered") return tally.answer(count, sent.latencyMs);
      const { reason, maybeStored: stored, final } = sent.failure;
      tally.refuse(reason);
      maybeStored ||= stored;
      if (final || heightOf(this.#load) > span.end) break;
      await clock.sleep(RETRY_MS, signal);
    }
    if (maybeStored) count.uncertain += 1;
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
