import { LRUCache } from "lru-cache";
import { byObject } from "../../base/by-object.ts";
import type { Clock } from "../../base/clock.ts";
import { AppError } from "../../base/errors.ts";
import type { Application } from "../../chain/proto/application.ts";
import type { Session, SessionHeader } from "../../chain/proto/session.ts";
import { lastPaidHeight } from "../../chain/protocol/arrival.ts";
import { relayCost } from "../../chain/protocol/pricing.ts";
import type { PreparedRing } from "../../chain/protocol/ring/prepare.ts";
import { sessionWindows } from "../../chain/protocol/session-grid.ts";
import type { ChainData } from "../cache/chain-data.ts";
import type { Heights } from "./heights.ts";
import { Reject } from "./rejects.ts";
import { Rings } from "./rings.ts";
import { Slots } from "./slots.ts";

/** What every relay of a session needs, looked up once: no chain or Redis query on the path of a relay whose session is warm. */
export type PreparedSession = {
  readonly header: SessionHeader;
  readonly suppliers: ReadonlySet<string>;
  /** As the chain had it when it gave the session, so not before the session's start. */
  readonly application: Application;
  /** A relay that arrives later is refused: it would be served for nothing. */
  readonly lastHeight: bigint;
  /** From this height on the session's claim is made, and no further relay is part of it. */
  readonly claimOpen: bigint;
  /** Of the service at the session's start: the weight of a leaf. */
  readonly computeUnitsPerRelay: bigint;
  /** Mining difficulty at the session's start. */
  readonly target: Uint8Array;
  /** What one relay costs the application, in upokt (relay-path 7.1). */
  readonly cost: bigint;
};

type Dependencies = { readonly chain: ChainData; readonly clock: Clock; readonly heights: Heights };

const MAX_SESSIONS = 5_000;
/** Sessions that the chain did not confirm are asked for again no sooner than this. */
const REFUSED_FOR_MS = 500;
/** A client may be a block or two ahead of this relayer's node: wait a little rather than refuse. Further ahead is not worth a wait. */
const MAX_AHEAD = 2n;
const AHEAD_WAIT_MS = 3_000;
/** Chain lookups for sessions that are not warm, at once; strangers cannot make this relayer flood its node. */
const MAX_LOOKUPS = 128;
/** At a session's start all its applications come at once: a place in line rather than a refusal. */
const LOOKUP_WAIT_MS = 3_000;

export class Sessions {
  readonly #chain: ChainData;
  readonly #clock: Clock;
  readonly #heights: Heights;
  readonly #rings: Rings;
  readonly #lookups: Slots;
  readonly #prepared = new LRUCache<string, Promise<PreparedSession>>({ max: MAX_SESSIONS });
  /** By what the chain was asked, not by what a stranger may vary without asking again. */
  readonly #refused = new LRUCache<string, { until: number; reject: Reject }>({ max: MAX_SESSIONS });

  constructor({ chain, clock, heights }: Dependencies) {
    this.#chain = chain;
    this.#heights = heights;
    this.#clock = clock;
    this.#lookups = new Slots(MAX_LOOKUPS, clock);
    this.#rings = new Rings({ chain, clock });
  }

  /**
   * The session a request claims, if it is the chain's. Throws Reject: session_invalid when the chain says otherwise,
   * session_not_begun, session_expired, session_unknown when the chain cannot be asked (never read as "invalid"), overloaded.
   */
  prepare(header: SessionHeader): Promise<PreparedSession> {
    return this.#prepared.get(keyOf(header)) ?? this.#prepare(header);
  }

  async #prepare(header: SessionHeader): Promise<PreparedSession> {
    const key = keyOf(header);
    const refused = this.#refused.get(placeOf(header));
    if (refused && this.#clock.monotonic() < refused.until) throw refused.reject;
    const preparing = this.#lookUp(header);
    this.#prepared.set(key, preparing);
    try {
      return await preparing;
    } catch (thrown) {
      if (this.#prepared.peek(key) === preparing) this.#prepared.delete(key);
      throw thrown;
    }
  }

  /** The ring that may sign for this session. Throws Reject session_unknown, session_invalid. */
  ring = (session: PreparedSession): Promise<PreparedRing> => this.#rings.of(session);

  /**
   * After a signature that `tried` did not verify: the ring by what the chain says now, or undefined when that is no other.
   * Throws Reject session_unknown when the chain cannot be asked.
   */
  refreshedRing = (session: PreparedSession, tried: PreparedRing): Promise<PreparedRing | undefined> =>
    this.#rings.refreshed(session, tried);

  /** Forgets what was prepared for an application, or everything: the next relay looks again. */
  forget(application?: string): void {
    this.#refused.clear();
    this.#rings.forget(application);
    if (application === undefined) this.#prepared.clear();
    else
      for (const key of this.#prepared.keys())
        if (key.startsWith(`${application}|`)) this.#prepared.delete(key);
  }

  get size(): number {
    return this.#prepared.size;
  }

  /** Throws nothing but Reject: whoever else waits for this session gets the same answer. */
  async #lookUp(header: SessionHeader): Promise<PreparedSession> {
    await this.#awaitStart(header.sessionStartBlockHeight);
    if (!(await this.#lookups.take(LOOKUP_WAIT_MS)))
      throw new Reject("overloaded", "too many unknown sessions");
    try {
      return await this.#read(header);
    } catch (thrown) {
      const reject =
        thrown instanceof Reject ? thrown : new Reject("session_unknown", undefined, { cause: thrown });
      if (reject.code === "session_unknown") this.#refuse(header, reject);
      throw reject;
    } finally {
      this.#lookups.release();
    }
  }

  #refuse(header: SessionHeader, reject: Reject): void {
    this.#refused.set(placeOf(header), { until: this.#clock.monotonic() + REFUSED_FOR_MS, reject });
  }

  async #awaitStart(start: bigint): Promise<void> {
    const { current } = this.#heights;
    if (start <= current) return;
    if (start > current + MAX_AHEAD || !(await this.#heights.reached(start, AHEAD_WAIT_MS)))
      throw new Reject("session_not_begun");
  }

  async #read(header: SessionHeader): Promise<PreparedSession> {
    const { serviceId, sessionStartBlockHeight: start, sessionEndBlockHeight: end } = header;
    const session = await this.#chainsSession(header);
    requireSame(header, session.header);
    // Only now are the heights the chain's own: what is asked for a height is kept for good, so never ask for a stranger's.
    const [atStart, atEnd, computeUnitsPerRelay, difficulty] = await Promise.all([
      this.#chain.sharedParamsAt(start),
      this.#chain.sharedParamsAt(end),
      this.#chain.computeUnitsPerRelayAt(serviceId, start),
      this.#chain.difficultyAt(serviceId, start),
    ]);
    if (session.application === undefined)
      throw new AppError("CHAIN_BAD_ANSWER", "a session without application");
    return {
      header,
      suppliers: new Set(session.suppliers.map(({ operatorAddress }) => operatorAddress)),
      application: session.application,
      lastHeight: lastPaidHeight(end, atEnd),
      claimOpen: sessionWindows(atEnd, end).claimOpen,
      computeUnitsPerRelay,
      target: difficulty.targetHash,
      cost: relayCost(computeUnitsPerRelay, atStart),
    };
  }

  async #chainsSession(header: SessionHeader): Promise<Session> {
    const { applicationAddress, serviceId } = header;
    try {
      return await this.#chain.session(applicationAddress, serviceId, await this.#lookupHeight(header));
    } catch (thrown) {
      const reject = asReject(thrown);
      this.#refuse(header, reject);
      throw reject;
    }
  }

  /** While a session runs nothing but its start is needed; after it, the grace period of its end decides (relay-path 5.4). */
  async #lookupHeight(header: SessionHeader): Promise<bigint> {
    const { sessionStartBlockHeight: start, sessionEndBlockHeight: end } = header;
    const height = this.#heights.current;
    if (end >= height) return start;
    if (height > lastPaidHeight(end, await this.#chain.sharedParamsAt(end)))
      throw new Reject("session_expired");
    return end;
  }
}

const placeOf = (header: SessionHeader): string =>
  `${header.applicationAddress}|${header.serviceId}|${header.sessionStartBlockHeight}|${header.sessionEndBlockHeight}`;

/** Asked for with each relay, whose header is the same object for all of a session. */
const keyOf = byObject((header: SessionHeader): string => `${placeOf(header)}|${header.sessionId}`);

function requireSame(header: SessionHeader, chain: SessionHeader | undefined): void {
  const same =
    chain !== undefined &&
    chain.applicationAddress === header.applicationAddress &&
    chain.serviceId === header.serviceId &&
    chain.sessionId === header.sessionId &&
    chain.sessionStartBlockHeight === header.sessionStartBlockHeight &&
    chain.sessionEndBlockHeight === header.sessionEndBlockHeight;
  if (!same) throw new Reject("session_invalid");
}

/**
 * What GetSession says of a session that there is not. It has no status for that, all its refusals are code 6 or 18; a node that
 * lags refuses in other words (chain 3.2).
 */
const NO_SUCH_SESSION =
  /could not find app with address|not staked for service ID|could not find suppliers|is not active at height|invalid application address/;

/** Only the chain's own verdict is "invalid"; whatever kept us from hearing it is "unknown". */
function asReject(thrown: unknown): Reject {
  if (thrown instanceof Reject) return thrown;
  const isVerdict =
    thrown instanceof AppError &&
    thrown.code === "CHAIN_REFUSED" &&
    NO_SUCH_SESSION.test(String(thrown.fields["log"]));
  return new Reject(isVerdict ? "session_invalid" : "session_unknown", undefined, { cause: thrown });
}
